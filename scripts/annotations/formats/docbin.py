"""spaCy's `.spacy` files: a DocBin of docs with entities."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from scripts.annotations.records import Row
from scripts.components.ner import facts, rejected_facts, to_spans, unseen_tokens


def is_mine(path: Path, head: bytes) -> bool:
    """Recognize a file by its first bytes, those of zlib."""
    return head[:1] == b"\x78" and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda")


def read(path: Path, content: bytes) -> Iterator[Row]:
    """Read each doc as a row, numbered from 1."""
    try:
        docs = DocBin().from_bytes(content).get_docs(Vocab())
        values = [to_value(doc) for doc in docs]
    except (ValueError, LookupError, TypeError, OverflowError, zlib.error) as error:
        raise ValueError(f"{path} is not a complete DocBin: {error}") from error
    for number, value in enumerate(values, start=1):
        yield Row(str(path), number, value)


def to_value(doc: Doc) -> dict[str, Any]:
    """Convert a doc to a plain row; missing values make it a partial one."""
    value: dict[str, Any] = {"text": doc.text}
    for key, some in (("spans", facts(doc)), ("wrong", rejected_facts(doc))):
        value[key] = [list(span) for span in to_spans(doc, some)]
    return {**value, "partial": True} if unseen_tokens(doc) else value
