"""Write the training config of an update.

Input: the base, `configs/update.cfg`, the account of `preprocess` with the labels that
were annotated, and the annotations. Output: a config for `spacy train`.

    python -m scripts.configure training/base configs/update.cfg \
        corpus/preprocess.json training/update.cfg --train corpus/update/train \
        --dev corpus/update/dev --rehearsal corpus/chosen --log training/log.jsonl
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from thinc.api import Config
from wasabi import msg

from scripts.command import run
from scripts.components import kind_of, listened_to
from scripts.docs import count_words
from scripts.files import written_whole

RATIO, SPECIALIST = "corpora.train.ratio", "corpora.train.specialist"
# What a specialist is trained with: the annotations alone.
ALONE = {RATIO: 0.0, SPECIALIST: False}
# Sections of the settings that apply to some annotations only.
CASES = ("corrections", "new_types")


def case_of(settings: Config, new_labels: Collection[str], n_words: int) -> str:
    """Name the section of the settings that applies to these annotations, if any.

    Corrections are few, and all of labels that the base knows. A new label has settings
    of its own if a specialist is used. A section that was removed never applies.
    """
    if new_labels:
        applies = settings["corpora"]["train"]["specialist"] and "new_types" in settings
        return "new_types" if applies else ""
    max_words = settings.get("corrections", {}).get("max_words", 0)
    return "corrections" if n_words <= max_words else ""


def read_settings(
    path: Path,
    new_labels: Collection[str],
    n_words: int,
    overrides: dict[str, Any] | None = None,
) -> Config:
    """Read the settings of an update, with those of the section that applies.

    `overrides`, other settings by name such as `update.passes`, win.
    """
    settings = Config().from_disk(path, interpolate=False)
    # Not set in the text of the config, which would double each `$` of a label.
    overrides = {"corpora.train.new_labels": [*new_labels], **(overrides or {})}
    train = settings["corpora"]["train"]
    specialist = overrides.pop(SPECIALIST, train["specialist"])
    train["specialist"] = specialist and bool(new_labels)
    case = case_of(settings, new_labels, n_words)
    sections = {name: settings.pop(name, {}) for name in CASES}
    sections["corrections"].pop("max_words", None)
    settings = settings.merge(sections.get(case, {}))
    return Config().from_str(settings.to_str(), overrides=overrides)


def make_config(
    nlp: Language,
    base_dir: str,
    component: str,
    settings: Config,
    labels: list[str],
    n_words: int,
    specialist_dir: str = "",
) -> Config:
    """Make the training config of an update from the base's own config.

    The update begins as the specialist if the settings ask for one, and else as the
    base. `labels` were annotated in docs of `n_words` words.
    """
    config = nlp.config.copy()

    # The component alone; `put_back` adds the others. It gets its own copy of a shared
    # tok2vec: updating the shared one would change what the others see.
    config["nlp"]["pipeline"], config["nlp"]["disabled"] = [component], []
    if specialist_dir and settings["corpora"]["train"]["specialist"]:
        source = {"source": specialist_dir}
    elif listened_to(nlp, component):
        source = {"source": base_dir, "replace_listeners": ["model.tok2vec"]}
    else:
        source = {"source": base_dir}
    config["components"] = {component: source}

    # How the base was trained says nothing about how to update it.
    defaults = spacy.blank(nlp.lang).config
    for section in ("corpora", "training", "initialize"):
        config[section] = defaults[section]

    # A score counts unless it is set to null: here that over old and new together.
    weights = nlp.get_pipe_meta(component).default_score_weights
    config["training"]["score_weights"] = {
        score: None if weight is None else 0.0 for score, weight in weights.items()
    }

    # Lookups and vectors come with the vocab.
    config["initialize"]["before_init"] = {
        "@callbacks": "spacy.copy_from_base_model.v1",
        "tokenizer": base_dir,
        "vocab": base_dir,
    }
    config["initialize"]["after_init"] = {
        "@callbacks": "update.prepare_component.v1",
        "component": component,
        "labels": labels,
    }
    config = Config(config).merge(settings)
    config["corpora"]["train"]["component"] = component
    set_budget(config, n_words)
    return config


def set_budget(config: Config, n_words: int) -> None:
    """Replace `[update]` with numbers of steps and evaluations and a batch size."""
    update, training = config.pop("update"), config["training"]
    ratio = config["corpora"]["train"]["ratio"]
    total = round(update["passes"] * n_words * (1 + ratio))
    max_steps = max(update["min_steps"], total // update["max_batch_words"])
    # The last step is evaluated: it is the one that is kept.
    frequency = max(1, max_steps // update["n_evaluations"])
    max_steps -= max_steps % frequency
    training["max_steps"], training["eval_frequency"] = max_steps, frequency
    training["batcher"]["size"] = max(update["min_batch_words"], total // max_steps)
    rate = training["optimizer"]["learn_rate"]
    # A constant rate, or another schedule, has no such end.
    if isinstance(rate, dict) and rate["@schedules"] == "warmup_linear.v1":
        rate["total_steps"] = max_steps


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    settings_path: Annotated[Path, typer.Argument(help="The settings of the update.")],
    account_path: Annotated[Path, typer.Argument(help="The account of preprocess.")],
    output_path: Annotated[Path, typer.Argument(help="The config to write.")],
    train: Annotated[Path, typer.Option(help="Annotations to train on.")],
    dev: Annotated[str, typer.Option(help="Docs to evaluate on while training.")],
    rehearsal: Annotated[str, typer.Option(help="Rehearsal docs to train on.")],
    log: Annotated[str, typer.Option(help="JSON Lines that training writes.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    specialist: Annotated[
        str, typer.Option(help="Pipeline that the update begins as, for new labels.")
    ] = "",
    alone: Annotated[
        bool, typer.Option("--alone", help="Train on the annotations alone.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of training.")] = 0,
) -> None:
    """Write the training config of an update."""
    paths = {"train": str(train), "dev": dev, "rehearsal": rehearsal, "log": log}
    overrides = {f"paths.{name}": path for name, path in paths.items()}
    overrides |= {"system.seed": seed, **(ALONE if alone else {})}
    nlp = spacy.load(base_dir)
    kind_of(nlp, component)
    account, n_words = srsly.read_json(account_path), count_words(train)
    settings = read_settings(settings_path, account["new_labels"], n_words, overrides)
    config = make_config(
        nlp, str(base_dir), component, settings, account["labels"], n_words, specialist
    )
    with written_whole(output_path) as part:
        config.to_disk(part)
    training = config["training"]
    msg.good(
        f"{output_path}: {training['max_steps']} steps of "
        f"{training['batcher']['size']} words to learn {', '.join(account['labels'])}"
    )


if __name__ == "__main__":
    run(main)
