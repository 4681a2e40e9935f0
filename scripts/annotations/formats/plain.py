"""Plain rows: `{"text": …, "spans"|"entities"|"label"|"labels": […]}`.

A span is `{"start", "end", "label"}` with perhaps its `text`, or `[start, end, label]`
or `[label, start, end]`. `"partial": true` means that unmarked text was not annotated;
spans under `wrong` are not entities.
"""

from collections.abc import Callable
from typing import Any

from scripts.annotations.records import Record, RejectedError, Span, short

SPAN_KEYS = ("spans", "entities", "label", "labels", "annotations")
GROUP_KEYS = ("doc_id", "document_id", "doc")


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize every row that no other format does."""
    return True


def parse(value: Any) -> Record:
    """Parse a plain row."""
    if not isinstance(value, dict):
        raise RejectedError('neither {"text", "spans"} nor [text, {"entities"}]')
    spans = parse_spans(value)
    wrong = parse_list(value["wrong"]) if "wrong" in value else ()
    text = check_text(value.get("text"), len(spans) + len(wrong))
    is_partial = value.get("partial") is True
    return Record(text, spans, wrong, is_partial, group=group_of(value))


def parse_spans(value: dict[str, Any]) -> tuple[Span, ...]:
    """Parse the spans of a row, under the one key that has some.

    Raises:
        RejectedError: If two keys have some, or a key that is unknown.
    """
    keys = [key for key in SPAN_KEYS if key in value]
    full = [key for key in keys if value[key] != []]
    if len(full) > 1:
        n_spans = sum(len(value[k]) for k in full if isinstance(value[k], list))
        raise RejectedError(f"spans under two keys: {' and '.join(full)}", n_spans)
    if not keys and (other := [key for key in value if has_spans(value[key])]):
        known = ", ".join(SPAN_KEYS)
        reason = f"spans under a key that is not one of {known}: {short(other[0])}"
        raise RejectedError(reason, len(value[other[0]]))
    return parse_list(value[(full or keys)[0]]) if keys else ()


def has_spans(items: Any) -> bool:
    """Check whether a value looks like a list of spans."""
    first = items[0] if isinstance(items, list) and items else None
    if isinstance(first, dict):
        return "start" in first and "label" in first
    return isinstance(first, list) and [type(item) for item in first] == [int, int, str]


def parse_list(
    values: Any, parse_one: Callable[[Any], Span] | None = None
) -> tuple[Span, ...]:
    """Parse a list of spans, each with a function; without one, as plain spans."""
    if not isinstance(values, list):
        raise RejectedError("the spans are not a list")
    try:
        return tuple(map(parse_one or parse_span, values))
    except RejectedError as error:
        error.n_spans = len(values)
        raise


def agreed(versions: list[tuple[Span, ...]], remedy: str) -> tuple[Span, ...]:
    """Return the spans that all annotators of a text agree on.

    Raises:
        RejectedError: If they disagree; the reason names the remedy.
    """
    if len({frozenset(span[:3] for span in spans) for spans in versions}) > 1:
        reason = f"annotators disagree: {len(versions)}, {remedy}"
        raise RejectedError(reason, max(map(len, versions)))
    return versions[0]


def parse_span(value: Any) -> Span:
    """Parse a plain span."""
    if isinstance(value, dict):
        text = value.get("text")
        return make_span(value.get("start"), value.get("end"), value.get("label"), text)
    if not isinstance(value, list) or len(value) < 3:
        raise RejectedError(f"not a span [start, end, label]: {short(value)}")
    if isinstance(value[0], str) and type(value[2]) is int:
        return make_span(value[1], value[2], value[0])
    return make_span(*value[:3])


def make_span(start: Any, end: Any, label: Any, text: Any = None) -> Span:
    """Make a span from the values in a file.

    Raises:
        RejectedError: If offsets are not whole numbers, or the label is not one word.
    """
    # Not isinstance: True and False are numbers, too.
    if type(start) is not int or type(end) is not int:
        raise RejectedError(
            f"offsets are not whole numbers: {short([start, end, label])}"
        )
    if not isinstance(label, str) or label.split() != [label] or not is_unicode(label):
        raise RejectedError(f"a label must be one word: {short(label)}")
    return Span(start, end, label, text if isinstance(text, str) else None)


def check_text(text: Any, n_spans: int) -> str:
    """Reject a text that is missing, blank or can't be written as UTF-8."""
    if not isinstance(text, str) or not text.strip():
        raise RejectedError("no text", n_spans)
    if not is_unicode(text):
        raise RejectedError("half a UTF-16 pair in the text", n_spans)
    return text


def is_unicode(text: str) -> bool:
    """Check whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def group_of(value: dict[str, Any]) -> str:
    """Return the id of the document that a row is from, if it or its `meta` has one."""
    for part in (value, value.get("meta")):
        if isinstance(part, dict):
            for key in GROUP_KEYS:
                if isinstance(part.get(key), str | int):
                    return str(part[key])
    return ""
