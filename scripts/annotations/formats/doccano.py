"""doccano's rows: `label` or `labels`, or `entities` with `start_offset`.

https://doccano.github.io/doccano/tutorial/
"""

from typing import Any

from scripts.annotations.formats import plain
from scripts.annotations.offsets import from_chars
from scripts.annotations.records import Record, Span

MARKS = frozenset({"Comments", "relations"})
LABELS = frozenset({"label", "labels", "entities"})


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a row by the keys that doccano adds."""
    has_labels = "id" in keys and not LABELS.isdisjoint(keys) and "tokens" not in keys
    return not MARKS.isdisjoint(keys) or has_labels


def parse(value: Any) -> Record:
    """Parse one of doccano's rows; some have the text under `data`."""
    has_entities = "entities" in value
    spans = plain.parse_list(value["entities"]) if has_entities else None
    spans = plain.parse_spans(value) if spans is None else spans
    return plain.make_record(value, spans)


def to_row(text: str, spans: list[Span]) -> dict[str, Any]:
    """Make a row to import; doccano counts UTF-16 units (its issue 2290)."""
    labels = [
        [from_chars(text, s.start, "utf16"), from_chars(text, s.end, "utf16"), s.label]
        for s in spans
    ]
    return {"text": text, "label": labels}
