"""Convert the rows of all sets to docs: functions are in the order in which they run.

Everything is in memory: annotations are thousands of rows.
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from scripts.annotations.account import Account
from scripts.annotations.align import Options, annotate, text_error
from scripts.annotations.earlier import read_earlier, to_sets
from scripts.annotations.records import IgnoredError, RejectedError, Row
from scripts.annotations.sets import (
    APART,
    check_map,
    options_for,
    options_of,
    read_annotations,
    read_sets,
)
from scripts.annotations.split import HeldOut, count_labels
from scripts.command import track
from scripts.components import kind_of, labels_of
from scripts.components.kind import Kind
from scripts.docs import write_files


def convert_all(
    settings: dict[str, str | None],
    output_dir: Path,
    nlp: Language,
    options: Options,
    n_process: int = 1,
) -> tuple[Account, dict[str, Account]]:
    """Convert every set to a folder of `.spacy` files in `output_dir`.

    Settings are the file, folder or glob of each of `SETS`, of `earlier` and of
    `earlier_test`; None: there is none; an empty `dev` or `test` is split off `train`.
    `n_process` processes tokenize; -1: as many as cores. Returns the account of the
    annotations, and those of the sets `APART`.
    """
    account, held_out = Account(), HeldOut()
    accounts = {name: Account() for name in APART}
    known = labels_of(nlp, options.component)
    kind = kind_of(nlp, options.component)
    how = options_of(kind, options)
    sets, labels, account.corrections = read_sets(settings, kind, how, known, account)
    rounds = read_earlier(settings, sets, labels, nlp, how, accounts["earlier"])
    accounts["earlier"].rounds = {each.name: each.labels for each in rounds}
    earlier = to_sets(rounds)
    sets |= {name: rows for name, (rows, _) in earlier.items()}
    check_map(options, [row.record for some in sets.values() for row in some])
    # What is trained on is compared with what is held out.
    for name in sorted(sets, key=lambda name: name.endswith("train")):
        owner, counted = name, None if name in APART else labels
        if name in earlier:
            owner, (_, counted) = "earlier", earlier[name]
        own = accounts.get(owner, account)
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
