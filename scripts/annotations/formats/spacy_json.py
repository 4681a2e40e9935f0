"""What spaCy's `Doc.to_json` gives: `{"text", "ents": […], "tokens": […]}`."""

from typing import Any

from scripts.annotations.formats.plain import check_text, group_of, take_spans
from scripts.annotations.records import Record


def is_mine(keys: frozenset[str]) -> bool:
    """Know a doc by its `ents`."""
    return "ents" in keys


def parse(value: Any) -> Record:
    """Give a doc as a record."""
    spans = take_spans(value.get("ents"))
    return Record(
        check_text(value.get("text"), len(spans)), spans, group=group_of(value)
    )
