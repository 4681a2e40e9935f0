"""Templates filled with what is hostile until it is escaped: texts and labels."""

import hashlib
import html
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from spacy.displacy import EntityRenderer

from scripts.evaluation.metrics import show_interval

TEMPLATES = Path(__file__).parent / "templates"
# Who marked a passage, in the order in which they stand beside each other.
SIDES = ("base", "updated", "gold")
ENTITY = '<mark style="background:{bg}">{text}<span>{label}</span></mark>'
# Passages that a page holds: some megabytes, which a browser filters at once.
MAX_PASSAGES = 10_000
# Controls, what turns text around and what can't be seen are shown by their numbers;
# joiners stay, which Persian and emoji need.
UNSEEN = [*range(9), *range(14, 32), *range(0x7F, 0xA0), 0xAD, 0x061C, 0x200B]
UNSEEN += [0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
VISIBLE = {code: f"[U+{code:04X}]" for code in UNSEEN}
# What Markdown or a table of it would take for its own.
MARKDOWN = {ord(sign): f"&#{ord(sign)};" for sign in "|`*~[]\\"}
EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


def render(template: str, **values: Any) -> str:
    """Fill a template.

    Args:
        template: Its name; all values are escaped for HTML.
        values: What stands in it.

    Returns:
        The page.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = lambda score: f"{100 * score:.1f}"
    environment.filters["change"] = lambda score: f"{100 * score:+.1f}"
    environment.filters["interval"] = show_interval
    environment.filters["cell"] = lambda text: Markup(to_markdown(text))
    page = environment.get_template(template).render(**values)
    return page.translate(VISIBLE)


def to_markdown(text: str) -> str:
    """Escape a text for a cell of a Markdown table."""
    escaped = html.escape(" ".join(text.split()), quote=False).translate(MARKDOWN)
    return EMPHASIS.sub("&#95;", escaped)


def inline(name: str) -> tuple[str, str]:
    """Give a script among the templates, and the hash by which a page allows it."""
    script = (TEMPLATES / name).read_text(encoding="utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    return script, f"sha256-{b64encode(digest).decode()}"


def colors_of(labels: Iterable[str]) -> dict[str, str]:
    """Give each label that displaCy has no colour for one that no other has, if any."""
    known = EntityRenderer().colors
    names = {label.upper() for label in labels}
    others, taken = sorted(names - known.keys()), {known.get(name) for name in names}
    palette = sorted({*known.values()} - taken) or sorted({*known.values()})
    return {label: palette[n % len(palette)] for n, label in enumerate(others)}


def render_passages(
    rows: Iterable[dict[str, Any]], labels: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """Let displaCy mark the entities of passages.

    Args:
        rows: Passages as `evaluate` writes them.
        labels: All labels.

    Yields:
        For each passage its test, its changes, its text to search, and its markup by
        who marked it.
    """
    options = {"template": ENTITY, "colors": colors_of(labels)}
    renderer = EntityRenderer(options)
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
        yield {"test": row["test"], "changes": changes, "text": text, **sides}
