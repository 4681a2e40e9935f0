"""Convert annotations to docs: the functions are in the order in which they run.

Everything is in memory: annotations are thousands of rows.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from scripts.annotations.account import Account
from scripts.annotations.align import Repairs, annotate, check_text
from scripts.annotations.formats import format_of, parse_row
from scripts.annotations.offsets import Reading, Votes
from scripts.annotations.records import IgnoredError, Record, RejectedError, Row
from scripts.annotations.rows import find_annotations, read_rows
from scripts.annotations.split import Shingles, count_labels, split_rows
from scripts.command import track
from scripts.components import kind_of
from scripts.docs import write_files

# In the order of conversion: train is compared with those that are held out.
SETS = ("dev", "test", "old_test", "train")


class Options(NamedTuple):
    """How to read and convert rows; see the flags of `preprocess`.

    Attributes:
        format_name: The format of all files; empty: recognized by content.
        offsets: What all offsets count; None: found out for each file.
        inclusive: Whether all ends are inclusive; None: found out for each file.
        repairs: How to repair spans that do not fit.
        partial: Whether unmarked text was not annotated.
        labels: The labels that were annotated; empty: those that occur.
        component: Name of the pipe whose annotations they are.
    """

    format_name: str = ""
    offsets: str | None = None
    inclusive: bool | None = None
    repairs: Repairs = Repairs()
    partial: bool = False
    labels: tuple[str, ...] = ()
    component: str = "ner"


class ParsedRow(NamedTuple):
    """A row with its record, with the error that keeps it from being used, or both."""

    row: Row
    format_name: str
    record: Record | None
    error: RejectedError | None
    reading: Reading = Reading()


def read_annotations(
    pattern: str, options: Options, max_length: int
) -> list[ParsedRow]:
    """Read all rows that a pattern names, and how the offsets of each file count."""
    found: list[ParsedRow] = []
    for path in find_annotations(pattern):
        rows = read_rows(path, options.format_name)
        parsed = [parse(row, options, max_length) for row in rows]
        votes = Votes()
        for record in filter(None, (row.record for row in parsed)):
            votes.add(record)
        reading = votes.choose(options.offsets, options.inclusive)
        found += [row._replace(reading=reading) for row in parsed]
    return found


def parse(row: Row, options: Options, max_length: int) -> ParsedRow:
    """Parse a row to a record."""
    name, record = format_of(row, options.format_name), None
    try:
        record = parse_row(row, name)
        if options.partial:
            record = record._replace(partial=True)
        check_text(record.text, max_length)
    except RejectedError as error:
        return ParsedRow(row, name, record, error)
    return ParsedRow(row, name, record, None)


def read_sets(
    settings: dict[str, str | None], options: Options, max_length: int
) -> tuple[dict[str, list[ParsedRow]], Collection[str]]:
    """Read the rows of every set, and the labels that count."""
    rows = read_annotations(settings["train"], options, max_length)
    records = [row.record for row in rows]
    split_off = [name for name, pattern in settings.items() if pattern == ""]
    names = split_rows(records, split_off, options.labels)
    sets: dict[str, list[ParsedRow]] = {name: [] for name in (*split_off, "train")}
    for name, row in zip(names, rows, strict=True):
        sets[name].append(row)
    # Gold was annotated completely, and may have another format.
    gold = options._replace(partial=False, format_name="")
    for name in SETS:
        if settings[name] and name != "train":
            how = gold if name == "old_test" else options
            sets[name] = read_annotations(settings[name], how, max_length)
    return sets, options.labels or count_labels(records)


def convert_all(
    settings: dict[str, str | None],
    output_dir: Path,
    nlp: Language,
    options: Options,
    n_process: int = 1,
) -> tuple[Account, Account]:
    """Convert every set to a folder of `.spacy` files.

    Args:
        settings: The file, folder or glob of each of `SETS`; empty: split off `train`;
            None: there is no such set.
        output_dir: The folder of the folders.
        nlp: The pipeline whose tokenizer is used.
        options: How to read and convert rows.
        n_process: Processes that tokenize; -1: all cores.

    Returns:
        The account of the annotations, and that of the old test.
    """
    sets, labels = read_sets(settings, options, nlp.max_length)
    kind = kind_of(nlp, options.component)
    account, old_account, held_out = Account(), Account(), Shingles()
    for name in [name for name in SETS if name in sets]:
        is_old = name == "old_test"
        own, counted = (old_account, None) if is_old else (account, labels)
        docs = convert(sets[name], nlp, options, counted, own, n_process)
        docs = track(docs, f"Converting {name}", len(sets[name]), "rows")
        docs = compare(docs, name, held_out, own)
        docs = count_facts(docs, own.labels[name], kind.facts)
        own.docs[name] = write_files(docs, output_dir / name)
    return account, old_account


def convert(
    rows: list[ParsedRow],
    nlp: Language,
    options: Options,
    labels: Collection[str] | None,
    account: Account,
    n_process: int = 1,
) -> Iterator[tuple[ParsedRow, Doc]]:
    """Convert the rows of a set to docs, and count all of them in the account.

    `labels` are those that count, None: all; other arguments as for `convert_all`.
    """
    kind, first = kind_of(nlp, options.component), {}
    texts = ["" if row.error else row.record.text for row in rows]
    docs = nlp.pipe(texts, disable=nlp.pipe_names, n_process=n_process or -1)
    for parsed, doc in zip(rows, docs, strict=True):
        row, name, record, error, reading = parsed
        account.formats[name] += 1
        account.readings[row.file] = reading
        try:
            if error:
                raise error
            outcome = annotate(doc, record, reading, options.repairs, labels)
            if options.repairs.merge:
                annotations = [kind.facts(doc), kind.rejected_facts(doc)]
                annotations.append(kind.unseen_tokens(doc))
                check_repeated(row, record.text, annotations, first)
        except RejectedError as error:
            n_spans = record.n_spans if record else error.n_spans
            if isinstance(error, IgnoredError):
                account.ignore(n_spans, str(error))
            else:
                account.reject(row, error, n_spans)
        else:
            account.keep(record.n_spans, outcome)
            yield parsed, doc


def check_repeated(
    row: Row, text: str, annotations: list[set], first: dict[str, tuple[Row, list]]
) -> None:
    """Compare annotations with the first ones of the same text, kept in `first`.

    Raises:
        IgnoredError: If both are annotated alike.
        RejectedError: If they contradict each other.
    """
    other, before = first.setdefault(text, (row, annotations))
    if other is row:
        return
    if annotations == before:
        raise IgnoredError("duplicate")
    # Two rows may be about different parts of a text that was not annotated as a whole.
    if not (annotations[-1] or before[-1]):
        reason = f"the same text with other spans: {other.file}:{other.line}"
        raise RejectedError(reason, other=other)


def compare(
    docs: Iterable[tuple[ParsedRow, Doc]],
    name: str,
    held_out: Shingles,
    account: Account,
) -> Iterator[Doc]:
    """Compare the docs of `train` with those of the sets before."""
    for (row, _, record, *_), doc in docs:
        where = f"{row.file}:{row.line}"
        if name != "train":
            held_out.add(record.text, where)
        elif near := held_out.near(record.text):
            account.note_near(where, near)
        yield doc


def count_facts(
    docs: Iterable[Doc], labels: Counter[str], facts: Callable[[Doc], set]
) -> Iterator[Doc]:
    """Count the labels of what is annotated in docs."""
    for doc in docs:
        labels.update(fact[-1] for fact in facts(doc))
        yield doc


def convert_file(
    pattern: str, nlp: Language, options: Options
) -> tuple[Iterator[Doc], Account, list[str]]:
    """Convert a file, folder or glob of any format to docs.

    Returns:
        The docs; the account, complete when the last doc is taken; the labels.
    """
    rows, account = read_annotations(pattern, options, nlp.max_length), Account()
    labels = [*(options.labels or count_labels(row.record for row in rows))]
    docs = (doc for _, doc in convert(rows, nlp, options, labels, account))
    return docs, account, labels
