"""Docs as the steps write and read them: one `.spacy` file, or a folder of them."""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.attrs import IS_SPACE, LOWER
from spacy.tokens import Doc, DocBin
from spacy.util import minibatch
from spacy.vocab import Vocab

from scripts.components import KINDS
from scripts.files import written_whole

# Docs in a file of annotations: training reads a file whole.
FILE_SIZE = 5000
# Folder, among those of an update, of what is trained on of earlier rounds.
EARLIER = "earlier"
# Category of a doc that is a rehearsal doc, in files that hold other docs, too.
REHEARSAL = "rehearsal"
# What steps ask of a token of docs that were read without a pipeline.
LEXICAL = {IS_SPACE: str.isspace, LOWER: str.lower}
# What to do about docs that are missing or damaged.
AGAIN = "run the step that writes it again, with --force."


def write_docs(docs: Iterable[Doc], path: Path) -> int:
    """Write docs with their categories and span groups as one file, and count them."""
    docs = [*docs]
    attrs = [
        attr
        for kind in KINDS.values()
        if any(doc.has_annotation(kind.ATTRS[0]) for doc in docs)
        for attr in kind.ATTRS
    ]
    doc_bin = DocBin(attrs=attrs, store_user_data=False, docs=docs)
    with written_whole(path) as part:
        doc_bin.to_disk(part)
    return len(doc_bin)


def write_files(docs: Iterable[Doc], folder: Path) -> int:
    """Write docs as `00000.spacy` and so on, and count them; memory holds one file."""
    n_docs = 0
    for number, some in enumerate(minibatch(docs, FILE_SIZE)):
        n_docs += write_docs(some, folder / f"{number:05}.spacy")
    return n_docs or write_docs([], folder / "00000.spacy")


def read_docs(path: Path, vocab: Vocab | None = None) -> Iterator[Doc]:
    """Read the docs of one `.spacy` file, or of all `.spacy` files in a folder.

    Without a `vocab` each file has its own, freed with its docs.
    """
    files = doc_files(path)
    if not files:
        raise ValueError(f"{path} has no .spacy file: {AGAIN}")
    for file in files:
        own = Vocab(lex_attr_getters=LEXICAL) if vocab is None else vocab
        yield from read_bin(file).get_docs(own)


def count_docs(path: Path) -> int:
    """Count the docs of a `.spacy` file, or of all those in a folder."""
    return sum(len(read_bin(file)) for file in doc_files(path))


def count_words(path: Path) -> int:
    """Count the words in the docs of a `.spacy` file, or of all those in a folder."""
    return sum(len(doc) for file in doc_files(path) for doc in read_bin(file).tokens)


def read_bin(path: Path) -> DocBin:
    """Read one `.spacy` file, local or in object storage."""
    content = path.read_bytes()
    try:
        return DocBin().from_bytes(content)
    except (ValueError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {AGAIN}") from error


def doc_files(path: Path) -> list[Path]:
    """List one `.spacy` file, or all those in a folder, sorted."""
    return sorted(path.glob("*.spacy")) if path.is_dir() else [path]
