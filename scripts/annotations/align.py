"""Records to docs: every span must fit the text and the tokens, or be repaired."""

import re
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import Literal, NamedTuple
from unicodedata import normalize

from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.util import filter_spans

from scripts.annotations.offsets import CHARS, Reading, to_span
from scripts.annotations.records import INCORRECT, Record, RefusedError, Span

# Tokens that no entity begins or ends with, and those that come in pairs.
PUNCTUATION = frozenset(",;:")
PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "“": "”", "‘": "’", "«": "»"}
MATES = {mate: word for word, mate in PAIRS.items()}
Align = Literal["strict", "contract", "expand"]
# The tokenizer takes the square of this many steps: hours for a text full of them.
MAX_SIGNS = 2000
SIGNS = re.compile(rf"[^\w\s]{{{MAX_SIGNS},}}")
# Characters shown at each side of a span that does not fit.
CONTEXT = 30


class Repairs(NamedTuple):
    """What may be done to a span that does not fit; each is a flag of `preprocess`.

    Attributes:
        align: A span that ends inside a token is refused (`strict`), narrowed
            (`contract`) or widened (`expand`).
        trim: White space and punctuation at a span's edges are cut.
        merge: The same span twice is one, and so is the same row.
        longest: Of spans that overlap the longest stays; else the row is refused.
    """

    align: Align = "strict"
    trim: bool = True
    merge: bool = True
    longest: bool = False


def make_doc(
    record: Record,
    nlp: Language,
    reading: Reading,
    repairs: Repairs,
    labels: Collection[str] | None = None,
) -> tuple[Doc, list[str]]:
    """Tokenize a record's text and set its spans as entities.

    Args:
        record: The record.
        nlp: The pipeline whose tokenizer counts: the one to be updated.
        reading: How the record's offsets are read.
        repairs: What may be done to its spans.
        labels: The labels that count, None: all; other spans are ignored.

    Returns:
        The doc, and a word for each span that was repaired, rejected or ignored (with
        its label), and for each repair.

    Raises:
        RefusedError: If a span is empty, out of range, misaligned or overlapping.
    """
    text, n_spans = record.text, record.n_spans
    if len(text) > nlp.max_length:
        reason = f"text too long: {len(text)} characters of at most {nlp.max_length}"
        raise RefusedError(reason, n_spans)
    if len(text) > MAX_SIGNS and SIGNS.search(text):
        raise RefusedError(f"more than {MAX_SIGNS} signs in a row", n_spans)
    doc = nlp.make_doc(text)
    others = set() if labels is None else {s.label for s in record.spans} - {*labels}
    spans = [s for s in record.spans if s.label not in others]
    done = [f"ignored: {s.label}" for s in record.spans if s.label in others]
    try:
        ents = place_all(spans, text, doc, reading, repairs, done)
        known = resolve(sorted(ents), repairs)
        doc.set_ents(known, default="missing" if record.partial else "outside")
        if record.wrong:
            wrong = place_all(record.wrong, text, doc, reading, repairs, done)
            if wrong.keys() & set(known):
                raise RefusedError(f"an entity and none: {show(min(wrong))}")
            doc.spans[INCORRECT] = list(wrong)
            done += ["repaired" for is_repaired in wrong.values() if is_repaired]
    except RefusedError as error:
        raise RefusedError(str(error), n_spans, error.excerpt) from error
    done += ["repaired" for ent in known if ents[ent]]
    done += ["rejected", "overlap"] * (len(ents) - len(known))
    return doc, done


def place_all(
    spans: Iterable[Span],
    text: str,
    doc: Doc,
    reading: Reading,
    repairs: Repairs,
    done: list[str],
) -> dict[DocSpan, bool]:
    """Find spans in a doc.

    Args:
        spans: The spans.
        text: The doc's text, which it would make anew each time.
        doc: The doc.
        reading: How offsets are read.
        repairs: What may be done.
        done: A word for each repair; grows.

    Returns:
        The entities, and whether each was repaired.

    Raises:
        RefusedError: If one does not fit, or comes twice and may not be merged.
    """
    placed: dict[DocSpan, bool] = {}
    for span in spans:
        ent, kinds = place(span, text, doc, reading, repairs)
        if ent in placed:
            if not repairs.merge:
                raise RefusedError(f"twice the same span: {show(ent)}")
            kinds = ["duplicate", "repaired"]
        placed.setdefault(ent, bool(kinds))
        done += kinds
    return placed


