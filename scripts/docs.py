"""Docs as the steps write and read them: `.spacy` files, one or a folder of them."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE, ORTH, SPACY
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from scripts.files import read_bytes, written_whole
from scripts.pipelines import memory_zone

# Docs in a file that is read whole, as training reads the annotations.
FILE_SIZE = 5000
# Docs that a worker makes in one go, as a file: some seconds at most, so that few keep
# all workers busy and little is lost when they stop.
PART_SIZE = 1000


class EntityBin(DocBin):
    """A DocBin of docs of which text, entities, categories and span groups count.

    Read as any other. `DocBin.add` looks up nine strings a token, which takes as long
    as making the doc; here each word is looked up once, when all are in.
    """

    def __init__(self, docs: Iterable[Doc]) -> None:
        """Add docs; each may have a vocab of its own."""
        super().__init__(attrs=["ENT_IOB", "ENT_TYPE"])
        keys: defaultdict[Vocab, set[int]] = defaultdict(set)
        for doc in docs:
            array = doc.to_array([*self.attrs, SPACY])
            self.tokens.append(array[:, :-1])
            self.spaces.append(array[:, -1:].astype(bool))
            self.flags.append({"has_unknown_spaces": doc.has_unknown_spaces})
            self.cats.append(doc.cats)
            self.span_groups.append(doc.spans.to_bytes())
            # Words and labels.
            for attr in (ORTH, ENT_TYPE):
                keys[doc.vocab].update(array[:, self.attrs.index(attr)].tolist())
            for group in doc.spans.values():
                keys[doc.vocab].update(span.label for span in group)
        for vocab, known in keys.items():
            self.strings.update(vocab.strings[key] for key in known)

    def count_ents(self) -> Counter[int]:
        """Count the entities of all docs by label."""
        none = np.empty((0, len(self.attrs)), np.uint64)
        tokens = np.concatenate([none, *self.tokens])
        is_first = tokens[:, self.attrs.index(ENT_IOB)] == 3
        return Counter(tokens[is_first, self.attrs.index(ENT_TYPE)].tolist())


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


def write_files(docs: Iterator[Doc], folder: Path, nlp: Language) -> int:
    """Write docs as they come, some thousand a file: memory holds one file's.

    Args:
        docs: The docs, each made as it is asked for and none ahead: what the pipeline
            learns in the time of a file is freed with it.
        folder: The folder of `00000.spacy` and so on.
        nlp: The pipeline that makes them.

    Returns:
        The number of docs written.
    """
    n_docs = 0
    for number in count():
        path = folder / f"{number:05}.spacy"
        with memory_zone(nlp):
            n_written = write_docs(islice(docs, FILE_SIZE), path)
        n_docs += n_written
        if n_written < FILE_SIZE:
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
    content = read_bytes(path)
    try:
        return DocBin().from_bytes(content)
    except (ValueError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path} is damaged: run the step that makes it once more, with --force."
        ) from error


def doc_files(path: Path) -> list[Path]:
    """List one `.spacy` file, or all those in a folder, sorted."""
    return sorted(path.glob("*.spacy")) if path.is_dir() else [path]
