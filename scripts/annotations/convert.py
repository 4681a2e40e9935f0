"""Rows to docs, one by one: what a split takes, each text once, all of it counted."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from scripts.annotations.account import Account
from scripts.annotations.align import Repairs, make_doc
from scripts.annotations.formats import format_of, parse_row
from scripts.annotations.offsets import Reading
from scripts.annotations.records import INCORRECT, RefusedError, RejectedRow, Row
from scripts.annotations.rows import find_annotations, parsed, read_raw
from scripts.annotations.survey import Plan, Survey
from scripts.files import as_path


class Options(NamedTuple):
    """How rows are understood; see the flags of `preprocess`.

    Attributes:
        format_name: The format of all files; empty: known by content.
        offsets: What all offsets count; None: by the votes of each file.
        inclusive: Whether all ends are inclusive; None: by the votes of each file.
        repairs: What may be done to a span that does not fit.
        partial: Whether the absence of a span means nothing.
        labels: The labels that were looked for; empty: those that occur.
    """

    format_name: str = ""
    offsets: str | None = None
    inclusive: bool | None = None
    repairs: Repairs = Repairs()
    partial: bool = False
    labels: tuple[str, ...] = ()


class Said(NamedTuple):
    """What a person said of a text: entities, what is none, whether some is unseen."""

    ents: set[tuple[int, int, int]]
    wrong: set[tuple[int, int, int]]
    partial: bool


# What was said first of a text, and the row that says it; a doc would not outlive its
# memory zone.
First = dict[str, tuple[Row, Said]]
PlannedRow = tuple[Row, Reading]


def look(
    pattern: str, options: Options, split_off: Sequence[str] = ()
) -> tuple[dict[str, Plan], tuple[str, ...]]:
    """Look at every row that a setting names, and plan what is to become of it.

    Args:
        pattern: A file, folder or glob.
        options: How rows are understood.
        split_off: The sets to split off.

    Returns:
        The plan of each file, and the labels that occur.
    """
    survey = Survey(options.labels, split_off)
    for path in find_annotations(pattern):
        survey.look(path, options.format_name)
    plans = survey.plan(options.offsets, options.inclusive)
    return plans, tuple(survey.labels)


def convert(
    rows: Iterable[PlannedRow],
    nlp: Language,
    options: Options,
    labels: Collection[str] | None,
    account: Account,
    first: First | None = None,
) -> Iterator[tuple[Row, str, Doc]]:
    """Convert rows, each text once.

    Args:
        rows: The rows, each with the way to read its offsets.
        nlp: The pipeline whose tokenizer counts.
        options: How rows are understood, and what may be repaired.
        labels: The labels that count; None: all.
        account: Counts every row and span, and keeps the rejected ones.
        first: What was said of texts that may come again; None: no text does.

    Yields:
        The docs, with the person's spans as entities, each after its row and text.
    """
    for raw, reading in rows:
        row = parsed(raw)
        name = format_of(row, options.format_name)
        account.formats[name] += 1
        n_spans, other = 0, None
        try:
            record = parse_row(row, name)
            n_spans = record.n_spans
            if record.ignored:
                account.ignore(n_spans, record.ignored)
                continue
            if options.partial:
                record = record._replace(partial=True)
            doc, done = make_doc(record, nlp, reading, options.repairs, labels)
            if first is not None and options.repairs.merge:
                said = said_of(doc)
                other, before = first.setdefault(record.text, (row, said))
                if other is not row and said == before:
                    account.ignore(n_spans, "duplicate")
                    continue
                # Of what nobody looked at, two rows may say different things.
                if other is not row and not (said.partial or before.partial):
                    place = f"{other.file}:{other.line}"
                    reason = f"the same text with other spans: {place}"
                    raise RefusedError(reason, n_spans)
        except RefusedError as error:
            other = other if other is not row else None
            rejected = RejectedRow(row, str(error), error.excerpt, other)
            account.reject(rejected, error.n_spans)
        else:
            account.take(n_spans, done)
            yield row, record.text, doc


def read_split(
    plans: dict[str, Plan], fate: int, repeated: bool, options: Options
) -> Iterator[PlannedRow]:
    """Read the rows that a split takes, each with the way to read its offsets.

    Args:
        plans: The plan of each file.
        fate: The number of the split in it.
        repeated: Whether to read rows whose text comes again, or all others.
        options: How rows are understood.
    """
    for file, plan in plans.items():
        if repeated and 1 not in plan.repeated:
            continue
        is_wanted = partial(plan.takes, fate, repeated)
        for row in read_raw(as_path(file), options.format_name, is_wanted):
            yield row, plan.reading


def convert_split(
    plans: dict[str, Plan],
    fate: int,
    nlp: Language,
    options: Options,
    labels: Collection[str] | None,
    account: Account,
) -> Iterator[tuple[Row, str, Doc]]:
    """Convert the rows that a split takes, last those whose text comes again.

    Arguments and docs are those of `read_split` and `convert`.
    """
    for first in (None, {}):
        rows = read_split(plans, fate, first is not None, options)
        yield from convert(rows, nlp, options, labels, account, first)


def said_of(doc: Doc) -> Said:
    """Give all that a person said of a doc, to compare."""
    groups = (doc.ents, doc.spans.get(INCORRECT, ()))
    ents, wrong = ({(s.start, s.end, s.label) for s in group} for group in groups)
    return Said(ents, wrong, not doc.has_annotation("ENT_IOB", require_complete=True))
