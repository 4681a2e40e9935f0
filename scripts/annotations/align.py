"""Records to docs: every span must fit the text and its tokens, or be repaired."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import Literal, NamedTuple
from unicodedata import normalize

from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.util import filter_spans

from scripts.annotations.account import Counts
from scripts.annotations.offsets import CHARS, Reading, to_span
from scripts.annotations.records import Record, RejectedError, Row, Span, short
from scripts.components.kind import COMPLETE, Fact, Kind
from scripts.components.ner import INCORRECT

# Tokens that no entity begins or ends with, and those that come in pairs.
PUNCTUATION = frozenset(",;:")
PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "“": "”", "‘": "’", "«": "»"}
MATES = {mate: word for word, mate in PAIRS.items()}
Align = Literal["strict", "contract", "expand"]
# The time of the tokenizer grows with the square of this: hours for a text full of it.
MAX_SIGNS = 2000
SIGNS = re.compile(rf"[^\w\s]{{{MAX_SIGNS},}}")
# What the layers of a record mark.
LAYERS = {"ner": "entities", "tagger": "tags", "upos": "parts of speech"}
LAYERS |= {"morphologizer": "morphological features", "parser": "relations"}
LAYERS |= {"": "spans"}
# Characters shown at each side of a span that does not fit.
CONTEXT = 30


class Options(NamedTuple):
    """How to read, repair and convert rows; each is a flag of `preprocess`.

    What is empty or None is found out: the format, what offsets count and whether they
    are inclusive for each file, the labels from those that occur, and `partial` from
    the kind of the component. `upos`: universal tags are those of a tagger.
    `label_map`: labels to rename, each with its new name; with an empty one, to drop.
    """

    format_name: str = ""
    offsets: str | None = None
    inclusive: bool | None = None
    align: Align = "strict"
    trim: bool = True
    merge: bool = True
    longest: bool = False
    partial: bool | None = None
    labels: tuple[str, ...] = ()
    component: str = "ner"
    upos: bool = False
    label_map: tuple[tuple[str, str], ...] = ()


def text_error(text: str, max_length: int) -> RejectedError | None:
    """Reject a text that is too long for spaCy, or that would take it hours."""
    if len(text) > max_length:
        reason = f"text too long: {len(text)} characters of at most {max_length}"
        return RejectedError(reason)
    if SIGNS.search(text):
        return RejectedError(f"more than {MAX_SIGNS} punctuation characters in a row")
    return None


def choose_layer(record: Record, kind: Kind, options: Options) -> Record:
    """Return a record with those spans that are for a kind of component.

    Raises:
        RejectedError: If there are some, and none of them is.
    """
    own = "upos" if options.upos and kind.FACTORY == "tagger" else kind.FACTORY
    spans, wrong = (
        tuple(span for span in some if span.layer in ("", own))
        for some in (record.spans, record.wrong)
    )
    if record.spans and not spans and own not in record.layers:
        layers = {span.layer for span in record.spans}
        names = ", ".join(sorted(LAYERS[layer] for layer in layers))
        is_upos = kind.FACTORY == "tagger" and "upos" in layers
        flag = "; see --upos" if is_upos else ""
        raise RejectedError(
            f"marks {names}, but vars.component is {options.component}{flag}",
            len(record.spans),
        )
    # Those of a sentence in CoNLL-U are about its words.
    ignored = record.ignored if kind.IS_DENSE or not record.sentence else ()
    return record._replace(spans=spans, wrong=wrong, ignored=ignored)


def rename_labels(record: Record, kind: Kind, options: Options) -> Record:
    """Return a record with its labels renamed or dropped, and as spaCy writes them.

    Raises:
        RejectedError: If a label cannot be learned.
    """
    names, ignored, notes = dict(options.label_map), [], []
    renamed: list[list[Span]] = [[], []]
    for spans, some in zip(renamed, (record.spans, record.wrong), strict=True):
        for span in some:
            label = names.get(span.label, span.label)
            if span.label in names:
                notes.append(show_renamed(span.label, label))
            if span.label in names and not label:
                ignored.append(f"{span.label}, dropped by --map")
                continue
            check_label(label, kind)
            spans.append(span._replace(label=kind.to_label(label)))
    return record._replace(
        spans=tuple(renamed[0]),
        wrong=tuple(renamed[1]),
        ignored=(*record.ignored, *ignored),
        notes=(*record.notes, *notes),
    )


def show_renamed(old: str, new: str) -> str:
    """Write what `--map` does to a label."""
    return f"--map {old}={new}"


def check_label(label: str, kind: Kind) -> None:
    """Reject a label that a config, a terminal or spaCy takes for something else."""
    is_plain = bool(label) and label.isprintable() and label == label.strip()
    is_plain &= not label.startswith("!") and "  " not in label
    # Tags are words, such as PRP$; an entity type may be several.
    is_known = " " not in label if kind.IS_DENSE else "$" not in label
    if not is_plain or not is_known:
        raise RejectedError(
            f"a label that spaCy cannot learn: {short(label)}; see --map"
        )


def annotate(
    doc: Doc,
    row: Row,
    options: Options,
    kind: Kind,
    labels: Collection[str] | None = None,
) -> Counts:
    """Set what a row marks in its doc, or reject the row.

    Spans with one of `labels` count, others are ignored; None: all count. Returns how
    many spans were ignored, repaired or rejected, and the repairs.
    """
    counts, record, spans = Counter(), row.record, []
    counts.update(("notes", note) for note in record.notes)
    for reason in record.ignored:
        counts["spans", "ignored"] += 1
        counts["ignored", reason] += 1
    for span in record.spans:
        if labels is None or span.label in labels:
            spans.append(span)
        else:
            counts["spans", "ignored"] += 1
            counts["ignored", f"{span.label}, not looked for"] += 1
    set_marks = mark_tokens if kind.IS_DENSE else mark_spans
    set_marks(doc, row, options, kind, spans, counts)
    return counts


def mark_spans(
    doc: Doc,
    row: Row,
    options: Options,
    kind: Kind,
    spans: Iterable[Span],
    counts: Counts,
) -> None:
    """Set spans as the entities of a doc, and count the repairs."""
    record = row.record
    found = find_spans(spans, doc, row, options, counts)
    ents = without_overlaps(sorted(found), options.longest)
    wrong = find_spans(record.wrong, doc, row, options, counts)
    if both := wrong.keys() & {*ents}:
        raise RejectedError(f"marked as an entity and as wrong: {show(min(both))}")
    is_partial = record.partial or options.partial
    doc.set_ents(ents, default="missing" if is_partial else "outside")
    if wrong:
        doc.spans[INCORRECT] = [*wrong]
    n_repaired = sum(found[ent] for ent in ents) + sum(wrong.values())
    counts["spans", "repaired"] += n_repaired
    n_dropped = len(found) - len(ents)
    counts["spans", "rejected"] = counts["repairs", "overlap"] = n_dropped


def mark_tokens(
    doc: Doc,
    row: Row,
    options: Options,
    kind: Kind,
    spans: Iterable[Span],
    counts: Counts,
) -> None:
    """Set the tags or arcs of single tokens in a doc, and count the repairs."""
    found: dict[int, Fact] = {}
    # Words that were left out are not known to have none of the labels.
    is_partial = row.record.partial or options.partial or bool(row.record.ignored)
    for span in spans:
        if row.record.tokenized and row.record.text[span.start : span.end].isspace():
            counts["spans", "ignored"] += 1
            counts["ignored", "white space"] += 1
            continue
        try:
            fact, kinds = find_fact(span, doc, row, options, kind)
        except OtherTokensError:
            if not row.record.tokenized:
                raise
            # The tool has tokens of its own, and the base others.
            counts["spans", "ignored"] += 1
            counts["ignored", "token that the base splits otherwise"] += 1
            is_partial = True
            continue
        if found.setdefault(fact[0], fact) != fact:
            word, other = doc[fact[0]].text, found[fact[0]]
            both = f"{kind.show(doc, other)} and {kind.show(doc, fact)}"
            raise RejectedError(f"a token marked twice: {word!r} is {both}")
        counts["spans", "repaired"] += bool(kinds)
        counts.update(("repairs", each) for each in kinds)
    for _ in row.record.wrong:
        counts["spans", "ignored"] += 1
        counts["ignored", f"rejected, which teaches no {kind.NAME}"] += 1
    facts = {*found.values()}
    try:
        for label in sorted({fact[-1] for fact in facts}):
            kind.check_label(label)
        kind.check(doc, facts, row.record.sentence, is_complete=not is_partial)
    except ValueError as error:
        raise RejectedError(str(error)) from error
    kind.set_facts(doc, facts)
    if not is_partial:
        doc.cats[COMPLETE] = 1.0


def find_fact(
    span: Span, doc: Doc, row: Row, options: Options, kind: Kind
) -> tuple[Fact, list[str]]:
    """Find what a span marks on a token, with the kinds of repair that it needs."""
    places, kinds = [(span.start, span.end)], []
    if kind.FACTORY == "parser":
        if span.head is None:
            raise RejectedError(f"a relation without a head: {name(span)}")
        places.append(span.head)
    tokens = []
    for start, end in places:
        ends = span._replace(start=start, end=end)
        ends = ends if not tokens else ends._replace(text=None)
        ent, repairs = find_one(ends, doc, row, options)
        if len(ent) != 1:
            raise OtherTokensError(
                f"marks several tokens: {show(ent)}; mark each of them"
            )
        tokens.append(ent.start)
        kinds += repairs
    return (*tokens, span.label), kinds


class OtherTokensError(RejectedError):
    """A span that is not a token of the base."""


def find_spans(
    spans: Iterable[Span], doc: Doc, row: Row, options: Options, counts: Counts
) -> dict[DocSpan, bool]:
    """Find spans in a doc, with whether each was repaired; counts the repairs."""
    found: dict[DocSpan, bool] = {}
    for span in spans:
        ent, kinds = find_one(span, doc, row, options)
        if ent in found:
            if not options.merge:
                raise RejectedError(f"the same span twice: {show(ent)}; see --merge")
            kinds = ["duplicate"]
            counts["spans", "repaired"] += 1
        found.setdefault(ent, bool(kinds))
        counts.update(("repairs", kind) for kind in kinds)
    return found


def find_one(
    span: Span, doc: Doc, row: Row, options: Options
) -> tuple[DocSpan, list[str]]:
    """Find a span, in the offsets of its tool, with the kinds of repair it needs."""
    # The text of the doc is the same, but takes long to make.
    text, reading = row.record.text, row.reading
    try:
        read = to_span(text, span, reading)
    except ValueError as error:
        reason = f"offset inside a character: {name(span)}; see --offsets"
        raise RejectedError(reason) from error
    try:
        ent, kinds = find_span(read, text, doc, options)
    except RejectedError as error:
        error.excerpt = mark(text, read)
        raise
    if read != span:
        is_inclusive = reading == Reading(CHARS, inclusive=True)
        kinds.append("ends" if is_inclusive else reading.unit)
    return ent, kinds


def find_span(
    span: Span, text: str, doc: Doc, options: Options
) -> tuple[DocSpan, list[str]]:
    """Find a span in a doc, with the kinds of repair that it needs, or reject it."""
    check_span(span, text)
    kinds: list[str] = []
    cut = trim(span, text) if options.trim else span
    ent = doc.char_span(*cut[:3])
    if ent is None and options.align != "strict":
        ent = doc.char_span(*cut[:3], alignment_mode=options.align)
        kinds.append(options.align)
    if not ent:
        raise OtherTokensError(misaligned(cut, doc))
    if ent.text != ent.text.strip():
        # spaCy's parser can do neither.
        reason = f"begins or ends with white space: {name(span)}; see --trim"
        raise RejectedError(reason)
    bare = strip_punctuation(ent) if options.trim else ent
    if cut != span or bare != ent:
        kinds.append("trim")
    return bare, kinds


def check_span(span: Span, text: str) -> None:
    """Reject a span that is blank or outside its text, or that has another text."""
    if span.start < 0 or span.end > len(text):
        where = f"{name(span)} of {len(text)} characters"
        raise RejectedError(f"outside the text: {where}; see --offsets")
    surface = text[span.start : span.end]
    if not surface.strip():
        raise RejectedError(f"empty: {name(span)}")
    if span.text is not None and squeeze(span.text) != squeeze(surface):
        both = f"{name(span)} is {surface!r}, its text is {span.text!r}"
        reason = f"offsets and text of a span differ: {both}; see --offsets"
        raise RejectedError(reason)


def squeeze(text: str) -> str:
    """Make texts equal that differ in white space and Unicode form alone."""
    return "".join(normalize("NFC", text).split())


def trim(span: Span, text: str) -> Span:
    """Cut white space off both ends of a span that is not blank."""
    surface = text[span.start : span.end]
    start = span.end - len(surface.lstrip())
    return span._replace(start=start, end=start + len(surface.strip()))


def strip_punctuation(ent: DocSpan) -> DocSpan:
    """Cut punctuation tokens off a span, and brackets and quotes without a mate."""
    words = [token.text for token in ent]
    first, last = 0, len(words)
    while last - first > 1:
        some = words[first:last]
        if some[0] in PUNCTUATION or is_alone(some[0], PAIRS, some):
            first += 1
        elif some[-1] in PUNCTUATION or is_alone(some[-1], MATES, some):
            last -= 1
        else:
            break
    return DocSpan(ent.doc, ent.start + first, ent.start + last, label=ent.label)


def is_alone(word: str, mates: dict[str, str], words: list[str]) -> bool:
    """Check whether a word is a bracket or quote that has no mate among the words."""
    mate = mates.get(word)
    if mate == word:
        return words.count(word) % 2 == 1
    return mate is not None and words.count(word) > words.count(mate)


def without_overlaps(ents: list[DocSpan], longest: bool) -> list[DocSpan]:
    """Of sorted entities that overlap, return the longest, or reject them all."""
    for before, ent in pairwise(ents):
        if ent.start < before.end and not longest:
            both = f"{show(ent)} and {show(before)}"
            raise RejectedError(f"overlap: {both}, keep one of them or see --longest")
    return filter_spans(ents)


def misaligned(span: Span, doc: Doc) -> str:
    """Write where a misaligned span is, and where the nearest tokens are."""
    near = doc.char_span(span.start, span.end, alignment_mode="expand")
    cut = doc.text[span.start : span.end]
    where = f"ends inside a token: span {span.start}:{span.end} {cut!r} ({span.label})"
    return f"{where}, nearest is {show(near)}; see --align" if near else where


def name(span: Span) -> str:
    """Write the offsets and label of a span."""
    return f"span {span.start}:{span.end} ({span.label})"


def show(ent: DocSpan) -> str:
    """Write the offsets and text of a span in a doc."""
    return f"{ent.start_char}:{ent.end_char} {ent.text!r}"


def mark(text: str, span: Span) -> str:
    """Show a span in its text: …before >>>span<<< after…."""
    start, end = sorted((max(0, span.start), max(0, span.end)))
    before, after = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
    return f"{before}>>>{text[start:end]}<<<{after}"
