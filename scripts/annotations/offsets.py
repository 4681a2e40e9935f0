"""Offsets in other units than characters, and what a file's offsets count.

Browser tools count UTF-16 units (doccano's issue 2290, Label Studio's 1347), some
tools bytes; and a text may have changed its line ends or its Unicode form since it
was annotated. Each unit is a way to write the text such that offsets count its items.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from unicodedata import combining, normalize

from scripts.annotations.records import Record, Span


class Unit(NamedTuple):
    """How a tool saw a text: written its way, and back, `width` items a unit."""

    there: Callable[[str], Any]
    back: Callable[[Any], str]
    width: int = 1


UNITS = {
    "utf16": Unit(
        lambda text: text.encode("utf-16-le"), lambda seen: seen.decode("utf-16-le"), 2
    ),
    "bytes": Unit(lambda text: text.encode(), lambda seen: seen.decode()),
    # The text has the one kind of line end, and the tool saw the other.
    "lf": Unit(
        lambda text: text.replace("\r\n", "\n"), lambda seen: seen.replace("\n", "\r\n")
    ),
    "crlf": Unit(
        lambda text: text.replace("\n", "\r\n"), lambda seen: seen.replace("\r\n", "\n")
    ),
    "nfc": Unit(
        lambda text: normalize("NFC", text), lambda seen: normalize("NFD", seen)
    ),
    "nfd": Unit(
        lambda text: normalize("NFD", text), lambda seen: normalize("NFC", seen)
    ),
}
CHARS = "chars"
Offsets = Literal["chars", "utf16", "bytes", "lf", "crlf", "nfc", "nfd"]
# A file is read in another way if that many times more spans fit so than cease to:
# one slip of an annotator is no unit. Ends a character short are the commonest slip.
MIN_TIMES, MIN_WON, MIN_INCLUSIVE = 4, 2, 3
# A span that says its own text is worth this many that do not.
TEXT_WEIGHT = 3
# Thai to Burmese, Khmer, kana and Han: scripts that put no spaces between words.
NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\uf900-\ufaff]"
)
# Records heard of a file for each unit: enough to tell, however long the file is.
MAX_HEARD = 200
# Characters read anew for a file's spans, of which each takes its whole text: seconds.
MAX_READ = 50_000_000


class Reading(NamedTuple):
    """How a file's offsets are read: in what unit, and whether ends are inclusive."""

    unit: str = CHARS
    inclusive: bool = False


READINGS = [Reading(unit, ends) for unit in (CHARS, *UNITS) for ends in (False, True)][
    1:
]


def to_chars(text: str, offset: int, unit: str) -> int:
    """Convert an offset to characters.

    Args:
        text: The text.
        offset: The offset in `unit`.
        unit: `chars` or one of `UNITS`.

    Returns:
        The offset in characters; one outside the text stays outside.

    Raises:
        ValueError: If it falls inside a character.
    """
    if unit == CHARS or offset < 0:
        return offset
    there, back, width = UNITS[unit]
    seen = there(text)
    if back(seen) != text:
        return offset
    beyond = max(0, offset * width - len(seen))
    return len(back(seen[: offset * width])) + beyond


def from_chars(text: str, offset: int, unit: str) -> int:
    """Convert an offset in characters to another unit."""
    if unit == CHARS:
        return offset
    there, _, width = UNITS[unit]
    return len(there(text[:offset])) // width


def to_span(text: str, span: Span, reading: Reading) -> Span:
    """Give a span in characters, its end exclusive.

    Raises:
        ValueError: If an offset falls inside a character.
    """
    start = to_chars(text, span.start, reading.unit)
    end = to_chars(text, span.end + reading.inclusive, reading.unit)
    return span._replace(start=start, end=end)


@dataclass
class Votes:
    """How many spans of a file fit their text in another reading, and not in this one.

    A span with a text of its own fits where that stands; another where it begins and
    ends with a word. Spans that fit in both readings, or neither, tell nothing.
    """

    won: Counter[Reading] = field(default_factory=Counter)
    lost: Counter[Reading] = field(default_factory=Counter)
    n_heard: Counter[str] = field(default_factory=Counter)
    n_left: int = MAX_READ

    def add(self, record: Record) -> None:
        """Hear a record's spans, in the tool's own offsets."""
        text = record.text
        is_plain = text.isascii() and "\n" not in text
        units = [
            u for u in ([CHARS] if is_plain else UNITS) if self.n_heard[u] < MAX_HEARD
        ]
        if not is_plain:
            units = [unit for unit in units if counts_otherwise(text, unit)]
        if not units:
            return
        self.n_heard.update(units)
        spans = (*record.spans, *record.wrong)
        if units != [CHARS]:
            spans = spans[: self.n_left // len(text)]
            self.n_left -= len(text) * len(spans)
        for span in spans:
            weight = 1 if span.text is None else TEXT_WEIGHT
            fit = {
                Reading(unit, inclusive): fits(text, span, Reading(unit, inclusive))
                for unit in {CHARS, *units}
                for inclusive in (False, True)
            }
            for reading in READINGS:
                # Where it numbers the text alike, a unit is as good as characters.
                alike = fit.get(reading, fit[Reading(CHARS, reading.inclusive)])
                if alike != fit[Reading()]:
                    (self.won if alike else self.lost)[reading] += weight
        if record.length is not None:
            for unit in {*units} - {CHARS}:
                is_it = from_chars(text, len(text), unit) == record.length
                (self.won if is_it else self.lost)[Reading(unit)] += TEXT_WEIGHT

    def choose(self, unit: str | None = None, inclusive: bool | None = None) -> Reading:
        """Choose how to read the offsets: as characters unless far more fit so.

        Args:
            unit: The unit, where it is known.
            inclusive: Whether ends are inclusive, where that is known.
        """
        known = Reading(unit or CHARS, bool(inclusive))
        likely = [
            reading
            for reading in READINGS
            if unit in (None, reading.unit)
            and inclusive in (None, reading.inclusive)
            and self.won[reading] >= max(MIN_WON, MIN_TIMES * self.lost[reading])
            and (not reading.inclusive or self.won[reading] >= MIN_INCLUSIVE)
        ]
        score = {reading: self.won[reading] - self.lost[reading] for reading in likely}
        return max(likely, key=score.__getitem__, default=known)


def counts_otherwise(text: str, unit: str) -> bool:
    """Say whether a unit numbers the text otherwise than characters do."""
    there, back, width = UNITS[unit]
    seen = there(text)
    return len(seen) != width * len(text) and back(seen) == text


def fits(text: str, span: Span, reading: Reading) -> bool:
    """Say whether a span, read so, is what a person would have marked."""
    try:
        start, end, _, surface = to_span(text, span, reading)
    except ValueError:
        return False
    if not 0 <= start < end <= len(text):
        return False
    if surface is not None:
        return text[start:end] == surface
    return not (
        text[start].isspace()
        or text[end - 1].isspace()
        or cuts_word(text, start)
        or cuts_word(text, end)
    )


def cuts_word(text: str, at: int) -> bool:
    """Say whether a place is inside a word, in scripts that separate words."""
    around = text[max(0, at - 1) : at + 1]
    is_inside = len(around) == 2 and all(c.isalnum() or combining(c) for c in around)
    return is_inside and not NO_SPACES.search(around)
