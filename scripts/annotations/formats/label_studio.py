"""Label Studio's tasks: `data` and `annotations`, or its smaller export (JSON-MIN).

Of the annotations of a task those that were cancelled don't count, one marked as
ground truth wins, and the rest must agree. https://labelstud.io/guide/export
"""

from typing import Any

from scripts.annotations.formats.plain import (
    agreed,
    check_text,
    group_of,
    make_span,
    parse_list,
)
from scripts.annotations.records import IgnoredError, Record, RejectedError, Span, short

LISTS = frozenset({"annotations", "completions", "predictions"})


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a task, or a row of the smaller export."""
    return "annotation_id" in keys or ("data" in keys and not LISTS.isdisjoint(keys))


def parse(value: Any) -> Record:
    """Parse a task."""
    if not isinstance(value.get("data"), dict):
        # The control may have any name; that of the template is `label`.
        lists = [items for items in value.values() if has_labels(items)]
        spans = parse_list([item for items in lists for item in items], parse_value)
        return Record(check_text(value.get("text"), len(spans)), spans)
    versions = value.get("annotations", value.get("completions", []))
    if not isinstance(versions, list) or not all(isinstance(v, dict) for v in versions):
        raise RejectedError("the annotations are not a list of objects")
    text = text_of(value["data"])
    done = [v for v in versions if not (v.get("was_cancelled") or v.get("skipped"))]
    done = [v for v in done if v.get("ground_truth")] or done
    if not done:
        raise IgnoredError("cancelled" if versions else "not annotated")
    spans = [parse_results(version.get("result")) for version in done]
    spans = agreed(spans, "mark one as ground truth")
    return Record(text, spans, group=group_of(value["data"]))


def text_of(data: dict[str, Any]) -> str:
    """Return the text of a task: under `text`, or the only string in it."""
    strings = [item for item in data.values() if isinstance(item, str)]
    only = strings[0] if len(strings) == 1 else None
    return check_text(data.get("text", only), 0)


def parse_results(results: Any) -> tuple[Span, ...]:
    """Parse those results of an annotation that mark text."""
    if not isinstance(results, list):
        raise RejectedError("the result is not a list")
    marks = [r for r in results if not isinstance(r, dict) or marks_text(r)]
    return parse_list(marks, parse_result)


def marks_text(result: dict[str, Any]) -> bool:
    """Check whether a result is a span, not a relation, a choice and the like."""
    value = result.get("value")
    is_span = isinstance(value, dict) and "start" in value and "end" in value
    return is_span or str(result.get("type", "labels")).endswith("labels")


def has_labels(items: Any) -> bool:
    """Check whether a value is a list of spans with labels."""
    return isinstance(items, list) and any(
        isinstance(item, dict) and "labels" in item for item in items
    )


def parse_result(result: Any) -> Span:
    """Parse a result that marks text."""
    if not isinstance(result, dict):
        raise RejectedError(f"not a result with a value: {short(result)}")
    return parse_value(result.get("value"))


def parse_value(value: Any) -> Span:
    """Parse a value: start, end, text and one label."""
    value = value if isinstance(value, dict) else {}
    labels = value.get("labels", value.get("hypertextlabels"))
    if not isinstance(labels, list) or len(labels) != 1:
        raise RejectedError(f"not one label: {short(value)}")
    return make_span(value.get("start"), value.get("end"), labels[0], value.get("text"))


def to_row(text: str, spans: list[Span]) -> dict[str, Any]:
    """Make a task with predictions to correct; Label Studio counts characters.

    Its labelling config has `<Labels name="label" toName="text">` and
    `<Text name="text" value="$text">`, as in its template for named entities.
    """
    results = []
    for number, (start, end, label, _) in enumerate(spans):
        value = {"start": start, "end": end, "text": text[start:end], "labels": [label]}
        control = {"from_name": "label", "to_name": "text", "type": "labels"}
        results.append({"id": str(number), **control, "value": value})
    return {"data": {"text": text}, "predictions": [{"result": results}]}
