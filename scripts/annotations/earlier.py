"""Annotations of earlier rounds: what is trained on, what is scored, and what is not.

A round is a file or a folder that was `vars.train` once. The history in the base's meta
data knows it by its checksum: then it is split as it was, so that what was held out is
held out still. A round that is not in there is split like annotations without a test.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from spacy.language import Language

from scripts.annotations.account import Account
from scripts.annotations.align import Options
from scripts.annotations.formats import brat
from scripts.annotations.records import IgnoredError, Row, names_of
from scripts.annotations.rows import NOTES
from scripts.annotations.sets import options_for, read_annotations
from scripts.annotations.split import count_labels, half_hash, split_texts
from scripts.components import kind_of, labels_of
from scripts.scale.storage import checksum_of, find_rounds

# Why a row of an earlier round is ignored.
HELD_OUT_NOW = "in the dev or test set of this round"
AGAIN = "annotated again in this round"
TRAINED_NOW = "trained on in this round"
TRAINED_BEFORE = "trained on in another round"


class Round(NamedTuple):
    """What was annotated in an earlier round.

    Attributes:
        name: The file or folder.
        labels: The labels that were annotated.
        train: Rows to train on.
        test: Rows to score on.
    """

    name: str
    labels: list[str]
    train: list[Row]
    test: list[Row]


def read_earlier(
    settings: dict[str, str | None],
    sets: dict[str, list[Row]],
    labels: Collection[str],
    nlp: Language,
    options: Options,
    account: Account,
) -> list[Round]:
    """Read the annotations of earlier rounds, without what this round rules out.

    Args:
        settings: The files of each set.
        sets: The rows of this round, by set.
        labels: The labels that are annotated in this round.
        nlp: The base.
        options: How to read annotations.
        account: The account of all earlier rounds.

    Raises:
        ValueError: If a round has no annotation or a label that the base does not know,
            or if it holds a text of a test.
    """
    how = (nlp, options_for("earlier", options), account)
    # A glob may name this round as well.
    current = {settings[name] for name in ("train", "dev", "test")}
    names, tests = (
        [n for n in list_rounds(settings.get(var) or "") if not is_any_of(n, current)]
        for var in ("earlier", "earlier_test")
    )
    own_tests = [read_test(name, *how) for name in tests]
    tested = {label for each in own_tests for label in each.labels}
    rounds = [read_round(name, tested, *how) for name in names]
    held_out = {name: rows for name, rows in sets.items() if settings.get(name)}
    held_out.pop("train")
    held_out["earlier_test"] = [row for each in own_tests for row in each.test]
    check_leak(rounds, held_out)
    rounds += own_tests
    return set_apart(rounds, sets, {*labels})


def list_rounds(pattern: str) -> list[str]:
    """List the rounds that a setting names; a README among them is none."""
    names = find_rounds(pattern)
    paths = [*map(Path, names)]
    texts = brat.companions(paths)

    def is_round(path: Path) -> bool:
        is_empty = path.is_dir() and not any(path.iterdir())
        is_inside = not {*path.parents}.isdisjoint(paths)
        is_note = NOTES.fullmatch(path.name) or str(path) in texts
        return not (is_empty or is_inside or is_note)

    # What is named itself is one, whatever it is; it may be in object storage.
    return [str(p) for p in paths if is_round(p)] if len(names) > 1 else names


def is_any_of(name: str, settings: Collection[str | None]) -> bool:
    """Check whether a path is the same as that of a setting."""
    paths = [Path(setting).resolve() for setting in settings if setting]
    return Path(name).resolve() in paths


def read_round(
    name: str,
    tested: Collection[str],
    nlp: Language,
    options: Options,
    account: Account,
) -> Round:
    """Read a round, and split it as it was; not at all if it has a test of its own.

    `tested` are the labels of the tests that earlier rounds had.
    """
    rows, labels, past = read_rows(name, nlp, options, account)
    split_off = () if {*tested} & {*labels} else ("dev", "test")
    split_off = past.get("split_off", split_off)
    records = [row.record for row in rows if row.record]
    set_of = split_texts(records, split_off, past.get("labels", ()))
    parts: dict[bool, list[Row]] = {False: [], True: []}
    for row in rows:
        key = half_hash(row.record.text) if row.record else 0
        parts[set_of.get(key) == "test"].append(row)
    return Round(name, labels, *parts.values())


def read_test(name: str, nlp: Language, options: Options, account: Account) -> Round:
    """Read the test that a round had: nothing of it is trained on."""
    rows, labels, _ = read_rows(name, nlp, options, account)
    return Round(name, labels, [], rows)


def read_rows(
    name: str, nlp: Language, options: Options, account: Account
) -> tuple[list[Row], list[str], dict[str, Any]]:
    """Read the rows of a round, its labels, and what the base's history says of it."""
    kind, known = kind_of(nlp, options.component), labels_of(nlp, options.component)
    rows = read_annotations(name, kind, options, account)
    found = count_labels(row.record for row in rows if row.record)
    history, path = nlp.meta.get("rounds", ()), Path(name)
    own = checksum_of(path) if history and path.exists() else ""
    past = next((each for each in history if own in each["data"].values()), {})
    labels = sorted(label for label in past.get("labels", found) if label in found)
    if not labels:
        errors = (f", first: {row.error}" for row in rows if row.error)
        raise ValueError(
            f"{name} has no annotation{next(errors, '')}. Remove it from vars.earlier "
            "and vars.earlier_test."
        )
    if unknown := [label for label in labels if label not in known]:
        raise ValueError(
            f"{name} has {', '.join(unknown)}, which the base does not know: set "
            "vars.base_model to a pipeline that was trained on it, put the file into "
            f"vars.train, or drop it with --map {unknown[0]}= in vars.preprocess."
        )
    return rows, labels, past


