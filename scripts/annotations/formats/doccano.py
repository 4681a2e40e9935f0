"""doccano's rows: `label` or `labels`, or `entities` with `start_offset`.

https://doccano.github.io/doccano/tutorial/
"""

from typing import Any

from scripts.annotations.formats.plain import (
    check_text,
    group_of,
    make_span,
    parse_span,
    parse_spans,
    take_spans,
)
from scripts.annotations.offsets import from_chars
from scripts.annotations.records import Record, Span

MARKS = frozenset({"Comments", "relations"})
LABELS = frozenset({"label", "labels", "entities"})


def is_mine(keys: frozenset[str]) -> bool:
    """Know a row by the keys that doccano adds."""
    return not MARKS.isdisjoint(keys) or ("id" in keys and not LABELS.isdisjoint(keys))


def parse(value: Any) -> Record:
    """Give a row of doccano's as a record."""
    if "entities" in value:
        spans = take_spans(value["entities"], parse_entity)
    else:
        spans = parse_spans(value)
    text = check_text(value.get("text", value.get("data")), len(spans))
    return Record(text, spans, group=group_of(value))


def parse_entity(value: Any) -> Span:
    """Understand an entity of the variant with relations, or a plain one."""
    if not isinstance(value, dict) or "start_offset" not in value:
        return parse_span(value)
    return make_span(value["start_offset"], value.get("end_offset"), value.get("label"))


def to_row(text: str, spans: list[Span]) -> dict[str, Any]:
    """Give a row to import; doccano counts UTF-16 units (its issue 2290)."""
    offsets = [[from_chars(text, at, "utf16") for at in span[:2]] for span in spans]
    labels = [span.label for span in spans]
    return {
        "text": text,
        "label": [[*o, n] for o, n in zip(offsets, labels, strict=True)],
    }
