"""The output of spaCy's `Doc.to_json`: `{"text", "ents": […], "tokens": […]}`.

Without `ents` it is a plain row with `tokens`.

Not read with `Doc.from_json`, which fails on a bad span without naming it.
"""

from typing import Any

from scripts.annotations.formats.plain import (
    complete_record,
    parse_list,
    parse_tokens,
)
from scripts.annotations.records import Record


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a doc by its `ents`."""
    return "ents" in keys


def parse(value: Any) -> Record:
    """Parse a doc."""
    ents = [span._replace(layer="ner") for span in parse_list(value.get("ents"))]
    wrong = parse_list(value["wrong"]) if "wrong" in value else ()
    return complete_record(value, (*ents, *parse_tokens(value)), wrong)
