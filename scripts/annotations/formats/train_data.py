"""spaCy v2's `TRAIN_DATA`: rows `[text, {"entities": [[start, end, label], …]}]`."""

from typing import Any

from scripts.annotations.formats import plain
from scripts.annotations.records import Record


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize no object: a row is a list."""
    return False


def parse(value: Any) -> Record:
    """Parse a row."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict):
        value = {**value[1], "text": value[0]}
    return plain.parse(value)
