"""Pseudo-rehearsal: let the base annotate what the update must not forget.

The base annotates raw text, and completes the new annotations. Input: the folder
that `preprocess` wrote, and raw text: JSON Lines with `text`, `.txt` with a paragraph
a line, or Parquet. Output: folders of `.spacy` files: the completed `train` and `dev`
(the latter with rehearsal docs beside the new ones), `test` as the person made it and
`old_test`; the rehearsal docs, with a manifest; and the completed annotations as
rows, to see the base's errors in them and feed them back.

Stopped at any time and started again, it goes on at the first file that is missing.

    python -m scripts.rehearse training/base corpus/annotations assets/raw \
        corpus/preprocess.json corpus/update corpus/rehearsal
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans, minibatch
from wasabi import msg

from scripts.annotations.records import INCORRECT
from scripts.annotations.split import text_key
from scripts.command import run, track
from scripts.docs import PART_SIZE, read_docs, write_files
from scripts.files import as_path, written_whole
from scripts.functions import REHEARSAL
from scripts.pipelines import load_ner, use_gpu
from scripts.scale.language import is_foreign
from scripts.scale.raw import Seen, count_texts, known_texts, read_texts
from scripts.scale.shards import MANIFEST, annotate_all, checksum
from scripts.scale.start import Engine, start

# One doc in ten of the raw text is kept for dev, one for the old test, no more than
# this many: enough for an F to hold within a point, quick to score while training.
HELD_OUT_SHARE = 0.1
MAX_HELD_OUT = 500
SPLITS = ("train", "dev", "test", "old_test")


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
        span = Span(doc, ent.start, ent.end, label=ent.label_)
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


def complete_all(
    nlp: Language, docs: Iterable[Doc], labels: set[str], path: Path
) -> Iterator[Doc]:
    """Complete docs, and add each to a file of rows.

    One by one: a doc that `nlp.pipe` makes ahead would outlive its memory zone.
    """
    with path.open("a", encoding="utf-8") as rows:
        for doc in docs:
            row = to_row(doc, complete(doc, nlp(doc.text), labels))
            rows.write(f"{srsly.json_dumps(row)}\n")
            yield doc


def as_rehearsal(doc: Doc) -> Doc:
    """Let a rehearsal doc among others say that it is one."""
    doc.cats[REHEARSAL] = 1.0
    return doc


def place_of(text: str, seen: Seen, lang: str, room: dict[str, int]) -> str:
    """Say what becomes of a raw text.

    Args:
        text: The text.
        seen: What is known or came before.
        lang: Code of the base's language.
        room: Texts that the held-out sets have room for, by name; each set has its
            share of hashes.

    Returns:
        `repeated`, `foreign`, the name of a set that is not full, or `rehearsal`.
    """
    if not seen.is_new(text):
        return "repeated"
    if is_foreign(text, lang):
        return "foreign"
    place = int(text_key(text), 16) % round(1 / HELD_OUT_SHARE)
    for number, name in enumerate(room):
        if number == place and room[name]:
            room[name] -= 1
            return name
    return "rehearsal"


def sort_texts(
    raw: str, known: list[Path], lang: str, held_out: list[str]
) -> Iterator[tuple[list[str], dict[str, list[str]]]]:
    """Sort raw texts by what becomes of them, some at a time.

    Args:
        raw: File, folder or glob of them.
        known: Files or folders of docs whose texts are left out.
        lang: Code of the base's language.
        held_out: Names of the sets to be held out.

    Yields:
        The texts of rehearsal docs, and all others by their place.
    """
    seen = Seen(known_texts(known))
    room = dict.fromkeys(held_out, MAX_HELD_OUT)
    for texts in minibatch(read_texts(raw), PART_SIZE):
        places = defaultdict(list)
        for text in texts:
            places[place_of(text, seen, lang, room)].append(text)
        yield places.pop("rehearsal", []), places


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to be updated.")],
    annotations_dir: Annotated[Path, typer.Argument(help="What preprocess wrote.")],
    raw: Annotated[str, typer.Argument(help="Raw text: file, folder or glob.")],
    preprocess_path: Annotated[Path, typer.Argument(help="The account of preprocess.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder: completed annotations.")],
    rehearsal: Annotated[str, typer.Argument(help="Folder: rehearsal docs.")],
    account_path: Annotated[Path, typer.Option("--account")] = Path("account.json"),
    completed_path: Annotated[Path, typer.Option("--completed")] = Path(
        "completed.jsonl"
    ),
    n_process: Annotated[int, typer.Option(help="Processes; -1: all cores.")] = 1,
    engine: Annotated[Engine, typer.Option(help="What annotates.")] = "local",
    ray_address: Annotated[str, typer.Option(help="Empty: RAY_ADDRESS.")] = "",
    gpu_id: Annotated[int, typer.Option(help="GPU to run on alone; -1: CPU.")] = -1,
) -> None:
    """Let the base annotate raw text and complete the new annotations."""
    n_process = use_gpu(gpu_id, n_process)
    # Loaded before processes start, which then need not load it.
    lang = load_ner(base_dir := base_dir.resolve()).lang
    rehearsal_dir = as_path(rehearsal).resolve()
    splits = {path.name: path for path in sorted(annotations_dir.resolve().iterdir())}
    held_out = {"dev": []} if "old_test" in splits else {"dev": [], "old_test": []}
    n_shards = ceil(count_texts(raw) / PART_SIZE)
    source = str(as_path(raw).resolve())
    read = partial(sort_texts, source, [*splits.values()], lang, [*held_out])
    places: Counter[str] = Counter()
    with start(engine, n_process, ray_address) as workers:
        shards = annotate_all(read, base_dir, rehearsal_dir, workers)
        for shard, others in track(shards, f"Annotating {raw}", n_shards, "shards"):
            places["rehearsal"] += shard["docs"]
            for place, texts in others.items():
                places[place] += len(texts)
                if place in held_out:
                    held_out[place].extend(texts)
    n_rehearsal, n_old_dev = places["rehearsal"], len(held_out["dev"])
    if not n_rehearsal or not all(held_out.values()):
        raise ValueError(
            f"'{raw}' has too little text: {n_rehearsal} new docs; "
            f"{places['repeated']} came before, {places['foreign']} are in another "
            f"language than '{lang}'."
        )

    nlp = load_ner(base_dir)
    labels = set(srsly.read_json(preprocess_path)["labels"])
    with written_whole(output_dir) as folder, written_whole(completed_path) as rows:
        docs = {name: read_docs(path) for name, path in splits.items()}
        for name in ("train", "dev"):
            docs[name] = complete_all(nlp, docs[name], labels, rows)
        old = {name: list(nlp.pipe(texts)) for name, texts in held_out.items()}
        docs["dev"] = chain(docs["dev"], map(as_rehearsal, old.pop("dev")))
        docs |= {name: iter(held_out_docs) for name, held_out_docs in old.items()}
        n_docs = {n: write_files(docs[n], folder / n, nlp) for n in SPLITS}
        completed = srsly.read_jsonl(rows)
        sources = Counter(span["source"] for row in completed for span in row["spans"])
    account = {
        "completed": sources["base"],
        "rehearsal": n_rehearsal,
        "manifest": checksum(rehearsal_dir / MANIFEST),
        "repeated": places["repeated"],
        "foreign": places["foreign"],
        "old_dev": n_old_dev,
        "old_test": n_docs["old_test"],
        "old_test_is_gold": "old_test" in splits,
    }
    with written_whole(account_path) as beside:
        srsly.write_json(beside, account)
    msg.good(
        f"{account['completed']} entities completed, see {completed_path}; "
        f"{n_rehearsal} docs: {rehearsal}; left out: {places['repeated']} texts "
        f"that came before, {places['foreign']} in another language"
    )


if __name__ == "__main__":
    run(main)
