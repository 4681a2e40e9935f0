"""The metrics of an update: both tests scored, and the verdict.

What stands in `training/metrics.json` is told in the README.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from scripts.evaluation.cases import WHO, read_cases
from scripts.evaluation.changes import measure
from scripts.evaluation.tally import FATES, Tally

METRICS_VERSION = 2
Metrics = dict[str, Any]


def new_tallies(base: Language, labels: Collection[str]) -> dict[str, Tally]:
    """Begin the tallies of both tests.

    Args:
        base: The pipeline before the update; all its labels count on the old test.
        labels: The labels that were annotated; they alone count on the new test.

    Returns:
        The tallies `new` and `old`.
    """
    old = frozenset(base.get_pipe("ner").labels)
    return {"new": Tally(frozenset(labels), old), "old": Tally(old, old)}


def run_tests(
    base: Language,
    updated: Language,
    tests: dict[str, Iterable[Doc]],
    tallies: dict[str, Tally],
    n_process: int = 1,
) -> Iterator[dict[str, Any]]:
    """Let both pipelines annotate the tests, and count what they find.

    Args:
        base: The pipeline before the update.
        updated: The pipeline after it.
        tests: Gold docs by the name of the test; none is held for long.
        tallies: What is counted, by the same names; filled as the rows are taken.
        n_process: Processes for each pipeline; -1 for all cores.

    Yields:
        A row for each passage that changed, its `test` named.
    """
    for name, docs in tests.items():
        for row in measure(read_cases(base, updated, docs, n_process), tallies[name]):
            yield {"test": name, **row}


def to_metrics(tallies: dict[str, Tally]) -> Metrics:
    """Give the metrics of an update.

    Args:
        tallies: The tallies `new` and `old`, filled.

    Returns:
        The metrics but for the verdict; see the README.

    Raises:
        ValueError: If the base finds nothing in the old test.
    """
    new, old = (tallies[name].to_json() for name in ("new", "old"))
    if not old["base"]["f"]:
        raise ValueError("The base finds no entity of the old test: give another.")
    return {
        "version": METRICS_VERSION,
        "retention": old["updated"]["f"] / old["base"]["f"],
        "retention_interval": old["ratio_interval"],
        "old": old,
        "new": new,
        "labels": {**old["labels"], **new["labels"]},
        "spurious": 1000 * tallies["old"].n_added / old["docs"],
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
    kept = metrics["retention"] >= min_retention
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
    gates, new = metrics["gates"], metrics["new"]
    low, high = metrics["retention_interval"] or (0, 0)
    names = ", ".join(new["labels"]) or "nothing"
    return [
        f"{'Kept' if metrics['kept'] else 'It forgot'}: "
        f"retention {metrics['retention']:.3f} (95 %: {low:.3f} to {high:.3f}); "
        f"vars.min_retention is {gates['min_retention']:g}.",
        f"{'Learned' if metrics['learned'] else 'It did not learn'} {names}: "
        f"new F {100 * new['updated']['f']:.1f}, "
        f"{100 * new['base']['f']:.1f} before; "
        f"vars.min_new_f is {gates['min_new_f']:g}.",
    ]


def print_test(name: str, test: Metrics) -> None:
    """Print the scores of a test, in points, as a table."""
    scores = [title for who in WHO for title in (f"{who} P", "R", "F")]
    header = (f"{name} test", "gold", *scores, "change", "95 %")
    rows = []
    for label, both in {"all": test, **test["labels"]}.items():
        points = [f"{100 * both[who][key]:.1f}" for who in WHO for key in "prf"]
        low, high = (100 * bound for bound in both["interval"])
        change = f"{100 * both['change']:+.1f}"
        rows.append(
            (label, both["gold"], *points, change, f"{low:+.1f} to {high:+.1f}")
        )
    msg.table(rows, header=header, divider=True, aligns=["l", *"r" * 9])
