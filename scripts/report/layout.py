"""Metrics as the parts of a report: a title, a note and tables for each test."""

from typing import Any

from scripts.evaluation.cases import WHO
from scripts.evaluation.tally import MISSED, SPURIOUS

TITLES = {
    "new": "New test: what was to be learned",
    "old": "Old test: what was to be kept",
    "test": "The test",
}
NEW = "Annotated by a person: only the types that were looked for count."
GOLD = "Gold for the types of the base."
OWN = (
    "The base's own annotations of text nobody saw, for want of gold: the base scores "
    "100 by definition, and where the update is right against it, that counts as wrong."
)


def lay_out(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Lay out the tests of `metrics` in the order of a report.

    Returns:
        For each test: `name`, `title`, `note`, `scores` (its metrics), `lines` (label
        and scores, all of them first), `gained` (a sentence), `columns` and
        `confusion` (the cells of each row, by column).
    """
    old = GOLD if metrics.get("old_test_is_gold", True) else OWN
    notes = {"new": NEW, "old": old, "test": NEW}
    return [
        {
            "name": name,
            "title": title,
            "note": notes[name],
            "scores": metrics[name],
            "lines": [("all types", metrics[name]), *metrics[name]["labels"].items()],
            "gained": gained(metrics[name]),
            **cross(metrics[name]["confusion"]),
        }
        for name, title in TITLES.items()
        if name in metrics
    ]


def gained(scores: dict[str, Any]) -> str:
    """Say which gold entities were gained and lost, and whether that is chance."""
    p = scores["p_value"]
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return (
        f"Of {scores['gold']} gold entities the update finds {scores['gained']} that "
        f"the base does not, and misses {scores['lost']} that it does (sign test: "
        f"{chance})."
    )


def cross(confusion: dict[str, dict[str, dict[str, int]]]) -> dict[str, Any]:
    """Set both pipelines' confusion in one table: found by column, gold by row."""
    pairs = {
        (row, column)
        for who in WHO
        for row, found in confusion[who].items()
        for column in found
    }

    def in_order(labels: set[str]) -> list[str]:
        return sorted(labels, key=lambda label: (label in (MISSED, SPURIOUS), label))

    def cell(row: str, column: str) -> str:
        before, after = (confusion[w].get(row, {}).get(column, 0) for w in WHO)
        one = str(after) if after else ""
        return one if before == after else f"{before} → {after}"

    columns = in_order({column for _, column in pairs})
    rows = in_order({row for row, _ in pairs})
    cells = [(r, [(column, cell(r, column)) for column in columns]) for r in rows]
    return {"columns": columns, "confusion": cells}
