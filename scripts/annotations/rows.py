"""Annotation files to rows: JSON Lines, a JSON list or another format, also in gzip.

A file is recognized by its content, whatever its name.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import srsly

from scripts.annotations.formats import FILE_FORMATS, ROW_FORMATS, brat, parse_row
from scripts.annotations.records import RejectedError, Row
from scripts.scale.storage import BROKEN, GZIP, find_files, open_plain

# First bytes that a file is recognized by.
HEAD_SIZE = 1 << 16
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"
# `[{…`, `[[…`, or an object over several lines; a row of TRAIN_DATA begins `["`.
JSON_LIST = re.compile(rb"\s*(\[\s*[\[{\]]|\[\s*$|\[\s*\n|\{\s*\n)")
# Levels in a row: Python writes about 1,000 to JSON, and no tool needs 10.
MAX_DEPTH = 100
NO_JSON, TOO_DEEP = "not JSON in UTF-8", "nested too deeply"
# Keys of a row in the file of rejected rows.
REJECTED = {"file", "line", "reason", "row"}


def find_annotations(pattern: str) -> list[Path]:
    """List the files of annotations that a file, folder or glob names."""
    files = find_files(pattern)
    companions = brat.companions(files)
    return [path for path in files if path not in companions]


def read_rows(path: Path, name: str = "") -> list[Row]:
    """Read and parse the rows of a file, in the format `name` or recognized by content.

    They are numbered by line, or by item of a list, from 1. A broken row is rejected;
    a file that can't be read row by row is a `ValueError`.
    """
    try:
        with open_plain(path) as file:
            content = file.read()
        return [parse_row(row, name) for row in rows_of(path, content, name)]
    except BROKEN as error:
        raise ValueError(f"{path} is not a complete gzip file: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error}") from error


def rows_of(path: Path, content: bytes, name: str) -> Iterator[Row]:
    """Return the rows in the content of a file."""
    if content.startswith(UTF16):
        raise ValueError(f"{path} is UTF-16: save it as UTF-8")
    if content.startswith(GZIP):
        raise ValueError(f"{path} is gzip in gzip: unpack it once")
    if name not in ROW_FORMATS:
        head = content[:HEAD_SIZE]
        known = (n for n, form in FILE_FORMATS.items() if form.is_mine(path, head))
        if name := name or next(known, ""):
            return FILE_FORMATS[name].read(path, content)
    content = content.removeprefix(BOM)
    is_list = JSON_LIST.match(content)
    return map(unwrap, (read_list if is_list else read_lines)(path, content))


def read_list(path: Path, content: bytes) -> Iterator[Row]:
    """Read the items of a JSON list, or the one object of the file."""
    try:
        # Not srsly: numbers that it refuses are named with their row, not their file.
        value = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        # Where the next item begins is not known.
        raise ValueError(f"{path} is {NO_JSON}: {error}") from error
    for number, item in enumerate(value if isinstance(value, list) else [value], 1):
        row = Row(str(path), number, item)
        yield broken(row, json.dumps(item), TOO_DEEP) if is_deep(item) else row


def read_lines(path: Path, content: bytes) -> Iterator[Row]:
    """Read JSON Lines."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        # Fed back as it is, a broken line must be broken again: nothing is replaced.
        text = line.decode(errors="backslashreplace").rstrip("\r\n")
        if text.strip():
            row = Row(str(path), number, text)
            try:
                yield row._replace(value=parse_line(line.decode().strip()))
            except ValueError as error:
                yield broken(row, text, error)


def parse_line(text: str) -> Any:
    """Parse a line of JSON; one that is nested too deeply counts as broken."""
    value = srsly.json_loads(text)
    if is_deep(value):
        raise ValueError(TOO_DEEP)
    return value


def is_deep(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Check whether a value is nested too deeply."""
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return not depth or any(is_deep(item, depth - 1) for item in items)


def broken(row: Row, text: str, why: Any) -> Row:
    """Reject a row with the text that can't be parsed."""
    return row._replace(value=text, error=RejectedError(f"{NO_JSON}: {why}"))


def unwrap(row: Row) -> Row:
    """Take a corrected row out of a line of the file of rejected rows."""
    value = row.value
    while isinstance(value, dict) and value.keys() >= REJECTED:
        value = value["row"]
        if isinstance(value, str):
            try:
                value = parse_line(value)
            except ValueError as error:
                return broken(row, value, error)
    return row._replace(value=value)
