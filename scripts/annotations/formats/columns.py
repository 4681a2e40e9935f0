r"""Columns: a token a line and its tag at the end, an empty line after a sentence.

CoNLL-2003, IOB, IOB2, BIOES and BILUO; a tab or spaces between columns. The text is
the tokens with a space between each two; `-DOCSTART-` begins a document.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.annotations.records import Row

TAG = re.compile(r"O|[BIESULM]-\S+|-")
# Lines enough to know the format by.
N_LINES = 50


def is_mine(path: Path, head: bytes) -> bool:
    """Know a file by the tags at the end of its first lines."""
    lines = head.decode("utf-8-sig", errors="replace").splitlines()[:N_LINES]
    fields = [line.split() for line in lines]
    fields = [f for f in fields if f and f[0] != "-DOCSTART-"]
    is_tagged = [len(f) > 1 and bool(TAG.fullmatch(f[-1])) for f in fields]
    is_comment = [f[0].startswith("#") for f in fields]
    n_other = sum(not (t or c) for t, c in zip(is_tagged, is_comment, strict=True))
    # A line or two without a tag are for `read` to name; the last may be cut.
    return sum(is_tagged) > n_other


def read(path: Path, lines: Iterator[str]) -> Iterator[Row]:
    """Read a sentence a row, numbered by the line it begins in."""
    words: list[str] = []
    tags: list[str] = []
    start, doc, error = 1, 0, ""
    untagged: list[dict[str, str]] = []

    def row() -> Row:
        value, doc_id = from_tags(words, tags), {"doc_id": f"{path.name}:{doc}"}
        # Fed back as it is, the row is refused again.
        value["spans"] += untagged
        return Row(str(path), start, {**value, **doc_id} if doc else value, error)

    for number, line in enumerate(lines, start=1):
        fields = line.split("\t") if "\t" in line else line.split(" ")
        fields = [field.strip() for field in fields if field.strip()]
        is_tagged = len(fields) > 1 and bool(TAG.fullmatch(fields[-1]))
        is_comment = line.startswith("#") and not is_tagged
        if not fields or is_comment or fields[0] == "-DOCSTART-":
            if words:
                yield row()
                words, tags, untagged, error = [], [], [], ""
            doc += bool(fields) and fields[0] == "-DOCSTART-"
            continue
        if not words:
            start = number
        if not is_tagged:
            error = error or f"no tag such as O or B-LABEL at the end of line {number}"
            untagged.append({"line": line.strip()})
            fields = [fields[0], "O"]
        words.append(fields[0])
        tags.append(fields[-1])
    if words:
        yield row()


def from_tags(words: list[str], tags: list[str]) -> dict[str, Any]:
    """Give tokens and tags as a plain row.

    A tag inside an entity goes on with the one before if that has its label, and
    begins one otherwise: so each scheme is read, and no tag is lost. spaCy's `-` is
    a token that nobody looked at.
    """
    spans: list[dict[str, Any]] = []
    is_open, start = False, 0
    for word, tag in zip(words, tags, strict=True):
        place, _, label = tag.partition("-")
        goes_on = is_open and place in "ILEM" and label == spans[-1]["label"]
        if goes_on:
            spans[-1]["end"] = start + len(word)
        elif label:
            spans.append({"start": start, "end": start + len(word), "label": label})
        is_open = bool(label) and place in "BIM"
        start += len(word) + 1
    row = {"text": " ".join(words), "spans": spans}
    return {**row, "partial": True} if "-" in tags else row
