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


def write_tasks(tasks: Iterable[tuple[str, list[Span]]], output_dir: Path) -> int:
    """Write texts with spans for Prodigy, doccano and Label Studio; count the spans.

    Relations are for Prodigy alone.
    """
    tasks = list(tasks)
    has_heads = any(span.head for _, spans in tasks for span in spans)
    with written_whole(output_dir) as part:
        part.mkdir()
        for module in (prodigy,) if has_heads else (prodigy, doccano, label_studio):
            rows = [module.to_row(text, spans) for text, spans in tasks]
            name = module.__name__.rpartition(".")[2]
            if module is label_studio:
                srsly.write_json(part / f"{name}.json", rows)
            else:
                srsly.write_jsonl(part / f"{name}.jsonl", rows)
    return sum(len(spans) for _, spans in tasks)
