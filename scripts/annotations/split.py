"""Which rows become the dev or test set, and which training rows resemble those."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice

from scripts.annotations.records import Record
from scripts.scale.raw import hash_of

# Share of the training rows that becomes a dev or test set if no file is given: enough
# to choose and to judge by, without costing the few examples there are; and the most
# texts by label, with which an F holds within a point.
SPLIT_SHARE, MAX_SPLIT = 0.1, 500
# Words in a shingle, and the share of shingles that makes two texts nearly the same.
# Broder (1997), "On the Resemblance and Containment of Documents".
N_WORDS, MIN_RESEMBLANCE = 3, 0.5
# Texts noted for one shingle: a phrase that so many share means nothing.
MAX_TEXTS = 5


def half_hash(text: str) -> int:
    """Hash a text to 32 bits, never 0: by these, texts have always been split."""
    return hash_of(text) >> 32 or 1


def count_labels(
    records: Iterable[Record], wanted: Collection[str] = ()
) -> Counter[str]:
    """Count the spans of records by label; all labels, or those that are wanted."""
    labels = (span.label for record in records for span in record.spans)
    return Counter(label for label in labels if not wanted or label in wanted)


def split_texts(
    records: Collection[Record], names: Sequence[str], wanted: Collection[str] = ()
) -> dict[int, str]:
    """Choose texts for the named sets, the same on every run and machine.

    Texts are chosen by their hash or that of their document, each under its rarest
    label, so that every label is in all sets where it can be. Rows of the same text or
    document are in the same set. `wanted` labels count; empty: all. Returns the set of
    each text that is chosen, by the text's `half_hash`; the rest is `train`.
    """
    counts = count_labels(records, wanted)

    def rarity(label: str) -> tuple[int, str]:
        return counts[label], label

    keys = [half_hash(record.group or record.text) for record in records]
    by_rarest: defaultdict[str, set[int]] = defaultdict(set)
    for record, key in zip(records, keys, strict=True):
        labels = count_labels([record], wanted)
        by_rarest[min(labels, key=rarity, default="")].add(key)
    set_of = split_off([by_rarest[x] for x in sorted(by_rarest, key=rarity)], names)
    pairs = zip(records, keys, strict=True)
    # A text in several documents is in the set of the last that is held out.
    return {half_hash(r.text): set_of[key] for r, key in pairs if key in set_of}


def split_off(groups: Iterable[set[int]], names: Sequence[str]) -> dict[int, str]:
    """Choose keys of each group for each set: a share, at least one of several.

    The first group that has a key decides.
    """
    set_of: dict[int, str] = {}
    for keys in groups:
        lowest, n_left = iter(sorted(keys)), len(keys)
        for name in names:
            n_chosen = max(round(SPLIT_SHARE * n_left), int(n_left > 1))
            n_chosen = min(n_chosen, MAX_SPLIT)
            n_left -= n_chosen
            for key in islice(lowest, n_chosen):
                set_of.setdefault(key, name)
    return set_of


class HeldOut:
    """The held-out texts, by shingle: where each is, and how many shingles it has."""

    def __init__(self) -> None:
        """Begin without texts."""
        self.texts: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)

    def add(self, text: str, where: str) -> None:
        """Add a held-out text."""
        some = shingles(text)
        for shingle in some:
            if len(self.texts[shingle]) < MAX_TEXTS:
                self.texts[shingle].append((where, len(some)))

    def near(self, text: str) -> str:
        """Return where a held-out text is that is nearly this one, or nothing."""
        some = shingles(text)
        counts = Counter(chain(*(self.texts.get(shingle, ()) for shingle in some)))
        for (where, n_others), n_common in counts.items():
            if n_common >= MIN_RESEMBLANCE * (len(some) + n_others - n_common):
                return where
        return ""


def shingles(text: str) -> dict[str, None]:
    """Return each three words in a row, or characters where words are fewer.

    In the order of the text: the same on every run.
    """
    words = text.casefold().split()
    if len(words) < N_WORDS:
        words = list("".join(words))
    in_threes = zip(words, words[1:], words[2:], strict=False)
    return dict.fromkeys(map(" ".join, in_threes)) or {" ".join(words): None}
