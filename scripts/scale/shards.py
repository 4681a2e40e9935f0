"""Raw text annotated by the base in shards; what is done stays done.

A shard is a `.spacy` file, and has a line in the manifest: its name, the checksums of
the base, of its texts and of itself, and how many docs, tokens and facts it holds. A
shard whose checksums still hold is not made again. Until the last one is done, each
line is a file next to its shard: object storage cannot add a line to a file.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from hashlib import md5
from itertools import count
from pathlib import Path
from typing import Any

import srsly
from spacy.tokens import DocBin
from weasel.util.hashing import get_checksum

from scripts.components import kind_of
from scripts.files import remove
from scripts.scale.pipelines import MAX_DOCS, load_component, memory_zone
from scripts.scale.storage import read_bytes, storage_errors, write_bytes
from scripts.scale.workers import Workers

MANIFEST = "manifest.jsonl"
# Texts in a shard. It takes a few seconds, so that a few shards keep all workers busy,
# and little is lost when they are stopped.
SHARD_SIZE = 1000
# Numbers the shards that this process makes.
NUMBERS = count(1)
Line = dict[str, Any]


def annotate_all(
    parts: Iterable[list[str]],
    base_dir: Path,
    component: str,
    folder: Path,
    workers: Workers,
) -> Iterator[Line]:
    """Annotate texts with the base, and write a shard for each part of them.

    Any number of workers writes the same bytes.

    Yields:
        The line of each shard, in order. After the last one the manifest is written.
    """
    base = get_checksum(base_dir)
    with storage_errors(folder):
        known = read_lines((*folder.glob(MANIFEST), *folder.glob("*.spacy.json")))

    def tasks() -> Iterator[tuple[list[str], Line]]:
        for number, texts in enumerate(parts):
            digest = md5("\0".join(texts).encode()).hexdigest()
            line = {"file": f"{number:05}.spacy", "base": base, "texts": digest}
            yield texts, known.get(tuple(line.values()), line)

    run = partial(annotate, base_dir=base_dir, component=component, folder=folder)
    lines = []
    for line in workers.map(run, tasks()):
        lines.append(line)
        yield line
    finish(folder, lines, known.values())


def annotate(
    task: tuple[list[str], Line], base_dir: Path, component: str, folder: Path
) -> Line:
    """Annotate the texts of a shard and write it, unless it holds them already.

    Returns:
        The line of the shard, with its `md5`, `docs`, `tokens`, and `facts` by label.
    """
    texts, line = task
    path = folder / line["file"]
    if "md5" in line and is_whole(path, line["md5"]):
        return line
    # Once in a while the pipeline is loaded again: see MAX_DOCS.
    if next(NUMBERS) % (MAX_DOCS // SHARD_SIZE) == 0:
        load_component.cache_clear()
    nlp = load_component(base_dir, component)
    kind = kind_of(nlp, component)
    doc_bin, labels = DocBin(attrs=kind.ATTRS, store_user_data=False), Counter()
    # The words of a shard are freed with it.
    with memory_zone(nlp):
        for doc in nlp.pipe(texts):
            doc_bin.add(doc)
            labels.update(fact[-1] for fact in kind.facts(doc))
    content = doc_bin.to_bytes()
    line = {
        **line,
        "md5": md5(content).hexdigest(),
        "docs": len(doc_bin),
        "tokens": sum(map(len, doc_bin.tokens)),
        "facts": dict(sorted(labels.items())),
    }
    write_bytes(path, content)
    write_lines([line], path.with_name(f"{path.name}.json"))
    return line


def finish(folder: Path, lines: list[Line], known: Iterable[Line]) -> None:
    """Write the manifest, and remove what only earlier runs or this one needed."""
    write_lines(lines, folder / MANIFEST)
    files = {line["file"] for line in lines}
    ours = files.union(line["file"] for line in known)
    with storage_errors(folder):
        for path in folder.glob("*.spacy*"):
            if path.name.removesuffix(".json") in ours and path.name not in files:
                remove(path)


def finished_shards(folder: Path, manifest: str) -> list[Path]:
    """List the shards of a finished run, in order, by the checksum of its manifest."""
    if is_whole(folder / MANIFEST, manifest):
        lines = read_lines([folder / MANIFEST]).values()
        if all(is_whole(folder / line["file"], line["md5"]) for line in lines):
            return [folder / line["file"] for line in lines]
    raise ValueError(
        f"{folder} is not as rehearse left it: run rehearse again, with --force."
    )


def write_lines(lines: Iterable[Line], path: Path) -> None:
    """Write lines of a manifest."""
    write_bytes(path, "".join(f"{srsly.json_dumps(line)}\n" for line in lines).encode())


def read_lines(paths: Iterable[Path]) -> dict[tuple[str, str, str], Line]:
    """Read lines of manifests by file, base and texts; broken lines are left out."""
    known = {}
    for path in paths:
        for text in read_bytes(path).splitlines():
            with suppress(ValueError, LookupError, TypeError):
                line = srsly.json_loads(text)
                known[line["file"], line["base"], line["texts"]] = line
    return known


def is_whole(path: Path, digest: str) -> bool:
    """Check whether a file exists and has this checksum."""
    try:
        return checksum(path) == digest
    except FileNotFoundError:
        return False


def checksum(path: Path) -> str:
    """Compute the checksum of a file, local or in object storage."""
    return md5(read_bytes(path)).hexdigest()
