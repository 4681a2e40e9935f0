"""Annotate raw texts a shard at a time; what is done stays done.

A shard is a file of docs, which appears whole or not at all. Its line in the manifest
says what it was made of and what it holds: docs, tokens, entities by label, and the
hashes of its texts, of the base and of itself. A shard whose hashes are as they should
be is not made again.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from hashlib import md5
from itertools import count
from pathlib import Path
from typing import Any

import srsly
from spacy.tokens import Doc
from weasel.util.hashing import get_checksum

from scripts.engines import Workers, done
from scripts.files import N_WORN, memory_zone, remove, write_docs, written_whole
from scripts.listeners import load_ner
from scripts.raw import N_TEXTS

MANIFEST = "manifest.jsonl"
# Texts that this process has begun with.
STARTED = count(N_TEXTS, N_TEXTS)
Shard = dict[str, Any]


def annotate(texts: list[str], base_dir: Path, path: Path) -> dict[str, Any]:
    """Let the base annotate texts, and write them as one `.spacy` file.

    Args:
        texts: The texts.
        base_dir: The base.
        path: The file.

    Returns:
        What the file holds: `md5`, `docs`, `tokens`, and `entities` by label.
    """
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
    counts = {
        "docs": n_docs,
        "tokens": n_tokens,
        "entities": dict(sorted(labels.items())),
    }
    return {"md5": get_checksum(path), **counts}


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
    with manifest.open("a", encoding="utf-8") as lines:
        waiting: deque[tuple[Shard, Future]] = deque()

        def finish_one() -> None:
            head, future = waiting.popleft()
            shards.append({**head, **future.result()})
            lines.write(f"{srsly.json_dumps(shards[-1])}\n")
            lines.flush()

        for number, texts in enumerate(parts):
            path = folder / f"{number:05}.spacy"
            digest = md5("\0".join(texts).encode()).hexdigest()
            head = {"file": path.name, "base": base, "texts": digest}
            while waiting and (
                waiting[0][1].done() or len(waiting) == 2 * workers.n_jobs
            ):
                finish_one()
            if is_whole(path, before := known.get(tuple(head.values()), {})):
                waiting.append((head, done(before)))
            else:
                task = workers.submit(annotate, texts, base_dir, path)
                waiting.append((head, task))
        while waiting:
            finish_one()
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
