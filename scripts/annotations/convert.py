"""Rows to docs, one by one: what a split takes, each text once, all of it counted."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from scripts.annotations.account import Account
from scripts.annotations.align import Repairs, make_doc
from scripts.annotations.formats import format_of, parse_row
from scripts.annotations.records import (
    INCORRECT,
    RefusedError,
    RejectedRow,
    Row,
)
from scripts.annotations.rows import find_annotations, read_rows
from scripts.annotations.split import Shingles
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
    survey = Survey(options.labels)
    for path in find_annotations(pattern):
        survey.look(path, options.format_name)
    plans = survey.plan(split_off, options.offsets, options.inclusive)
    return plans, tuple(survey.labels)


def convert(
    plans: dict[str, Plan],
    fate: int,
    nlp: Language,
    options: Options,
    labels: Collection[str] | None,
    account: Account,
) -> Iterator[tuple[Row, str, Doc]]:
    """Convert the rows that a split takes, each text once.

    Args:
        plans: The plan of each file.
        fate: The number of the split in it.
        nlp: The pipeline whose tokenizer counts.
        options: How rows are understood, and what may be repaired.
        labels: The labels that count; None: all.
        account: Counts every row and span, and keeps the rejected ones.

    Yields:
        The docs, with the person's spans as entities, each after its row and text.
    """
    # What was said of texts that come again; a doc does not outlive its memory zone.
    first: dict[str, tuple[Row, Said]] = {}
    for row, plan in read_split(plans, fate, options):
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
            doc, done = make_doc(record, nlp, plan.reading, options.repairs, labels)
            if options.repairs.merge and plan.is_repeated(row.line):
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
    plans: dict[str, Plan], fate: int, options: Options
) -> Iterator[tuple[Row, Plan]]:
    """Read the rows that a split takes, each with the plan of its file."""
    for file, plan in plans.items():
        is_wanted = partial(plan.has_fate, fate)
        for row in read_rows(as_path(file), options.format_name, is_wanted):
            yield row, plan


def said_of(doc: Doc) -> Said:
    """Give all that a person said of a doc, to compare."""
    groups = (doc.ents, doc.spans.get(INCORRECT, ()))
    ents, wrong = ({(s.start, s.end, s.label) for s in group} for group in groups)
    return Said(ents, wrong, not doc.has_annotation("ENT_IOB", require_complete=True))


def watch(
    docs: Iterator[tuple[Row, str, Doc]],
    is_train: bool,
    labels: Counter[str],
    held_out: Shingles,
    account: Account,
) -> Iterator[Doc]:
    """Count the labels of a split, and note what train shares with dev and test."""
    for row, text, doc in docs:
        for ent in doc.ents:
            labels[ent.label_] += 1
        if not is_train:
            held_out.add(text, f"{row.file}:{row.line}")
        elif near := held_out.near(text):
            account.note_near(f"{row.file}:{row.line}", near)
        yield doc
