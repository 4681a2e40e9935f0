"""Plain rows: `{"text": …, "spans"|"entities"|"label"|"labels": […]}`.

A span is `{"start", "end", "label"}` with perhaps its `text`, or `[start, end, label]`
or `[label, start, end]`; that of a relation has a `head` with `start` and `end`. Spans
may be in one group, `{"spans": {"sc": […]}}`, and each may have an `answer` of its own.
`"partial": true` means that unmarked text was not annotated; spans under `wrong` were
rejected. `tokens` may be those of spaCy's `Doc.to_json`, with tags, morphology, heads
and relations. Other formats are made of the same parts.
"""

import re
from collections.abc import Callable
from typing import Any

from scripts.annotations.records import (
    IgnoredError,
    Record,
    RejectedError,
    Span,
    short,
)

SPAN_KEYS = ("spans", "entities", "label", "labels", "annotations")
# Keys that say that a row was annotated, whether or not something was found.
ANSWER_KEYS = frozenset({*SPAN_KEYS, "ents", "wrong", "relations"})
# Keys of the text; another one than the first counts if it is the only one.
TEXT_KEYS = ("text", "content", "sentence", "document", "data", "body")
# Keys of where a span begins, and of its label, in one tool or another.
START_KEYS = frozenset({"start", "start_offset", "startOffset", "begin", "offset"})
LABEL_KEYS = frozenset({"label", "labels", "type", "entity", "entity_type", "class"})
GROUP_KEYS = ("doc_id", "document_id", "doc")
ANSWERS = ("accept", "reject", "ignore")
# Layers of what is marked on tokens.
TOKEN_LAYERS = ("tagger", "upos", "morphologizer", "parser")
BLANK = (None, "", "_")
# Half of a UTF-16 pair can't be written as UTF-8.
HALF_PAIR = re.compile("[\ud800-\udfff]")
# A text that is only the address of a text.
ADDRESS = re.compile(r"\s*(\w+://|/data/(upload|local-files)/)\S+\s*")


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
    record = complete_record(value, (*spans, *parse_tokens(value)), wrong)
    return by_answer(record, value)


def complete_record(
    value: dict[str, Any], spans: tuple[Span, ...], wrong: tuple[Span, ...] = ()
) -> Record:
    """Make a record of a row that says how it was annotated."""
    ignored = value.get("ignored", [])
    are_reasons = isinstance(ignored, list) and all(
        isinstance(reason, str) and reason.isprintable() for reason in ignored
    )
    if not are_reasons:
        raise RejectedError(f"not a list of reasons: {short(ignored)}")
    has_entities = "ents" in value or value.get("layer") == "ner"
    return make_record(value, spans, wrong)._replace(
        partial=value.get("partial") is True,
        tokenized=any(span.layer in TOKEN_LAYERS for span in spans),
        sentence=value.get("sentence") is True,
        ignored=tuple(ignored),
        layers=("ner",) if has_entities else (),
        annotated=bool(spans) or not ANSWER_KEYS.isdisjoint(value),
        notes=group_notes(value) if spans else (),
    )


