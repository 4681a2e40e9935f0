"""The metrics of an update: both tests, and what moved to an annotated label."""

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import srsly
from spacy.scorer import PRFScore
from spacy.tokens import Doc
from weasel.util.hashing import get_checksum

from scripts.components.kind import Fact, Kind
from scripts.evaluation.cases import WHO, Case
from scripts.evaluation.scores import score

METRICS_VERSION = 4
Metrics = dict[str, Any]
# Examples of what is found of new labels in unseen text.
N_EXAMPLES = 5


def read_metrics(path: Path, updated_dir: Path) -> Metrics:
    """Read the metrics that `evaluate` wrote of an updated pipeline.

    Raises:
        ValueError: If they are of another one, as after a training that was stopped.
    """
    metrics = srsly.read_json(path)
    if not updated_dir.exists() or metrics["pipeline"] != get_checksum(updated_dir):
        raise ValueError(f"{path} is of another pipeline: run evaluate again.")
    return metrics


def to_metrics(
    cases: dict[str, list[Case]],
    labels: dict[str, Collection[str]],
    known: Collection[str],
    carved: dict[str, list[str]] | None = None,
    is_gold: bool = True,
    seen: Collection[tuple[str, str]] = (),
    tested: Collection[str] = (),
) -> Metrics:
    """Return the metrics of an update, without the gates; the README explains them.

    Args:
        cases: The tests `new` and `old`.
        labels: The labels that count, by test.
        known: All labels of the base.
        carved: The base's labels that each annotated label was carved out of.
        is_gold: Whether the old test is gold, and not what the base itself finds.
        seen: The texts that were annotated in training, each with its label.
        tested: Labels that a test of an earlier round scores.
    """
    new, old = (score(cases[name], labels[name]) for name in ("new", "old"))
    before, after = old["base"]["f"], old["updated"]["f"]
    unmoved, outcomes = follow(cases["old"], labels["old"], known)
    kept = {
        "retention": after / before if before else None,
        "retention_interval": old["ratio_interval"],
        "retention_unmoved": unmoved,
    }
    kind = next(case.kind for name in ("new", "old") for case in cases[name])
    spurious = find_spurious(cases["old"], known)
    new_labels = sorted({*labels["new"]} - {*known})
    learned = score_part(cases["new"], new_labels or labels["new"])
    not_annotated = {*known} - {*labels["new"]} - {*tested}
    gold_tests = (new, old) if is_gold else (new,)
    return {
        "version": METRICS_VERSION,
        "old_test_is_gold": is_gold,
        **(kept if is_gold else dict.fromkeys(kept)),
        "changed": count_changed(cases["old"], not_annotated, carved or {}),
        "old": old,
        "new": new,
        "labels": {**old["labels"], **new["labels"]},
        "facts": {"name": kind.NAME, "prefix": kind.PREFIX},
        "new_labels": new_labels,
        "new_f": {who: learned[who]["f"] for who in WHO},
        **{
            name: score_part(cases["new"], new_labels or labels["new"], seen, is_seen)
            for name, is_seen in (("seen", True), ("unseen", False))
        },
        "untested": sorted(n for n in labels["new"] if not gold_of(n, gold_tests)),
        "spurious": 1000 * spurious.total() / max(1, old["docs"]),
        "spurious_examples": [text for text, _ in spurious.most_common(N_EXAMPLES)],
        "fates": outcomes,
    }


def score_part(
    cases: Iterable[Case],
    labels: Collection[str],
    seen: Collection[tuple[str, str]] = (),
    is_seen: bool | None = None,
) -> dict[str, Any]:
    """Score both pipelines on facts with some labels.

    Only those whose text was annotated in training count, or only others; None: all. A
    lookup table would score well on the first alone.

    Returns:
        The number of `gold` facts, and the scores of `base` and `updated`.
    """
    scores = {who: PRFScore() for who in WHO}
    for case in cases:

        def counts(fact: Fact, case: Case = case) -> bool:
            return is_seen in (None, surface(case.kind, case.doc, fact) in seen)

        gold, found = case.judged(labels)
        for who in WHO:
            both = filter(counts, found[who]), filter(counts, gold)
            scores[who].score_set(*map(set, both))
    n_gold = scores["base"].tp + scores["base"].fn
    return {"gold": n_gold, **{who: scores[who].to_dict() for who in WHO}}


