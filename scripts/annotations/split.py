"""Which rows become the dev or test set, and which training rows resemble those."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
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
    records: Iterable[Record | None], wanted: Collection[str] = ()
) -> Counter[str]:
    """Count the spans of records by label; all labels, or those that are wanted."""
    return Counter(
        span.label
        for record in records
        for span in (record.spans if record else ())
        if not wanted or span.label in wanted
    )


def split_rows(
    records: Sequence[Record | None], names: Sequence[str], wanted: Collection[str] = ()
) -> list[str]:
    """Choose the set of each row, the same on every run and machine.

    Rows are chosen by the hash of their text or document, each under its rarest label,
    so that every label is in all sets where it can be. Rows of the same text or
    document are in the same set.

    Args:
        records: The records of the rows; None: a row that is not used.
        names: The sets to split off; the rest is `train`.
        wanted: The labels that count; empty: all.
    """
    texts = [half_hash(record.text) if record else 0 for record in records]
    groups = [half_hash(r.group) if r and r.group else 0 for r in records]
    keys = [group or text for group, text in zip(groups, texts, strict=True)]
    counts = count_labels(records, wanted)

    def rarity(label: str) -> tuple[int, str]:
        return counts[label], label

    by_rarest: defaultdict[str, set[int]] = defaultdict(set)
    for record, key in zip(records, keys, strict=True):
        if record:
            labels = count_labels([record], wanted)
            by_rarest[min(labels, key=rarity, default="")].add(key)
    set_of = split_off([by_rarest[x] for x in sorted(by_rarest, key=rarity)], names)
    pairs = zip(texts, keys, strict=True)
    # A text in several documents is in the set of the last that is held out.
    set_of_text = {text: set_of[key] for text, key in pairs if key in set_of}
    return [set_of_text.get(text, "train") for text in texts]


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


@dataclass
class Shingles:
    """The held-out texts: name and number of shingles; their numbers by shingle."""

    texts: list[tuple[str, int]] = field(default_factory=list)
    with_shingle: dict[str, list[int]] = field(default_factory=dict)

    def add(self, text: str, name: str) -> None:
        """Add a held-out text under a name."""
        some = shingles(text)
        for shingle in some:
            numbers = self.with_shingle.setdefault(shingle, [])
            if len(numbers) < MAX_TEXTS:
                numbers.append(len(self.texts))
        self.texts.append((name, len(some)))

    def near(self, text: str) -> str:
        """Return the name of a held-out text that is nearly this one, or nothing."""
        some = shingles(text)
        counts = Counter(chain(*(self.with_shingle.get(s, ()) for s in some)))
        for number, n_common in counts.items():
            name, n_others = self.texts[number]
            if n_common >= MIN_RESEMBLANCE * (len(some) + n_others - n_common):
                return name
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
