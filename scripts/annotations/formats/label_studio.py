"""Label Studio's tasks: `data` and `annotations`, or its smaller export (JSON-MIN).

Of the annotations of a task the cancelled don't count, one marked as ground truth
wins, and the rest must agree. https://labelstud.io/guide/export
"""

from typing import Any

from scripts.annotations.formats.plain import (
    agreed,
    check_text,
    group_of,
    make_span,
    take_spans,
)
from scripts.annotations.records import Record, RefusedError, Span, short

LISTS = frozenset({"annotations", "completions", "predictions"})


def is_mine(keys: frozenset[str]) -> bool:
    """Know a task, or a row of the smaller export."""
    return "annotation_id" in keys or ("data" in keys and not LISTS.isdisjoint(keys))


def parse(value: Any) -> Record:
    """Give a task as a record."""
    if not isinstance(value.get("data"), dict):
        # The control may have any name; that of the template is `label`.
        lists = [items for items in value.values() if has_labels(items)]
        marks = [item for items in lists for item in items]
        spans = take_spans(marks, parse_value)
        return Record(check_text(value.get("text"), len(spans)), spans)
    versions = value.get("annotations", value.get("completions", []))
    if not isinstance(versions, list) or not all(isinstance(v, dict) for v in versions):
        raise RefusedError("the annotations are no list of objects")
    text = text_of(value["data"])
    done = [v for v in versions if not (v.get("was_cancelled") or v.get("skipped"))]
    done = [v for v in done if v.get("ground_truth")] or done
    record = Record(text, group=group_of(value["data"]))
    if not done:
        reason = "cancelled" if versions else "not annotated"
        return record._replace(ignored=reason)
    spans = [take_results(version.get("result")) for version in done]
    return record._replace(spans=agreed(spans, "mark one as ground truth"))


def text_of(data: dict[str, Any]) -> str:
    """Give a task's text: under `text`, or the one string that there is."""
    strings = [item for item in data.values() if isinstance(item, str)]
    only = strings[0] if len(strings) == 1 else None
    return check_text(data.get("text", only), 0)


def take_results(results: Any) -> tuple[Span, ...]:
    """Give the spans among the results of an annotation."""
    if not isinstance(results, list):
        raise RefusedError("the result is no list")
    # Relations, choices and the like mark no text.
    marks = [r for r in results if not isinstance(r, dict) or marks_text(r)]
    return take_spans(marks, parse_result)


def marks_text(result: dict[str, Any]) -> bool:
    """Say whether a result is a span, or has the type of one."""
    value = result.get("value")
    is_span = isinstance(value, dict) and "start" in value and "end" in value
    return is_span or str(result.get("type", "labels")).endswith("labels")


def has_labels(items: Any) -> bool:
    """Say whether a value is a list of spans with labels."""
    return isinstance(items, list) and any(
        isinstance(item, dict) and "labels" in item for item in items
    )


def parse_result(result: Any) -> Span:
    """Understand a result that marks text."""
    if not isinstance(result, dict):
        raise RefusedError(f"no result with a value: {short(result)}")
    return parse_value(result.get("value"))


def parse_value(value: Any) -> Span:
    """Understand a value: start, end, text and one label."""
    value = value if isinstance(value, dict) else {}
    labels = value.get("labels", value.get("hypertextlabels"))
    if not isinstance(labels, list) or len(labels) != 1:
        raise RefusedError(f"not one label: {short(value)}")
    return make_span(value.get("start"), value.get("end"), labels[0], value.get("text"))


def to_row(text: str, spans: list[Span]) -> dict[str, Any]:
    """Give a task with predictions to correct; Label Studio counts characters.

    Its labelling config has `<Labels name="label" toName="text">` and
    `<Text name="text" value="$text">`, as in its template for named entities.
    """
    results = [
        {
            "id": str(number),
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": span.start,
                "end": span.end,
                "text": text[span.start : span.end],
                "labels": [span.label],
            },
        }
        for number, span in enumerate(spans)
    ]
    return {"data": {"text": text}, "predictions": [{"result": results}]}
