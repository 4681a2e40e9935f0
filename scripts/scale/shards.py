"""Annotate raw texts a shard at a time; what is done stays done.

A shard is a file of docs, which appears whole or not at all. Its line in the manifest
says what it was made of and what it holds: docs, tokens, entities by label, and the
hashes of its texts, of the base and of itself. A shard whose hashes are as they should
be is not made again. Until all are done, each line is a file beside its shard: object
storage has no file to add lines to.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from hashlib import md5
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import srsly
from weasel.util.hashing import get_checksum

from scripts.docs import PART_SIZE, EntityBin
from scripts.files import read_bytes, remove, storage_errors, written_whole
from scripts.pipelines import N_WORN, load_ner, memory_zone
from scripts.scale.workers import Workers

MANIFEST = "manifest.jsonl"
# Texts that this process has begun with.
STARTED = count(PART_SIZE, PART_SIZE)
Shard = dict[str, Any]


class Task(NamedTuple):
    """What a worker is to do.

    Attributes:
        texts: The texts of a shard.
        shard: Its line of the manifest, with what it is made of.
        known: The line that it had before, if any.
        aside: What comes back with the line.
    """

    texts: list[str]
    shard: Shard
    known: Shard
    aside: Any


def annotate(task: Task, base_dir: Path, folder: Path) -> tuple[Shard, Any]:
    """Let the base annotate texts, and write them as one `.spacy` file.

    Args:
        task: The texts; a shard that is whole is not made again.
        base_dir: The base.
        folder: The folder of shards, here or in object storage.

    Returns:
        The line of the manifest with what the file holds: `md5`, `docs`, `tokens`, and
        `entities` by label; and what the task has aside.
    """
    path = folder / task.shard["file"]
    if task.known and is_whole(path, task.known["md5"]):
        return task.known, task.aside
    if next(STARTED) % N_WORN == 0:
        load_ner.cache_clear()
    nlp = load_ner(base_dir)
    # The words of a shard are freed with it.
    with memory_zone(nlp):
        doc_bin = EntityBin(nlp.pipe(task.texts))
        content = doc_bin.to_bytes()
        ents = doc_bin.count_ents().items()
        entities = {nlp.vocab.strings[label]: number for label, number in ents}
    with written_whole(path) as beside:
        beside.write_bytes(content)
    line = {
        **task.shard,
        "md5": md5(content).hexdigest(),
        "docs": len(doc_bin),
        "tokens": sum(map(len, doc_bin.tokens)),
        "entities": dict(sorted(entities.items())),
    }
    with written_whole(path.with_name(f"{path.name}.json")) as beside:
        beside.write_text(srsly.json_dumps(line), encoding="utf-8")
    return line, task.aside


def annotate_all(
    read: Callable[[], Iterable[tuple[list[str], Any]]],
    base_dir: Path,
    folder: Path,
    workers: Workers,
) -> Iterator[tuple[Shard, Any]]:
    """Let the base annotate texts, a shard for each part of them.

    Args:
        read: Gives the parts, here or where a worker is: the texts of each, and what
            is to come back with its line.
        base_dir: The base.
        folder: The folder of shards and manifest, here or in object storage, and of no
            other run; what is whole in it is kept.
        workers: What annotates; any number of them gives the same bytes.

    Yields:
        The line of each shard, in order, and what came with its texts. After the last
        one the manifest is written, of all the lines.
    """
    with storage_errors(folder):
        told = (*folder.glob(MANIFEST), *folder.glob("*.spacy.json"))
    base, known = get_checksum(base_dir), read_lines(told)

    def tasks() -> Iterator[Task]:
        for number, (texts, aside) in enumerate(read()):
            digest = md5("\0".join(texts).encode()).hexdigest()
            shard = {"file": f"{number:05}.spacy", "base": base, "texts": digest}
            yield Task(texts, shard, known.get(tuple(shard.values()), {}), aside)

    run = partial(annotate, base_dir=base_dir, folder=folder)
    shards = []
    for shard, aside in workers.map(run, tasks):
        shards.append(shard)
        yield shard, aside
    lines = (f"{srsly.json_dumps(shard)}\n" for shard in shards)
    with written_whole(folder / MANIFEST) as beside:
        beside.write_text("".join(lines), encoding="utf-8")
    files = {shard["file"] for shard in shards}
    ours = files.union(line["file"] for line in known.values())
    # Whatever else is kept in the folder stays.
    with storage_errors(folder):
        for path in folder.iterdir():
            name = path.name.removeprefix(".").removesuffix(".part")
            if name.removesuffix(".json") in ours and path.name not in files:
                remove(path)


def finished_shards(folder: Path, manifest: str) -> list[Path]:
    """List the shards of a run that came to its end, in order.

    Args:
        folder: The folder of shards and manifest.
        manifest: The checksum of the manifest that the run wrote.

    Raises:
        ValueError: If they are another run's, or damaged.
    """
    if is_whole(folder / MANIFEST, manifest):
        lines = read_lines([folder / MANIFEST]).values()
        if all(is_whole(folder / line["file"], line["md5"]) for line in lines):
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
        for text in read_bytes(path).splitlines():
            with suppress(ValueError, LookupError, TypeError):
                line = srsly.json_loads(text)
                known[line["file"], line["base"], line["texts"]] = line
    return known


def is_whole(path: Path, digest: str) -> bool:
    """Say whether a file is there and has the checksum that it should have."""
    try:
        return checksum(path) == digest
    except FileNotFoundError:
        return False


def checksum(path: Path) -> str:
    """Take the checksum of a file, here or in object storage."""
    return md5(read_bytes(path)).hexdigest()
