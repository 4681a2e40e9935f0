"""One module a format; to add one, write it and name it here.

A format of rows has `is_mine(keys)`, which knows its rows by their keys, and
`parse(value)`, which gives the record. A format of files has `is_mine(path, head)`,
which knows them by name and first bytes, and `read`, which gives plain rows. More
special formats come first.
"""

from functools import lru_cache
from types import ModuleType
from typing import Literal

from scripts.annotations.formats import (
    argilla,
    brat,
    columns,
    doc_bin,
    doccano,
    label_studio,
    plain,
    prodigy,
    spacy_json,
    tokens,
    train_data,
)
from scripts.annotations.records import Record, RefusedError, Row

ROW_FORMATS: dict[str, ModuleType] = {
    "prodigy": prodigy,
    "label-studio": label_studio,
    "doccano": doccano,
    "argilla": argilla,
    "tokens": tokens,
    "spacy-json": spacy_json,
    "train-data": train_data,
    "plain": plain,
}
FILE_FORMATS: dict[str, ModuleType] = {
    "brat": brat,
    "columns": columns,
    "docbin": doc_bin,
}
Format = Literal[(*ROW_FORMATS, *FILE_FORMATS)]


def format_of(row: Row, name: str = "") -> str:
    """Name the format of a row: the given one, or by its content, else `plain`."""
    if name in ROW_FORMATS:
        return name
    if isinstance(row.value, dict):
        return format_by(tuple(row.value))
    return "train-data"


@lru_cache
def format_by(keys: tuple[str, ...]) -> str:
    """Name the first format whose rows have such keys."""
    own = frozenset(keys)
    return next(name for name, module in ROW_FORMATS.items() if module.is_mine(own))


def parse_row(row: Row, name: str) -> Record:
    """Understand a row.

    Args:
        row: The row as read.
        name: Its format.

    Returns:
        The record, in the tool's own offsets.

    Raises:
        RefusedError: If it is broken, has no text, or a span has no offsets or label.
    """
    if row.error:
        spans = row.value.get("spans") if isinstance(row.value, dict) else None
        raise RefusedError(row.error, len(spans or ()))
    if not isinstance(row.value, dict) and name != "train-data":
        raise RefusedError(f"no object as in format {name}")
    return ROW_FORMATS[name].parse(row.value)
