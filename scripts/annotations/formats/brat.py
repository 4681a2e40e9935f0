"""brat's standoff: a text in `name.txt` and its spans in `name.ann`.

https://brat.nlplab.org/standoff.html
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.annotations.records import Row

ENTITY = re.compile(r"(T\S*)\t(\S+) (\d+) (\d+)(?:\t(.*))?")


def is_mine(path: Path, head: bytes) -> bool:
    """Know a file by its name: an empty one means a text without entities."""
    return path.suffix == ".ann"


def read(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    """Read the one row that the two files make."""
    text_path = path.with_suffix(".txt")
    spans: list[dict[str, Any]] = []
    error = ""
    for number, line in enumerate(lines, start=1):
        if not line.startswith("T"):
            continue
        if match := ENTITY.fullmatch(line.rstrip("\r\n")):
            _, label, start, end, text = match.groups()
            span = {"start": int(start), "end": int(end), "label": label}
            spans.append(span if text is None else {**span, "text": text})
        else:
            what = "is discontinuous" if ";" in line else "is no entity"
            error = error or f"line {number} {what}: {line.strip()!r}"
            spans.append({"line": line.rstrip("\r\n")})
    try:
        with text_path.open(encoding="utf-8", newline="") as file:
            text = file.read()
    except FileNotFoundError:
        text, error = "", f"no {text_path.name} beside it"
    except UnicodeDecodeError as broken:
        text, error = "", f"{text_path.name} is not UTF-8: {broken}"
    yield Row(str(path), 1, {"text": text, "spans": spans}, error)
