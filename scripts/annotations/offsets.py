"""Offsets in other units than characters, and what the offsets of a file count.

Browser tools count UTF-16 units (doccano's issue 2290, Label Studio's 1347), some
tools bytes; and a text may have got other line ends or another Unicode form since it
was annotated. Each unit is a way to write the text so that offsets count its items.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from operator import methodcaller
from typing import Any, Literal, NamedTuple
from unicodedata import combining, normalize

from scripts.annotations.records import Reading, Record, Span


class Unit(NamedTuple):
    """How a tool saw a text: `there` converts it to its way, `back` to ours."""

    there: Callable[[str], Any]
    back: Callable[[Any], str]


to_lf = methodcaller("replace", "\r\n", "\n")
to_crlf = methodcaller("replace", "\n", "\r\n")
nfc, nfd = partial(normalize, "NFC"), partial(normalize, "NFD")
CHARS = Reading().unit
UNITS = {
    CHARS: Unit(str, str),
    "utf16": Unit(
        lambda text: array("H", text.encode("utf-16-le")),
        lambda units: units.tobytes().decode("utf-16-le"),
    ),
    "bytes": Unit(str.encode, bytes.decode),
    # The text has one kind of line end or Unicode form, and the tool saw the other.
    "lf": Unit(to_lf, to_crlf),
    "crlf": Unit(to_crlf, to_lf),
    "nfc": Unit(nfc, nfd),
    "nfd": Unit(nfd, nfc),
}
Offsets = Literal[(*UNITS,)]
# The first reads offsets as they are.
READINGS = [Reading(*both) for both in product(UNITS, (False, True))]
OTHER_READINGS = READINGS[1:]
# A file is read in another way if it makes that many times more spans fit than it makes
# not fit: one slip of an annotator is no unit. Ends that are a character short are the
# most frequent slip.
MIN_TIMES, MIN_WON, MIN_INCLUSIVE = 4, 2, 3
# A span with a text of its own is worth this many without.
TEXT_WEIGHT = 3
# Thai to Burmese, Khmer, kana and Han: scripts that put no spaces between words.
NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\uf900-\ufaff]"
)
# Characters converted for the votes of a file, a whole text for each span: 2 seconds.
MAX_READ = 10_000_000


def to_chars(text: str, offset: int, unit: str) -> int:
    """Convert an offset in a unit to characters; one outside the text stays outside.

    One inside a character is a `ValueError`.
    """
    if unit == CHARS or offset < 0:
        return offset
    there, back = UNITS[unit]
    seen = there(text)
    if back(seen) != text:
        return offset
    return len(back(seen[:offset])) + max(0, offset - len(seen))


def from_chars(text: str, offset: int, unit: str) -> int:
    """Convert an offset in characters to another unit."""
    return len(UNITS[unit].there(text[:offset]))


def to_span(text: str, span: Span, reading: Reading) -> Span:
    """Convert a span to characters, its end exclusive, as `to_chars` does."""
    start = to_chars(text, span.start, reading.unit)
    end = to_chars(text, span.end + reading.inclusive, reading.unit)
    return span._replace(start=start, end=end)


@dataclass
class Votes:
    """How many spans of a file fit in another reading but not in characters.

    A span with a text of its own fits where that text is; another where it begins and
    ends with a word. Spans that fit in both readings, or in neither, have no vote.
    `n_left` characters may still be converted.
    """

    won: Counter[Reading] = field(default_factory=Counter)
    lost: Counter[Reading] = field(default_factory=Counter)
    n_left: int = MAX_READ

    def add(self, record: Record) -> None:
        """Count the votes of the spans of a record, in the offsets of its tool."""
        text, spans = record.text, (*record.spans, *record.wrong)
        units = [unit for unit in UNITS if counts_otherwise(text, unit)]
        if units:
            spans = spans[: self.n_left // len(text)]
            self.n_left -= len(text) * len(spans)
        for span in spans:
            weight = 1 if span.text is None else TEXT_WEIGHT
            fit = {
                r: fits(text, span, r) for r in READINGS if r.unit in (CHARS, *units)
            }
            for reading in OTHER_READINGS:
                # A unit that counts this text alike fits as well as characters do.
                does_fit = fit.get(reading, fit[Reading(CHARS, reading.inclusive)])
                if does_fit != fit[Reading()]:
                    (self.won if does_fit else self.lost)[reading] += weight
        for unit in units if record.length is not None else ():
            has_length = from_chars(text, len(text), unit) == record.length
            (self.won if has_length else self.lost)[Reading(unit)] += TEXT_WEIGHT

    def choose(self, unit: str | None = None, inclusive: bool | None = None) -> Reading:
        """Choose a reading, of those that `unit` and `inclusive` allow where given.

        It is characters unless far more spans fit otherwise.
        """
        likely = [
            reading
            for reading in OTHER_READINGS
            if unit in (None, reading.unit)
            and inclusive in (None, reading.inclusive)
            and self.won[reading] >= max(MIN_WON, MIN_TIMES * self.lost[reading])
            and (not reading.inclusive or self.won[reading] >= MIN_INCLUSIVE)
        ]
        known = Reading(unit or CHARS, bool(inclusive))
        return max(likely, key=lambda r: self.won[r] - self.lost[r], default=known)


def counts_otherwise(text: str, unit: str) -> bool:
    """Check whether offsets in a unit differ from characters in a text."""
    there, back = UNITS[unit]
    seen = there(text)
    return len(seen) != len(text) and back(seen) == text


def fits(text: str, span: Span, reading: Reading) -> bool:
    """Check whether a span, read so, is one that a person would mark."""
    try:
        start, end, _, surface, *_ = to_span(text, span, reading)
    except ValueError:
        return False
    if not 0 <= start < end <= len(text):
        return False
    if surface is not None:
        return text[start:end] == surface
    edges_are_blank = text[start].isspace() or text[end - 1].isspace()
    return not (edges_are_blank or cuts_word(text, start) or cuts_word(text, end))


def cuts_word(text: str, at: int) -> bool:
    """Check whether an offset is inside a word, in scripts that separate words."""
    around = text[max(0, at - 1) : at + 1]
    is_inside = len(around) == 2 and all(c.isalnum() or combining(c) for c in around)
    return is_inside and not NO_SPACES.search(around)
