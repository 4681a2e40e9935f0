"""Make the training config of an update out of the base's own config.

Input: the base, `configs/update.cfg`, and the account of `preprocess` with the
labels that were annotated. Output: a config for `spacy train`.

    python -m scripts.configure training/base configs/update.cfg \
        corpus/preprocess.json training/update.cfg --train corpus/update/train \
        --dev corpus/update/dev --rehearsal corpus/marked --log log.jsonl
"""

from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.docs import count_words
from scripts.files import written_whole
from scripts.recipe import make_config, read_settings


def parse_changes(changes: list[str]) -> dict[str, Any]:
    """Parse settings from the command line.

    Args:
        changes: Each as `section.name=value`, the value in JSON.

    Returns:
        The values by name.

    Raises:
        ValueError: If one is not of that form.
    """
    pairs = [change.partition("=") for change in changes]
    for change, (name, _, value) in zip(changes, pairs, strict=True):
        if "." not in name or not value:
            raise ValueError(f"--set {change}: write it as section.name=value.")
    return {name: srsly.json_loads(value) for name, _, value in pairs}


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to be updated.")],
    settings_path: Annotated[Path, typer.Argument(help="What an update sets.")],
    account_path: Annotated[Path, typer.Argument(help="What preprocess counted.")],
    output_path: Annotated[Path, typer.Argument(help="The config to write.")],
    train: Annotated[Path, typer.Option(help="Completed annotations.")],
    dev: Annotated[str, typer.Option(help="Docs to choose the model by.")],
    rehearsal: Annotated[str, typer.Option(help="Docs that the base annotated.")],
    log: Annotated[str, typer.Option(help="JSON Lines that training writes.")],
    specialist: Annotated[
        str, typer.Option(help="What to begin as, with two teachers.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Seed of training.")] = 0,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another setting, as section.name=value."),
    ] = None,
) -> None:
    """Make the training config of an update out of the base's own config."""
    nlp = spacy.load(base_dir)
    account, n_words = srsly.read_json(account_path), count_words(train)
    paths = {"train": str(train), "dev": dev, "rehearsal": rehearsal, "log": log}
    overrides = {f"paths.{name}": path for name, path in paths.items()}
    overrides |= {"system.seed": seed, **parse_changes(changes or [])}
    labels, new_labels = account["labels"], account["new_labels"]
    settings = read_settings(settings_path, new_labels, n_words, overrides)
    config = make_config(nlp, str(base_dir), settings, labels, n_words, specialist)
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
