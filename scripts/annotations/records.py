"""A row of an annotation file: as it was read, understood, and perhaps rejected."""

from collections.abc import Collection
from reprlib import Repr
from typing import Any, NamedTuple

# Rows that an error names.
N_NAMED = 5
SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 80


class Span(NamedTuple):
    """What a person marked, by its offsets in the text, as its tool counts them.

    Attributes:
        start: Offset of the first character.
        end: Offset after the last one.
        label: The label.
        text: The text between them, where the tool wrote it: it is checked.
        layer: What is marked, if that is known: the factory of a kind of component, or
            `upos` for a universal part of speech.
        head: Start and end of the head, if a relation is marked.
    """

    start: int
    end: int
    label: str
    text: str | None = None
    layer: str = ""
    head: tuple[int, int] | None = None


class Record(NamedTuple):
    """A row that was understood: a text and what a person annotated in it.

    Attributes:
        text: The text.
        spans: What the person marked.
        wrong: Spans that the person rejected.
        partial: Whether unmarked text was not annotated.
        length: Length of the text as the tool counts it, if the row has it.
        group: The document that the text is from, if the row has it.
        tokenized: Whether the tool has tokens of its own, which the base may not have.
        sentence: Whether the text is one sentence, and so has one root.
        ignored: Why each annotation that was left out was.
        layers: What was looked for, even if nothing of it was found.
        notes: What was chosen in reading it, to be counted and shown.
        annotated: Whether the row has a place for annotations at all.
    """

    text: str
    spans: tuple[Span, ...] = ()
    wrong: tuple[Span, ...] = ()
    partial: bool = False
    length: int | None = None
    group: str = ""
    tokenized: bool = False
    sentence: bool = False
    ignored: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    annotated: bool = True


class Reading(NamedTuple):
    """How to read the offsets of a file: in what unit, and if ends are inclusive."""

    unit: str = "chars"
    inclusive: bool = False


class RejectedError(ValueError):
    """Why a row is rejected; what comes before a colon is counted.

    Attributes:
        n_spans: Number of spans in the row, where they did not become a record.
        other: The row that it contradicts.
        excerpt: The span to correct, in its text.
    """

    def __init__(
        self, reason: str, n_spans: int = 0, other: "Row | None" = None
    ) -> None:
        """Set the reason, and what else the account needs."""
        super().__init__(reason)
        self.n_spans, self.other, self.excerpt = n_spans, other, ""


class IgnoredError(RejectedError):
    """Why a row is not used though nothing is wrong with it."""


class Row(NamedTuple):
    """A row of a file: its value, or its text and an error if that can't be parsed.

    Its format, its record or error, and the reading of its file are added later.
    """

    file: str
    line: int
    value: Any
    error: RejectedError | None = None
    format_name: str = ""
    record: Record | None = None
    reading: Reading = Reading()

    @property
    def n_spans(self) -> int:
        """The number of spans that the account counts."""
        if self.record:
            record = self.record
            return len(record.spans) + len(record.wrong) + len(record.ignored)
        return self.error.n_spans


def names_of(rows: Collection[Row]) -> str:
    """Name some rows by file and line, and count them if there are more."""
    names = [f"{row.file}:{row.line}" for row in rows]
    more = f" … ({len(names)} in all)" if len(names) > N_NAMED else ""
    return ", ".join(names[:N_NAMED]) + more


def short(value: Any) -> str:
    """Write a value of any size and depth in a few words, for a reason."""
    return SHORT.repr(value)
