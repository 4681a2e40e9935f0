"""Argilla's records, and those it sends to Hugging Face datasets.

Version 1 has `annotation` and `status`; version 2 has `fields`, `responses` and
`status`, or the same as flat columns, `span.responses`. A prediction or suggestion is
no annotation. https://docs.argilla.io/latest/how_to_guides/import_export/
"""

from collections.abc import Iterator
from typing import Any

from scripts.annotations.formats.plain import check_text, group_of, take_spans
from scripts.annotations.records import Record, RefusedError

MARKS = frozenset({"annotation", "fields"})
UNUSED = frozenset({"discarded", "draft"})


def is_mine(keys: frozenset[str]) -> bool:
    """Know a record by where its annotation stands."""
    return not MARKS.isdisjoint(keys) or any(k.endswith(".responses") for k in keys)


def parse(value: Any) -> Record:
    """Give one of Argilla's records as a record."""
    fields = value.get("fields")
    text = (fields if isinstance(fields, dict) else value).get("text")
    record = Record(check_text(text, 0), group=group_of(value))
    status = value.get("status")
    if isinstance(status, str) and status.lower() in UNUSED:
        return record._replace(ignored=status.lower())
    answers = [take_spans(answer) for answer in answers_of(value)]
    if not answers:
        return record._replace(ignored="not annotated")
    if any(set(other) != set(answers[0]) for other in answers):
        raise RefusedError(
            f"{len(answers)} annotators disagree: keep one response",
            max(map(len, answers)),
        )
    return record._replace(spans=answers[0])


def answers_of(value: dict[str, Any]) -> Iterator[Any]:
    """Give the spans of each response that was sent."""
    if "annotation" in value:
        if value["annotation"] is not None:
            yield value["annotation"]
        return
    if isinstance(value.get("responses"), dict):
        for responses in value["responses"].values():
            for response in responses if isinstance(responses, list) else []:
                if not isinstance(response, dict):
                    raise RefusedError("a response is no object with a value")
                if response.get("status") not in UNUSED:
                    yield response.get("value")
        return
    for key in value:
        if key.endswith(".responses"):
            statuses = value.get(f"{key}.status") or []
            for place, answer in enumerate(value[key] or []):
                if place >= len(statuses) or statuses[place] not in UNUSED:
                    yield answer
