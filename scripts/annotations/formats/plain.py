"""Plain rows: `{"text": …, "spans"|"entities"|"label"|"labels": […]}`.

A span is `{"start", "end", "label"}` with perhaps its `text`, or `[start, end, label]`
or `[label, start, end]`; that of a relation has a `head` with `start` and `end`.
`"partial": true` means that unmarked text was not annotated; spans under `wrong` were
rejected. `tokens` may be those of spaCy's `Doc.to_json`, with tags, morphology, heads
and relations. Other formats are made of the same parts.
"""

import re
from collections.abc import Callable
from typing import Any

from scripts.annotations.records import Record, RejectedError, Span, short

SPAN_KEYS = ("spans", "entities", "label", "labels", "annotations")
GROUP_KEYS = ("doc_id", "document_id", "doc")
# Layers of what is marked on tokens.
TOKEN_LAYERS = ("tagger", "upos", "morphologizer", "parser")
BLANK = (None, "", "_")
# Half of a UTF-16 pair can't be written as UTF-8.
HALF_PAIR = re.compile("[\ud800-\udfff]")


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize every row that no other format does."""
    return True


def parse(value: Any) -> Record:
    """Parse a plain row."""
    if not isinstance(value, dict):
        raise RejectedError('neither {"text", "spans"} nor [text, {"entities"}]')
    wrong = parse_list(value["wrong"]) if "wrong" in value else ()
    layer = value.get("layer", "")
    if layer not in ("", "ner"):
        raise RejectedError(f"a layer that is not known: {short(layer)}")
    # A relation has a layer of its own.
    spans = [s._replace(layer=s.layer or layer) for s in parse_spans(value)]
    return complete_record(value, (*spans, *parse_tokens(value)), wrong)


def complete_record(
    value: dict[str, Any], spans: tuple[Span, ...], wrong: tuple[Span, ...] = ()
) -> Record:
    """Make a record of a row that says how it was annotated."""
    ignored = value.get("ignored", [])
    if not isinstance(ignored, list) or not all(isinstance(i, str) for i in ignored):
        raise RejectedError(f"not a list of reasons: {short(ignored)}")
    has_entities = "ents" in value or value.get("layer") == "ner"
    return make_record(value, spans, wrong)._replace(
        partial=value.get("partial") is True,
        tokenized=any(span.layer in TOKEN_LAYERS for span in spans),
        sentence=value.get("sentence") is True,
        ignored=tuple(ignored),
        layers=("ner",) if has_entities else (),
    )


def parse_tokens(row: dict[str, Any]) -> tuple[Span, ...]:
    """Parse the annotations of the tokens of a row, as `Doc.to_json` writes them."""
    tokens, spans = row.get("tokens"), []
    if not isinstance(tokens, list) or not all(isinstance(t, dict) for t in tokens):
        return ()
    for token in tokens:
        at = (token.get("start"), token.get("end"))
        for layer, label in labels_of(token).items():
            span = make_span(*at, label)._replace(layer=layer)
            if layer == "parser":
                head = head_of(token, tokens)
                span = span._replace(head=make_span(*head, label)[:2])
            spans.append(span)
    return tuple(spans)


def labels_of(token: dict[str, Any]) -> dict[str, str]:
    """Return the labels of a token by layer; `_` and nothing are no label."""
    tag, pos, morph, dep = (token.get(k) for k in ("tag", "pos", "morph", "dep"))
    if not isinstance(morph, str | None) or not isinstance(pos, str | None):
        raise RejectedError(f"features that are not a text: {short(token)}")
    if (dep in BLANK) != (token.get("head") is None):
        reason = "a relation needs a head and a label"
        raise RejectedError(f"{reason}: {short(token)}")
    features = [morph] if morph not in (None, "", "_") else []
    features += [f"POS={pos}"] if pos not in (None, "", "_") else []
    labels = {"tagger": tag, "upos": pos, "parser": dep}
    labels["morphologizer"] = "|".join(features)
    return {layer: label for layer, label in labels.items() if label not in BLANK}


def head_of(token: dict[str, Any], tokens: list[dict[str, Any]]) -> tuple[int, int]:
    """Return start and end of the head of a token, which has its number, from 0."""
    number = token.get("head")
    if type(number) is not int or not 0 <= number < len(tokens):
        raise RejectedError(f"a head outside the sentence: {short(token)}", len(tokens))
    return tokens[number].get("start"), tokens[number].get("end")


def parse_spans(row: dict[str, Any]) -> tuple[Span, ...]:
    """Parse the spans of a row, under the one key that has some."""
    keys = [key for key in SPAN_KEYS if key in row]
    full = [key for key in keys if row[key] != []]
    if len(full) > 1:
        n_spans = sum(len(row[key]) for key in full if isinstance(row[key], list))
        raise RejectedError(f"spans under two keys: {' and '.join(full)}", n_spans)
    if not keys and (other := [key for key in row if has_spans(row[key])]):
        known = ", ".join(SPAN_KEYS)
        reason = f"spans under a key that is not one of {known}: {short(other[0])}"
        raise RejectedError(reason, len(row[other[0]]))
    return parse_list(row[(full or keys)[0]]) if keys else ()


def has_spans(items: Any) -> bool:
    """Check whether a value looks like a list of spans."""
    first = items[0] if isinstance(items, list) and items else None
    if isinstance(first, dict):
        return "start" in first and "label" in first
    return isinstance(first, list) and [type(item) for item in first] == [int, int, str]


def parse_span(value: Any) -> Span:
    """Parse a plain span."""
    if isinstance(value, dict):
        text, head = value.get("text"), value.get("head")
        at = (value.get("start"), value.get("end"))
        span = make_span(*at, value.get("label"), text)
        if not isinstance(head, dict):
            return span
        ends = make_span(head.get("start"), head.get("end"), span.label)
        return span._replace(layer="parser", head=ends[:2])
    if not isinstance(value, list) or len(value) < 3:
        raise RejectedError(f"not a span [start, end, label]: {short(value)}")
    if isinstance(value[0], str) and type(value[2]) is int:
        return make_span(value[1], value[2], value[0])
    return make_span(*value[:3])


def parse_list(
    values: Any, parse_one: Callable[[Any], Span] = parse_span
) -> tuple[Span, ...]:
    """Parse a list of spans, each with a function."""
    if not isinstance(values, list):
        raise RejectedError("the spans are not a list")
    try:
        return tuple(map(parse_one, values))
    except RejectedError as error:
        error.n_spans = len(values)
        raise


def make_span(start: Any, end: Any, label: Any, text: Any = None) -> Span:
    """Make a span from the values in a file, or reject them."""
    # Not isinstance: True and False are numbers, too.
    if type(start) is not int or type(end) is not int:
        values = short([start, end, label])
        raise RejectedError(f"offsets are not whole numbers: {values}")
    is_word = isinstance(label, str) and label.split() == [label]
    if not is_word or HALF_PAIR.search(label):
        raise RejectedError(f"a label must be one word: {short(label)}")
    return Span(start, end, label, text if isinstance(text, str) else None)


def make_record(
    row: dict[str, Any], spans: tuple[Span, ...], wrong: tuple[Span, ...] = ()
) -> Record:
    """Make a record of the spans of a row, with its text and document."""
    text, n_spans = row.get("text"), len(spans) + len(wrong)
    if not isinstance(text, str) or not text.strip():
        raise RejectedError("no text", n_spans)
    if HALF_PAIR.search(text):
        raise RejectedError("half a UTF-16 pair in the text", n_spans)
    return Record(text, spans, wrong, group=group_of(row))


def group_of(row: dict[str, Any]) -> str:
    """Return the id of the document that a row is from, if it or its `meta` has one."""
    for part in (row, row.get("meta")):
        if isinstance(part, dict):
            for key in GROUP_KEYS:
                if isinstance(part.get(key), str | int):
                    return str(part[key])
    return ""


def agreed(versions: list[tuple[Span, ...]], remedy: str) -> tuple[Span, ...]:
    """Return the spans that all annotators of a text agree on, or reject the row."""
    marked = [frozenset((*span[:3], span.head) for span in spans) for spans in versions]
    if len({*marked}) > 1:
        reason = f"annotators disagree: {len(versions)}, {remedy}"
        raise RejectedError(reason, max(map(len, versions)))
    return versions[0]
