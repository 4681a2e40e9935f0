"""Records to docs: every span must fit the text and the tokens."""

from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan

from scripts.annotations.records import Record, RejectedRowError, Span


def make_doc(record: Record, nlp: Language) -> tuple[Doc, int]:
    """Tokenize a record's text and set its spans as entities.

    Args:
        record: The record.
        nlp: The pipeline whose tokenizer counts: the one to be updated.

    Returns:
        The doc, and the number of its spans that were repaired: white space at
        the edges of a span, which the parser can't begin or end with, is cut.

    Raises:
        RejectedRowError: If a span is empty, out of range, misaligned or overlapping.
    """
    doc = nlp.make_doc(record.text)
    ents, n_repaired = [], 0
    for span in sorted(record.spans):
        check_range(span, record)
        trimmed = trim(span, record.text)
        n_repaired += trimmed != span
        ent = doc.char_span(trimmed.start, trimmed.end, label=trimmed.label)
        if ent is None:
            raise RejectedRowError(
                record.row, misaligned(trimmed, doc), len(record.spans)
            )
        if ents and ent.start < ents[-1].end:
            reason = f"{show(ent)} overlaps {show(ents[-1])}: keep one of them"
            raise RejectedRowError(record.row, reason, len(record.spans))
        ents.append(ent)
    doc.set_ents(ents)
    return doc, n_repaired


def check_range(span: Span, record: Record) -> None:
    """Refuse a span that is empty, reversed, blank or outside its text."""
    place = f"span {span.start}:{span.end} ({span.label})"
    reason = ""
    if span.start < 0 or span.end > len(record.text):
        reason = f"{place} is outside the text of {len(record.text)} characters"
    elif not record.text[span.start : span.end].strip():
        reason = f"{place} is empty"
    if reason:
        raise RejectedRowError(record.row, reason, len(record.spans))


def trim(span: Span, text: str) -> Span:
    """Cut white space at both ends off a span that is not blank."""
    surface = text[span.start : span.end]
    start = span.end - len(surface.lstrip())
    return Span(start, start + len(surface.strip()), span.label)


def misaligned(span: Span, doc: Doc) -> str:
    """Say which tokens a misaligned span cuts, and where their edges are."""
    near = doc.char_span(span.start, span.end, alignment_mode="expand")
    cut = doc.text[span.start : span.end]
    place = f"span {span.start}:{span.end} {cut!r} ({span.label})"
    return f"{place} ends inside a token: nearest is {show(near)}" if near else place


def show(ent: DocSpan) -> str:
    """Write a span as its offsets and text, for a message."""
    return f"{ent.start_char}:{ent.end_char} {ent.text!r}"
