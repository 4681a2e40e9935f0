"""Argilla's records, and those it sends to Hugging Face datasets.

Version 1 has `annotation` and `status`; version 2 has `fields`, `responses` and
`status`, or the same as flat columns, `span.responses`. A prediction or suggestion is
no annotation. https://docs.argilla.io/latest/how_to_guides/import_export/
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from scripts.annotations.formats.plain import (
    agreed,
    check_text,
    group_of,
    take_spans,
)
from scripts.annotations.records import Record, RefusedError, short

UNUSED = ("discarded", "draft")


def is_mine(keys: frozenset[str]) -> bool:
    """Know a record by where its annotation stands."""
    if "text" not in keys and "fields" in keys:
        return True
    return "annotation" in keys or any(key.endswith(".responses") for key in keys)


def parse(value: Any) -> Record:
    """Give one of Argilla's records as a record."""
    fields = value.get("fields")
    text = (fields if isinstance(fields, dict) else value).get("text")
    record = Record(check_text(text, 0), group=group_of(value))
    status = value.get("status")
    if isinstance(status, str) and status.lower() in UNUSED:
        return record._replace(ignored=status.lower())
    # An answer to another question than for spans is a word, a number or some words.
    given = [answer for answer in answers_of(value) if not is_choice(answer)]
    answers = [take_spans(answer) for answer in given]
    if not answers:
        return record._replace(ignored="not annotated")
    return record._replace(spans=agreed(answers, "keep one response"))


def is_choice(answer: Any) -> bool:
    """Say whether an answer is a word, a number or a list of words."""
    items = answer if isinstance(answer, list) and answer else [answer]
    return all(isinstance(item, str | int | float) for item in items)


def answers_of(value: dict[str, Any]) -> Iterator[Any]:
    """Give the spans of each response that was sent."""
    if "annotation" in value:
        if value["annotation"] is not None:
            yield value["annotation"]
        return
    questions = value.get("responses") or {}
    if not isinstance(questions, dict):
        raise RefusedError("the responses are no object of lists")
    for name in questions:
        for response in list_at(questions, name):
            if not isinstance(response, dict):
                raise RefusedError("a response is no object with a value")
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
    """Give the list under a key; without one, or with null, it is empty."""
    items = value.get(name)
    if not isinstance(items, list | None):
        raise RefusedError(f"{short(name)} is no list")
    return items or []
