"""Argilla's records, and those that it sends to Hugging Face datasets.

Version 1 has `annotation` and `status`; version 2 has `fields`, `responses` and
`status`, or the same as flat columns, `span.responses`. A prediction or suggestion is
no annotation. https://docs.argilla.io/latest/how_to_guides/import_export/
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from scripts.annotations.formats.plain import agreed, make_record, parse_list
from scripts.annotations.records import IgnoredError, Record, RejectedError, short

UNUSED = ("discarded", "draft")


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a record by the key of its annotation."""
    if "text" not in keys and "fields" in keys:
        return True
    return "annotation" in keys or any(key.endswith(".responses") for key in keys)


def parse(value: Any) -> Record:
    """Parse one of Argilla's records."""
    status = value.get("status")
    if isinstance(status, str) and status.lower() in UNUSED:
        raise IgnoredError(status.lower())
    answers = [parse_list(answer) for answer in answers_of(value) if is_spans(answer)]
    if not answers:
        parts = ("prediction", "suggestion")
        has_more = any(value[key] for key in value if any(p in key for p in parts))
        raise IgnoredError("predictions only" if has_more else "not annotated")
    fields = value.get("fields")
    row = {**value, **fields} if isinstance(fields, dict) else value
    return make_record(row, agreed(answers, "keep one response"))


def is_spans(answer: Any) -> bool:
    """Check whether an answer is about spans, not a word, a number or words."""
    items = answer if isinstance(answer, list) else [answer]
    return not items or any(not isinstance(x, str | int | float) for x in items)


def answers_of(value: dict[str, Any]) -> Iterator[Any]:
    """Yield the answer of each response that was submitted."""
    if "annotation" in value:
        if value["annotation"] is not None:
            yield value["annotation"]
        return
    questions = value.get("responses") or {}
    if not isinstance(questions, dict):
        raise RejectedError("the responses are not an object of lists")
    for name in questions:
        for response in list_at(questions, name):
            if not isinstance(response, dict):
                raise RejectedError("a response is not an object with a value")
            if response.get("status") not in UNUSED:
                yield response.get("value")
    for name in value:
        if name.endswith(".responses"):
            answers = list_at(value, name)
            statuses = list_at(value, f"{name}.status")
            for answer, status in zip_longest(answers, statuses[: len(answers)]):
                if status not in UNUSED:
                    yield answer


def list_at(value: dict[str, Any], name: str) -> list[Any]:
    """Return the list under a key; without one, or with null, it is empty."""
    items = value.get(name)
    if not isinstance(items, list | None):
        raise RejectedError(f"{short(name)} is not a list")
    return items or []
