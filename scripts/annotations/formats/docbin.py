"""spaCy's `.spacy` files: a DocBin of docs with entities, tags or relations."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from scripts.annotations.records import Row
from scripts.components import KINDS
from scripts.components.kind import DOUBTS, MARKS
from scripts.components.ner import INCORRECT

OWN_GROUPS = (DOUBTS, MARKS, INCORRECT)


def is_mine(path: Path, head: bytes) -> bool:
    """Recognize a file by its first bytes, those of zlib."""
    return head[:1] == b"\x78" and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda")


def read(path: Path, content: bytes) -> Iterator[Row]:
    """Read each doc as a row, numbered from 1."""
    try:
        docs = DocBin().from_bytes(content).get_docs(Vocab())
        docs = [*docs]
        has_ents = any(doc.ents for doc in docs)
        values = [to_value(doc, has_ents) for doc in docs]
    except (ValueError, LookupError, TypeError, OverflowError, zlib.error) as error:
        raise ValueError(f"{path} is not a complete DocBin: {error}") from error
    for number, value in enumerate(values, start=1):
        yield Row(str(path), number, value)


def to_value(doc: Doc, has_ents: bool = True) -> dict[str, Any]:
    """Convert a doc to a row; missing values make it a partial one.

    Where no doc of the file has entities, spans in groups are the annotation.
    """
    ner, value = KINDS["ner"], {"text": doc.text, "layer": "ner"}
    if not has_ents and (groups := groups_of(doc)):
        return {**value, "spans": groups}
    for key, some in (("spans", ner.facts(doc)), ("wrong", ner.rejected_facts(doc))):
        value[key] = [list(span) for span in ner.to_spans(doc, some)]
    if doc.has_annotation("ENT_IOB") and ner.unseen_tokens(doc):
        value["partial"] = True
    has_more = any(map(doc.has_annotation, ("TAG", "POS", "MORPH", "DEP")))
    return {**value, "tokens": doc.to_json()["tokens"]} if has_more else value


def groups_of(doc: Doc) -> dict[str, list[list[Any]]]:
    """Return the spans of a doc by group, but for those that this project writes."""
    return {
        name: [[span.start_char, span.end_char, span.label_] for span in group]
        for name, group in doc.spans.items()
        if name not in OWN_GROUPS and len(group)
    }