def place(
    span: Span, text: str, doc: Doc, reading: Reading, repairs: Repairs
) -> tuple[DocSpan, list[str]]:
    """Find a span in a doc, and say how it had to be repaired.

    Raises:
        RefusedError: If it does not fit, or another text stands there than it says.
    """
    read, kinds = span, []
    if reading != Reading():
        try:
            read = to_span(text, span, reading)
        except ValueError as error:
            reason = f"offset inside a character: {name(span)}"
            raise RefusedError(reason) from error
        if read != span:
            kinds.append("ends" if reading == Reading(CHARS, True) else reading.unit)
    check(read, text)
    cut = trim(read, text) if repairs.trim else read
    ent = doc.char_span(cut.start, cut.end, label=cut.label)
    if ent is None and repairs.align != "strict":
        mode = repairs.align
        ent = doc.char_span(cut.start, cut.end, label=cut.label, alignment_mode=mode)
        kinds.append(mode)
    if not ent:
        raise RefusedError(misaligned(cut, doc), excerpt=mark(text, cut))
    if text[ent.start_char].isspace() or text[ent.end_char - 1].isspace():
        # The parser can do neither.
        reason = f"begins or ends with white space: {name(span)}"
        raise RefusedError(reason, excerpt=mark(text, cut))
    bare = ent
    if repairs.trim and not (text[cut.start].isalnum() and text[cut.end - 1].isalnum()):
        bare = strip_punctuation(ent)
    if cut != read or bare is not ent:
        kinds.append("trim")
    return bare, kinds


def check(span: Span, text: str) -> None:
    """Refuse a span that is empty, reversed, blank, outside its text or elsewhere."""
    if span.start < 0 or span.end > len(text):
        place = f"{name(span)} of {len(text)} characters"
        raise RefusedError(f"outside the text: {place}")
    surface = text[span.start : span.end]
    if not surface.strip():
        raise RefusedError(f"empty: {name(span)}", excerpt=mark(text, span))
    if span.text is not None and squeeze(span.text) != squeeze(surface):
        reason = f"not where it says: {name(span)} is {surface!r}, not {span.text!r}"
        raise RefusedError(reason, excerpt=mark(text, span))


def squeeze(text: str) -> str:
    """Make texts equal that differ in white space and Unicode form alone."""
    return "".join(normalize("NFC", text).split())


def trim(span: Span, text: str) -> Span:
    """Cut white space at both ends off a span that is not blank."""
    surface = text[span.start : span.end]
    if surface == surface.strip():
        return span
    start = span.end - len(surface.lstrip())
    return span._replace(start=start, end=start + len(surface.strip()))


def strip_punctuation(ent: DocSpan) -> DocSpan:
    """Cut tokens of punctuation off a span, and brackets and quotes without a mate."""
    first, last = ent.start, ent.end
    doc = ent.doc
    while last - first > 1:
        words = [token.text for token in doc[first:last]]
        if words[0] in PUNCTUATION or is_alone(words, PAIRS, words[0]):
            first += 1
        elif words[-1] in PUNCTUATION or is_alone(words, MATES, words[-1]):
            last -= 1
        else:
            break
    if (first, last) == (ent.start, ent.end):
        return ent
    return DocSpan(doc, first, last, label=ent.label)


def is_alone(words: list[str], pairs: dict[str, str], word: str) -> bool:
    """Say whether a bracket or quote has no mate among the words."""
    if word not in pairs:
        return False
    if pairs[word] == word:
        return words.count(word) % 2 == 1
    return words.count(word) > words.count(pairs[word])


def resolve(ents: list[DocSpan], repairs: Repairs) -> list[DocSpan]:
    """Give the entities of which none overlap, or refuse them.

    Args:
        ents: The entities, sorted.
        repairs: Whether the longest of those that overlap stays.

    Raises:
        RefusedError: If some overlap and may not be left out.
    """
    for before, ent in pairwise(ents):
        if ent.start < before.end:
            if repairs.longest:
                return filter_spans(ents)
            reason = f"overlap: {show(ent)} and {show(before)}, keep one of them"
            raise RefusedError(reason)
    return ents


def misaligned(span: Span, doc: Doc) -> str:
    """Say which tokens a misaligned span cuts, and where their edges are."""
    near = doc.char_span(span.start, span.end, alignment_mode="expand")
    cut = doc.text[span.start : span.end]
    place = f"ends inside a token: span {span.start}:{span.end} {cut!r} ({span.label})"
    return f"{place}, nearest is {show(near)}; see --align" if near else place


def name(span: Span) -> str:
    """Name a span by its offsets and label, for a message."""
    return f"span {span.start}:{span.end} ({span.label})"


def show(ent: DocSpan) -> str:
    """Write a span as its offsets and text, for a message."""
    return f"{ent.start_char}:{ent.end_char} {ent.text!r}"


def mark(text: str, span: Span) -> str:
    """Show a span where it stands: …before >>>span<<< after…."""
    start, end = sorted((max(0, span.start), max(0, span.end)))
    before, after = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
    return f"{before}>>>{text[start:end]}<<<{after}"
