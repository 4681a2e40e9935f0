"""A report of two pipelines on tests, written as a page and as Markdown."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup

from scripts.evaluation.changes import GROUPS
from scripts.files import written_whole
from scripts.report.layout import lay_out
from scripts.report.page import MAX_PASSAGES, inline, render, render_passages


def write_report(
    html_path: Path,
    markdown_path: Path,
    changes: Iterable[dict[str, Any]],
    *,
    metrics: dict[str, Any],
    **values: Any,
) -> None:
    """Write a report.

    Args:
        html_path: The page.
        markdown_path: The same tables as Markdown.
        changes: The changed passages; all are counted, the first are shown.
        metrics: The tests, and the verdict if there is one.
        values: What else the templates name: `title`, `verdict` (sentences), `images`
            (address, heading and text of each), `made` (tables) and `config`.
    """
    tests = lay_out(metrics)
    rows, counts, n_rows = choose(changes)
    shown = Counter(group for row in rows for group in groups_of(row))
    labels = {label for row in rows for _, label in row["changes"]}
    names = {label for test in tests for label in test["scores"]["labels"]}
    script, script_hash = inline("report.js")
    values |= {
        "tests": tests,
        "metrics": metrics,
        "passages": list(render_passages(rows, names)),
        "n_left_out": n_rows - len(rows),
        "groups": [(group, counts[group]) for group in GROUPS if counts[group]],
        "shown": [(group, shown[group]) for group in GROUPS if shown[group]],
        "labels": sorted(labels),
    }
    with written_whole(html_path) as part:
        page = render(
            "report.html", script=Markup(script), script_hash=script_hash, **values
        )
        part.write_text(page, encoding="utf-8")
    with written_whole(markdown_path) as part:
        part.write_text(render("report.md", **values), encoding="utf-8")


def choose(
    changes: Iterable[dict[str, Any]],
) -> tuple[list[dict[str, Any]], Counter[str], int]:
    """Choose the passages to show: all, or some of each group where they are many.

    Args:
        changes: The changed passages; as many are held as are shown, for each group.

    Returns:
        The chosen ones by group, the number of changes in each group, and that of
        passages in all.
    """
    by_group: dict[str, list[dict[str, Any]]] = {group: [] for group in GROUPS}
    counts: Counter[str] = Counter()
    n_rows = 0
    for row in changes:
        n_rows += 1
        counts.update(group for group, _ in row["changes"])
        rows = by_group[min(groups_of(row), key=GROUPS.index)]
        if len(rows) < MAX_PASSAGES:
            rows.append(row)
    # Each group has its share, and the first ones what others leave.
    left = MAX_PASSAGES
    sizes = {g: min(len(rows), left // len(GROUPS)) for g, rows in by_group.items()}
    left -= sum(sizes.values())
    for group, rows in by_group.items():
        more = min(len(rows) - sizes[group], left)
        sizes[group] += more
        left -= more
    chosen = [row for group, rows in by_group.items() for row in rows[: sizes[group]]]
    return chosen, counts, n_rows


def groups_of(row: dict[str, Any]) -> set[str]:
    """Give the groups that the changes in a passage are in."""
    return {group for group, _ in row["changes"]}
