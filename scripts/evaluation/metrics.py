"""The metrics of an update: both tests, what moved to a new type, and the gates."""

from collections.abc import Collection, Iterable
from typing import Any

from spacy.scorer import PRFScore

from scripts.evaluation.cases import WHO, Case
from scripts.evaluation.scores import score

METRICS_VERSION = 2
Metrics = dict[str, Any]


def to_metrics(
    cases: dict[str, list[Case]],
    labels: dict[str, Collection[str]],
    known: Collection[str],
) -> Metrics:
    """Return the metrics of an update, without the gates; the README explains them.

    Args:
        cases: The tests `new` and `old`.
        labels: The labels that count, by test.
        known: All labels of the base.
    """
    new, old = (score(cases[name], labels[name]) for name in ("new", "old"))
    before, after = old["base"]["f"], old["updated"]["f"]
    unmoved, n_added, outcomes = follow(cases["old"], labels["old"], known)
    return {
        "version": METRICS_VERSION,
        "retention": after / before if before else None,
        "retention_interval": old["ratio_interval"],
        "retention_unmoved": unmoved,
        "old": old,
        "new": new,
        "labels": {**old["labels"], **new["labels"]},
        "spurious": 1000 * n_added / max(1, old["docs"]),
        "fates": outcomes,
    }


def follow(
    cases: Iterable[Case], labels: Collection[str], known: Collection[str]
) -> tuple[float | None, int, dict[str, int]]:
    """Find out what happened to the old types.

    A type that is carved out of an old one takes facts with it. They have moved: that
    is what the annotations ask for, and not forgetting.

    Returns:
        Retention without what moved; how many facts of new types the update finds; and
        how many of those that the base found are `kept`, `moved` and `forgotten`.
    """
    scores = {who: PRFScore() for who in WHO}
    n_added = 0
    outcomes = {"kept": 0, "moved": 0, "forgotten": 0}
    for case in cases:
        gold, found = case.judged(labels)
        new = {fact for fact in case.found["updated"] if fact[-1] not in known}
        lost = gold & found["base"] - case.found["updated"]
        forgotten = case.apart(lost, new)
        n_added += len(new)
        outcomes["kept"] += len(gold & found["base"]) - len(lost)
        outcomes["moved"] += len(lost) - len(forgotten)
        outcomes["forgotten"] += len(forgotten)
        for who in WHO:
            scores[who].score_set(case.apart(found[who], new), case.apart(gold, new))
    before, after = (scores[who].fscore for who in WHO)
    return after / before if before else None, n_added, outcomes


def pass_gates(metrics: Metrics, min_retention: float, min_new_f: float) -> Metrics:
    """Check whether an update kept and learned enough: `passed`, and by which gates."""
    retention = metrics["retention"]
    kept = retention is not None and retention >= min_retention
    learned = metrics["new"]["updated"]["f"] >= min_new_f
    gates = {"min_retention": min_retention, "min_new_f": min_new_f}
    passed = kept and learned
    return {"gates": gates, "kept": kept, "learned": learned, "passed": passed}
