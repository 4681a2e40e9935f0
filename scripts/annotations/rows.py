"""Annotation files to rows: JSON Lines, a JSON list or another format, also packed.

A file is recognized by its content, whatever its name.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zipfile import Path as Member

import srsly

from scripts.annotations.archive import ZIP, expand
from scripts.annotations.formats import FILE_FORMATS, ROW_FORMATS, brat, parse_row
from scripts.annotations.formats.plain import START_KEYS, TEXT_KEYS
from scripts.annotations.records import RejectedError, Row, short
from scripts.annotations.unreadable import name_kind
from scripts.scale.storage import BROKEN, GZIP, find_files, read_plain

# First bytes that a file is recognized by.
HEAD_SIZE = 1 << 16
# The mark of UTF-32 begins with that of UTF-16.
UTF32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"
# `[{…`, `[[…`, or an object over several lines; a row of TRAIN_DATA begins `["`.
JSON_LIST = re.compile(rb"\s*(\[\s*[\[{\]]|\[\s*$|\[\s*\n|\{\s*\n)")
# Levels in a row: Python writes about 1,000 to JSON, and no tool needs 10.
MAX_DEPTH = 100
NO_JSON, TOO_DEEP = "not JSON in UTF-8", "nested too deeply"
# Broken rows that look like JSON by which a file is recognized that has no others.
N_BROKEN = 3
# Keys of a row in the file of rejected rows.
REJECTED = {"file", "line", "reason", "row"}
# Keys of which a row has one, and no span has.
TOKEN_LISTS = frozenset({"tokens", "sentences"})
TOOLS = ("prodigy", "label-studio", "doccano")
ROW_KEYS = TOKEN_LISTS | {*TEXT_KEYS, "paragraphs"}
# Names of files that come with annotations and hold none.
NOTES = re.compile(
    r"(?i)(readme|licen[cs]e|copying|notice|authors|citation|changelog)(\.(txt|md|rst))?"
    r"|.*(~|\.bak)"
)


def list_files(pattern: str) -> tuple[list[Path], list[Path]]:
    """List the files of annotations that a pattern names, and those passed over.

    It is a file, folder, glob or zip; a file that is named itself is never passed over.
    """
    files = expand(find_files(pattern))
    companions = brat.companions(files)
    files = [path for path in files if str(path) not in companions]
    folders = {str(path.parent) for path in files if brat.is_mine(path, b"")}
    others = [
        path
        for path in files
        if NOTES.fullmatch(path.name) or brat.is_other(path, folders)
    ]
    if len(others) == len(files):
        return files, []
    return [path for path in files if path not in others], others


def read_rows(path: Path, name: str = "") -> list[Row]:
    """Read and parse the rows of a file, in the format `name` or recognized by content.

    They are numbered by line, or by item of a list, from 1. A broken row is rejected;
    a file that can't be read row by row is a `ValueError`.
    """
    try:
        rows = [*rows_of(path, read_plain(path), name)]
        is_one = len(rows) == 1
        return [parse_row(row, name) for each in rows for row in unpack(each, is_one)]
    except (*BROKEN, BadZipFile, NotImplementedError) as error:
        packed = "zip" if isinstance(path, Member) else "gzip"
        raise ValueError(f"{path} is not a complete {packed} file: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error}") from error


def rows_of(path: Path, content: bytes, name: str) -> Iterator[Row]:
    """Return the rows in the content of a file."""
    if content.startswith(UTF32):
        raise ValueError(f"{path} is UTF-32: save it as UTF-8")
    if content.startswith(UTF16):
        raise ValueError(f"{path} is UTF-16: save it as UTF-8")
    if content.startswith(GZIP):
        raise ValueError(f"{path} is gzip in gzip: unpack it once")
    if content.startswith(ZIP):
        raise ValueError(f"{path} is a zip in an archive: unpack it once")
    if name not in ROW_FORMATS:
        head = content[:HEAD_SIZE]
        known = (n for n, form in FILE_FORMATS.items() if form.is_mine(path, head))
        if name := name or next(known, ""):
            return FILE_FORMATS[name].read(path, content)
    content = content.removeprefix(BOM)
    if JSON_LIST.match(content):
        return map(unwrap, read_list(path, content))
    rows = [*read_lines(path, content)]
    check_lines(path, content, rows)
    return map(unwrap, rows)


def check_lines(path: Path, content: bytes, rows: list[Row]) -> None:
    """Refuse a file of which no line is JSON: each would be rejected, one by one."""
    if not rows or not all(row.error for row in rows):
        return
    # A few lines that look like JSON are to be corrected.
    is_json = any(row.value.lstrip().startswith(("{", "[")) for row in rows)
    if not is_json or len(rows) >= N_BROKEN:
        head, first = content[:HEAD_SIZE], rows[0]
        why = str(first.error) if is_json else short(first.value)
        raise ValueError(f"{path} is {name_kind(head, path.suffix.lower(), why)}")


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


def unpack(row: Row, is_one: bool) -> Iterator[Row]:
    """Yield the rows that a row wraps, or itself.

    NER Annotator has one object with all texts, null where one was skipped, and spaCy 2
    paragraphs in documents. Those in the one object of a file are numbered from 1.
    """
    items = wrapped(row.value)
    if items is None:
        yield row
    for number, item in enumerate(items or (), start=1):
        if item is not None:
            line = number if is_one else row.line
            yield from unpack(row._replace(value=item, line=line), False)


def wrapped(value: Any) -> list[Any] | None:
    """Return the rows in an object that is no row itself, or None."""
    if not isinstance(value, dict) or not value.keys().isdisjoint(TOKEN_LISTS):
        return None
    if any(isinstance(value.get(key), str) for key in TEXT_KEYS):
        return None
    if any(ROW_FORMATS[name].is_mine(frozenset(value)) for name in TOOLS):
        return None
    lists = [items for items in value.values() if isinstance(items, list)]
    inside = [items for items in lists if items and any(map(is_row, items))]
    return inside[0] if len(inside) == 1 else None


def is_row(item: Any) -> bool:
    """Check whether an item of a list is a row: an object, or `[text, {…}]`."""
    if isinstance(item, dict):
        return not ROW_KEYS.isdisjoint(item) and START_KEYS.isdisjoint(item)
    is_pair = isinstance(item, list) and len(item) == 2
    return is_pair and isinstance(item[0], str) and isinstance(item[1], dict)
