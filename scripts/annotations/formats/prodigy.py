"""Prodigy's rows: `spans`, `tokens`, `relations`, `answer`, `_view_id`.

A binary question (`_view_id` is `ner`, or a single span with a score and no tokens to
choose from) asks about one span: the rest of the text was not annotated. If it is
rejected, that span is wrong; a rejected row of several spans means only that something
is wrong. A row of an interface that marks no spans says nothing of entities.
https://prodi.gy/docs/api-interfaces
"""

from typing import Any

from scripts.annotations.formats.plain import (
    ANSWER_KEYS,
    ANSWERS,
    by_answer,
    group_notes,
    make_record,
    make_span,
    parse_list,
    parse_spans,
)
from scripts.annotations.records import IgnoredError, Record, RejectedError, Span, short

MARKS = frozenset({"answer", "_input_hash", "_task_hash", "_view_id"})
# Keys of a span that a model proposes, one at a time.
PROPOSED = frozenset({"score", "rank", "priority"})
# Interfaces in which no span is marked; spans in their rows are only shown.
OTHER_VIEWS = frozenset({"choice", "classification", "text", "text_input", "html"})
OTHER_VIEWS |= {"image", "image_manual", "audio", "audio_manual", "compare", "diff"}


def is_mine(keys: frozenset[str]) -> bool:
    """Recognize a row by the keys that Prodigy adds."""
    return not MARKS.isdisjoint(keys)


def parse(value: Any) -> Record:
    """Parse one of Prodigy's rows."""
    check_view(value)
    spans = parse_spans(value)
    if "relations" in value:
        marked = [span._replace(layer="ner") for span in spans]
        spans = (*marked, *parse_relations(value))
    layers = ("parser",) if "relations" in value else ()
    record = make_record(value, spans)._replace(
        length=length_of(value),
        layers=layers,
        annotated=not ANSWER_KEYS.isdisjoint(value),
        notes=group_notes(value) if spans else (),
    )
    answer = value.get("answer", "accept")
    if answer not in ANSWERS:
        reason = f"the answer is not one of {', '.join(ANSWERS)}: {short(answer)}"
        raise RejectedError(reason, len(spans))
    if answer == "reject" and len(spans) == 1:
        return record._replace(spans=(), wrong=spans, partial=True)
    if answer != "accept":
        raise IgnoredError(f"answer {answer}", len(spans))
    return by_answer(record._replace(partial=is_binary(value)), value)


def check_view(value: dict[str, Any]) -> None:
    """Ignore a row of an interface in which no span can be marked."""
    view, spans = value.get("_view_id"), value.get("spans")
    is_choice = view is None and "options" in value and not spans
    if is_choice or (isinstance(view, str) and view in OTHER_VIEWS):
        n_spans = len(spans) if isinstance(spans, list) else 0
        raise IgnoredError(
            f"interface {view or 'choice'}, which marks no spans", n_spans
        )


def is_binary(value: dict[str, Any]) -> bool:
    """Check whether a row asks about one span that a model proposes."""
    view, spans = value.get("_view_id"), value.get("spans")
    if view is not None or "tokens" in value:
        return view == "ner"
    is_one = isinstance(spans, list) and len(spans) == 1 and isinstance(spans[0], dict)
    return is_one and not PROPOSED.isdisjoint(spans[0])


def parse_relations(value: dict[str, Any]) -> tuple[Span, ...]:
    """Parse relations between tokens, each by the number of its child and head."""
    tokens = value.get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(t, dict) for t in tokens):
        raise RejectedError("relations without tokens")

    def parse_one(relation: Any) -> Span:
        fields = relation if isinstance(relation, dict) else {}
        ends = []
        for key in ("child", "head"):
            number = fields.get(key)
            if type(number) is not int or not 0 <= number < len(tokens):
                raise RejectedError(f"a head outside the sentence: {short(relation)}")
            ends.append((tokens[number].get("start"), tokens[number].get("end")))
        child, head = (make_span(*end, fields.get("label")) for end in ends)
        return child._replace(layer="parser", head=head[:2])

    return parse_list(value["relations"], parse_one)


def length_of(value: dict[str, Any]) -> int | None:
    """Return the length of the text by the end of its last token."""
    try:
        token = value["tokens"][-1]
        # Tokens don't include white space at the end, unless that is the last one.
        is_blank = token["text"].isspace()
        n_after = 0 if is_blank else len(value["text"]) - len(value["text"].rstrip())
        return token["end"] + n_after
    except (KeyError, IndexError, TypeError, AttributeError):
        return None


def to_row(text: str, spans: list[Span]) -> dict[str, Any]:
    """Make a task with spans or relations to correct, in characters."""
    arcs = [span for span in spans if span.head]
    if not arcs:
        rows = [{"start": s.start, "end": s.end, "label": s.label} for s in spans]
        return {"text": text, "spans": rows}
    places = sorted({place for s in arcs for place in (s[:2], s.head)})
    tokens = [
        {"id": i, "start": start, "end": end, "text": text[start:end]}
        for i, (start, end) in enumerate(places)
    ]
    numbers = {place: i for i, place in enumerate(places)}
    relations = [
        {"child": numbers[s[:2]], "head": numbers[s.head], "label": s.label}
        for s in arcs
    ]
    return {"text": text, "tokens": tokens, "relations": relations}
