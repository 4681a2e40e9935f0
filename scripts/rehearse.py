"""Pseudo-rehearsal: let the base annotate what the update must not forget.

The base annotates raw text, and completes the new annotations. Input: the folder
that `preprocess` wrote, and raw text, JSON Lines with `text` or `.txt` with a
paragraph a line. Output: the completed `train.spacy` and `dev.spacy` (the latter
with rehearsal docs beside the new ones), `test.spacy` as the person made it and
`old_test.spacy`; a folder of rehearsal docs, `00000.spacy` and so on; and the
completed annotations as rows, to see the base's errors in them and feed them back.

    python -m scripts.rehearse training/base corpus/annotations assets/raw \
        corpus/preprocess.json corpus/update corpus/rehearsal
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.tokens import Doc, Span
from spacy.util import filter_spans, minibatch
from wasabi import msg

from scripts.annotations.records import INCORRECT
from scripts.annotations.split import text_key
from scripts.command import run
from scripts.files import SHARD_SIZE, read_docs, write_docs, written_whole
from scripts.functions import REHEARSAL
from scripts.listeners import feeders_of_ner
from scripts.progress import track
from scripts.raw import read_texts, unseen

# One doc in ten of the raw text is kept for dev, one for the old test, no more than
# this many: enough for an F to hold within a point, quick to score while training.
HELD_OUT_SHARE = 0.1
MAX_HELD_OUT = 500


def complete(doc: Doc, predicted: Doc, labels: set[str]) -> list[Span]:
    """Complete a person's annotations by what the base predicts.

    A person who annotates a new type says nothing of the others: left unmarked,
    they would be learned as no entity at all. So a label that occurs in the
    annotations counts as annotated everywhere, every other comes from the base,
    and a person's span wins an overlap. Where tokens are missing values nobody looked:
    there all comes from the base but what the person said is wrong.

    Args:
        doc: The annotated doc; its entities are set anew.
        predicted: The same text and tokens with the base's entities.
        labels: The labels that the person annotated.

    Returns:
        The spans of `doc` that the base added.
    """
    taken = {token.i for ent in doc.ents for token in ent}
    missing = {token.i for token in doc if token.ent_iob == 0}
    base = []
    for ent in predicted.ents:
        tokens = range(ent.start, ent.end)
        span = Span(doc, ent.start, ent.end, label=ent.label)
        was_seen = ent.label_ in labels and not missing.issuperset(tokens)
        is_wrong = span in doc.spans.get(INCORRECT, ())
        if not was_seen and not is_wrong and taken.isdisjoint(tokens):
            base.append(span)
    added = filter_spans(base)
    doc.set_ents(added, default="unmodified")
    return added


def to_row(doc: Doc, added: list[Span]) -> dict[str, Any]:
    """Give a completed doc as a row that a person can correct and feed back.

    Args:
        doc: The completed doc.
        added: The spans that the base added, marked as such.

    Returns:
        The row, as `preprocess` reads it; offsets in characters, end exclusive.
    """
    spans = [
        {
            "start": ent.start_char,
            "end": ent.end_char,
            "label": ent.label_,
            "source": "base" if ent in added else "person",
        }
        for ent in doc.ents
    ]
    return {"text": doc.text, "spans": spans}


def hold_out(docs: Iterable[Doc], held_out: dict[str, list[Doc]]) -> Iterator[Doc]:
    """Set docs aside by the hash of their text, until each set is full.

    Args:
        docs: The rehearsal docs.
        held_out: The sets to fill, by name.

    Yields:
        The docs that are left for training.
    """
    sets = list(held_out.values())
    for doc in docs:
        place = int(text_key(doc.text), 16) % round(1 / HELD_OUT_SHARE)
        if place < len(sets) and len(sets[place]) < MAX_HELD_OUT:
            sets[place].append(doc)
        else:
            yield doc


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to be updated.")],
    annotations_dir: Annotated[Path, typer.Argument(help="What preprocess wrote.")],
    raw: Annotated[str, typer.Argument(help="Raw text: file, folder or glob.")],
    preprocess_path: Annotated[Path, typer.Argument(help="The account of preprocess.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder: completed annotations.")],
    rehearsal_dir: Annotated[Path, typer.Argument(help="Folder: rehearsal docs.")],
    account_path: Annotated[Path, typer.Option("--account")] = Path("account.json"),
    completed_path: Annotated[Path, typer.Option("--completed")] = Path(
        "completed.jsonl"
    ),
    n_process: Annotated[int, typer.Option(help="Processes; -1: all cores.")] = 1,
) -> None:
    """Let the base annotate raw text and complete the new annotations."""
    nlp = spacy.load(base_dir)
    nlp.select_pipes(enable=[*feeders_of_ner(nlp), "ner"])
    docs = {
        path.stem: list(read_docs(path, nlp.vocab))
        for path in sorted(annotations_dir.iterdir())
    }
    labels = set(srsly.read_json(preprocess_path)["labels"])
    completed = [
        to_row(doc, complete(doc, nlp(doc.text), labels))
        for doc in [*docs["train"], *docs["dev"]]
    ]
    seen = {text_key(doc.text) for split in docs.values() for doc in split}
    held_out = {"dev": []} if "old_test" in docs else {"dev": [], "old_test": []}
    texts = unseen(read_texts(raw), seen)
    n_texts = sum(1 for _ in read_texts(raw))
    texts = track(texts, f"Annotating {raw}", n_texts)
    annotated = nlp.pipe(texts, n_process=n_process)
    n_rehearsal = 0
    with written_whole(rehearsal_dir) as beside:
        shards = minibatch(hold_out(annotated, held_out), SHARD_SIZE)
        for number, shard in enumerate(shards):
            n_rehearsal += write_docs(shard, beside / f"{number:05}.spacy")
        if not n_rehearsal or not all(held_out.values()):
            raise ValueError(f"'{raw}' has too little text: {n_rehearsal} new docs.")
    for doc in held_out["dev"]:
        doc.spans[REHEARSAL] = []
    with written_whole(output_dir) as beside:
        write_docs(docs["train"], beside / "train.spacy")
        write_docs([*docs["dev"], *held_out["dev"]], beside / "dev.spacy")
        write_docs(docs["test"], beside / "test.spacy")
        old_test = docs.get("old_test") or held_out["old_test"]
        write_docs(old_test, beside / "old_test.spacy")
    with written_whole(completed_path) as beside:
        srsly.write_jsonl(beside, completed)
    sources = [span["source"] for row in completed for span in row["spans"]]
    account = {
        "completed": sources.count("base"),
        "rehearsal": n_rehearsal,
        "old_dev": len(held_out["dev"]),
        "old_test": len(old_test),
        "old_test_is_gold": "old_test" in docs,
    }
    with written_whole(account_path) as beside:
        srsly.write_json(beside, account)
    msg.good(
        f"{account['completed']} entities completed, see {completed_path}; "
        f"{n_rehearsal} docs: {rehearsal_dir}"
    )


if __name__ == "__main__":
    run(main)
