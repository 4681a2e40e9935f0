"""Suggest raw texts for the next round of annotation: where base and update disagree.

Input: the two pipelines, raw text, and the annotations there are. Output: the texts
of which the two see the most different entities, with those of the update to
correct, as files that Prodigy, doccano and Label Studio import: `prodigy.jsonl`,
`doccano.jsonl` and `label_studio.json`.

    python -m scripts.extras.suggest training/base training/update/model-best \
        assets/raw corpus/annotations training/suggest
"""

from collections.abc import Iterator
from heapq import nsmallest
from pathlib import Path
from typing import Annotated, NamedTuple

import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch
from wasabi import msg

from scripts.annotations.formats import doccano, label_studio, prodigy
from scripts.annotations.records import Span
from scripts.annotations.split import text_key
from scripts.command import run, track
from scripts.docs import PART_SIZE
from scripts.files import written_whole
from scripts.pipelines import in_lives, load_ner, memory_zone, use_gpu
from scripts.scale.raw import Seen, count_texts, known_texts, read_texts


class Suggestion(NamedTuple):
    """A text to annotate: first the one with the most to say.

    Attributes:
        rank: Minus the number of entities that only one of the two sees.
        key: The text's hash, to order equals the same way on every run.
        text: The text.
        spans: The update's entities, in characters.
    """

    rank: int
    key: str
    text: str
    spans: list[Span]


def spans_of(doc: Doc) -> set[Span]:
    """Give a doc's entities as spans, in characters."""
    return {Span(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}


def suggest(
    base_dir: Path, updated_dir: Path, texts: Iterator[str]
) -> Iterator[Suggestion]:
    """Suggest each text in which base and update see different entities.

    Disagreement of two models as a sign of what is worth a person's time: Seung,
    Opper & Sompolinsky (1992), "Query by Committee".
    """
    for part in in_lives(texts):
        yield from compare(load_ner(base_dir), load_ner(updated_dir), part)


def compare(
    base: Language, updated: Language, texts: Iterator[str]
) -> Iterator[Suggestion]:
    """Give the texts in which two pipelines see different entities."""
    for part in minibatch(texts, PART_SIZE):
        # The words of a part are freed with it.
        with memory_zone(base), memory_zone(updated):
            docs = zip(base.pipe(part), updated.pipe(part), strict=True)
            for text, both in zip(part, docs, strict=True):
                theirs, ours = map(spans_of, both)
                if ours != theirs:
                    rank, key = -len(ours ^ theirs), text_key(text)
                    yield Suggestion(rank, key, text, sorted(ours))


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before.")],
    updated_dir: Annotated[Path, typer.Argument(help="The pipeline after.")],
    raw: Annotated[str, typer.Argument(help="Raw text: file, folder or glob.")],
    annotations_dir: Annotated[Path, typer.Argument(help="What preprocess wrote.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder of files to import.")],
    limit: Annotated[int, typer.Option(help="Texts at most.")] = 100,
    gpu_id: Annotated[int, typer.Option(help="GPU to run on; -1: CPU.")] = -1,
) -> None:
    """Suggest raw texts for the next round of annotation."""
    use_gpu(gpu_id, 1)
    seen = Seen(known_texts(annotations_dir.iterdir()))
    texts = track(read_texts(raw), f"Annotating {raw}", count_texts(raw))
    best = nsmallest(limit, suggest(base_dir, updated_dir, filter(seen.is_new, texts)))
    if not best:
        raise ValueError(f"Base and update agree on all of '{raw}': give other text.")
    with written_whole(output_dir) as beside:
        beside.mkdir()
        for module in (prodigy, doccano):
            rows = [module.to_row(s.text, s.spans) for s in best]
            name = module.__name__.rpartition(".")[2]
            srsly.write_jsonl(beside / f"{name}.jsonl", rows)
        tasks = [label_studio.to_row(s.text, s.spans) for s in best]
        srsly.write_json(beside / "label_studio.json", tasks)
    n_spans = sum(len(s.spans) for s in best)
    msg.good(f"{len(best)} texts with {n_spans} entities to correct: {output_dir}")


if __name__ == "__main__":
    run(main)
