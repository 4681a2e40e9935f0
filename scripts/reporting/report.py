"""A report of two pipelines on tests, written as a page and as Markdown."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from markupsafe import Markup

from scripts.evaluation.changes import GROUPS
from scripts.files import written_whole
from scripts.reporting.layout import lay_out
from scripts.reporting.page import MAX_PASSAGES, inline, render, render_passages


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
    counts: Counter[str] = Counter()
    labels: set[str] = set()

    def counted() -> Iterator[dict[str, Any]]:
        for row in changes:
            counts.update(group for group, _ in row["changes"])
            labels.update(label for _, label in row["changes"])
            yield row

    rows = counted()
    names = {label for test in tests for label in test["scores"]["labels"]}
    passages = list(render_passages(islice(rows, MAX_PASSAGES), names))
    passages.sort(key=first_group)
    n_left_out = sum(1 for _ in rows)
    script, script_hash = inline("report.js")
    values |= {
        "tests": tests,
        "metrics": metrics,
        "passages": passages,
        "n_left_out": n_left_out,
        "groups": [(group, counts[group]) for group in GROUPS if counts[group]],
        "labels": sorted(labels),
    }
    with written_whole(html_path) as part:
        page = render(
            "report.html", script=Markup(script), script_hash=script_hash, **values
        )
        part.write_text(page, encoding="utf-8")
    with written_whole(markdown_path) as part:
        part.write_text(render("report.md", **values), encoding="utf-8")


def first_group(passage: dict[str, Any]) -> int:
    """Say where a passage stands: by the first group that one of its changes is in."""
    return min(GROUPS.index(group) for group, _ in passage["changes"])
