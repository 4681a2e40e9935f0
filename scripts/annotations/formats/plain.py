"""Plain rows: `{"text": …, "spans"|"entities"|"label"|"labels": […]}`.

A span is `{"start", "end", "label"}` with perhaps its `text`, or `[start, end, label]`
or `[label, start, end]`. `"partial": true` says that what is unmarked was not looked
at; spans under `wrong` are no such entity.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from scripts.annotations.records import Record, RefusedError, Span, short

SPAN_KEYS = ("spans", "entities", "label", "labels", "annotations")
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
    wrong = take_spans(value["wrong"]) if "wrong" in value else ()
    text = check_text(value.get("text"), len(spans) + len(wrong))
    is_partial = value.get("partial") is True
    return Record(text, spans, wrong, is_partial, group=group_of(value))


def parse_spans(value: dict[str, Any]) -> tuple[Span, ...]:
    """Give the spans of a row, under the one key that has some.

    Raises:
        RefusedError: If two keys have some, or a key that nobody knows.
    """
    keys = [key for key in SPAN_KEYS if key in value]
    full = [key for key in keys if value[key] != []]
    if len(full) > 1:
        n_spans = sum(len(value[k]) for k in full if isinstance(value[k], list))
        raise RefusedError(f"spans under two keys: {' and '.join(full)}", n_spans)
    if not keys and (other := [key for key in value if has_spans(value[key])]):
        known = ", ".join(SPAN_KEYS)
        reason = f"spans under a key that is none of {known}: {short(other[0])}"
        raise RefusedError(reason, len(value[other[0]]))
    return take_spans(value[(full or keys)[0]]) if keys else ()


def has_spans(items: Any) -> bool:
    """Say whether a value looks like a list of spans."""
    first = items[0] if isinstance(items, list) and items else None
    if isinstance(first, dict):
        return "start" in first and "label" in first
    return isinstance(first, list) and [type(item) for item in first] == [int, int, str]


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


def agreed(versions: list[tuple[Span, ...]], remedy: str) -> tuple[Span, ...]:
    """Give the spans of which all annotators of a text agree.

    Raises:
        RefusedError: If they don't; says the remedy.
    """
    if len({frozenset(span[:3] for span in spans) for spans in versions}) > 1:
        reason = f"annotators disagree: {len(versions)}, {remedy}"
        raise RefusedError(reason, max(map(len, versions)))
    return versions[0]


def parse_span(value: Any) -> Span:
    """Understand one plain span."""
    if isinstance(value, dict):
        text = value.get("text")
        return make_span(value.get("start"), value.get("end"), value.get("label"), text)
    if not isinstance(value, list) or len(value) < 3:
        raise RefusedError(f"no span [start, end, label]: {short(value)}")
    if isinstance(value[0], str) and type(value[2]) is int:
        return make_span(value[1], value[2], value[0])
    return make_span(*value[:3])


def make_span(start: Any, end: Any, label: Any, text: Any = None) -> Span:
    """Make a span of what a file says.

    Raises:
        RefusedError: If the offsets are no whole numbers, or the label is no word.
    """
    if type(start) is not int or type(end) is not int:
        raise RefusedError(f"no whole offsets: {short([start, end, label])}")
    if not isinstance(label, str) or not is_word(label):
        raise RefusedError(f"a label is one word: {short(label)}")
    return Span(start, end, label, text if isinstance(text, str) else None)


@lru_cache
def is_word(label: str) -> bool:
    """Say whether a label is one word that can be written as UTF-8."""
    return label.split() == [label] and is_unicode(label)


def check_text(text: Any, n_spans: int) -> str:
    """Refuse what is no text, blank or can't be written as UTF-8."""
    if not isinstance(text, str) or not text.strip():
        raise RefusedError("no text", n_spans)
    if not is_unicode(text):
        raise RefusedError("half a UTF-16 pair in the text", n_spans)
    return text


def is_unicode(text: str) -> bool:
    """Say whether a text can be written as UTF-8."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


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
