"""Label Studio's tasks: `data` and `annotations`, or its smaller export (JSON-MIN).

Of the annotations of a task the cancelled don't count, one marked as ground truth
wins, and the rest must agree. https://labelstud.io/guide/export
"""

from typing import Any

from scripts.annotations.formats.plain import (
    check_text,
    group_of,
    make_span,
    take_spans,
)
from scripts.annotations.records import Record, RefusedError, Span

MARKS = frozenset({"annotations", "completions", "annotation_id"})
# Results that mark no text.
OTHER_RESULTS = frozenset({"relation", "choices", "rating", "textarea", "taxonomy"})


def is_mine(keys: frozenset[str]) -> bool:
    """Know a task, or a row of the smaller export."""
    return not MARKS.isdisjoint(keys) or {"data", "predictions"} <= keys


def parse(value: Any) -> Record:
    """Give a task as a record."""
    if not isinstance(value.get("data"), dict):
        spans = take_spans(value.get("label", []), parse_value)
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
    if any(set(other) != set(spans[0]) for other in spans):
        reason = f"{len(done)} annotators disagree: mark one as ground truth"
        raise RefusedError(reason, max(map(len, spans)))
    return record._replace(spans=spans[0])


def text_of(data: dict[str, Any]) -> str:
    """Give a task's text: under `text`, or the one string that there is."""
    strings = [item for item in data.values() if isinstance(item, str)]
    only = strings[0] if len(strings) == 1 else None
    return check_text(data.get("text", only), 0)


def take_results(results: Any) -> tuple[Span, ...]:
    """Give the spans among the results of an annotation."""
    if not isinstance(results, list):
        raise RefusedError("the result is no list")
    marks = [
        result
        for result in results
        if not (isinstance(result, dict) and result.get("type") in OTHER_RESULTS)
    ]
    return take_spans(marks, parse_result)


def parse_result(result: Any) -> Span:
    """Understand a result that marks text."""
    if not isinstance(result, dict):
        raise RefusedError(f"{result!r} is no result with a value")
    return parse_value(result.get("value"))


def parse_value(value: Any) -> Span:
    """Understand a value: start, end, text and one label."""
    labels = value.get("labels") if isinstance(value, dict) else None
    if not isinstance(labels, list) or len(labels) != 1:
        raise RefusedError(f"{value!r} has not one label")
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
