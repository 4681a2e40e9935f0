"""The gates: what stops an update, and what leaves it in doubt."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from scripts.evaluation.cases import WHO
from scripts.evaluation.metrics import Metrics
from scripts.vars import LabelGate

MustPass = Literal["kept", "all"]
# The gates as project.yml sets them: a lower one is a doubt. Specialists, which forgot,
# changed 5.7 to 99 % of what en_core_web_sm is sure of; a second component 0 to 0.2 %.
GATES = {"min_retention": 0.97, "min_new_f": 0.3, "max_changed": 0.05}
# Entities in a test with which a score holds within ten points, at a probability of
# 95 %, whatever the score is.
ENOUGH = 96


def pass_gates(
    metrics: Metrics,
    min_retention: float = GATES["min_retention"],
    min_new_f: float = GATES["min_new_f"],
    max_changed: float = GATES["max_changed"],
    must_pass: MustPass = "kept",
    labels: Iterable[LabelGate] = (),
) -> Metrics:
    """Judge an update: `stopped`, `passed`, or `not proven` with what is in doubt.

    With gold of the old labels `min_retention` says whether it kept enough; without,
    `max_changed`, the largest share of the findings that the base is sure of. Each
    earlier round has to keep `min_retention` as well. Must-pass sentences have to pass
    if the base passes them (`kept`), or `all`. `labels` are gates of single labels.
    """
    retention, changed = metrics["retention"], metrics["changed"]["sure"]["share"]
    rounds = [*judge_rounds(metrics, min_retention)]
    judged = [*rounds, *judge_labels(metrics, labels)]
    # Without old labels but those of earlier rounds, their own tests tell.
    by_rounds = any(row["outcome"] == "passed" for row in rounds)
    kept = by_rounds if changed is None else changed <= max_changed
    if metrics["old_test_is_gold"]:
        kept = retention is not None and retention >= min_retention
    learned = metrics["new_f"]["updated"] >= min_new_f
    gates = {"min_retention": min_retention, "min_new_f": min_new_f}
    gates["max_changed"] = max_changed
    failed = [
        row
        for row in metrics.get("must_pass", ())
        if not row["updated"] and (row["base"] or must_pass == "all")
    ]
    n_below = sum(row["outcome"] == "below" for row in judged)
    passed = kept and learned and not failed and not n_below
    unsure = [row for row in judged if row["outcome"] == "not judged"]
    doubts = [*find_doubts(metrics, gates), *map(tell_unsure, unsure)]
    return {
        "gates": gates,
        "kept": kept,
        "learned": learned,
        "must_pass_failed": len(failed),
        "judged": judged,
        "passed": passed,
        "doubts": doubts,
        "verdict": ("not proven" if doubts else "passed") if passed else "stopped",
    }


def judge(of: str, measure: str, least: float, scores: dict[str, Any]) -> Metrics:
    """Judge one score by its gate.

    With few annotations it is below the gate only if F fell by more than chance, and
    else it is not judged.

    Args:
        of: What is judged: a label, or an earlier round.
        measure: `f`, or `kept`, F after the update ÷ before.
        least: The gate.
        scores: Number of `gold` annotations, and the scores of `base` and `updated`.

    Returns:
        These, F `before` and `after`, the `value`, and the `outcome`: `passed`, `below`
        or `not judged`.
    """
    before, after = (scores[who]["f"] for who in WHO)
    value = after if measure == "f" else after / before if before else None
    is_below = value is not None and value < least
    outcome = "below" if is_below else "passed"
    if value is None or (scores["gold"] < ENOUGH and not (is_below and fell(scores))):
        outcome = "not judged"
    row = {"of": of, "measure": measure, "least": least, "gold": scores["gold"]}
    return {**row, "before": before, "after": after, "value": value, "outcome": outcome}


def fell(scores: dict[str, Any]) -> bool:
    """Check whether F fell by more than chance."""
    bounds = scores.get("interval")
    return bounds is not None and bounds[1] < 0


def tell_unsure(row: Metrics) -> str:
    """Describe why a label or an earlier round is not judged."""
    of, n_gold = row["of"], row["gold"]
    if n_gold < ENOUGH:
        return f"{of} has {n_gold} annotations in a test, fewer than {ENOUGH}"
    return f"the base finds no {of} that is right, so there is nothing to keep"


def judge_rounds(metrics: Metrics, min_retention: float) -> Iterator[Metrics]:
    """Judge what the update keeps of each earlier round, by its own test."""
    for each in metrics.get("earlier", ()):
        yield judge(each["name"], "kept", min_retention, each)


def judge_labels(metrics: Metrics, gates: Iterable[LabelGate]) -> Iterator[Metrics]:
    """Judge single labels, each by the test with the most annotations of it."""
    tests = [metrics["new"], *metrics.get("earlier", ())]
    tests += [metrics["old"]] if metrics["old_test_is_gold"] else []
    nothing = {"gold": 0, **{who: {"f": 0.0} for who in WHO}}
    for label, measure, least in gates:
        found = [test["labels"].get(label, nothing) for test in tests]
        scores = max(found, key=lambda scores: scores["gold"])
        yield judge(label, measure, least, scores)


def find_doubts(metrics: Metrics, gates: dict[str, float]) -> list[str]:
    """List why the tests do not prove that an update kept and learned enough."""
    doubts, new = [], metrics["new"]
    tests = {"new": new["gold"]}
    if metrics["old_test_is_gold"]:
        tests["old"] = metrics["old"]["gold"]
    else:
        doubts.append("there is no gold of the old labels")
    for name, n_gold in tests.items():
        if n_gold < ENOUGH:
            few = f"{n_gold} annotations, fewer than {ENOUGH}"
            doubts.append(f"the {name} test has {few}")
    if metrics["untested"]:
        doubts.append(f"no test has {', '.join(metrics['untested'])}")
    rows = metrics.get("must_pass", ())
    if n_failed := sum(not row["updated"] and not row["base"] for row in rows):
        doubts.append(f"{n_failed} must-pass sentences fail, as with the base")
    if metrics.get("test_is_train"):
        doubts.append("the corrections that are scored were trained on")
    strict = {"max_changed": -1}
    doubts += [
        f"you set {name} to {gate:g}, and not {GATES[name]:g}"
        for name, gate in gates.items()
        if strict.get(name, 1) * (gate - GATES[name]) < 0
    ]
    return doubts
