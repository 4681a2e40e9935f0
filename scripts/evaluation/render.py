"""Fill templates; all labels and texts are escaped."""

import html
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scripts.command import VISIBLE

HERE = Path(__file__).parent
# What Markdown or a table of it would take for its own.
MARKDOWN = {ord(sign): f"&#{ord(sign)};" for sign in "|`*~[]\\"}
EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


def render(template: Path, **values: Any) -> str:
    """Fill a template; all values are escaped for HTML.

    Args:
        template: The file; it may include `scores.md` of this folder.
        values: What it names.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "points": lambda score: f"{100 * score:.1f}",
        "change": lambda score: f"{100 * score:+.1f}",
        "interval": show_interval,
        "cell": lambda text: Markup(to_markdown(text)),
    }
    page = environment.get_template(template.name).render(**values)
    return page.translate(VISIBLE)


def show_interval(bounds: list[float] | None) -> str:
    """Write an interval in points, if there is one."""
    return "{:+.1f} to {:+.1f}".format(*(100 * b for b in bounds)) if bounds else "–"


def to_markdown(text: str) -> str:
    """Escape a text for a cell of a Markdown table."""
    escaped = html.escape(" ".join(text.split()), quote=False).translate(MARKDOWN)
    return EMPHASIS.sub("&#95;", escaped)


def to_line(text: str) -> str:
    """Write a text in one line, with control characters by their numbers."""
    return " ".join(text.split()).translate(VISIBLE)
