"""How an update was made: versions, settings, and what earlier steps counted."""

import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from spacy.util import dict_to_dot
from thinc.api import Config

from scripts.evaluation.layout import Notes, read_notes

# Settings with a line of their own; the whole config follows them.
SETTINGS = (
    "system.seed",
    "system.average_of_seeds",
    "training.max_steps",
    "training.batcher.size",
    "training.optimizer.learn_rate.initial_rate",
    "training.dropout",
    "corpora.train.ratio",
    "corpora.train.specialist",
)
PACKAGES = ("spacy", "thinc", "numpy", "weasel")


def versions() -> list[tuple[str, str]]:
    """List the versions of Python and of what the update was made with."""
    packages = [(name, version(name)) for name in PACKAGES]
    return [("Python", platform.python_version()), *packages]


def made_of(config_path: Path, notes: Iterable[Path]) -> Notes:
    """Collect how an update was made: versions, settings, notes of earlier steps."""
    config = dict_to_dot(Config().from_disk(config_path))
    values = [(name, config.get(name)) for name in SETTINGS]
    settings = [(name, str(value)) for name, value in values if value is not None]
    return [("Versions", versions()), ("Settings", settings), *read_notes(notes)]
