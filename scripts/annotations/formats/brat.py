"""brat's standoff: a text in `name.txt` and its spans in `name.ann`.

https://brat.nlplab.org/standoff.html
"""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from scripts.annotations.records import RejectedError, Row, short
from scripts.scale.storage import open_plain

ENTITY = re.compile(r"(T\S*)\t(\S+) (\d{1,20}) (\d{1,20})(?:\t(.*))?")


def is_mine(path: Path, head: bytes) -> bool:
    """Recognize a file by its name: an empty one means a text without entities."""
    return path.name.removesuffix(".gz").endswith(".ann")


def text_of(path: Path) -> Path:
    """Return the path of the text for a file of spans; in gzip if that is."""
    end = ".txt.gz" if path.suffix == ".gz" else ".txt"
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".ann") + end)


def companions(files: list[Path]) -> set[Path]:
    """Return the files that are read with a file of spans, or are brat's settings."""
    spans = [path for path in files if is_mine(path, b"")]
    folders = {path.parent for path in spans}
    settings = [p for p in files if p.suffix == ".conf" and p.parent in folders]
    return {*map(text_of, spans), *settings}


def read(path: Path, content: bytes) -> Iterator[Row]:
    """Read the two files as one row."""
    text, reason = read_text(text_of(path))
    spans: list[dict[str, Any]] = []
    lines = StringIO(content.decode("utf-8-sig"), newline="")
    for number, line in enumerate(lines, start=1):
        if not line.startswith("T"):
            continue
        if match := ENTITY.fullmatch(line.rstrip("\r\n")):
            _, label, start, end, surface = match.groups()
            span = {"start": int(start), "end": int(end), "label": label}
            spans.append({**span, "text": surface})
        else:
            what = "discontinuous" if ";" in line else "not an entity"
            reason = reason or f"{what}: line {number}, {short(line.strip())}"
            spans.append({"line": line.rstrip("\r\n")})
    error = RejectedError(reason, len(spans)) if reason else None
    yield Row(str(path), 1, {"text": text, "spans": spans}, error)


def read_text(path: Path) -> tuple[str, str]:
    """Read a text; instead of it, return why it can't be read."""
    try:
        with open_plain(path) as file:
            return file.read().decode(), ""
    except FileNotFoundError:
        return "", f"no {path.name} in the same folder"
    except UnicodeDecodeError as broken:
        return "", f"{path.name} is not UTF-8: {broken}"
