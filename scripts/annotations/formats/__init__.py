"""One module a format; to add one, write it and add its name here.

A format of rows has `is_mine(keys)`, which recognizes a row by its keys, and
`parse(value)`, which returns the record, in the offsets of its tool, or raises a
`RejectedError`. A format of files has `is_mine(path, head)`, which recognizes a file by
its name and first bytes, and `read(path, content)`, which yields plain rows.
"""

from importlib import import_module
from types import ModuleType
from typing import Literal

from scripts.annotations.records import RejectedError, Row


def modules(*names: str) -> dict[str, ModuleType]:
    """Import the module of each format."""
    paths = {name: f"{__name__}.{name.replace('-', '_')}" for name in names}
    return {name: import_module(path) for name, path in paths.items()}


# The first that recognizes a row or file reads it: more special formats come first.
ROW_FORMATS = modules(
    "prodigy",
    "label-studio",
    "doccano",
    "dataturks",
    "argilla",
    "tokens",
    "spacy-v2",
    "spacy-json",
    "train-data",
    "plain",
)
FILE_FORMATS = modules("brat", "conllu", "columns", "docbin")
Format = Literal[(*ROW_FORMATS, *FILE_FORMATS)]


def parse_row(row: Row, name: str = "") -> Row:
    """Add its format and its record to a row, or the error that it is rejected with.

    The format is `name`, or recognized by the keys of the row.
    """
    is_object = isinstance(row.value, dict)
    if name not in ROW_FORMATS:
        keys = frozenset(row.value if is_object else ())
        known = (n for n, form in ROW_FORMATS.items() if form.is_mine(keys))
        name = next(known) if is_object else "train-data"
    row = row._replace(format_name=name)
    if row.error:
        return row
    try:
        if not is_object and name != "train-data":
            raise RejectedError(f"not an object, as format {name} has")
        return row._replace(record=ROW_FORMATS[name].parse(row.value))
    except RejectedError as error:
        return row._replace(error=error)
