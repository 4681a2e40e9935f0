"""Annotation files to records.

JSON Lines (`.jsonl`), a row a line, or JSON, a list of rows. A row is
`{"text": …, "spans"|"entities"|"label": […]}` or `[text, {"entities": […]}]`;
a span is `{"start", "end", "label"}` or `[start, end, label]`, in characters.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import srsly

from scripts.annotations.records import Record, RejectedRowError, Row, Span

SPAN_KEYS = ("spans", "entities", "label", "labels")


def read_rows(path: Path) -> Iterator[Row]:
    """Read a file's rows; what is no JSON comes as a row with an `error`.

    Args:
        path: A UTF-8 file: JSON if it is named `.json`, else JSON Lines.

    Yields:
        The rows, numbered from 1 (by line, or by place in the list).

    Raises:
        ValueError: If a JSON file can't be parsed or is no list.
    """
    if path.suffix == ".json":
        yield from read_json_rows(path)
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if text:
                    yield Row(str(path), number, srsly.json_loads(text))
            except ValueError as error:
                broken = line.decode("utf-8", errors="replace").rstrip("\r\n")
                yield Row(str(path), number, broken, f"not JSON in UTF-8: {error}")


def read_json_rows(path: Path) -> Iterator[Row]:
    """Read the rows of a file that holds one JSON list."""
    try:
        rows = srsly.json_loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON in UTF-8: {error}") from error
    if not isinstance(rows, list):
        raise ValueError(f"{path} holds no list of rows: [[text, {{…}}], …]")
    for number, value in enumerate(rows, start=1):
        yield Row(str(path), number, value)


def parse_row(row: Row) -> Record:
    """Understand a row.

    Args:
        row: The row as read.

    Returns:
        The record; `ignored` if its annotator did not accept it.

    Raises:
        RejectedRowError: If it has no text, or a span has no offsets or label.
    """
    if row.error:
        raise RejectedRowError(row, row.error)
    value = row.value
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict):
        value = {**value[1], "text": value[0]}
    if not isinstance(value, dict):
        raise RejectedRowError(row, 'neither {"text": …, "spans": […]} nor [text, {…}]')
    spans = next((value[key] for key in SPAN_KEYS if key in value), [])
    if not isinstance(spans, list):
        raise RejectedRowError(row, "the spans are no list")
    text = value.get("text")
    if not isinstance(text, str) or not text.strip():
        raise RejectedRowError(row, "no text", len(spans))
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise RejectedRowError(row, "half a UTF-16 pair in the text", len(spans))
    ignored = value.get("answer", "accept") != "accept"
    parsed = tuple(parse_span(span, row, len(spans)) for span in spans)
    return Record(text, parsed, row, ignored)


def parse_span(value: Any, row: Row, n_spans: int) -> Span:
    """Understand a span, `{"start", "end", "label"}` or `[start, end, label]`."""
    if isinstance(value, dict):
        value = [value.get("start"), value.get("end"), value.get("label")]
    if not isinstance(value, list) or len(value) < 3:
        raise RejectedRowError(
            row, f"{value!r} is no span [start, end, label]", n_spans
        )
    start, end, label = value[:3]
    if type(start) is not int or type(end) is not int:
        raise RejectedRowError(row, f"span {value!r} has no whole offsets", n_spans)
    if not isinstance(label, str) or not label or label.split() != [label]:
        reason = f"label {label!r} is empty or has a space: give it a name in one word"
        raise RejectedRowError(row, reason, n_spans)
    return Span(start, end, label)
