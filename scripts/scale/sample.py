"""Choose, of many rehearsal docs, as many as training will read."""

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random

from spacy.attrs import intify_attr

from scripts.components import LABEL_ATTRS
from scripts.docs import read_bin, read_docs, write_docs
from scripts.files import written_whole
from scripts.scale.storage import read_bytes, storage_errors

# 0: a label is chosen as often as it occurs; 1: all labels equally often. From seven
# times as many docs as needed, with 100 rows of drugs (three seeds, newswire's dev), 0,
# 0.5 and 1 kept 99.3, 98.6 and 98.2 % of F over all entities, and 97.7, 100.2 and
# 100.9 % of the average over types; DRUG 40.8, 44.9, 42.4.
BALANCE = 0.5
# A column of a `.spacy` file and a value in it; the value 0 stands for no label.
Label = tuple[int, int]


def choose_all(
    files: list[Path], output_dir: Path, n_words: float, seed: int
) -> tuple[int, int]:
    """Choose docs of `.spacy` files, and write them in their order.

    Args:
        files: The files, local or in object storage; no doc is empty.
        output_dir: Folder for the chosen docs.
        n_words: Words to choose; files that hold no more are copied.
        seed: Seed of the choice.

    Returns:
        The number of docs that were read, and of those chosen.
    """
    files = files if n_words > 0 else []
    counts: Counter[Label] = Counter()
    n_docs = n_in_all = 0
    for n_in_doc, labels in words_and_labels(files):
        n_docs, n_in_all = n_docs + 1, n_in_all + n_in_doc
        counts.update(labels)
    with written_whole(output_dir) as part:
        part.mkdir()
        if n_in_all <= n_words:
            for file in files:
                (part / file.name).write_bytes(read_bytes(file))
            return n_docs, n_docs
        chosen = choose(words_and_labels(files), counts, n_words, seed)
        numbers = count()
        for file in files:
            with storage_errors(file):
                docs = [doc for doc in read_docs(file) if next(numbers) in chosen]
            if docs:
                write_docs(docs, part / file.name)
    return n_docs, len(chosen)


def words_and_labels(files: Iterable[Path]) -> Iterator[tuple[int, set[Label]]]:
    """Read the number of words and the labels of each doc, without making the doc."""
    for file in files:
        with storage_errors(file):
            doc_bin = read_bin(file)
        columns = [doc_bin.attrs.index(attr) for attr in map(intify_attr, LABEL_ATTRS)]
        for tokens in doc_bin.tokens:
            values = ((i, set(tokens[:, i].tolist())) for i in columns)
            yield len(tokens), {(i, value) for i, some in values for value in some}


def choose(
    docs: Iterable[tuple[int, set[Label]]],
    counts: Counter[Label],
    n_words: float,
    seed: int,
) -> set[int]:
    """Choose docs at random in one pass, those with a rare label more often.

    A reservoir, filled by words: Efraimidis & Spirakis (2006), "Weighted random
    sampling with a reservoir".

    Args:
        docs: The number of words of each doc, and its labels.
        counts: The number of docs with each label.
        n_words: Words to choose; memory holds the numbers of so many docs.
        seed: Seed of the choice.

    Returns:
        The numbers of the chosen docs: just enough to have as many words.
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
