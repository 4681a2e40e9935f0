"""The output of spaCy's `Doc.to_json`: `{"text", "ents": […], "tokens": […]}`.

Not read with `Doc.from_json`, which fails on a bad span without naming it.
"""

from typing import Any

from scripts.annotations.formats.plain import make_record, parse_list
from scripts.annotations.records import Record


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a doc by its `ents`."""
    return "ents" in keys


def parse(value: Any) -> Record:
    """Parse a doc."""
    return make_record(value, parse_list(value.get("ents")))
