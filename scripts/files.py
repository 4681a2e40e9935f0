"""Files as the steps read and write them: found by pattern, written whole."""

import gc
import glob
import gzip
import io
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain, count, islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from spacy.attrs import ENT_TYPE, ORTH, SPACY
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

T = TypeVar("T")
GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# What a packed file raises that is broken or breaks off.
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)
# Docs in a file that is read whole, as training reads the annotations.
SHARD_SIZE = 5000
# Docs that a worker makes in one go, as a file: some seconds at most, so that few keep
# all workers busy and little is lost when they stop.
PART_SIZE = 1000
# Docs after which a pipeline is loaded anew: words that were freed leave holes in its
# tables, which double now and then.
N_WORN = 50_000
# Words that a pipeline may remember: some megabytes.
MAX_VOCAB = 10_000


def find_files(pattern: str) -> list[Path]:
    """List the files that a setting names.

    Args:
        pattern: A file, a folder (all files in it, hidden ones left out) or a glob,
            here or in object storage.

    Returns:
        The files, sorted.

    Raises:
        ValueError: If there are none.
    """
    path = as_path(pattern)
    if pattern and path.is_dir():
        found = [
            sub
            for sub in path.rglob("*")
            if not any(part.startswith(".") for part in sub.relative_to(path).parts)
        ]
    elif path.is_file():
        found = [path]
    elif "://" in pattern:
        names = path.fs.glob(path.path)
        found = [as_path(path.fs.unstrip_protocol(name)) for name in names]
    else:
        found = [Path(name) for name in glob.glob(pattern, recursive=True)]
    files = sorted(sub for sub in found if sub.is_file())
    if not files:
        raise ValueError(f"No file at '{pattern}': correct the path in vars.")
    return files


def as_path(setting: str) -> Path:
    """Give what a setting names: a path here, or in object storage (`s3://…`).

    Raises:
        ValueError: If that storage does not answer, or what reads it is not installed.
    """
    if "://" not in setting:
        return Path(setting)
    try:
        from fsspec import get_filesystem_class
        from upath import UPath

        get_filesystem_class(setting.partition("://")[0])
        path = UPath(setting)
        path.exists()
    # Each storage has errors of its own: no answer, no credentials.
    except Exception as error:
        raise ValueError(
            f"'{setting}' can't be opened: {error}. See requirements-raw.txt."
        ) from error
    return path


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open a file for its bytes, out of its gzip or Zstandard where it is in one."""
    with path.open("rb") as file:
        head = file.read(len(ZSTANDARD))
        file.seek(0)
        if head == ZSTANDARD:
            try:
                from pyarrow import CompressedInputStream, PythonFile
            except ImportError as error:
                raise ValueError(f"{path}: pip install pyarrow to read it.") from error
            unpacked = CompressedInputStream(PythonFile(file), "zstd")
            try:
                yield io.BufferedReader(unpacked)
            except OSError as error:
                if error.errno or isinstance(error, io.UnsupportedOperation):
                    raise
                # Not the system's, nor the reader's: the file breaks off.
                raise EOFError(str(error)) from error
        else:
            yield gzip.GzipFile(fileobj=file) if head.startswith(GZIP) else file


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write a file or folder to, then rename it.

    An error leaves what was at `path` before, and says which file it was.

    Args:
        path: The file or folder that is to appear whole or not at all.

    Yields:
        The path to write to; its parent folders exist. In object storage, where a file
        appears as it is closed, `path` itself.
    """
    if hasattr(path, "fs"):
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    remove(beside)
    try:
        yield beside
        if path.is_dir() or beside.is_dir():
            remove(path)
        beside.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        remove(beside)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class EntityBin(DocBin):
    """A DocBin of docs of which text, entities, categories and span groups count.

    Read as any other. `DocBin.add` looks up nine strings a token, which takes as long
    as making the doc; here each word is looked up once, when all are in.
    """

    def __init__(self, docs: Iterable[Doc]) -> None:
        """Add docs, all of one vocab."""
        super().__init__(attrs=["ENT_IOB", "ENT_TYPE"])
        keys: set[int] = set()
        for doc in docs:
            array = doc.to_array([*self.attrs, SPACY])
            self.tokens.append(array[:, :-1])
            self.spaces.append(array[:, -1:].astype(bool))
            self.flags.append({"has_unknown_spaces": doc.has_unknown_spaces})
            self.cats.append(doc.cats)
            self.span_groups.append(doc.spans.to_bytes())
            # Words and labels.
            for attr in (ORTH, ENT_TYPE):
                keys.update(array[:, self.attrs.index(attr)].tolist())
            for group in doc.spans.values():
                keys.update(span.label for span in group)
        if keys:
            self.strings.update(doc.vocab.strings[key] for key in keys)


