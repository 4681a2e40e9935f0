"""Plain rows: `{"text": …, "spans"|"entities"|"label"|"labels": […]}`.

A span is `{"start", "end", "label"}` with perhaps its `text`, or `[start, end, label]`
or `[label, start, end]`. `"partial": true` says that what is unmarked was not looked
at; spans under `wrong` are no such entity.
"""

from collections.abc import Callable
from typing import Any

from scripts.annotations.records import Record, RefusedError, Span

SPAN_KEYS = ("spans", "entities", "label", "labels")
GROUP_KEYS = ("doc_id", "document_id", "doc")
PLACES = frozenset({*GROUP_KEYS, "meta"})


def is_mine(keys: frozenset[str]) -> bool:
    """Take what no other format knows."""
    return True


def parse(value: Any) -> Record:
    """Give a plain row as a record."""
    if not isinstance(value, dict):
        raise RefusedError('neither {"text", "spans"} nor [text, {"entities"}]')
    spans = parse_spans(value)
    text = check_text(value.get("text"), len(spans))
    wrong = take_spans(value["wrong"]) if "wrong" in value else ()
    is_partial = value.get("partial") is True
    return Record(text, spans, wrong, is_partial, group=group_of(value))


def parse_spans(value: dict[str, Any]) -> tuple[Span, ...]:
    """Give the spans of a row, under the first key that it has."""
    for key in SPAN_KEYS:
        if key in value:
            return take_spans(value[key])
    return ()


def take_spans(
    values: Any, parse_one: Callable[[Any], Span] | None = None
) -> tuple[Span, ...]:
    """Understand a list of spans, each by a function; without one as plain spans."""
    if not isinstance(values, list):
        raise RefusedError("the spans are no list")
    try:
        return tuple(map(parse_one or parse_span, values))
    except RefusedError as error:
        raise RefusedError(str(error), len(values)) from error


def parse_span(value: Any) -> Span:
    """Understand one plain span."""
    if isinstance(value, dict):
        text = value.get("text")
        return make_span(value.get("start"), value.get("end"), value.get("label"), text)
    if not isinstance(value, list) or len(value) < 3:
        raise RefusedError(f"no span [start, end, label]: {value!r}")
    if isinstance(value[0], str) and type(value[2]) is int:
        return make_span(value[1], value[2], value[0])
    return make_span(*value[:3])


def make_span(start: Any, end: Any, label: Any, text: Any = None) -> Span:
    """Make a span of what a file says.

    Raises:
        RefusedError: If the offsets are no whole numbers, or the label is no word.
    """
    if type(start) is not int or type(end) is not int:
        raise RefusedError(f"no whole offsets: [{start!r}, {end!r}, {label!r}]")
    if not isinstance(label, str) or label.split() != [label]:
        raise RefusedError(f"a label is one word: {label!r}")
    return Span(start, end, label, text if isinstance(text, str) else None)


def check_text(text: Any, n_spans: int) -> str:
    """Refuse what is no text, blank or can't be written as UTF-8."""
    if not isinstance(text, str) or not text.strip():
        raise RefusedError("no text", n_spans)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            reason = "half a UTF-16 pair in the text"
            raise RefusedError(reason, n_spans) from error
    return text


def group_of(value: dict[str, Any]) -> str:
    """Give the id of the document that a row is from, if it or its `meta` has one."""
    if PLACES.isdisjoint(value):
        return ""
    for place in (value, value.get("meta")):
        if isinstance(place, dict):
            for key in GROUP_KEYS:
                if isinstance(place.get(key), str | int):
                    return str(place[key])
    return ""
