"""Texts with spans to correct, as files for three annotation tools."""

from collections.abc import Iterable
from pathlib import Path

import srsly

from scripts.annotations.formats import doccano, label_studio, prodigy
from scripts.annotations.records import Span
from scripts.files import written_whole


def write_tasks(tasks: Iterable[tuple[str, list[Span]]], output_dir: Path) -> int:
    """Write texts with spans for Prodigy, doccano and Label Studio; count the spans."""
    tasks = list(tasks)
    prodigy_rows, doccano_rows, label_studio_rows = (
        [module.to_row(text, spans) for text, spans in tasks]
        for module in (prodigy, doccano, label_studio)
    )
    with written_whole(output_dir) as part:
        part.mkdir()
        srsly.write_jsonl(part / "prodigy.jsonl", prodigy_rows)
        srsly.write_jsonl(part / "doccano.jsonl", doccano_rows)
        srsly.write_json(part / "label_studio.json", label_studio_rows)
    return sum(len(spans) for _, spans in tasks)
