"""Annotations of earlier rounds: what is trained on, what is scored, and what is not.

A round is a file or a folder that was `vars.train` once. It is split again as it was
then, so that what was held out is held out still.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from scripts.annotations.records import IgnoredError, Row, names_of
from scripts.annotations.split import half_hash

AGAIN = "annotated again in this round"
HELD_OUT = "in the dev or test set of this round"
TRAINED = "trained on in this round"


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


def texts_of(rows: Iterable[Row]) -> set[str]:
    """Return the texts of rows."""
    return {row.record.text for row in rows if row.record}


def check_labels(rounds: Iterable[Round], known: Collection[str]) -> None:
    """Check that the base knows what earlier rounds taught."""
    for each in rounds:
        if unknown := [label for label in each.labels if label not in known]:
            raise ValueError(
                f"{each.name} has {', '.join(unknown)}, which the base does not know: "
                "set vars.base_model to the pipeline that this round made, or put the "
                "file into vars.train."
            )


def check_leak(rounds: Iterable[Round], tests: dict[str, list[Row]]) -> None:
    """Check that earlier rounds hold no text of a test that a person named.

    `tests` are the rows of each, by the var that names it.
    """
    rows = [row for each in rounds for row in each.train]
    for name, some in tests.items():
        held_out = texts_of(some)
        if leak := [row for row in rows if row.record and row.record.text in held_out]:
            raise ValueError(
                f"{len(leak)} rows of vars.earlier have a text of vars.{name}, which "
                f"is never trained on: {names_of(leak)}. Remove them from one of both."
            )


def set_apart(round_: Round, sets: dict[str, list[Row]], labels: set[str]) -> Round:
    """Ignore rows of a round whose text this round holds out, trains on or corrects.

    Args:
        round_: The earlier round.
        sets: The rows of this round, by set.
        labels: The labels that are annotated in this round.
    """
    held_out = texts_of(row for name in ("dev", "test") for row in sets.get(name, ()))
    trained = texts_of(sets["train"])
    again = trained if labels & {*round_.labels} else set()

    def ignore(rows: list[Row], reasons: list[tuple[str, set[str]]]) -> list[Row]:
        done = []
        for row in rows:
            text = row.record and row.record.text
            why = next((why for why, texts in reasons if text in texts), "")
            error = IgnoredError(why, row.n_spans)
            done.append(row._replace(record=None, error=error) if why else row)
        return done

    return round_._replace(
        train=ignore(round_.train, [(HELD_OUT, held_out), (AGAIN, again)]),
        test=ignore(round_.test, [(TRAINED, trained)]),
    )


def to_sets(rounds: Iterable[Round]) -> dict[str, list[Row]]:
    """Name what is trained on and scored of each round: `earlier_1_train` and so on."""
    sets = {}
    for number, each in enumerate(rounds, start=1):
        for name, rows in (("test", each.test), ("train", each.train)):
            if rows:
                sets[f"earlier_{number}_{name}"] = rows
    return sets


def split_round(rows: list[Row], set_of: dict[int, str]) -> dict[bool, list[Row]]:
    """Split the rows of a round: whether they were its test, as `split_texts` says."""
    parts: dict[bool, list[Row]] = {False: [], True: []}
    for row in rows:
        key = half_hash(row.record.text) if row.record else 0
        parts[set_of.get(key) == "test"].append(row)
    return parts