def texts_of(rows: Iterable[Row]) -> set[str]:
    """Return the texts of rows."""
    return {row.record.text for row in rows if row.record}


def check_leak(rounds: Iterable[Round], tests: dict[str, list[Row]]) -> None:
    """Check that earlier rounds hold no text of a test that a person named.

    `tests` are the rows of each, by the var that names it.
    """
    rows = [row for each in rounds for row in each.train if row.record]
    for name, some in tests.items():
        held_out = texts_of(some)
        if leak := [row for row in rows if row.record.text in held_out]:
            raise ValueError(
                f"vars.earlier has texts that are also in vars.{name}, and would be "
                f"trained on: {names_of(leak)}. Remove them from one of the two."
            )


def set_apart(
    rounds: list[Round], sets: dict[str, list[Row]], labels: set[str]
) -> list[Round]:
    """Ignore rows of rounds whose text is held out, trained on, or corrected now.

    Args:
        rounds: All earlier rounds.
        sets: The rows of this round, by set.
        labels: The labels that are annotated in this round.
    """
    held_out = texts_of(row for name in ("dev", "test") for row in sets.get(name, ()))
    now = texts_of(sets["train"])
    before = texts_of(row for each in rounds for row in each.train)
    not_trained = dict.fromkeys(held_out, HELD_OUT_NOW)
    not_again = dict.fromkeys(now, AGAIN) | not_trained
    not_scored = dict.fromkeys(before, TRAINED_BEFORE) | dict.fromkeys(now, TRAINED_NOW)
    done = []
    for each in rounds:
        reasons = not_trained if labels.isdisjoint(each.labels) else not_again
        train = [ignore_row(row, reasons) for row in each.train]
        test = [ignore_row(row, not_scored) for row in each.test]
        done.append(each._replace(train=train, test=test))
    return done


def ignore_row(row: Row, reasons: dict[str, str]) -> Row:
    """Ignore a row whose text has a reason for it."""
    why = reasons.get(row.record.text) if row.record else None
    error = IgnoredError(why, row.n_spans)
    return row._replace(record=None, error=error) if why else row


def to_sets(rounds: Iterable[Round]) -> dict[str, tuple[list[Row], list[str]]]:
    """Name what is trained on and scored of each round: `earlier_1_train` and so on.

    Returns:
        The rows of each set, and the labels that count in it.
    """
    return {
        f"earlier_{number}_{name}": (rows, each.labels)
        for number, each in enumerate(rounds, start=1)
        for name, rows in (("test", each.test), ("train", each.train))
        if rows
    }
