"""Make the training config of an update out of the base's own config.

Input: the base, `configs/update.cfg`, and the account of `preprocess` with the
labels that were annotated. Output: a config for `spacy train`.

    python -m scripts.configure training/base configs/update.cfg \
        corpus/preprocess.json training/update.cfg --train corpus/update/train.spacy \
        --dev corpus/update/dev.spacy --rehearsal corpus/rehearsal --log log.jsonl
"""

from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.language import Language
from thinc.api import Config
from wasabi import msg

from scripts.command import run
from scripts.files import read_docs, written_whole
from scripts.listeners import feeders_of_ner


def make_config(
    nlp: Language, base_dir: str, settings: Config, labels: list[str], n_words: int
) -> Config:
    """Make the training config of an update.

    Args:
        nlp: The base pipeline.
        base_dir: The path it was loaded from.
        settings: What an update sets, over the base's config.
        labels: The labels that were annotated.
        n_words: Words in the annotated docs.

    Returns:
        The config, for `spacy train`.
    """
    config = nlp.config.copy()

    # The NER gets its own copy of a shared tok2vec: updated in place, it would
    # change what the frozen components see.
    feeders = feeders_of_ner(nlp)
    orphans = [name for name, listeners in feeders.items() if listeners == ["ner"]]
    pipeline = [name for name in config["nlp"]["pipeline"] if name not in orphans]
    config["nlp"]["pipeline"] = pipeline
    config["nlp"]["disabled"] = [n for n in config["nlp"]["disabled"] if n in pipeline]
    config["components"] = {name: {"source": base_dir} for name in pipeline}
    if feeders:
        config["components"]["ner"]["replace_listeners"] = ["model.tok2vec"]

    # Settings of the base's own training say nothing of an update.
    defaults = spacy.blank(nlp.lang).config
    for section in ("corpora", "training", "initialize"):
        config[section] = defaults[section]
    config["training"]["frozen_components"] = [n for n in pipeline if n != "ner"]

    # A score counts, unless it is set to nothing: those of frozen components, and F
    # over old and new together.
    config["training"]["score_weights"] = {
        score: None if weight is None else 0.0
        for name in pipeline
        for score, weight in nlp.get_pipe_meta(name).default_score_weights.items()
    }

    # Lookups and vectors come with the vocab.
    config["initialize"]["before_init"] = {
        "@callbacks": "spacy.copy_from_base_model.v1",
        "tokenizer": base_dir,
        "vocab": base_dir,
    }
    config["initialize"]["after_init"] = {
        "@callbacks": "ner_update.prepare_ner.v1",
        "labels": labels,
    }
    config = Config(config).merge(settings)

    max_steps, batch_words = budget(n_words, settings)
    config["training"]["max_steps"] = max_steps
    config["training"]["optimizer"]["learn_rate"]["total_steps"] = max_steps
    config["training"]["batcher"]["size"] = batch_words
    config.pop("update")
    return config


def budget(n_words: int, settings: Config) -> tuple[int, int]:
    """Say how long to train.

    Args:
        n_words: Words in the annotated docs.
        settings: What an update sets.

    Returns:
        The number of steps, and the words in each batch.
    """
    update = settings["update"]
    ratio = settings["corpora"]["train"]["ratio"]
    total = round(update["passes"] * n_words * (1 + ratio))
    max_steps = max(update["min_steps"], total // update["max_batch_words"])
    return max_steps, max(update["min_batch_words"], total // max_steps)


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to be updated.")],
    settings_path: Annotated[Path, typer.Argument(help="What an update sets.")],
    account_path: Annotated[Path, typer.Argument(help="What preprocess counted.")],
    output_path: Annotated[Path, typer.Argument(help="The config to write.")],
    train: Annotated[Path, typer.Option(help="Completed annotations.")],
    dev: Annotated[str, typer.Option(help="Docs to choose the model by.")],
    rehearsal: Annotated[str, typer.Option(help="Docs that the base annotated.")],
    log: Annotated[str, typer.Option(help="JSON Lines that training writes.")],
    seed: Annotated[int, typer.Option(help="Seed of training.")] = 0,
) -> None:
    """Make the training config of an update out of the base's own config."""
    nlp = spacy.load(base_dir)
    labels = srsly.read_json(account_path)["labels"]
    paths = {"train": str(train), "dev": dev, "rehearsal": rehearsal, "log": log}
    overrides = {f"paths.{name}": path for name, path in paths.items()}
    settings = Config().from_disk(
        settings_path, overrides={**overrides, "system.seed": seed}
    )
    n_words = sum(len(doc) for doc in read_docs(train, nlp.vocab))
    config = make_config(nlp, str(base_dir), settings, labels, n_words)
    with written_whole(output_path) as beside:
        config.to_disk(beside)
    frozen = ", ".join(config["training"]["frozen_components"]) or "nothing"
    training = config["training"]
    msg.good(
        f"Updates ner with {', '.join(labels)} in {training['max_steps']} steps of "
        f"{training['batcher']['size']} words, freezes {frozen}: {output_path}"
    )


if __name__ == "__main__":
    run(main)
