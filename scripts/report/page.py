"""The page: tests, charts and changed passages in one HTML file."""

import hashlib
import html
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from markupsafe import Markup
from spacy.displacy import DependencyRenderer, EntityRenderer

from scripts.command import VISIBLE
from scripts.evaluation.changes import GROUPS
from scripts.evaluation.layout import (
    TITLE,
    lay_out,
    tell_corrections,
    tell_must_pass_rows,
)
from scripts.evaluation.metrics import Metrics
from scripts.evaluation.render import render
from scripts.evaluation.verdict import cure, headline, verdict
from scripts.files import written_whole

TEMPLATES = Path(__file__).parent / "templates"
# Who marked a passage, in the order in which the page shows them.
SIDES = ("base", "updated", "gold")
ENTITY = '<mark style="background:{bg}">{text}<span>{label}</span></mark>'
# Of new labels: displaCy has none of them.
NEW_COLORS = ("#fff200", "#5cf03c", "#ff9df5", "#4dd8ff", "#ffb300", "#c9ff4d")
# What was lost comes first in the report of an update that did not pass.
LOST_FIRST = ("forgotten", "new mistake", "not judged", "learned", "fixed")
# Passages on a page: some megabytes, which a browser filters at once.
MAX_PASSAGES = 10_000
# Names on a page; the file has all of them.
MAX_NAMES = 200
Passage = dict[str, Any]


def write_page(
    path: Path,
    metrics: Metrics,
    changes: Iterable[Passage],
    title: str = TITLE,
    names: Iterable[dict[str, Any]] = (),
    **values: Any,
) -> None:
    """Write the page.

    Args:
        path: The HTML file.
        metrics: What `evaluate` measured.
        changes: The changed passages, as `evaluate` writes them.
        title: Title of the page.
        names: The names that changed, as `evaluate` writes them.
        values: `images` (address, heading, text and caption of each), `made` (headings
            and tables) and `config`.
    """
    tests = lay_out(metrics)
    scored = {label for test in tests for label in test["scores"]["labels"]}
    names = [*islice(names, MAX_NAMES)]
    is_stopped = metrics.get("verdict") == "stopped"
    rows, n_rows = choose(changes, LOST_FIRST if is_stopped else GROUPS)
    shown = Counter(g for row in rows for g in {group for group, _ in row["changes"]})
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = render(
        TEMPLATES / "report.html",
        title=title,
        metrics=metrics,
        tests=tests,
        headline=headline(metrics),
        verdict=verdict(metrics),
        cure="" if metrics.get("verdict", "passed") == "passed" else cure(metrics),
        corrections=tell_corrections(metrics),
        must_pass=tell_must_pass_rows(metrics),
        names=names,
        name_labels=sorted({row["label"] for row in names}),
        passages=list(render_passages(rows, scored, metrics.get("new_labels", ()))),
        n_left_out=n_rows - len(rows),
        shown=[(group, shown[group]) for group in GROUPS if shown[group]],
        labels=sorted({label for row in rows for _, label in row["changes"]}),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        **values,
    )
    with written_whole(path) as part:
        part.write_text(page, encoding="utf-8")


def choose(
    changes: Iterable[Passage], groups: Sequence[str] = GROUPS
) -> tuple[list[Passage], int]:
    """Choose the passages to show, in the order of groups, and count all of them.

    If there are too many, some of each group are shown.
    """

    def index(row: Passage) -> int:
        return min(groups.index(group) for group, _ in row["changes"])

    rows = sorted(changes, key=index)
    counts: Counter[int] = Counter()
    first, others = [], []
    for row in rows:
        counts[index(row)] += 1
        is_first = counts[index(row)] <= MAX_PASSAGES // len(GROUPS)
        (first if is_first else others).append(row)
    chosen = first + others[: MAX_PASSAGES - len(first)]
    return sorted(chosen, key=index), len(rows)


def colors_of(labels: Iterable[str], new: Iterable[str] = ()) -> dict[str, str]:
    """Choose a colour for each label that displaCy has none for, if any are left.

    New labels have colours of their own, which displaCy has not.
    """
    known = EntityRenderer().colors
    names, learned = ({label.upper() for label in some} for some in (labels, new))
    names -= learned
    others, taken = sorted(names - known.keys()), {known.get(name) for name in names}
    palette = sorted({*known.values()} - taken) or sorted({*known.values()})
    colors = {label: palette[n % len(palette)] for n, label in enumerate(others)}
    return colors | dict(zip(sorted(learned), cycle(NEW_COLORS)))


def render_passages(
    rows: Iterable[Passage], labels: Iterable[str], new: Iterable[str] = ()
) -> Iterator[dict[str, Any]]:
    """Mark what was found in passages with displaCy: the markup of each side."""
    renderer = EntityRenderer({"template": ENTITY, "colors": colors_of(labels, new)})
    for row in rows:
        sides = {}
        for side in SIDES:
            spans = [
                # displaCy escapes the text, but not the label.
                {"start": s, "end": e, "label": n, "params": {"label": html.escape(n)}}
                for s, e, n in row[side]
            ]
            markup = renderer.render_ents(row["text"], spans, None)
            sides[side] = markup.strip().translate(VISIBLE)
        text = row["text"].translate(VISIBLE)
        changes = [[group, label.translate(VISIBLE)] for group, label in row["changes"]]
        drawing = "".join(
            f"<p>{side}</p>{draw(row['drawing'][side])}"
            for side in SIDES
            if "drawing" in row
        )
        passage = {"test": row["test"], "changes": changes, "text": text, **sides}
        yield {**passage, **({"drawing": drawing} if drawing else {})}


def draw(arcs: dict[str, Any]) -> str:
    """Draw arcs with displaCy, as SVG."""
    # displaCy escapes the words, but not the labels.
    escaped = [{**arc, "label": html.escape(arc["label"])} for arc in arcs["arcs"]]
    options = {"compact": True, "distance": 100, "offset_x": 50, "word_spacing": 25}
    colors = {"bg": "transparent", "color": "currentColor", "font": "sans-serif"}
    renderer = DependencyRenderer({**options, **colors})
    svg = renderer.render_svg("arcs", arcs["words"], escaped)
    return svg.translate(VISIBLE)
