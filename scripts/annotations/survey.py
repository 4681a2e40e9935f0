"""What must be known of all rows before the first is written: one look at each.

How each file's offsets are read, which labels occur, which texts come twice, and
which rows a split takes. Memory holds some bytes a row, no texts.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scripts.annotations.formats import format_of, parse_row
from scripts.annotations.offsets import Reading, Votes
from scripts.annotations.records import Record, RefusedError
from scripts.annotations.rows import read_rows
from scripts.annotations.split import PART, hash_of, split_off
from scripts.command import track


class Plan(NamedTuple):
    """What is to become of the lines of a file, by number less one.

    Attributes:
        reading: How its offsets are read.
        fates: The number of the split that a line goes to, 0: none is split off.
        repeated: Whether a line's text stands in another line too.
    """

    reading: Reading
    fates: bytes
    repeated: bytes

    def takes(self, fate: int, repeated: bool, line: int) -> bool:
        """Say whether a line is wanted; one that is not planned stays, and is new."""
        if line > len(self.fates):
            return not (fate or repeated)
        return self.fates[line - 1] == fate and self.repeated[line - 1] == repeated


@dataclass
class Survey:
    """What a look at the rows of some files found.

    Attributes:
        wanted: The labels that count; empty: all.
        split_off: The sets to split off.
        votes: How the offsets of each file are best read.
        labels: The number of spans with each label.
        first: The place of each file's first line in the arrays.
        texts: Half the hash of each line's text; 0: no row.
        keys: The hash of the document that a line is from, or that of its text; the
            same array until a row names its document.
        label_sets: The number of the set of labels in each line, to split by.
        numbers: The numbers of the sets.
    """

    wanted: Collection[str] = ()
    split_off: Sequence[str] = ()
    votes: dict[str, Votes] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    texts: array = field(default_factory=lambda: array("I"))
    label_sets: array = field(default_factory=lambda: array("I"))
    numbers: dict[frozenset[str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Let each text be a document of its own."""
        self.keys = self.texts

    def look(self, path: Path, name: str = "") -> None:
        """Look at each row of a file, in the format `name` or by content."""
        votes = self.votes[str(path)] = Votes()
        first = self.first[str(path)] = len(self.texts)
        for row in track(read_rows(path, name), f"Looking at {path}", unit="rows"):
            try:
                record = parse_row(row, format_of(row, name))
            except RefusedError:
                continue
            if not record.ignored:
                votes.add(record)
                self.note(record, first + row.line - 1)

    def note(self, record: Record, place: int) -> None:
        """Note what the arrays hold of a record."""
        labels = [
            s.label for s in record.spans if not self.wanted or s.label in self.wanted
        ]
        for label in labels:
            self.labels[label] += 1
        if record.group and self.keys is self.texts:
            self.keys = self.texts[:]
        text = half_hash(record.text)
        self.put(self.texts, place, text)
        if self.split_off:
            number = self.numbers.setdefault(frozenset(labels), len(self.numbers))
            self.put(self.label_sets, place, number)
        if self.keys is not self.texts:
            key = half_hash(record.group) if record.group else text
            self.put(self.keys, place, key)

    def put(self, numbers: array, place: int, number: int) -> None:
        """Put a number at a place, after zeros for lines that are no rows."""
        if place > len(numbers):
            numbers.extend([0] * (place - len(numbers)))
        numbers.append(number)

    def plan(self, offsets: str | None, inclusive: bool | None) -> dict[str, Plan]:
        """Decide what is to become of each line.

        Args:
            offsets: What all offsets count; None: by the votes of each file.
            inclusive: Whether all ends are; None: by the votes of each file.

        Returns:
            The plan of each file.
        """
        keys, texts = (np.frombuffer(a, np.uint32) for a in (self.keys, self.texts))
        set_of: dict[int, str] = {}
        if self.label_sets:
            strata = self.strata()
            # Nobody looks at them again, and memory counts.
            self.label_sets = array("I")
            set_of = split_off(keys, strata, self.split_off)
        fates = bytearray(len(keys))
        for place in places_of(keys, sorted(set_of)):
            fates[place] = 1 + self.split_off.index(set_of[int(keys[place])])
        repeated = bytearray(len(texts))
        fate_of: dict[int, int] = {}
        twice = [(p, int(texts[p])) for p in places_of(texts, twice_in(texts))]
        for place, text in twice:
            repeated[place] = True
            fate_of[text] = fates[place] or fate_of.get(text, 0)
        # A text that stands in two documents goes where the last held-out one goes.
        for place, text in twice:
            fates[place] = fate_of[text]
        ends = [*list(self.first.values())[1:], len(texts)]
        return {
            file: Plan(
                self.votes[file].choose(offsets, inclusive),
                bytes(fates[first:end]),
                bytes(repeated[first:end]),
            )
            for (file, first), end in zip(self.first.items(), ends, strict=True)
        }

    def strata(self) -> np.ndarray:
        """Number the rarest label in each line; 0: none."""
        order = sorted(self.labels, key=lambda label: (self.labels[label], label))
        rank = {label: place for place, label in enumerate(order, start=1)}
        rarest = [min((rank[label] for label in s), default=0) for s in self.numbers]
        ranks = np.array(rarest, np.min_scalar_type(len(order)))
        sets = np.frombuffer(self.label_sets, np.uint32)
        # A part at a time: numpy makes wide numbers of those that it looks up.
        parts = range(0, len(sets), PART)
        return np.concatenate([ranks[sets[start : start + PART]] for start in parts])


def half_hash(text: str) -> int:
    """Hash a text to 32 bits, never 0.

    A million texts make a hundred pairs that share theirs: they are taken for repeated
    at first, and stand in the same set.
    """
    return hash_of(text) >> 32 or 1


def twice_in(numbers: np.ndarray) -> list[int]:
    """List the numbers that occur more than once, less 0; some of them at a time."""
    twice: set[int] = set()
    for start in range(0, 1 << 32, 1 << 29):
        some = numbers[(numbers >= start) & (numbers < start + (1 << 29))]
        some.sort()
        twice.update(some[1:][some[1:] == some[:-1]].tolist())
    return sorted(twice - {0})


def places_of(numbers: np.ndarray, wanted: list[int]) -> Iterator[int]:
    """Find the places where one of the wanted numbers, sorted, stands."""
    some = np.array(wanted, np.uint32)
    for start in range(0, len(numbers) if wanted else 0, PART):
        part = numbers[start : start + PART]
        nearest = some[np.searchsorted(some[:-1], part)]
        yield from (start + np.flatnonzero(nearest == part)).tolist()
