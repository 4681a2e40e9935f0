"""Metrics and notes as the parts of a report: titles, sentences and tables."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import srsly
from spacy.util import walk_dict
from wasabi import msg

from scripts.evaluation.cases import WHO
from scripts.evaluation.changes import GROUPS
from scripts.evaluation.metrics import Metrics
from scripts.evaluation.render import HERE, render, show_interval, to_line
from scripts.evaluation.scores import MISSED, SPURIOUS
from scripts.evaluation.verdict import N_CHARS, headline, verdict
from scripts.files import written_whole

TITLE = "What the update changed"
NEW = "Annotated by a person; only the labels that were annotated count."
# Titles and notes of the tests, in the order of a report.
TESTS = {
    "new": ("New test: what was to be learned", NEW),
    "old": (
        "Old test: what was to be kept",
        "Annotated by a person with the labels of the base.",
    ),
    "test": ("Test", NEW),
}
AGREEMENT = (
    "Agreement with the base on unseen text",
    "There is no gold of the old labels, so this test is what the base itself finds in "
    "text that nothing else saw. Where the update is right and the base wrong, that "
    "counts as a mistake.",
)
ALL = "all labels"
# A heading and a table for each part of how an update was made.
Notes = list[tuple[str, list[tuple[str, str]]]]


def lay_out(metrics: Metrics) -> list[dict[str, Any]]:
    """Lay out the tests of `metrics` in the order of a report, as templates need them.

    Lines are the label and the scores of each label, all labels together first.
    """
    tests = []
    some = [(name, metrics[name], *TESTS[name]) for name in TESTS if name in metrics]
    for each in metrics.get("earlier", ()):
        title = f"Test of {each['name']}: what was learned then"
        some.append((each["name"], each, title, NEW))
    for name, scores, title, note in some:
        if name == "old" and not metrics.get("old_test_is_gold", True):
            title, note = AGREEMENT
            if scores["base"]["f"] == 1:
                note += " The base scores 100 by definition."
        test = {"name": name, "title": title, "note": note, "scores": scores}
        test["lines"] = [(ALL, scores), *scores["labels"].items()]
        test["sentences"] = tell_changes(scores)
        if name == "old":
            test["sentences"] += tell_fates(metrics["fates"])
        tests.append(test | cross(scores["confusion"]))
    return tests


def tell_changes(scores: dict[str, Any]) -> str:
    """Describe what was gained and lost on a test, and whether that is chance."""
    p = scores["p_value"]
    text = (
        f"Of {scores['gold']} annotations the update finds {scores['gained']} that the "
        f"base misses, and misses {scores['lost']} that the base finds (sign test: "
        f"{'p < 0.001' if p < 0.001 else f'p = {p:.3f}'})."
    )
    for measure, before in scores["summary"].get("base", {}).items():
        after = scores["summary"]["updated"][measure]
        text += f" {measure}: {100 * before:.1f}, after the update {100 * after:.1f}."
    return text


def tell_fates(fates: dict[str, int]) -> str:
    """Describe what became of the gold annotations that the base finds."""
    text = "{kept}; {moved} have a new label, and {forgotten} are lost."
    start = " Of those that the base finds, the update still finds "
    return start + text.format(**fates)


def cross(confusion: dict[str, dict[str, dict[str, int]]]) -> dict[str, Any]:
    """Lay out the confusion of both pipelines as one table, gold by row."""
    rows = {row for who in WHO for row in confusion[who]}
    columns = {c for who in WHO for found in confusion[who].values() for c in found}

    def in_order(labels: set[str]) -> list[str]:
        return sorted(labels, key=lambda label: (label in (MISSED, SPURIOUS), label))

    def cell(row: str, column: str) -> str:
        before, after = (confusion[w].get(row, {}).get(column, 0) for w in WHO)
        return f"{before} → {after}" if before != after else str(after or "")

    cells = [(r, [(c, cell(r, c)) for c in in_order(columns)]) for r in in_order(rows)]
    return {"columns": in_order(columns), "confusion": cells}


def write_markdown(
    path: Path, metrics: Metrics, changes: Iterable[dict[str, Any]], title: str = TITLE
) -> None:
    """Write the tables of a report, and the verdict if there is one, as Markdown."""
    counts = Counter(group for row in changes for group, _ in row["changes"])
    report = render(
        HERE / "report.md",
        title=title,
        headline=headline(metrics),
        verdict=verdict(metrics),
        tests=lay_out(metrics),
        groups=[(group, counts[group]) for group in GROUPS if counts[group]],
    )
    with written_whole(path) as part:
        part.write_text(report, encoding="utf-8")


def print_tests(metrics: Metrics) -> None:
    """Print F before and after, in points, as a table for each test."""
    header = ("label", "gold", "F before", "F after", "change", "95 % interval")
    for test in lay_out(metrics):
        rows = []
        for label, both in test["lines"]:
            before, after = (f"{100 * both[who]['f']:.1f}" for who in WHO)
            change, bounds = f"{100 * both['change']:+.1f}", both["interval"]
            row = (label, both["gold"], before, after, change, show_interval(bounds))
            rows.append(row)
        print(f"\n{test['title']}")
        msg.table(rows, header=header, divider=True, aligns=["l", *"r" * 5])
    for row in tell_corrections(metrics):
        (msg.good if row["fixed"] else msg.fail)(f"{row['text']} → {row['found']}")


def tell_corrections(metrics: Metrics) -> list[dict[str, Any]]:
    """List corrected texts: the start of each, what is found, and if it is right."""
    return [
        {
            "text": to_line(row["text"][:N_CHARS]),
            "fixed": row["fixed"],
            "base": show_spans(row["text"], row["base"]),
            "found": show_spans(row["text"], row["updated"]),
            "right": show_spans(row["text"], row["right"]),
        }
        for row in metrics.get("corrections", ())
    ]


def tell_must_pass_rows(metrics: Metrics) -> list[dict[str, Any]]:
    """List must-pass sentences: what has to be found and what not, and what is."""
    return [
        {
            "text": to_line(row["text"]),
            **{key: row[key] for key in ("base", "updated")},
            **{
                key: show_spans(row["text"], row[key])
                for key in ("wanted", "unwanted", "found")
            },
        }
        for row in sorted(metrics.get("must_pass", ()), key=lambda r: r["updated"])
    ]


def show_spans(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    """Write spans as their texts and labels."""
    found = [f"{text[start:end]} {label}" for start, end, label in spans]
    return to_line(", ".join(found) or "nothing")


def read_notes(paths: Iterable[Path]) -> Notes:
    """Read what earlier steps noted: JSON files, or folders of them."""

    def show(value: Any) -> str:
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    notes = []
    for path in paths:
        files = sorted(path.glob("*.json"))
        note = {file.stem: srsly.read_json(file) for file in files}
        # A file that is named by a setting of the same name is named once; what is
        # empty or 0 is left out.
        values = walk_dict(note if path.is_dir() else srsly.read_json(path))
        table = [(" ".join(dict.fromkeys(keys)), show(v)) for keys, v in values if v]
        notes.append((path.stem, table))
    return notes
