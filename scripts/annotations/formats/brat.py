"""brat's standoff: a text in `name.txt` and its spans in `name.ann`.

https://brat.nlplab.org/standoff.html
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.annotations.records import Row, short
from scripts.files import open_plain

ENTITY = re.compile(r"(T\S*)\t(\S+) (\d{1,20}) (\d{1,20})(?:\t(.*))?")


def is_mine(path: Path, head: bytes) -> bool:
    """Know a file by its name: an empty one means a text without entities."""
    return path.name.removesuffix(".gz").endswith(".ann")


def text_of(path: Path) -> Path:
    """Give the path of the text beside a file of spans; in gzip if that is."""
    end = ".txt.gz" if path.suffix == ".gz" else ".txt"
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".ann") + end)


def read(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    """Read the one row that the two files make."""
    text_path = text_of(path)
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
            what = "discontinuous" if ";" in line else "no entity"
            error = error or f"{what}: line {number}, {short(line.strip())}"
            spans.append({"line": line.rstrip("\r\n")})
    try:
        with open_plain(text_path) as file:
            text = file.read().decode()
    except FileNotFoundError:
        text, error = "", f"no {text_path.name} beside it"
    except UnicodeDecodeError as broken:
        text, error = "", f"{text_path.name} is not UTF-8: {broken}"
    yield Row(str(path), 1, {"text": text, "spans": spans}, error)
