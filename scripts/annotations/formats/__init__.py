"""One module a format; to add one, write it and add its name here.

A format of rows has `is_mine(keys)`, which recognizes a row by its keys, and
`parse(value)`, which returns the record. A format of files has `is_mine(path, head)`,
which recognizes a file by its name and first bytes, and `read(path, content)`, which
yields plain rows.
"""

from importlib import import_module
from types import ModuleType
from typing import Literal

from scripts.annotations.records import Record, RejectedError, Row


def modules(*names: str) -> dict[str, ModuleType]:
    """Import the module of each format."""
    paths = {name: f"{__name__}.{name.replace('-', '_')}" for name in names}
    return {name: import_module(path) for name, path in paths.items()}


# The first that recognizes a row or file reads it: more special formats come first.
ROW_FORMATS = modules(
    "prodigy",
    "label-studio",
    "doccano",
    "argilla",
    "tokens",
    "spacy-json",
    "train-data",
    "plain",
)
FILE_FORMATS = modules("brat", "columns", "docbin")
Format = Literal[(*ROW_FORMATS, *FILE_FORMATS)]


def format_of(row: Row, name: str = "") -> str:
    """Return the format of a row: the given one, or recognized by its keys."""
    if name in ROW_FORMATS:
        return name
    if not isinstance(row.value, dict):
        return "train-data"
    keys = frozenset(row.value)
    return next(name for name, form in ROW_FORMATS.items() if form.is_mine(keys))


def parse_row(row: Row, name: str) -> Record:
    """Parse a row of a format to a record, in the offsets of its tool.

    Raises:
        RejectedError: If it is broken, has no text, or a span lacks offsets or a label.
    """
    if row.error:
        spans = row.value.get("spans") if isinstance(row.value, dict) else None
        raise RejectedError(row.error, len(spans or ()))
    if not isinstance(row.value, dict) and name != "train-data":
        raise RejectedError(f"not an object, as format {name} has")
    return ROW_FORMATS[name].parse(row.value)
