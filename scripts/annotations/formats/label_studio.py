"""Label Studio's tasks: `data` and `annotations`, or its smaller export (JSON-MIN).

Of the annotations of a task those that were cancelled don't count, one marked as
ground truth wins, and the rest must agree. https://labelstud.io/guide/export
"""

from typing import Any

from scripts.annotations.formats.plain import (
    agreed,
    make_record,
    parse_list,
    parse_span,
)
from scripts.annotations.records import IgnoredError, Record, RejectedError, Span, short

LISTS = frozenset({"annotations", "completions", "predictions"})


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a task, or a row of the smaller export."""
    return "annotation_id" in keys or ("data" in keys and not LISTS.isdisjoint(keys))


def parse(value: Any) -> Record:
    """Parse a task, or a row of the smaller export."""
    data = value.get("data")
    if not isinstance(data, dict):
        # The control may have any name; that of the template is `label`.
        lists = [items for items in value.values() if has_labels(items)]
        spans = parse_list([item for items in lists for item in items], parse_value)
        return make_record(value, spans)
    versions = value.get("annotations", value.get("completions", []))
    if not isinstance(versions, list) or not all(isinstance(v, dict) for v in versions):
        raise RejectedError("the annotations are not a list of objects")
    done = [v for v in versions if not (v.get("was_cancelled") or v.get("skipped"))]
    done = [v for v in done if v.get("ground_truth")] or done
    if not done:
        why = "predictions only" if value.get("predictions") else "not annotated"
        raise IgnoredError("cancelled" if versions else why)
    if not (done := [v for v in done if not is_other(v)]):
        raise IgnoredError("marks no spans, but the whole text")
    spans = agreed([parse_version(v) for v in done], "mark one as ground truth")
    # The text may have any name, too, if it is the only string.
    strings = [item for item in data.values() if isinstance(item, str)]
    only = strings[0] if len(strings) == 1 else None
    return make_record({"text": only, **data} if only else data, spans)


def has_labels(items: Any) -> bool:
    """Check whether a value is a list of spans with labels."""
    return isinstance(items, list) and any(
        isinstance(item, dict) and "labels" in item for item in items
    )


def parse_version(version: dict[str, Any]) -> tuple[Span, ...]:
    """Parse those results of an annotation that mark text."""
    results = version.get("result")
    if not isinstance(results, list):
        raise RejectedError("the result is not a list")
    if not all(isinstance(result, dict) for result in results):
        raise RejectedError("the results are not objects", len(results))
    marks = [result.get("value") for result in results if marks_text(result)]
    return parse_list(marks, parse_value)


def is_other(version: dict[str, Any]) -> bool:
    """Check whether an annotation has results, and none of them is a span."""
    results = version.get("result")
    if not isinstance(results, list) or not all(isinstance(r, dict) for r in results):
        return False
    return bool(results) and not any(map(marks_text, results))


def marks_text(result: dict[str, Any]) -> bool:
    """Check whether a result is a span, not a note on one, a relation or a choice."""
    return str(result.get("type", "labels")).endswith("labels")


def parse_value(value: Any) -> Span:
    """Parse a value: start, end, text and one label."""
    fields = value if isinstance(value, dict) else {}
    labels = fields.get("labels", fields.get("hypertextlabels"))
    if not isinstance(labels, list) or len(labels) != 1:
        raise RejectedError(f"not one label: {short(value)}")
    return parse_span({**fields, "label": labels[0]})


def to_row(text: str, spans: list[Span]) -> dict[str, Any]:
    """Make a task with predictions to correct; Label Studio counts characters.

    Its labelling config has `<Labels name="label" toName="text">` and
    `<Text name="text" value="$text">`, as in its template for named entities.
    """
    results = []
    for number, (start, end, label, *_) in enumerate(spans):
        value = {"start": start, "end": end, "text": text[start:end], "labels": [label]}
        control = {"from_name": "label", "to_name": "text", "type": "labels"}
        results.append({"id": str(number), **control, "value": value})
    return {"data": {"text": text}, "predictions": [{"result": results}]}
