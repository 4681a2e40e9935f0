"""Texts with annotations to correct, as files for three annotation tools."""

from collections.abc import Iterable
from pathlib import Path

import srsly
from spacy.tokens import Doc

from scripts.annotations.formats import doccano, label_studio, prodigy
from scripts.annotations.records import Span
from scripts.components.kind import Fact, Kind
from scripts.files import written_whole


def spans_of(doc: Doc, facts: Iterable[Fact], kind: Kind) -> list[Span]:
    """Convert facts to spans as annotation tools have them."""
    spans = []
    for fact in sorted(f for f in facts if kind.can_be_marked(doc, f)):
        span = kind.to_span(doc, fact)
        head = (span["head"]["start"], span["head"]["end"]) if "head" in span else None
        spans.append(Span(span["start"], span["end"], span["label"], head=head))
    return spans


def write_tasks(
    tasks: Iterable[tuple[str, list[Span]]],
    output_dir: Path,
    metas: Iterable[dict[str, str]] = (),
) -> int:
    """Write texts with spans for Prodigy, doccano and Label Studio; count the spans.

    Relations are for Prodigy alone, and so are `metas`, what to show below each text.
    """
    tasks = list(tasks)
    rows = [prodigy.to_row(text, spans) for text, spans in tasks]
    for row, meta in zip(rows, metas, strict=False):
        row["meta"] = meta
    are_relations = any("relations" in row for row in rows)
    with written_whole(output_dir) as part:
        part.mkdir()
        srsly.write_jsonl(part / "prodigy.jsonl", rows)
        if not are_relations:
            rows = [doccano.to_row(text, spans) for text, spans in tasks]
            srsly.write_jsonl(part / "doccano.jsonl", rows)
            rows = [label_studio.to_row(text, spans) for text, spans in tasks]
            srsly.write_json(part / "label_studio.json", rows)
    return sum(len(spans) for _, spans in tasks)
