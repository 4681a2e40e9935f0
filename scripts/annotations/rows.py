"""Annotation files to rows: JSON Lines, a JSON list or another format, perhaps in gzip.

What a file holds is known by its content, whatever its name.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import srsly

from scripts.annotations.formats import FILE_FORMATS, ROW_FORMATS, brat
from scripts.annotations.records import Row
from scripts.files import BROKEN, GZIP, find_files, open_plain

# Bytes to know a file by, and characters of a JSON list read at a time.
HEAD_SIZE, CHUNK_SIZE = 1 << 16, 1 << 20
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"
# `[{…`, `[[…`, or an object over several lines; a row of TRAIN_DATA begins `["`.
JSON_LIST = re.compile(rb"\s*(\[\s*[\[{\]]|\[\s*$|\[\s*\n|\{\s*\n)")
# What stands between two items of a list.
SEPARATOR = re.compile(r"[\s,]*")
# What a row may be nested: far from what Python can write, or send to a process.
MAX_DEPTH = 100
NO_JSON, TOO_DEEP = "not JSON in UTF-8", "nested too deeply"
# Keys of a row in the file of rejected rows.
REJECTED = {"file", "line", "reason", "row"}


def find_annotations(pattern: str) -> list[Path]:
    """List the files of annotations that a setting names.

    Beside an `.ann` a `.txt` is none, but read with it, nor are brat's own settings.
    """
    files = find_files(pattern)
    spans = [path for path in files if brat.is_mine(path, b"")]
    texts = {brat.text_of(path) for path in spans}
    folders = {path.parent for path in spans}
    return [
        path
        for path in files
        if path not in texts and not (path.suffix == ".conf" and path.parent in folders)
    ]


def read_rows(path: Path, name: str = "") -> Iterator[Row]:
    """Read a file's rows, parsed; see `read_raw`."""
    return map(parsed, read_raw(path, name))


def read_raw(
    path: Path, name: str = "", is_wanted: Callable[[int], bool] | None = None
) -> Iterator[Row]:
    """Read a file's rows; a line of JSON Lines comes as bytes, for `parsed`.

    Args:
        path: The file.
        name: Its format; empty, or one of rows: recognised by content.
        is_wanted: Tells by its number which row is wanted; not given: all.

    Yields:
        The rows, numbered from 1 (by line, or by place in a list).

    Raises:
        ValueError: If the file as a whole can't be read.
    """
    try:
        with open_plain(path) as file:
            yield from rows_of(path, file, name, is_wanted)
    except BROKEN as error:
        raise ValueError(f"{path} is no whole gzip file: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error}") from error


def parsed(row: Row) -> Row:
    """Give a row with its value; what can't be parsed has an `error`."""
    file, line, value, _ = row
    if isinstance(value, bytes):
        try:
            row = Row(file, line, parse_line(value.decode().strip()))
        except ValueError as error:
            # Fed back as it is, it must not parse: no character may stand for a byte.
            broken = value.decode(errors="backslashreplace").rstrip("\r\n")
            return Row(file, line, broken, f"{NO_JSON}: {error}")
    return unwrapped(row) if is_wrapped(row.value) else row


def unwrapped(row: Row) -> Row:
    """Give the row itself, mended, out of a line of a file of rejected rows."""
    value = row.value
    while is_wrapped(value):
        value = value["row"]
        if isinstance(value, str):
            try:
                value = parse_line(value)
            except ValueError as error:
                return row._replace(value=value, error=f"{NO_JSON}: {error}")
    return row._replace(value=value)


def is_wrapped(value: Any) -> bool:
    """Say whether a value is a line of a file of rejected rows."""
    return isinstance(value, dict) and "reason" in value and value.keys() >= REJECTED


def rows_of(
    path: Path, file: BinaryIO, name: str, is_wanted: Callable[[int], bool] | None
) -> Iterator[Row]:
    """Read the rows of an open file by what it holds."""
    head = file.read(HEAD_SIZE)
    file.seek(0)
    if head.startswith(UTF16):
        raise ValueError(f"{path} is UTF-16: save it as UTF-8")
    if head.startswith(GZIP):
        raise ValueError(f"{path} is gzip in gzip: unpack it once")
    if name not in ROW_FORMATS:
        known = FILE_FORMATS.items()
        likely = (n for n, module in known if module.is_mine(path, head))
        name = name or next(likely, "")
    if name == "docbin":
        rows = FILE_FORMATS[name].read(path, file.read())
    elif name in FILE_FORMATS:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        rows = FILE_FORMATS[name].read(path, text)
    elif JSON_LIST.match(head.removeprefix(BOM)):
        rows = read_list(path, io.TextIOWrapper(file, encoding="utf-8-sig"))
    else:
        return read_lines(path, file, is_wanted)
    return (row for row in rows if is_wanted is None or is_wanted(row.line))


def read_lines(
    path: Path, file: BinaryIO, is_wanted: Callable[[int], bool] | None
) -> Iterator[Row]:
    """Read JSON Lines, each as bytes."""
    name = str(path)
    for number, line in enumerate(file, start=1):
        if is_wanted is None or is_wanted(number):
            line = line.removeprefix(BOM) if number == 1 else line
            # Space of any script is blank, too.
            if line.startswith((b"{", b"[")) or line.decode(errors="replace").strip():
                yield Row(name, number, line)


def parse_line(text: str) -> Any:
    """Parse JSON, but nothing too deep.

    Raises:
        ValueError: If it is broken or too deep.
    """
    value = srsly.json_loads(text)
    if text.count("[") + text.count("{") > MAX_DEPTH and is_deep(value):
        raise ValueError(TOO_DEEP)
    return value


def is_deep(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Say whether a value is nested more than so deep."""
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return not depth or any(is_deep(item, depth - 1) for item in items)


def read_list(path: Path, file: io.TextIOWrapper) -> Iterator[Row]:
    """Read the items of a JSON list one by one, or the one object that there is.

    Raises:
        ValueError: If it breaks off or is broken; nothing says where the next begins.
    """
    try:
        for number, value in enumerate(items_of(file), start=1):
            if is_deep(value):
                text, error = json.dumps(value), f"{NO_JSON}: {TOO_DEEP}"
                yield Row(str(path), number, text, error)
            else:
                yield Row(str(path), number, value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is {NO_JSON}: {error}") from error


def items_of(file: io.TextIOWrapper) -> Iterator[Any]:
    """Parse the items of a JSON list as they come; memory holds one or a chunk."""
    decoder = json.JSONDecoder()
    text, at = file.read(CHUNK_SIZE).lstrip(), 0
    if text.startswith("{"):
        yield json.loads(text + file.read())
        return
    at, is_over = 1, False
    while True:
        at = SEPARATOR.match(text, at).end()
        try:
            if text[at : at + 1] == "]":
                break
            value, end = decoder.raw_decode(text, at)
            # A number at the end of what was read may go on.
            if end == len(text) and not is_over:
                raise json.JSONDecodeError("cut", text, end)
        except json.JSONDecodeError:
            if is_over:
                raise
            # As much again as there is: a long item is not parsed over and over.
            more = file.read(max(CHUNK_SIZE, len(text) - at))
            text, at, is_over = text[at:] + more, 0, not more
        else:
            yield value
            at = end
    rest = text[at + 1 :] + file.read()
    if rest.strip():
        raise json.JSONDecodeError("Something after the list", rest, 0)
