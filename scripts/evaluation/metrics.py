"""The metrics of an update: both tests scored, and the verdict.

What stands in `training/metrics.json` is told in the README.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from spacy.tokens import Doc
from wasabi import msg

from scripts.evaluation.cases import WHO, Load, read_cases
from scripts.evaluation.changes import measure
from scripts.evaluation.tally import FATES, Tally

METRICS_VERSION = 2
Metrics = dict[str, Any]


def new_tallies(
    pipe_labels: dict[str, list[str]],
    labels: Collection[str],
    old_labels: Collection[str],
) -> dict[str, Tally]:
    """Begin the tallies of both tests.

    Args:
        pipe_labels: The base's labels by component.
        labels: The labels that were annotated; they alone count on the new test.
        old_labels: The labels that count on the old test.

    Returns:
        The tallies `new` and `old`.
    """
    known = frozenset(chain(*pipe_labels.values()))
    new, old = frozenset(labels), frozenset(old_labels)
    return {"new": Tally(new, known), "old": Tally(old, known)}


def run_tests(
    load: Load,
    tests: dict[str, Iterable[Doc]],
    tallies: dict[str, Tally],
    n_process: int = 1,
) -> Iterator[dict[str, Any]]:
    """Let both pipelines annotate the tests, and count what they find.

    Args:
        load: Gives the pipelines before and after the update; asked now and then.
        tests: Gold docs by the name of the test; none is held for long.
        tallies: What is counted, by the same names; filled as the rows are taken.
        n_process: Processes; -1 for all cores.

    Yields:
        A row for each passage that changed, its `test` named.
    """
    for name, docs in tests.items():
        for row in measure(read_cases(load, docs, n_process), tallies[name]):
            yield {"test": name, **row}


def to_metrics(tallies: dict[str, Tally]) -> Metrics:
    """Give the metrics of an update.

    Args:
        tallies: The tallies `new` and `old`, filled.

    Returns:
        The metrics but for the verdict; see the README.
    """
    new, old = (tallies[name].to_json() for name in ("new", "old"))
    before, after = old["base"]["f"], old["updated"]["f"]
    return {
        "version": METRICS_VERSION,
        "retention": after / before if before else None,
        "retention_interval": old["ratio_interval"],
        "retention_unmoved": tallies["old"].retention_unmoved,
        "old": old,
        "new": new,
        "labels": {**old["labels"], **new["labels"]},
        "spurious": 1000 * tallies["old"].n_added / max(1, old["docs"]),
        "fates": {fate: tallies["old"].fates[fate] for fate in FATES},
    }


def pass_gates(metrics: Metrics, min_retention: float, min_new_f: float) -> Metrics:
    """Say whether an update kept and learned as much as it must.

    Args:
        metrics: The metrics.
        min_retention: Least F on the old types after ÷ before.
        min_new_f: Least F on the new test, from 0 to 1.

    Returns:
        `gates` and what came of them: `kept`, `learned` and `passed`.
    """
    retention = metrics["retention"]
    kept = retention is not None and retention >= min_retention
    learned = metrics["new"]["updated"]["f"] >= min_new_f
    gates = {"min_retention": min_retention, "min_new_f": min_new_f}
    return {
        "gates": gates,
        "kept": kept,
        "learned": learned,
        "passed": kept and learned,
    }


def verdict(metrics: Metrics) -> list[str]:
    """Say in words what was kept, what was learned, and whether that is enough."""
    gates, new, retention = metrics["gates"], metrics["new"], metrics["retention"]
    kept = "The base finds no entity of the old test: what was kept can't be measured"
    if retention is not None:
        low_high = metrics["retention_interval"]
        sure = "one doc" if low_high is None else "95 %: {:.3f} to {:.3f}"
        start = "Kept" if metrics["kept"] else "It forgot"
        kept = f"{start}: retention {retention:.3f} ({sure.format(*low_high or ())})"
        rest = metrics["retention_unmoved"]
        if metrics["fates"]["moved"] and rest is not None:
            kept += f", {rest:.3f} but for what moved to a new type"
    learned = "No gold entity in the new test: what was learned can't be measured"
    if new["gold"]:
        before, after = (100 * new[who]["f"] for who in WHO)
        start = "It did not learn"
        if metrics["learned"]:
            start = "Learned" if after > before else "No better at"
        names = ", ".join(new["labels"])
        learned = f"{start} {names}: new F {after:.1f}, {before:.1f} before"
        labels = new["labels"].items()
        none = [n for n, both in labels if both["gold"] and not both["updated"]["f"]]
        learned += f", and 0 for {', '.join(none)}" if none and after else ""
    return [
        f"{kept}; vars.min_retention is {gates['min_retention']:g}.",
        f"{learned}; vars.min_new_f is {gates['min_new_f']:g}.",
    ]


def show_interval(bounds: list[float] | None) -> str:
    """Write an interval in points, if there is one."""
    return "{:+.1f} to {:+.1f}".format(*(100 * b for b in bounds)) if bounds else "–"


def print_test(title: str, test: Metrics) -> None:
    """Print the scores of a test, in points, as a table."""
    scores = [name for who in WHO for name in (f"{who} P", "R", "F")]
    header = (title, "gold", *scores, "change", "95 %")
    rows = []
    for label, both in {"all types": test, **test["labels"]}.items():
        points = [f"{100 * both[who][key]:.1f}" for who in WHO for key in "prf"]
        change = f"{100 * both['change']:+.1f}"
        rows.append(
            (label, both["gold"], *points, change, show_interval(both["interval"]))
        )
    msg.table(rows, header=header, divider=True, aligns=["l", *"r" * 9])