def by_answer(record: Record, row: dict[str, Any]) -> Record:
    """Sort the spans of a record by the answer that each of them has in its row."""
    items = span_items(row)
    if not isinstance(items, list):
        return record
    answers = [item.get("answer") if isinstance(item, dict) else None for item in items]
    if other := [a for a in answers if a not in (None, *ANSWERS)]:
        reason = f"the answer is not one of {', '.join(ANSWERS)}: {short(other[0])}"
        raise RejectedError(reason, len(record.spans))
    # Spans of other layers come after those under `spans`.
    answers += [None] * (len(record.spans) - len(answers))
    pairs = [*zip(record.spans, answers, strict=True)]
    n_ignored = answers.count("ignore")
    return record._replace(
        spans=tuple(span for span, answer in pairs if answer in (None, "accept")),
        wrong=(*record.wrong, *(span for span, answer in pairs if answer == "reject")),
        ignored=(*record.ignored, *["answer ignore"] * n_ignored),
        partial=record.partial or n_ignored > 0,
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
    return parse_list(span_items(row))


def span_items(row: dict[str, Any]) -> Any:
    """Return the spans of a row as it has them; a null beside others is no key."""
    given = {key: row[key] for key in SPAN_KEYS if key in row}
    given = {key: items for key, items in given.items() if items is not None} or given
    of_text = [k for k in ("label", "labels") if marks_whole_text(given.get(k))]
    keys = [key for key in given if key not in of_text]
    full = [key for key in keys if row[key] != []]
    if len(full) > 1:
        n_spans = sum(len(row[key]) for key in full if isinstance(row[key], list))
        raise RejectedError(f"spans under two keys: {' and '.join(full)}", n_spans)
    if not keys and (other := [key for key in row if has_spans(row[key])]):
        known = ", ".join(SPAN_KEYS)
        reason = f"spans under a key that is not one of {known}: {short(other[0])}"
        raise RejectedError(reason, len(row[other[0]]))
    if of_text and not keys:
        raise IgnoredError("a label of the whole text, not of spans")
    return only_group(row[(full or keys)[0]]) if keys else []


def marks_whole_text(value: Any) -> bool:
    """Check whether a label or a list of labels is that of a text classifier."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(word, str) for word in value)
    return value is not None and not isinstance(value, dict)


def only_group(value: Any) -> Any:
    """Return the spans of the one group that has some, where they are in groups."""
    if not isinstance(value, dict) or not all(
        isinstance(spans, list) for spans in value.values()
    ):
        return value
    full = [name for name in value if value[name]]
    if len(full) > 1:
        n_spans = sum(map(len, value.values()))
        raise RejectedError(
            f"spans in several groups: {short(full)}, keep one", n_spans
        )
    return value[full[0]] if full else []


def group_notes(row: dict[str, Any]) -> tuple[str, ...]:
    """Name the group that the spans of a row are from, if they are in one."""
    groups = row.get("spans")
    if "ents" in row or not isinstance(groups, dict):
        return ()
    return tuple(f"spans of the group {short(n)}" for n in groups if groups[n])


def has_spans(items: Any) -> bool:
    """Check whether a value looks like a list of spans."""
    first = items[0] if isinstance(items, list) and items else None
    if isinstance(first, dict):
        return bool(START_KEYS & first.keys() and LABEL_KEYS & first.keys())
    types = [type(item) for item in first] if isinstance(first, list) else []
    return types in ([int, int, str], [str, int, int])


def parse_span(value: Any) -> Span:
    """Parse a plain span."""
    if isinstance(value, dict):
        text, head = value.get("text"), value.get("head")
        start = value.get("start", value.get("start_offset"))
        end = value.get("end", value.get("end_offset"))
        span = make_span(start, end, value.get("label"), text)
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
    if not isinstance(label, str):
        cure = "name its key 'label'" if label is None else "export its name"
        raise RejectedError(f"a label is not a name: {short(label)}, {cure}")
    return Span(start, end, label, text if isinstance(text, str) else None)


def make_record(
    row: dict[str, Any], spans: tuple[Span, ...], wrong: tuple[Span, ...] = ()
) -> Record:
    """Make a record of the spans of a row, with its text and document."""
    text, n_spans = text_of(row), len(spans) + len(wrong)
    if not isinstance(text, str):
        keys = f"name its key 'text', the keys are {short([*row])}"
        why = "it is not a string" if "text" in row else keys
        raise RejectedError(f"no text: {why}", n_spans)
    if not text.strip():
        raise RejectedError("no text: it is blank", n_spans)
    # A comment may be a link, and something in it may be marked.
    is_outside = any(span.end > len(text) for span in spans)
    is_comment = bool(spans) or text.lstrip().startswith("http")
    if ADDRESS.fullmatch(text) and (is_outside or not is_comment):
        reason = f"the text is an address: {short(text)}, export the text itself"
        raise RejectedError(reason, n_spans)
    if HALF_PAIR.search(text):
        raise RejectedError("half a UTF-16 pair in the text", n_spans)
    return Record(text, spans, wrong, group=group_of(row))


def text_of(row: dict[str, Any]) -> Any:
    """Return the text of a row, under the usual key or the only one that is known."""
    found = [row[key] for key in TEXT_KEYS if isinstance(row.get(key), str)]
    return row["text"] if "text" in row else found[0] if len(found) == 1 else None


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
