"""The verdict on an update in sentences, and what to do if it is in doubt."""

from collections.abc import Iterable
from typing import Any

from scripts.evaluation.render import to_line

Metrics = dict[str, Any]
# Labels that a sentence names.
N_NAMED = 5
# Characters of a text that a sentence shows.
N_CHARS = 100


def verdict(metrics: Metrics) -> list[str]:
    """Return sentences: what was kept or changed, learned, and found elsewhere.

    There are none without gates, as where `compare` is not about an update.
    """
    if "gates" not in metrics:
        return []
    is_gold = metrics["old_test_is_gold"]
    sentences = [tell_kept(metrics)] if is_gold else []
    sentences += [tell_changed(metrics), tell_learned(metrics)]
    sentences += [tell_judged(row) for row in metrics.get("judged", ())]
    sentences += [tell_must_pass(metrics), tell_spurious(metrics)]
    return [sentence for sentence in sentences if sentence]


def headline(metrics: Metrics) -> str:
    """Return the verdict in a line: passed, not proven and why, or stopped.

    There is none without gates.
    """
    if "gates" not in metrics:
        return ""
    if metrics["verdict"] == "passed":
        return "Passed: ready to ship."
    if metrics["verdict"] == "stopped":
        return "Stopped: not to be shipped."
    return f"Not proven: {'; '.join(metrics['doubts'])}."


def tell_kept(metrics: Metrics) -> str:
    """Describe how many of the old labels' gold annotations are still found."""
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
        details += f", {rest:.3f} without what moved to an annotated label"
    details += f"; the gate is {metrics['gates']['min_retention']:g}"
    start = "Kept" if metrics["kept"] else "The update forgot"
    fell = f"fell from {before:.1f} to {after:.1f}"
    change = fell if after < before else f"is {after:.1f}, before {before:.1f}"
    return f"{start}: F on the old labels {change} ({details})."


def tell_changed(metrics: Metrics) -> str:
    """Describe what became of the base's own findings in the old test."""
    changed, is_gold = metrics["changed"], metrics["old_test_is_gold"]
    sure, every = changed["sure"], changed["all"]
    if sure["share"] is None:
        nothing = "There is nothing in the old test that the base is sure of"
        return "" if is_gold else f"{nothing}, so what changed cannot be measured."
    gate = "" if is_gold else f"the gate is {metrics['gates']['max_changed']:.1%}; "
    start = "Changed" if is_gold or metrics["kept"] else "The update changed too much"
    moved = f" {every['moved']} moved to an annotated label." if every["moved"] else ""
    return (
        f"{start}: of {sure['found']} annotations that the base is sure of, "
        f"{sure['share']:.1%} are lost or found otherwise ({gate}of all "
        f"{every['found']}: {every['share']:.1%}).{moved}"
    ).replace("%", " %")


def tell_learned(metrics: Metrics) -> str:
    """Describe what was learned of the annotated labels."""
    new, gate = metrics["new"], f"(the gate is {metrics['gates']['min_new_f']:g})."
    rows = metrics.get("corrections", [])
    if not new["gold"] and not rows:
        nothing = "The new test has no annotations"
        return f"{nothing}, so what was learned cannot be measured {gate}"
    before, after = (100 * metrics["new_f"][who] for who in ("base", "updated"))
    start = "The update learned too little of"
    if metrics["learned"]:
        start = "Learned" if after > before else "No better at"
    own = metrics["new_labels"] or new["labels"]
    labels = [(name, both) for name, both in new["labels"].items() if name in own]
    missed = [name for name, b in labels if b["gold"] and not b["updated"]["f"]]
    rest = f", but 0 for {list_labels(missed)}" if missed and after else ""
    scores = f"F on the new test is {after:.1f}, before {before:.1f}{rest}"
    seen, unseen = (metrics.get(name, {"gold": 0}) for name in ("seen", "unseen"))
    if seen["gold"] and unseen["gold"]:
        parts = (f"{100 * part['updated']['f']:.1f}" for part in (seen, unseen))
        scores += "; {} on texts annotated in training, {} on others".format(*parts)
    if rows:
        n_right = sum(row["fixed"] for row in rows)
        scores = f"{n_right} of {len(rows)} corrected texts are right; {scores}"
    names = list_labels(metrics["new_labels"] or new["labels"])
    return f"{start} {names}: {scores} {gate}"


