r"""Columns: a token a line and its tag at the end, an empty line after a sentence.

CoNLL-2003, IOB, IOB2, BIOES and BILUO; a tab or spaces between columns. The text is
the tokens with a space between each two; `-DOCSTART-` begins a document.
"""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from scripts.annotations.records import RejectedError, Row

TAG = re.compile(r"O|[BIESULM]-\S+|-")
DOC_START = "-DOCSTART-"
# Lines enough to recognize the format.
N_LINES = 50


def is_mine(path: Path, head: bytes) -> bool:
    """Recognize a file by the tags at the end of its first lines."""
    lines = head.decode("utf-8-sig", errors="replace").splitlines()[:N_LINES]
    rows = [row for row in map(str.split, lines) if row and row[0] != DOC_START]
    tagged = [row for row in rows if has_tag(row)]
    others = [r for r in rows if not has_tag(r) and not r[0].startswith("#")]
    # A line or two without a tag are for `read` to name; the last may be cut off.
    return len(tagged) > len(others)


def has_tag(fields: list[str]) -> bool:
    """Check whether a line ends in a tag."""
    return len(fields) > 1 and bool(TAG.fullmatch(fields[-1]))


def read(path: Path, content: bytes) -> Iterator[Row]:
    """Read each sentence as a row, numbered by its first line."""
    n_docs, sentence = 0, []
    lines = StringIO(content.decode("utf-8-sig"), newline="")
    for number, line in enumerate([*lines, ""], start=1):
        fields = line.split("\t") if "\t" in line else line.split(" ")
        fields = [field.strip() for field in fields if field.strip()]
        is_comment = line.startswith("#") and not has_tag(fields)
        if fields and not is_comment and fields[0] != DOC_START:
            sentence.append((number, fields, line.strip()))
            continue
        if sentence:
            yield to_row(path, sentence, f"{path.name}:{n_docs}" if n_docs else "")
            sentence = []
        n_docs += fields[:1] == [DOC_START]


def to_row(path: Path, lines: list[tuple[int, list[str], str]], doc_id: str) -> Row:
    """Convert the lines of a sentence, with their numbers and fields, to a row."""
    words = [fields[0] for _, fields, _ in lines]
    tags = [fields[-1] if has_tag(fields) else "O" for _, fields, _ in lines]
    value, error = {**from_tags(words, tags), "doc_id": doc_id or None}, None
    if untagged := [(n, line) for n, fields, line in lines if not has_tag(fields)]:
        # Fed back as it is, the row is rejected again.
        value["spans"] += [{"line": line} for _, line in untagged]
        reason = f"no tag such as O or B-LABEL at the end of line {untagged[0][0]}"
        error = RejectedError(reason, len(value["spans"]))
    return Row(str(path), lines[0][0], value, error)


def from_tags(words: list[str], tags: list[str]) -> dict[str, Any]:
    """Convert tokens and tags to a plain row.

    A tag inside an entity continues the one before if that has its label, else it
    begins one: so each scheme is read, and no tag is lost. spaCy's `-` is a token that
    nobody annotated. Not spaCy's own converters, which know no `E`, `S` and `M`.
    """
    spans: list[dict[str, Any]] = []
    is_open, start = False, 0
    for word, tag in zip(words, tags, strict=True):
        position, _, label = tag.partition("-")
        continues = is_open and position in "ILEM" and label == spans[-1]["label"]
        if continues:
            spans[-1]["end"] = start + len(word)
        elif label:
            spans.append({"start": start, "end": start + len(word), "label": label})
        is_open = bool(label) and position in "BIM"
        start += len(word) + 1
    row = {"text": " ".join(words), "spans": spans, "partial": "-" in tags}
    return {**row, "layer": "ner"}
