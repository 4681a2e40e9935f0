"""How an update was made: versions, settings, and what earlier steps counted."""

import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import srsly
from thinc.api import Config

# Settings worth a line of their own; the whole config stands below them.
SETTINGS = (
    "system.seed",
    "system.mean_of_seeds",
    "training.max_steps",
    "training.batcher.size",
    "training.optimizer.learn_rate.initial_rate",
    "training.dropout",
    "corpora.train.ratio",
    "corpora.train.two_teachers",
)
PACKAGES = ("spacy", "thinc", "numpy", "weasel")
Lines = list[tuple[str, str]]


def versions() -> Lines:
    """List the versions that made it."""
    packages = [(name, version(name)) for name in PACKAGES]
    return [("Python", platform.python_version()), *packages]


def made_of(config_path: Path, notes: Iterable[Path]) -> list[tuple[str, Lines]]:
    """Tell how an update was made.

    Args:
        config_path: The training config.
        notes: JSON files of earlier steps: what they counted, or checksums of inputs.

    Returns:
        Tables of names and values, with their headings.
    """
    config = Config().from_disk(config_path)
    values = [(name, setting_of(config, name)) for name in SETTINGS]
    settings = [(name, str(value)) for name, value in values if value is not None]
    return [("Versions", versions()), ("Settings", settings), *read_notes(notes)]


def setting_of(config: Config, name: str) -> Any:
    """Give a setting by its name; None where there is no such one, as by a schedule."""
    value: Any = config
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def read_notes(notes: Iterable[Path]) -> list[tuple[str, Lines]]:
    """Read what earlier steps noted as JSON: a table for each file, under its name."""
    return [(path.stem, list(flat(srsly.read_json(path)))) for path in notes]


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Give what a JSON object holds as names and values; empty ones are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, key if key == name else f"{name} {key}".strip())
    elif value:
        is_list = isinstance(value, list)
        yield name, ", ".join(map(str, value)) if is_list else str(value)
