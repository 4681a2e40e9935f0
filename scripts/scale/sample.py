"""Choose, of many rehearsal docs, as many as training will use."""

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from pathlib import Path
from random import Random

from spacy.attrs import ENT_TYPE

from scripts.docs import read_bin, read_docs, write_docs
from scripts.files import read_bytes, written_whole

# 0: a label is chosen as often as it occurs; 1: all labels as often as each other. Of a
# pool seven times as large as needed, beside 100 rows of drugs (three seeds, newswire's
# dev), 0, 0.5 and 1 kept 99.3, 98.6 and 98.2 % of F over all entities, and 97.7, 100.2
# and 100.9 % of the mean over types; DRUG 40.8, 44.9, 42.4.
BALANCE = 0.5


def choose(
    docs: Iterable[tuple[int, set[int]]],
    counts: Counter[int],
    n_words: float,
    seed: int,
) -> set[int]:
    """Choose docs in one pass, at random, those with a rare label more likely.

    A reservoir: Efraimidis & Spirakis (2006), "Weighted random sampling with a
    reservoir"; here it is full by words.

    Args:
        docs: The number of words in each doc, and its labels; 0: a word of no entity.
        counts: The number of docs with each label.
        n_words: Words to choose; memory holds so many docs' numbers, and no doc.
        seed: Seed of the choice.

    Returns:
        The numbers of the docs chosen: no fewer words, and with one doc less fewer.
    """
    rng = Random(seed)
    chosen: list[tuple[float, int, int]] = []
    total = 0
    for number, (n_in_doc, labels) in enumerate(docs):
        weight = max(counts[label] ** -BALANCE for label in labels)
        heappush(chosen, (-rng.expovariate(weight), number, n_in_doc))
        total += n_in_doc
        while chosen and total - chosen[0][2] >= n_words:
            total -= heappop(chosen)[2]
    return {number for _, number, _ in chosen}


def words_and_labels(files: Iterable[Path]) -> Iterator[tuple[int, set[int]]]:
    """Read how many words each doc has, and its labels, without making the doc."""
    for file in files:
        doc_bin = read_bin(file)
        column = doc_bin.attrs.index(ENT_TYPE)
        for tokens in doc_bin.tokens:
            yield len(tokens), set(tokens[:, column].tolist())


def choose_all(
    files: list[Path], output_dir: Path, n_words: float, seed: int
) -> tuple[int, int]:
    """Choose from `.spacy` files, and write what is chosen in its order.

    Args:
        files: The files, here or in object storage; their docs have words.
        output_dir: Folder for the chosen docs.
        n_words: Words to choose; files that have no more are taken whole. Where none
            are asked for, none is read.
        seed: Seed of the choice.

    Returns:
        The number of docs in the files that were read, and of those chosen.
    """
    files = files if n_words > 0 else []
    counts: Counter[int] = Counter()
    n_docs = n_in_all = 0
    for n_in_doc, labels in words_and_labels(files):
        n_docs, n_in_all = n_docs + 1, n_in_all + n_in_doc
        counts.update(labels)
    with written_whole(output_dir) as beside:
        beside.mkdir()
        if n_in_all <= n_words:
            for file in files:
                (beside / file.name).write_bytes(read_bytes(file))
            return n_docs, n_docs
        chosen = choose(words_and_labels(files), counts, n_words, seed)
        n_before = 0
        for file in files:
            docs = list(read_docs(file))
            numbered = enumerate(docs, start=n_before)
            if picked := [doc for number, doc in numbered if number in chosen]:
                write_docs(picked, beside / file.name)
            n_before += len(docs)
    return n_docs, len(chosen)
