"""Convert annotations to docs: the functions are in the order in which they run.

Everything is in memory: annotations are thousands of rows.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from scripts.annotations import earlier
from scripts.annotations.account import Account
from scripts.annotations.align import (
    Options,
    annotate,
    choose_layer,
    rename_labels,
    show_renamed,
    text_error,
)
from scripts.annotations.earlier import Round
from scripts.annotations.offsets import Votes
from scripts.annotations.records import (
    IgnoredError,
    Record,
    RejectedError,
    Row,
    names_of,
)
from scripts.annotations.repeats import merge_partial, prefer_annotated
from scripts.annotations.rows import list_files, read_rows
from scripts.annotations.split import HeldOut, count_labels, half_hash, split_texts
from scripts.command import track
from scripts.components import kind_of, labels_of
from scripts.components.kind import Kind
from scripts.docs import write_files
from scripts.scale.storage import find_rounds

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
    empty = [name for name, pattern in settings.items() if pattern == ""]
    split_off = [] if corrections else empty
    set_of = split_texts(records, split_off, options.labels)
    sets: dict[str, list[Row]] = {name: [] for name in (*split_off, "train")}
    for row in rows:
        key = half_hash(row.record.text) if row.record else 0
        sets[set_of.get(key, "train")].append(row)
    for name in SETS:
        if settings[name] and name != "train":
            how = options_for(name, options)
            sets[name] = read_annotations(settings[name], kind, how, account)
    check_apart(sets)
    return sets, labels, corrections


def read_rounds(
    settings: dict[str, str | None],
    kind: Kind,
    options: Options,
    known: Collection[str],
    account: Account,
) -> list[Round]:
    """Read the annotations of earlier rounds.

    A test of a round's own is one more round, of which nothing is trained on. Without
    one a round is split as it was when it was `vars.train`.
    """
    own_tests = find_rounds(settings.get("earlier_test") or "")
    names = find_rounds(settings.get("earlier") or "")
    rounds = []
    for name in (*names, *own_tests):
        rows = read_annotations(name, kind, options, account)
        records = [row.record for row in rows if row.record]
        labels = sorted({kind.to_label(label) for label in count_labels(records)})
        if not labels:
            raise ValueError(
                f"{name} has no annotation, and an earlier round has to have some: "
                "remove it from vars.earlier and vars.earlier_test."
            )
        is_whole = own_tests or are_corrections(rows, labels, known)
        split_off = () if is_whole else ("dev", "test")
        parts = earlier.split_round(rows, split_texts(records, split_off))
        train, test = ([], rows) if name in own_tests else parts.values()
        rounds.append(Round(name, labels, train, test))
    earlier.check_labels(rounds, known)
    return rounds


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
            f"{len(both)} must-pass sentences are among the annotations, and would be "
            f"trained on: {names_of(both)}. Remove them from vars.train and vars.dev, "
            "or from vars.must_pass."
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


def convert_all(
    settings: dict[str, str | None],
    output_dir: Path,
    nlp: Language,
    options: Options,
    n_process: int = 1,
) -> tuple[Account, dict[str, Account]]:
    """Convert every set to a folder of `.spacy` files in `output_dir`.

    Settings are the file, folder or glob of each of `SETS`; empty: split off `train`;
    None: there is no such set. `n_process` processes tokenize; -1: as many as cores.
    Returns the account of the annotations, and those of the sets `APART`.
    """
    account, held_out = Account(), HeldOut()
    accounts = {name: Account() for name in APART}
    known = labels_of(nlp, options.component)
    kind = kind_of(nlp, options.component)
    how = options_of(kind, options)
    sets, labels, account.corrections = read_sets(settings, kind, how, known, account)
    own_how = options_for("earlier", how)
    rounds = read_rounds(settings, kind, own_how, known, accounts["earlier"])
    accounts["earlier"].rounds = [{"name": r.name, "labels": r.labels} for r in rounds]
    tests = {n: sets[n] for n in ("dev", "test", "must_pass") if settings.get(n)}
    earlier.check_leak(rounds, tests)
    rounds = [earlier.set_apart(each, sets, {*labels}) for each in rounds]
    sets |= earlier.to_sets(rounds)
    check_map(options, [row.record for some in sets.values() for row in some])
    # What is trained on is compared with what is held out.
    for name in sorted(sets, key=lambda name: name.endswith("train")):
        owner = name if name in SETS else "earlier"
        is_apart = owner in APART
        own, counted = (accounts[owner], None) if is_apart else (account, labels)
        own_how = options_for(owner, how)
        docs = convert(sets[name], nlp, own_how, counted, own, n_process)
        docs = track(docs, f"Converting {name}", len(sets[name]), "rows")
        docs = examine(docs, name, kind.facts, held_out, own)
        before = own.counts.copy()
        own.docs[name] = write_files(docs, output_dir / name)
        own.by_set[name] = own.counts - before
    if account.corrections:
        # To list them as they were made: completed, they are trained on.
        shutil.copytree(output_dir / "train", output_dir / "corrections")
        account.copies = [name for name in settings if settings[name] == ""]
    for name in account.copies:
        shutil.copytree(output_dir / "train", output_dir / name)
        account.docs[name] = account.docs["train"]
        account.labels[name] = account.labels["train"]
    return account, accounts


def convert(
    rows: list[Row],
    nlp: Language,
    options: Options,
    labels: Collection[str] | None,
    account: Account,
    n_process: int = 1,
) -> Iterator[tuple[Row, Doc]]:
    """Convert the rows of a set to docs, and count all of them in the account.

    `labels` are those that count; None: all.
    """
    kind, first = kind_of(nlp, options.component), {}
    errors = [r.error or text_error(r.record.text, nlp.max_length) for r in rows]
    pairs = zip(rows, errors, strict=True)
    texts = ["" if error else row.record.text for row, error in pairs]
    docs = nlp.pipe(texts, disable=nlp.pipe_names, n_process=n_process or -1)
    for row, error, doc in zip(rows, errors, docs, strict=True):
        try:
            if error:
                raise error
            counts = annotate(doc, row, options, kind, labels)
            if options.merge:
                annotations = [kind.facts(doc), kind.rejected_facts(doc)]
                annotations.append(kind.unseen_tokens(doc))
                check_repeated(row, annotations, first, kind)
        except RejectedError as reason:
            account.drop(row, reason)
        else:
            account.keep(row, counts)
            yield row, doc


def check_repeated(
    row: Row,
    annotations: list[set],
    first: dict[str, tuple[Row, list[set]]],
    kind: Kind,
) -> None:
    """Ignore a row like the first one of its text, or reject one that contradicts it.

    `first` remembers the first row of each text, and its annotations: facts, rejected
    facts, and the tokens that nobody annotated.
    """
    other, before = first.setdefault(row.record.text, (row, annotations))
    if other is row:
        return
    if annotations == before:
        raise IgnoredError("duplicate")
    # Two rows may be about different parts of a text that was not annotated as a whole.
    is_partial = annotations[-1] or before[-1]
    if not is_partial or contradict(annotations, before, kind):
        where = f"{other.file}:{other.line}"
        reason = f"the same text with other spans: {where}; see --no-merge"
        raise RejectedError(reason, other=other)


def contradict(one: list[set], other: list[set], kind: Kind) -> bool:
    """Check whether two annotations of a text say different things of a token."""
    (facts, wrong, _), (others, others_wrong, _) = one, other
    overlaps = any(kind.overlap(a, b) for a in facts - others for b in others - facts)
    return overlaps or bool(facts & others_wrong or others & wrong)


def examine(
    docs: Iterable[tuple[Row, Doc]],
    name: str,
    facts: Callable[[Doc], set],
    held_out: HeldOut,
    account: Account,
) -> Iterator[Doc]:
    """Note the labels of a set, and compare what is trained on with the sets before."""
    for row, doc in docs:
        account.labels[name].update(fact[-1] for fact in facts(doc))
        where = f"{row.file}:{row.line}"
        if not name.endswith("train"):
            held_out.add(row.record.text, where)
        elif near := held_out.near(row.record.text):
            account.near.append((where, near))
        yield doc


def convert_file(
    pattern: str, nlp: Language, options: Options
) -> tuple[Iterator[Doc], Account, list[str]]:
    """Convert a file, folder or glob of any format to docs.

    Returns the docs; the account, complete when the last doc is taken; the labels.
    """
    kind, account = kind_of(nlp, options.component), Account()
    options = options_of(kind, options)
    rows = read_annotations(pattern, kind, options, account)
    records = [row.record for row in rows if row.record]
    labels = [*(options.labels or count_labels(records))]
    docs = (doc for _, doc in convert(rows, nlp, options, labels, account))
    return docs, account, labels
