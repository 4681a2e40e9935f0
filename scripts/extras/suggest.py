"""Suggest raw texts for the next round of annotation: where base and update disagree.

Input: the two pipelines, raw text, and the annotations so far. Output: the texts in
which the two predict the most different spans, with the spans of the update to correct,
as files to import into Prodigy, doccano and Label Studio: `prodigy.jsonl`,
`doccano.jsonl` and `label_studio.json`.

    python -m scripts.extras.suggest training/base training/update/model-best \
        assets/raw corpus/annotations training/suggest
"""

from collections.abc import Iterable, Iterator
from heapq import nsmallest
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from spacy.language import Language
from spacy.util import minibatch
from wasabi import msg

from scripts.annotations.records import Span
from scripts.command import run, track
from scripts.components import kind_of
from scripts.extras.tasks import spans_of, write_tasks
from scripts.scale.pipelines import in_lives, load_component, memory_zone, use_gpu
from scripts.scale.raw import Seen, count_texts, known_texts, read_texts, text_key
from scripts.scale.shards import SHARD_SIZE


class Suggestion(NamedTuple):
    """A text to annotate; the smallest is the one to begin with.

    Attributes:
        rank: Minus the number of spans that only one of the two pipelines predicts.
        key: The hash of the text, so that equal ranks have the same order on every run.
        text: The text.
        spans: The spans that the update predicts, in characters.
    """

    rank: int
    key: str
    text: str
    spans: list[Span]


def suggest(
    base_dir: Path, updated_dir: Path, component: str, texts: Iterable[str]
) -> Iterator[Suggestion]:
    """Suggest each text for which base and update predict different spans.

    Texts on which two models disagree are worth a person's time: Seung, Opper &
    Sompolinsky (1992), "Query by Committee".
    """
    for part in in_lives(texts):
        pipelines = (load_component(d, component) for d in (base_dir, updated_dir))
        yield from compare(*pipelines, component, part)


def compare(
    base: Language, updated: Language, component: str, texts: Iterable[str]
) -> Iterator[Suggestion]:
    """Compare what two pipelines predict, and suggest the texts where they differ."""
    kind = kind_of(base, component)
    for part in minibatch(texts, SHARD_SIZE):
        # The words of a part are freed with it.
        with memory_zone(base), memory_zone(updated):
            docs = zip(base.pipe(part), updated.pipe(part), strict=True)
            for text, both in zip(part, docs, strict=True):
                old, new = (spans_of(doc, kind.facts(doc), kind) for doc in both)
                if old != new:
                    rank, key = -len({*old} ^ {*new}), text_key(text)
                    yield Suggestion(rank, key, text, new)


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline before the update.")],
    updated_dir: Annotated[Path, typer.Argument(help="The updated pipeline.")],
    raw: Annotated[str, typer.Argument(help="Raw text: file, folder or glob.")],
    annotations_dir: Annotated[
        Path,
        typer.Argument(help="Folder that preprocess wrote; its texts are left out."),
    ],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the files to import.")],
    component: Annotated[str, typer.Option(help="Pipe that was updated.")] = "ner",
    limit: Annotated[int, typer.Option(help="Largest number of texts.", min=1)] = 100,
    gpu_id: Annotated[int, typer.Option(help="GPU to annotate on; -1: CPU.")] = -1,
) -> None:
    """Suggest raw texts for the next round of annotation."""
    use_gpu(gpu_id, 1)
    seen = Seen(known_texts(annotations_dir.iterdir()))
    texts = track(read_texts(raw), f"Annotating {raw}", count_texts(raw))
    new = filter(seen.is_new, texts)
    best = nsmallest(limit, suggest(base_dir, updated_dir, component, new))
    if not best:
        raise ValueError(f"Base and update agree on all of '{raw}': use other texts.")
    n_spans = write_tasks([(text, spans) for _, _, text, spans in best], output_dir)
    msg.good(f"{output_dir}: {len(best)} texts with {n_spans} spans to correct")


if __name__ == "__main__":
    run(main)
