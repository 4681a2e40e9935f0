"""Annotate raw texts a shard at a time; what is done stays done.

A shard is a file of docs, which appears whole or not at all. Its line in the manifest
says what it was made of and what it holds: docs, tokens, entities by label, and the
hashes of its texts, of the base and of itself. A shard whose hashes are as they should
be is not made again. Until all are done, each line is a file beside its shard: object
storage has no file to add lines to.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from hashlib import md5
from itertools import count
from pathlib import Path
from typing import Any

import srsly
from spacy.tokens import Doc
from weasel.util.hashing import get_checksum

from scripts.docs import PART_SIZE, EntityBin
from scripts.engines import Workers, done, in_order
from scripts.files import remove, written_whole
from scripts.pipelines import N_WORN, load_ner, memory_zone

MANIFEST = "manifest.jsonl"
# Texts that this process has begun with.
STARTED = count(PART_SIZE, PART_SIZE)
Shard = dict[str, Any]


def annotate(texts: list[str], base_dir: Path, folder: Path, shard: Shard) -> Shard:
    """Let the base annotate texts, and write them as one `.spacy` file.

    Args:
        texts: The texts.
        base_dir: The base.
        folder: The folder of shards, here or in object storage.
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
        content = EntityBin(counted(nlp.pipe(texts))).to_bytes()
    with written_whole(path) as beside:
        beside.write_bytes(content)
    line = {
        **shard,
        "md5": md5(content).hexdigest(),
        "docs": len(texts),
        "tokens": n_tokens,
        "entities": dict(sorted(labels.items())),
    }
    with written_whole(path.with_name(f"{path.name}.json")) as beside:
        beside.write_text(srsly.json_dumps(line), encoding="utf-8")
    return line


def annotate_all(
    parts: Iterable[list[str]], base_dir: Path, folder: Path, workers: Workers
) -> list[Shard]:
    """Let the base annotate texts, a shard for each part of them.

    Args:
        parts: The texts; two parts a worker are held.
        base_dir: The base.
        folder: The folder of shards and manifest, here or in object storage, and of no
            other run; what is whole in it is kept.
        workers: What annotates; any number of them gives the same bytes.

    Returns:
        The manifest: a line for each shard, in order.
    """
    told = (*folder.glob(MANIFEST), *folder.glob("*.spacy.json"))
    base, known = get_checksum(base_dir), read_lines(told)

    def tasks() -> Iterator[Future]:
        for number, texts in enumerate(parts):
            digest = md5("\0".join(texts).encode()).hexdigest()
            shard = {"file": f"{number:05}.spacy", "base": base, "texts": digest}
            before = known.get(tuple(shard.values()), {})
            if before and is_whole(folder, before):
                yield done(before)
            else:
                yield workers.submit(annotate, texts, base_dir, folder, shard)

    shards = list(in_order(tasks(), workers.n_jobs))
    lines = (f"{srsly.json_dumps(shard)}\n" for shard in shards)
    with written_whole(folder / MANIFEST) as beside:
        beside.write_text("".join(lines), encoding="utf-8")
    files = {shard["file"] for shard in shards}
    ours = files.union(line["file"] for line in known.values())
    # Whatever else is kept in the folder stays.
    for path in folder.iterdir():
        name = path.name.removeprefix(".").removesuffix(".part").removesuffix(".json")
        if name in ours and path.name not in files:
            remove(path)
    return shards


def finished_shards(folder: Path, manifest: str) -> list[Path]:
    """List the shards of a run that came to its end, in order.

    Args:
        folder: The folder of shards and manifest.
        manifest: The checksum of the manifest that the run wrote.

    Raises:
        ValueError: If they are another run's, or damaged.
    """
    path = folder / MANIFEST
    if path.exists() and checksum(path) == manifest:
        lines = read_lines([path]).values()
        if all(is_whole(folder, line) for line in lines):
            return [folder / line["file"] for line in lines]
    raise ValueError(
        f"{folder} is not as rehearse left it: run rehearse once more, with --force."
    )


def read_lines(paths: Iterable[Path]) -> dict[tuple[str, str, str], Shard]:
    """Read the lines of a manifest, and files with one each, by file, base and texts.

    A line that is broken is left out.
    """
    known = {}
    for path in paths:
        for text in path.read_bytes().splitlines():
            with suppress(ValueError, LookupError, TypeError):
                line = srsly.json_loads(text)
                known[line["file"], line["base"], line["texts"]] = line
    return known


def is_whole(folder: Path, shard: Shard) -> bool:
    """Say whether a shard is there and as its line in the manifest says."""
    path = folder / shard["file"]
    return path.exists() and checksum(path) == shard["md5"]


def checksum(path: Path) -> str:
    """Take the checksum of a file, here or in object storage."""
    return md5(path.read_bytes()).hexdigest()
