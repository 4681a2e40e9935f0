"""Prodigy's rows: `spans`, `tokens`, `answer`, `_view_id`.

A binary question (`_view_id` is `ner`) asks for one span: the rest of the text was
not looked at. Rejected, the one span is wrong; a rejected row of more says only that
something is. https://prodi.gy/docs/api-interfaces
"""

from typing import Any

from scripts.annotations.formats.plain import check_text, group_of, parse_spans
from scripts.annotations.records import Record, RefusedError, Span, short

ANSWERS = ("accept", "reject", "ignore")
MARKS = frozenset({"answer", "_input_hash", "_task_hash", "_view_id"})


def is_mine(keys: frozenset[str]) -> bool:
    """Know a row by the keys that Prodigy adds."""
    return not MARKS.isdisjoint(keys)


def parse(value: Any) -> Record:
    """Give a row of Prodigy's as a record."""
    spans = parse_spans(value)
    text = check_text(value.get("text"), len(spans))
    answer = value.get("answer", "accept")
    if answer not in ANSWERS:
        reason = f"the answer is none of {', '.join(ANSWERS)}: {short(answer)}"
        raise RefusedError(reason, len(spans))
    record = Record(text, spans, length=length_of(value), group=group_of(value))
    if answer == "reject" and len(spans) == 1:
        return record._replace(spans=(), wrong=spans, partial=True)
    if answer != "accept":
        return record._replace(ignored=f"answer {answer}")
    return record._replace(partial=value.get("_view_id") == "ner")


def length_of(value: dict[str, Any]) -> int | None:
    """Give the text's length by its last token, which ends it but for white space."""
    try:
        token = value["tokens"][-1]
        is_blank = token["text"].isspace()
        n_after = 0 if is_blank else len(value["text"]) - len(value["text"].rstrip())
        return token["end"] + n_after
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def to_row(text: str, spans: list[Span]) -> dict[str, Any]:
    """Give a task with spans to correct, in characters."""
    return {
        "text": text,
        "spans": [{"start": s.start, "end": s.end, "label": s.label} for s in spans],
    }
