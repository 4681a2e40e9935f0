"""Dev and test sets split off the training rows, and what leaks between the sets."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice, repeat

import numpy as np

# Share of the training rows that becomes a dev or test set where none is given:
# enough to choose and to judge by, without costing the few examples there are; and
# the most texts by label, with which an F holds within a point.
SPLIT_SHARE, MAX_SPLIT = 0.1, 500
# Keys looked at in one go.
PART = 1 << 12
# Words in a shingle, and the share of shingles that makes two texts nearly the same.
# Broder (1997), "On the Resemblance and Containment of Documents".
N_WORDS, MIN_RESEMBLANCE = 3, 0.5
# Texts noted for one shingle: a phrase that so many share tells nothing.
MAX_POSTINGS = 5


def text_key(text: str) -> str:
    """Hash a text so that case and white space make no difference."""
    normal = " ".join(text.split()).casefold()
    return hashlib.md5(normal.encode("utf-8", "surrogatepass")).hexdigest()


def hash_of(text: str) -> int:
    """Hash a text to 64 bits, never 0."""
    return int(text_key(text)[:16], 16) or 1


def split_off(
    keys: np.ndarray, strata: np.ndarray, names: Sequence[str]
) -> dict[int, str]:
    """Choose what each set takes, the same on every run and machine.

    Rows go by the hash of their text or document, each under its rarest label, so
    that every label stands on both sides where it can; equal keys stay together.

    Args:
        keys: The hash of each row, unsigned; 0: no row.
        strata: The number of the label that each row counts under.
        names: The sets to split off.

    Returns:
        The set of each key that is taken: a share of each stratum, at least one key
        where that leaves another.
    """
    set_of: dict[int, str] = {}
    for stratum in np.unique(strata):
        some = keys[strata == stratum]
        some.sort()
        is_new = np.r_[some[:1] > 0, some[1:] != some[:-1]]
        n_left, sizes = int(is_new.sum()), []
        for _ in names:
            share = max(round(SPLIT_SHARE * n_left), int(n_left > 1))
            sizes.append(min(share, MAX_SPLIT))
            n_left -= sizes[-1]
        low = islice(distinct(some, is_new), sum(sizes))
        owners = chain.from_iterable(map(repeat, names, sizes))
        for key, name in zip(low, owners, strict=True):
            set_of.setdefault(key, name)
    return set_of


def distinct(keys: np.ndarray, is_new: np.ndarray) -> Iterator[int]:
    """Give sorted keys once each, a part at a time: few are wanted of many."""
    for start in range(0, len(keys), PART):
        part = slice(start, start + PART)
        yield from keys[part][is_new[part]].tolist()


class Shingles:
    """The texts of the held-out sets, to find those that nearly stand in train."""

    def __init__(self) -> None:
        """Begin without texts."""
        self.texts: list[tuple[str, int]] = []
        self.postings: dict[str, list[int]] = {}

    def add(self, text: str, place: str) -> None:
        """Note a held-out text and where it stands."""
        some = shingles(text)
        for shingle in some:
            posting = self.postings.setdefault(shingle, [])
            if len(posting) < MAX_POSTINGS:
                posting.append(len(self.texts))
        self.texts.append((place, len(some)))

    def near(self, text: str) -> str:
        """Give the place of a held-out text that is nearly this one, or nothing."""
        if not self.texts:
            return ""
        some = shingles(text)
        known = list(filter(None, map(self.postings.get, some)))
        if len(known) < MIN_RESEMBLANCE * len(some):
            return ""
        counts = Counter(chain.from_iterable(known))
        for number, n_common in counts.items():
            place, n_others = self.texts[number]
            if n_common >= MIN_RESEMBLANCE * (len(some) + n_others - n_common):
                return place
        return ""


def shingles(text: str) -> dict[str, None]:
    """Give each three words in a row, or each three characters where words are few.

    In the order of the text: the same on every run.
    """
    words = text.casefold().split()
    if len(words) < N_WORDS:
        words = list("".join(words))
    in_threes = zip(words, words[1:], words[2:], strict=False)
    return dict.fromkeys(map(" ".join, in_threes)) or {" ".join(words): None}
