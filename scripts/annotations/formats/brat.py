"""brat's standoff: a text in `name.txt` and its spans in `name.ann`.

https://brat.nlplab.org/standoff.html
"""

import re
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from scripts.annotations.records import RejectedError, Row, short
from scripts.scale.storage import read_plain

ENTITY = re.compile(
    r"T\S*\t([^\t]+?) (\d{1,20} \d{1,20}(?:;\d{1,20} \d{1,20})*)(?:\t(.*))?"
)


def is_mine(path: Path, head: bytes) -> bool:
    """Recognize a file by its name: an empty one means a text without entities."""
    return path.name.removesuffix(".gz").endswith(".ann")


def text_of(path: Path) -> Path:
    """Return the path of the text for a file of spans; in gzip if that is."""
    end = ".txt.gz" if path.suffix == ".gz" else ".txt"
    # Not `with_name`, which a path in a zip has not.
    return path.parent / (path.name.removesuffix(".gz").removesuffix(".ann") + end)


def companions(files: list[Path]) -> set[str]:
    """Return the names of the files that are read with a file of spans."""
    return {str(text_of(path)) for path in files if is_mine(path, b"")}


def is_other(path: Path, folders: set[str]) -> bool:
    """Check whether a file holds no spans: one of settings, or a text without any.

    `folders` are those in which there are files of spans.
    """
    is_text = path.name.removesuffix(".gz").endswith((".txt", ".conf"))
    return is_text and str(path.parent) in folders


def read(path: Path, content: bytes) -> Iterator[Row]:
    """Read the two files as one row."""
    text, reason = read_text(text_of(path))
    spans: list[dict[str, Any]] = []
    lines = StringIO(content.decode("utf-8-sig"), newline="")
    for number, line in enumerate(lines, start=1):
        if not line.startswith("T"):
            continue
        if match := ENTITY.fullmatch(line.rstrip("\r\n")):
            label, offsets, surface = match.groups()
            ends = sorted([*map(int, part.split())] for part in offsets.split(";"))
            start, end = ends[0][0], ends[-1][-1]
            span = {"start": start, "end": end, "label": label, "text": surface}
            what = "discontinuous" if are_apart(ends, text) else ""
        else:
            what = "not an entity"
        if what:
            reason = reason or f"{what}: line {number}, {short(line.strip())}"
            span = {"line": line.rstrip("\r\n")}
        spans.append(span)
    error = RejectedError(reason, len(spans)) if reason else None
    yield Row(str(path), 1, {"text": text, "spans": spans}, error)


def are_apart(ends: list[list[int]], text: str) -> bool:
    """Check whether there is more than white space between the parts of a span.

    brat breaks a span at the end of a line.
    """
    pairs = pairwise(ends)
    return any(text[a[-1] : b[0]].strip() or a[-1] > b[0] for a, b in pairs)


def read_text(path: Path) -> tuple[str, str]:
    """Read a text; instead of it, return why it can't be read."""
    try:
        return read_plain(path).decode(), ""
    except FileNotFoundError:
        return "", f"no {path.name} in the same folder"
    except UnicodeDecodeError as broken:
        return "", f"{path.name} is not UTF-8: {broken}"
