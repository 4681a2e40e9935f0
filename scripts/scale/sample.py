"""Choose, of many rehearsal docs, as many as training will read."""

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random

from spacy.attrs import intify_attr

from scripts.components import KINDS
from scripts.docs import read_bin, read_docs, write_docs
from scripts.files import written_whole
from scripts.scale.storage import storage_errors

# 0: a label is chosen as often as it occurs; 1: all labels equally often. From seven
# times as many docs as needed, with 100 rows of drugs (three seeds, newswire's dev), 0,
# 0.5 and 1 kept 99.3, 98.6 and 98.2 % of F over all entities, and 97.7, 100.2 and
# 100.9 % of the average over types; DRUG 40.8, 44.9, 42.4.
BALANCE = 0.5
# The attributes that hold labels, as a `.spacy` file names them.
LABEL_ATTRS = {intify_attr(kind.LABEL_ATTR) for kind in KINDS.values()}
# A column of a `.spacy` file and a value in it; the value 0 stands for no label.
Label = tuple[int, int]


def choose_all(
    files: list[Path], output_dir: Path, n_words: float, seed: int
) -> tuple[int, int]:
    """Choose docs, write them in their order, and count the docs read and chosen."""
    files = files if n_words > 0 else []
    docs = words_and_labels(files)
    counts = Counter(label for _, labels in docs for label in labels)
    chosen = choose(words_and_labels(files), counts, n_words, seed)
    numbers = count()
    with written_whole(output_dir) as part:
        part.mkdir()
        for file in files:
            with storage_errors(file):
                some = [doc for doc in read_docs(file) if next(numbers) in chosen]
            if some:
                write_docs(some, part / file.name)
    return next(numbers), len(chosen)


def words_and_labels(files: Iterable[Path]) -> Iterator[tuple[int, set[Label]]]:
    """Read the number of words and the labels of each doc, without making the doc."""
    for file in files:
        with storage_errors(file):
            doc_bin = read_bin(file)
        columns = [i for i, attr in enumerate(doc_bin.attrs) if attr in LABEL_ATTRS]
        for tokens in doc_bin.tokens:
            values = ((i, set(tokens[:, i].tolist())) for i in columns)
            labels = {(i, value) for i, some in values for value in some}
            # A file without annotations has no such column.
            yield len(tokens), labels or {(0, 0)}


def choose(
    docs: Iterable[tuple[int, set[Label]]],
    counts: Counter[Label],
    n_words: float,
    seed: int,
) -> set[int]:
    """Choose just enough docs to have `n_words`, those with a rare label more often.

    Each doc has its number of words, at least one, and its labels; `counts` says how
    many docs have each label. At random, in one pass, and memory holds no more than the
    numbers of the chosen docs: a reservoir, filled by words. Efraimidis & Spirakis
    (2006), "Weighted random sampling with a reservoir".
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