def surface(kind: Kind, doc: Doc, fact: Fact) -> tuple[str, str]:
    """Return the text of a fact in lower case, with its label."""
    return kind.text_of(doc, fact).lower(), fact[-1]


def gold_of(label: str, tests: Iterable[dict[str, Any]]) -> int:
    """Return how many annotations of a label some tests have."""
    return sum(test["labels"].get(label, {}).get("gold", 0) for test in tests)


def find_spurious(cases: Iterable[Case], known: Collection[str]) -> Counter[str]:
    """Count what only the update finds of new labels in the old test, by its text."""
    return Counter(
        case.kind.text_of(case.doc, fact)
        for case in cases
        for fact in sorted(case.found["updated"] - case.found["base"])
        if fact[-1] not in known
    )


def count_changed(
    cases: Iterable[Case], labels: Collection[str], carved: dict[str, list[str]]
) -> dict[str, Any]:
    """Count what became of the base's own findings, right or wrong.

    Two trainings differ in much of what they guess, and little in what they are sure
    of: so the findings that the base is sure of tell forgetting from noise.

    Args:
        cases: The old test.
        labels: The labels that count: those that were not annotated.
        carved: The base's labels that each annotated label was carved out of.

    Returns:
        For `all` findings and those that the base is `sure` of: how many were `found`;
        how many the update finds as well (`kept`), not at all (`lost`), as another
        label or with other bounds (`otherwise`), or as a label that was carved out of
        theirs (`moved`); and as `share` those lost or found otherwise. And how many
        `new` ones of these labels it finds.
    """
    counts = {name: Counter() for name in ("all", "sure")}
    n_new = 0
    for case in cases:
        base, updated = ({f for f in case.found[who] if f[-1] in labels} for who in WHO)
        n_new += len(case.apart(updated, case.found["base"]))
        instead = case.kind.labels_by_token(case.found["updated"])
        for fact in base:
            labels_there = {
                n for i in case.kind.tokens(fact) for n in instead.get(i, ())
            }
            outcome = "otherwise" if labels_there else "lost"
            if fact in updated:
                outcome = "kept"
            elif any(fact[-1] in carved.get(label, ()) for label in labels_there):
                outcome = "moved"
            counts["all"][outcome] += 1
            counts["sure"][outcome] += fact in case.sure
    changed: dict[str, Any] = {"new": n_new}
    for name, n in counts.items():
        share = (n["lost"] + n["otherwise"]) / n.total() if n.total() else None
        outcomes = {key: n[key] for key in ("kept", "lost", "otherwise", "moved")}
        changed[name] = {"found": n.total(), **outcomes, "share": share}
    return changed


def follow(
    cases: Iterable[Case], labels: Collection[str], known: Collection[str]
) -> tuple[float | None, dict[str, int]]:
    """Find out what happened to the old labels.

    A type that is carved out of an old one takes facts with it. They have moved: that
    is what the annotations ask for, and not forgetting.

    Returns:
        Retention without what moved; and how many of the gold facts that the base found
        are `kept`, `moved` and `forgotten`.
    """
    scores = {who: PRFScore() for who in WHO}
    outcomes = {"kept": 0, "moved": 0, "forgotten": 0}
    for case in cases:
        gold, found = case.judged(labels)
        new = {fact for fact in case.found["updated"] if fact[-1] not in known}
        lost = gold & found["base"] - case.found["updated"]
        forgotten = case.apart(lost, new)
        outcomes["kept"] += len(gold & found["base"]) - len(lost)
        outcomes["moved"] += len(lost) - len(forgotten)
        outcomes["forgotten"] += len(forgotten)
        for who in WHO:
            scores[who].score_set(case.apart(found[who], new), case.apart(gold, new))
    before, after = (scores[who].fscore for who in WHO)
    return after / before if before else None, outcomes
