"""The verdict on an update in plain English, and what to do if it did not pass."""

from collections.abc import Iterable
from typing import Any

Metrics = dict[str, Any]


def verdict(metrics: Metrics) -> list[str]:
    """Return a sentence on what was kept and one on what was learned.

    There are none without gates, as where `compare` is not about an update.
    """
    return [tell_kept(metrics), tell_learned(metrics)] if "gates" in metrics else []


def tell_kept(metrics: Metrics) -> str:
    """Describe what happened to the old types, or how far base and update agree."""
    retention, old = metrics["retention"], metrics["old"]
    if retention is None:
        nothing = "The base finds nothing right in the old test"
        return f"{nothing}, so what was kept cannot be measured."
    before, after = (100 * old[who]["f"] for who in ("base", "updated"))
    bounds = metrics["retention_interval"]
    sure = "95 % interval {:.3f} to {:.3f}" if bounds else "one doc, so no interval"
    details = f"retention {retention:.3f}, {sure.format(*bounds or ())}"
    rest = metrics["retention_unmoved"]
    if metrics["fates"]["moved"] and rest is not None:
        details += f", {rest:.3f} without what moved to a new type"
    details += f"; the gate is {metrics['gates']['min_retention']:g}"
    if metrics.get("old_test_is_gold", True):
        start = "Kept" if metrics["kept"] else "The update forgot"
        fell = f"fell from {before:.1f} to {after:.1f}"
        change = fell if after < before else f"is {after:.1f}, before {before:.1f}"
        return f"{start}: F on the old types {change} ({details})."
    agrees = "agrees" if metrics["kept"] else "agrees too little"
    start = f"The update {agrees} with the base on unseen text: F is {after:.1f}"
    by_definition = " by definition" if before == 100 else ""
    return f"{start}, and the base scores {before:.4g}{by_definition} ({details})."


def tell_learned(metrics: Metrics) -> str:
    """Describe what was learned of the annotated types."""
    new, gate = metrics["new"], f"(the gate is {metrics['gates']['min_new_f']:g})."
    if not new["gold"]:
        nothing = "The new test has no annotations"
        return f"{nothing}, so what was learned cannot be measured {gate}"
    before, after = (100 * new[who]["f"] for who in ("base", "updated"))
    start = "The update learned too little of"
    if metrics["learned"]:
        start = "Learned" if after > before else "No better at"
    labels = new["labels"].items()
    missed = [name for name, b in labels if b["gold"] and not b["updated"]["f"]]
    rest = f", but 0 for {', '.join(missed)}" if missed and after else ""
    scores = f"F on the new test is {after:.1f}, before {before:.1f}{rest}"
    return f"{start} {', '.join(new['labels'])}: {scores} {gate}"


def cure(metrics: Metrics) -> str:
    """Return what to do about an update that did not pass."""
    cures = []
    if metrics["retention"] is None:
        cures.append(
            "Set vars.old_test to annotations of types that the base knows, or leave "
            "it empty and add raw text to vars.raw."
        )
    elif not metrics["kept"]:
        gold = (
            ""
            if metrics.get("old_test_is_gold", True)
            else "Without gold every change counts as lost: annotate 200 texts with "
            "the old types, and set vars.old_test. "
        )
        cures.append(
            f"{gold}Add raw text to vars.raw, run the workflow average, or lower "
            "vars.min_retention."
        )
    if not metrics["learned"]:
        cures.append("Annotate more texts, or lower vars.min_new_f.")
    see = 'See training/report.html, and "When the gate stops you" in the README.'
    return " ".join([*cures, see])


def choose_example(changes: Iterable[dict[str, Any]]) -> str:
    """Return the shortest passage of the new test in which something was learned."""
    texts = [
        row["text"]
        for row in changes
        for group, label in row["changes"]
        if row["test"] == "new"
        and group in ("learned", "fixed")
        and label in {name for *_, name in row["updated"]}
    ]
    return min(texts, key=len, default="Write a text of your own here.")
