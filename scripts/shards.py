"""Annotate raw texts a shard at a time; what is done stays done.

A shard is a file of docs, which appears whole or not at all. Its line in the manifest
says what it was made of and what it holds: docs, tokens, entities by label, and the
hashes of its texts, of the base and of itself. A shard whose hashes are as they should
be is not made again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from hashlib import md5
from itertools import count
from pathlib import Path
from typing import Any

import srsly
from spacy.tokens import Doc
from weasel.util.hashing import get_checksum

from scripts.engines import Workers, done, in_order
from scripts.files import (
    N_WORN,
    PART_SIZE,
    memory_zone,
    remove,
    write_docs,
    written_whole,
)
from scripts.listeners import load_ner

MANIFEST = "manifest.jsonl"
# Texts that this process has begun with.
STARTED = count(PART_SIZE, PART_SIZE)
Shard = dict[str, Any]


def annotate(texts: list[str], base_dir: Path, folder: Path, shard: Shard) -> Shard:
    """Let the base annotate texts, and write them as one `.spacy` file.

    Args:
        texts: The texts.
        base_dir: The base.
        folder: The folder of shards.
        shard: The line of the manifest, with the `file` in it.

    Returns:
        The line with what the file holds: `md5`, `docs`, `tokens`, and `entities` by
        label.
    """
    path = folder / shard["file"]
    if next(STARTED) % N_WORN == 0:
        load_ner.cache_clear()
    nlp = load_ner(base_dir)
    n_tokens, labels = 0, Counter()

    def counted(docs: Iterator[Doc]) -> Iterator[Doc]:
        nonlocal n_tokens
        for doc in docs:
            n_tokens += len(doc)
            labels.update(ent.label_ for ent in doc.ents)
            yield doc

    # The words of a shard are freed with it.
    with memory_zone(nlp):
        n_docs = write_docs(counted(nlp.pipe(texts)), path)
    return {
        **shard,
        "md5": get_checksum(path),
        "docs": n_docs,
        "tokens": n_tokens,
        "entities": dict(sorted(labels.items())),
    }


def annotate_all(
    parts: Iterable[list[str]], base_dir: Path, folder: Path, workers: Workers
) -> list[Shard]:
    """Let the base annotate texts, a shard for each part of them.

    Args:
        parts: The texts; two parts a worker are held.
        base_dir: The base.
        folder: The folder of shards and manifest; what is whole in it is kept.
        workers: What annotates; any number of them gives the same bytes.

    Returns:
        The manifest: a line for each shard, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / MANIFEST
    base, known = get_checksum(base_dir), read_manifest(manifest)
    shards: list[Shard] = []

    def tasks() -> Iterator[Future]:
        for number, texts in enumerate(parts):
            digest = md5("\0".join(texts).encode()).hexdigest()
            shard = {"file": f"{number:05}.spacy", "base": base, "texts": digest}
            before = known.get(tuple(shard.values()), {})
            if is_whole(folder / shard["file"], before):
                yield done(before)
            else:
                yield workers.submit(annotate, texts, base_dir, folder, shard)

    with manifest.open("a", encoding="utf-8") as lines:
        for shard in in_order(tasks(), workers.n_jobs):
            shards.append(shard)
            lines.write(f"{srsly.json_dumps(shard)}\n")
            lines.flush()
    with written_whole(manifest) as part:
        srsly.write_jsonl(part, shards)
    for path in {*folder.iterdir()} - {folder / s["file"] for s in shards} - {manifest}:
        remove(path)
    return shards


def read_manifest(path: Path) -> dict[tuple[str, str, str], Shard]:
    """Read the lines of a manifest by file, base and texts.

    A line that was being written when all stopped is broken, and left out.
    """
    lines = srsly.read_jsonl(path, skip=True) if path.exists() else []
    return {(line["file"], line["base"], line["texts"]): line for line in lines}


def is_whole(path: Path, shard: Shard) -> bool:
    """Say whether a shard is there and as its line in the manifest says."""
    return path.exists() and get_checksum(path) == shard.get("md5")