def tell_judged(row: Metrics) -> str:
    """Describe how a label or an earlier round was judged by its gate."""
    before, after = (100 * row[key] for key in ("before", "after"))
    gate = f"the gate is {row['least']:g}"
    if row["outcome"] == "not judged":
        return f"Not judged: {row['of']}, {row['gold']} annotations in a test ({gate})."
    good, value = "Kept", f"kept {row['value']:.3f}, "
    if row["measure"] == "f":
        good, value = "Learned", ""
    start = good if row["outcome"] == "passed" else "Too low"
    return (
        f"{start}: F of {row['of']} is {after:.1f}, before {before:.1f}, on "
        f"{row['gold']} annotations ({value}{gate})."
    )


def tell_must_pass(metrics: Metrics) -> str:
    """Describe which must-pass sentences pass, and the first that fail."""
    rows = metrics.get("must_pass", [])
    if not rows:
        return ""
    failed = [row for row in rows if not row["updated"]]
    # Those that passed with the base come first.
    failed.sort(key=lambda row: not row["base"])
    texts = ", ".join(f"“{to_line(row['text'][:N_CHARS])}”" for row in failed[:N_NAMED])
    rest = f" Not: {texts}{' …' if len(failed) > N_NAMED else '.'}" if failed else ""
    n_right = len(rows) - len(failed)
    return f"Must-pass sentences: {n_right} of {len(rows)} pass.{rest}"


def list_labels(labels: Iterable[str]) -> str:
    """Write some labels, and how many there are if that is too many."""
    names = [*labels]
    rest = f" and {len(names) - N_NAMED} others" if len(names) > N_NAMED else ""
    return ", ".join(names[:N_NAMED]) + rest


def tell_spurious(metrics: Metrics) -> str:
    """Describe what is found of new labels in text that is not about them."""
    if not metrics["spurious"]:
        return ""
    texts = map(to_line, metrics["spurious_examples"])
    examples = ", ".join(f"“{text}”" for text in texts)
    n_found = f"{metrics['spurious']:.0f} times in 1,000 texts of the old test"
    return f"New labels are found {n_found}: {examples}. Are these right?"


def cure(metrics: Metrics) -> str:
    """Return what to do about an update that did not pass, or is not proven."""
    is_gold, doubts = metrics["old_test_is_gold"], "; ".join(metrics["doubts"])
    kept, learned = metrics["kept"], metrics["learned"]
    gate = f"vars.{'min_retention' if is_gold else 'max_changed'}"
    gold = "python -m spacy project run old-test writes texts to correct"
    untested = ", ".join(metrics["untested"])
    judged, rounds = metrics.get("judged", ()), metrics.get("earlier", ())
    rounds = [each["name"] for each in rounds]
    low = [row["of"] for row in judged if row["outcome"] == "below"]
    forgotten = ", ".join(name for name in low if name in rounds)
    low = ", ".join(name for name in low if name not in rounds)
    unsure = [row["of"] for row in judged if row["outcome"] == "not judged"]
    unsure = ", ".join(name for name in unsure if name not in metrics["untested"])
    cures = [
        (not kept, f"set vars.keep to exact; add raw text to vars.raw; change {gate}"),
        (not is_gold, f"annotate gold of the old labels: {gold}"),
        (
            is_gold and metrics["retention"] is None,
            "set vars.old_test to annotations of labels that the base knows",
        ),
        ("the old test has" in doubts, "annotate more for vars.old_test"),
        (
            metrics["must_pass_failed"] or "must-pass" in doubts,
            "annotate sentences like the must-pass ones that fail for vars.train",
        ),
        (not learned, "annotate more texts, or lower vars.min_new_f"),
        (
            forgotten,
            f"add text like that of {forgotten} to vars.raw, set vars.keep to exact, "
            "or lower vars.min_retention",
        ),
        (low, f"annotate more of {low}, or change its gate"),
        (unsure, f"annotate more of {unsure} for a test"),
        (learned and "the new test has" in doubts, "annotate more for vars.test"),
        (untested, f"annotate {untested} in a test"),
        (metrics.get("test_is_train"), "set vars.test to texts not in vars.train"),
        ("you set" in doubts, "set the gates as they were"),
    ]
    see = 'See training/report.html, and "When the gate stops you" in the README.'
    return f"What now: {'; '.join(cure for fits, cure in cures if fits)}. {see}"


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