def write_docs(docs: Iterable[Doc], path: Path) -> int:
    """Write the docs' entities and span groups as one `.spacy` file.

    Args:
        docs: The docs, each with `ents` set.
        path: The file, replaced if it exists.

    Returns:
        The number of docs written.
    """
    doc_bin = EntityBin(docs)
    with written_whole(path) as beside:
        doc_bin.to_disk(beside)
    return len(doc_bin)


def memory_zone(nlp: Language) -> AbstractContextManager:
    """Begin a memory zone, unless the pipeline knows few words yet: then they stay.

    In a zone the tokenizer remembers no word. What it knows from before takes a tenth
    off the time of a pipeline, and four fifths off its own.
    """
    return nlp.memory_zone() if len(nlp.vocab) > MAX_VOCAB else nullcontext()


def in_lives(items: Iterable[T], size: int = N_WORN) -> Iterator[Iterator[T]]:
    """Part a stream in streams of as many docs as a pipeline lives for.

    Each is to be taken whole before the next, by what loads pipelines and lets go of
    them at its end.

    Args:
        items: Docs or texts, or files of them.
        size: The number that one pipeline takes.
    """
    items = iter(items)
    for item in items:
        # A pipeline refers to itself: what was let go of is not free before.
        gc.collect()
        yield chain([item], islice(items, size - 1))


def write_shards(docs: Iterator[Doc], folder: Path, nlp: Language) -> int:
    """Write docs as they come, some thousand a file: memory holds one file's.

    Args:
        docs: The docs, each made as it is asked for and none ahead: what is made in the
            time of a file is freed with it.
        folder: The folder of `00000.spacy` and so on.
        nlp: The pipeline that makes them.

    Returns:
        The number of docs written.
    """
    n_docs = 0
    for number in count():
        path = folder / f"{number:05}.spacy"
        with memory_zone(nlp):
            n_written = write_docs(islice(docs, SHARD_SIZE), path)
        n_docs += n_written
        if n_written < SHARD_SIZE:
            break
    if number and not n_written:
        path.unlink()
    return n_docs


def read_docs(path: Path, vocab: Vocab | None = None) -> Iterator[Doc]:
    """Read the docs of one `.spacy` file, or of all `.spacy` files in a folder.

    Args:
        path: The file or folder.
        vocab: What learns their words; none: one for each file, freed with its docs.
    """
    for file in doc_files(path):
        own = Vocab() if vocab is None else vocab
        yield from read_bin(file).get_docs(own)


def count_docs(path: Path) -> int:
    """Count the docs of a `.spacy` file, or of all those in a folder."""
    return sum(len(read_bin(file)) for file in doc_files(path))


def count_words(path: Path) -> int:
    """Count the words in the docs of a `.spacy` file, or of all those in a folder."""
    doc_bins = map(read_bin, doc_files(path))
    return sum(len(tokens) for doc_bin in doc_bins for tokens in doc_bin.tokens)


def read_bin(path: Path) -> DocBin:
    """Read one `.spacy` file.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        return DocBin().from_disk(path)
    except (ValueError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path} is damaged: run the step that makes it once more, with --force."
        ) from error


def doc_files(path: Path) -> list[Path]:
    """List one `.spacy` file, or all those in a folder, sorted."""
    return sorted(path.glob("*.spacy")) if path.is_dir() else [path]
