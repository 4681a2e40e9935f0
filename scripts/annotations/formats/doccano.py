"""doccano's rows: `label` or `labels`, or `entities` with `start_offset`.

https://doccano.github.io/doccano/tutorial/
"""

from typing import Any

from scripts.annotations.formats.plain import (
    check_text,
    group_of,
    make_span,
    parse_list,
    parse_span,
    parse_spans,
)
from scripts.annotations.offsets import from_chars
from scripts.annotations.records import Record, Span

MARKS = frozenset({"Comments", "relations"})
LABELS = frozenset({"label", "labels", "entities"})


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a row by the keys that doccano adds."""
    return not MARKS.isdisjoint(keys) or ("id" in keys and not LABELS.isdisjoint(keys))


def parse(value: Any) -> Record:
    """Parse one of doccano's rows."""
    if "entities" in value:
        spans = parse_list(value["entities"], parse_entity)
    else:
        spans = parse_spans(value)
    text = check_text(value.get("text", value.get("data")), len(spans))
    return Record(text, spans, group=group_of(value))


def parse_entity(value: Any) -> Span:
    """Parse an entity of the variant with relations, or a plain span."""
    if not isinstance(value, dict) or "start_offset" not in value:
        return parse_span(value)
    return make_span(value["start_offset"], value.get("end_offset"), value.get("label"))


def to_row(text: str, spans: list[Span]) -> dict[str, Any]:
    """Make a row to import; doccano counts UTF-16 units (its issue 2290)."""

    def units(at: int) -> int:
        return from_chars(text, at, "utf16")

    labels = [[units(span.start), units(span.end), span.label] for span in spans]
    return {"text": text, "label": labels}
