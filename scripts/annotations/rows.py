"""Annotation files to rows: JSON Lines, a JSON list or another format, perhaps in gzip.

What a file holds is known by its content, whatever its name.
"""

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import srsly

from scripts.annotations.formats import FILE_FORMATS
from scripts.annotations.records import Row

# Bytes to know a file by, and characters of a JSON list read at a time.
HEAD_SIZE, CHUNK_SIZE = 1 << 16, 1 << 20
GZIP = b"\x1f\x8b"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"
# `[{…`, `[[…`, or an object over several lines; a row of TRAIN_DATA begins `["`.
JSON_LIST = re.compile(rb"\s*(\[\s*[\[{\]]|\[\s*$|\[\s*\n|\{\s*\n)")
# What stands between two items of a list.
SEPARATOR = re.compile(r"[\s,]*")
NO_JSON = "not JSON in UTF-8"


def read_rows(
    path: Path, name: str = "", is_wanted: Callable[[int], bool] | None = None
) -> Iterator[Row]:
    """Read a file's rows; what can't be parsed comes as a row with an `error`.

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
            for row in rows_of(path, file, name, is_wanted):
                if is_wanted is None or is_wanted(row.line):
                    yield unwrapped(row)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is no whole gzip file: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error}") from error


def unwrapped(row: Row) -> Row:
    """Give the row itself where it comes out of a file of rejected rows, mended."""
    value = row.value
    if not (isinstance(value, dict) and "row" in value and "reason" in value):
        return row
    value = value["row"]
    if isinstance(value, str):
        try:
            value = srsly.json_loads(value)
        except ValueError as error:
            return row._replace(value=value, error=f"{NO_JSON}: {error}")
    return row._replace(value=value)


def open_plain(path: Path) -> BinaryIO:
    """Open a file for its bytes, out of its gzip where it is in one."""
    with path.open("rb") as file:
        is_gzip = file.read(len(GZIP)) == GZIP
    return gzip.open(path) if is_gzip else path.open("rb")


def rows_of(
    path: Path, file: BinaryIO, name: str, is_wanted: Callable[[int], bool] | None
) -> Iterator[Row]:
    """Read the rows of an open file by what it holds."""
    head = file.read(HEAD_SIZE)
    file.seek(0)
    if head.startswith(UTF16):
        raise ValueError(f"{path} is UTF-16: save it as UTF-8")
    likely = [n for n, known in FILE_FORMATS.items() if known.is_mine(path, head)]
    name = name if name in FILE_FORMATS else next(iter(likely), "")
    if name == "docbin":
        return FILE_FORMATS[name].read(path, file.read())
    if name:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        return FILE_FORMATS[name].read(path, text)
    if JSON_LIST.match(head.removeprefix(BOM)):
        return read_list(path, io.TextIOWrapper(file, encoding="utf-8-sig"))
    return read_lines(path, file, is_wanted)


def read_lines(
    path: Path, file: BinaryIO, is_wanted: Callable[[int], bool] | None
) -> Iterator[Row]:
    """Read JSON Lines; a broken line is a row with an `error`."""
    name = str(path)
    for number, line in enumerate(file, start=1):
        if is_wanted and not is_wanted(number):
            continue
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if text:
                yield Row(name, number, srsly.json_loads(text))
        except (ValueError, RecursionError) as error:
            broken = line.decode("utf-8", errors="replace").rstrip("\r\n")
            yield Row(name, number, broken, f"{NO_JSON}: {error}")


def read_list(path: Path, file: io.TextIOWrapper) -> Iterator[Row]:
    """Read the items of a JSON list one by one, or the one object that there is.

    Raises:
        ValueError: If it breaks off or is broken; nothing says where the next begins.
    """
    try:
        for number, value in enumerate(items_of(file), start=1):
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
