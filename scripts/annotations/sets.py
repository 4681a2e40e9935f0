"""Which rows of which files become which set.

`train`, `dev` and `test` are the annotations; `old_test` and `must_pass` are files of
their own.
"""

from collections.abc import Collection, Iterable

from scripts.annotations.account import Account
from scripts.annotations.align import (
    Options,
    choose_layer,
    rename_labels,
    show_renamed,
)
from scripts.annotations.offsets import Votes
from scripts.annotations.records import Record, RejectedError, Row, names_of
from scripts.annotations.repeats import merge_partial, prefer_annotated
from scripts.annotations.rows import list_files, read_rows
from scripts.annotations.split import count_labels, half_hash, split_texts
from scripts.components.kind import Kind

SETS = ("dev", "test", "old_test", "must_pass", "train")
# Sets that are not of the new annotations: each has an account of its own, and so have
# all earlier rounds together.
APART = ("old_test", "must_pass", "earlier")
# Words in corrections: some tens of sentences. With more annotations some can be spared
# to score on.
MAX_CORRECTED = 1500


def read_annotations(
    pattern: str, kind: Kind, options: Options, account: Account
) -> list[Row]:
    """Read all rows that a pattern names, and how the offsets of each file count.

    The account notes the files that hold no annotations.
    """
    found: list[Row] = []
    files, others = list_files(pattern)
    account.passed_over += map(str, others)
    for path in files:
        rows, votes = read_rows(path, options.format_name), Votes()
        rows = [choose(row, kind, options) for row in rows]
        for row in rows:
            if row.record:
                votes.add(row.record)
        reading = votes.choose(options.offsets, options.inclusive)
        found += [row._replace(reading=reading) for row in rows]
    # The one document of the one file says nothing of what belongs together.
    groups = {row.record.group for row in found if row.record}
    if [*groups] == [file.name for file in files]:
        found = [
            row._replace(record=row.record and row.record._replace(group=""))
            for row in found
        ]
    return merge_partial(prefer_annotated(found)) if options.merge else found


def choose(row: Row, kind: Kind, options: Options) -> Row:
    """Keep what a row marks for a kind of component, or reject the row."""
    try:
        record = row.record and choose_layer(row.record, kind, options)
        record = record and rename_labels(record, kind, options)
        return row._replace(record=record)
    except RejectedError as error:
        error.n_spans = row.n_spans
        return row._replace(record=None, error=error)


def are_corrections(
    rows: Iterable[Row], labels: Collection[str], known: Collection[str]
) -> bool:
    """Check whether annotations are corrections: few, and all of known labels."""
    n_words = sum(len(row.record.text.split()) for row in rows if row.record)
    return {*labels} <= {*known} and n_words <= MAX_CORRECTED


def read_sets(
    settings: dict[str, str | None],
    kind: Kind,
    options: Options,
    known: Collection[str],
    account: Account,
) -> tuple[dict[str, list[Row]], Collection[str], bool]:
    """Read the rows of every set, the labels that count, and if they are corrections.

    Nothing is split off corrections: all of them are to be learned.
    """
    rows = read_annotations(settings["train"], kind, options, account)
    records = [row.record for row in rows if row.record]
    labels = options.labels or count_labels(records)
    corrections = are_corrections(rows, labels, known)
    empty = [name for name in ("dev", "test") if settings[name] == ""]
    account.split_off = [] if corrections else empty
    set_of = split_texts(records, account.split_off, options.labels)
    sets: dict[str, list[Row]] = {name: [] for name in (*account.split_off, "train")}
    for row in rows:
        key = half_hash(row.record.text) if row.record else 0
        sets[set_of.get(key, "train")].append(row)
    for name in SETS:
        if settings[name] and name != "train":
            how = options_for(name, options)
            sets[name] = read_annotations(settings[name], kind, how, account)
    check_apart(sets)
    return sets, labels, corrections


def check_map(options: Options, records: list[Record | None]) -> None:
    """Check that each label that `--map` names occurs."""
    known = [record for record in records if record]
    done = {note for record in known for note in record.notes}
    labels = ", ".join(sorted(count_labels(known))) or "none"
    for old, new in options.label_map:
        if (text := show_renamed(old, new)) not in done:
            raise ValueError(
                f"{text}: no span has that label, the labels are {labels}."
            )


def check_apart(sets: dict[str, list[Row]]) -> None:
    """Check that no must-pass sentence is trained on."""
    records = (row.record for row in sets.get("must_pass", ()))
    texts = {record.text for record in records if record}
    rows = [row for name in ("train", "dev") for row in sets.get(name, ())]
    both = [row for row in rows if row.record and row.record.text in texts]
    if both:
        raise ValueError(
            "must-pass sentences are among the annotations, and would be trained on: "
            f"{names_of(both)}. Remove them from vars.train and vars.dev, or from "
            "vars.must_pass."
        )


def options_of(kind: Kind, options: Options) -> Options:
    """Return the options with what the kind of the component decides."""
    is_partial = options.partial
    return options._replace(
        partial=not kind.IS_COMPLETE if is_partial is None else is_partial
    )


def options_for(name: str, options: Options) -> Options:
    """Return the options for a set: gold is complete, must-pass sentences are not.

    They, and earlier rounds, may have another format than the annotations, and other
    labels.
    """
    if name not in APART:
        return options
    own = options._replace(format_name="", labels=())
    is_partial = name == "must_pass" or (name == "earlier" and options.partial)
    return own._replace(partial=is_partial)
