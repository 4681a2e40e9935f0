"""A row of an annotation file: as read, as understood, or as rejected."""

from reprlib import Repr
from typing import Any, NamedTuple

# Characters of a reason shown on the terminal; a row may have any size.
MAX_REASON = 300
SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 80


class Span(NamedTuple):
    """An entity by its offsets in the text, end exclusive, as its tool counts them.

    The offsets are checked against `text`, where the tool wrote that.
    """

    start: int
    end: int
    label: str
    text: str | None = None


class Row(NamedTuple):
    """A row of a file: its value, or its text and an error if that can't be parsed."""

    file: str
    line: int
    value: Any
    error: str = ""


class Record(NamedTuple):
    """A row that was understood: a text and what a person annotated in it.

    Attributes:
        text: The text.
        spans: The entities.
        wrong: Spans that the person rejected as entities.
        partial: Whether unmarked text was not annotated.
        length: Length of the text as the tool counts it, if the row has it.
        group: The document that the text is from, if the row has it.
    """

    text: str
    spans: tuple[Span, ...] = ()
    wrong: tuple[Span, ...] = ()
    partial: bool = False
    length: int | None = None
    group: str = ""

    @property
    def n_spans(self) -> int:
        """The number of spans that the account counts."""
        return len(self.spans) + len(self.wrong)


class RejectedError(ValueError):
    """Why a row is rejected; what comes before a colon is counted."""

    def __init__(
        self, reason: str, n_spans: int = 0, excerpt: str = "", other: Row | None = None
    ) -> None:
        """Set the reason, with the parts of a `RejectedRow` and a number of spans."""
        super().__init__(reason)
        self.n_spans, self.excerpt, self.other = n_spans, excerpt, other


class IgnoredError(RejectedError):
    """Why a row is not used though nothing is wrong with it."""


class RejectedRow(NamedTuple):
    """A row that can't be used, and why; `other` is the row that it contradicts."""

    row: Row
    reason: str
    excerpt: str = ""
    other: Row | None = None

    def __str__(self) -> str:
        """Write where the row is and why it is rejected, in one line."""
        return f"{self.row.file}:{self.row.line}: {self.reason[:MAX_REASON]}"

    def to_json(self) -> dict[str, Any]:
        """Return the whole row: corrected by hand, it can be an input."""
        where = {"file": self.row.file, "line": self.row.line, "reason": self.reason}
        excerpt = {"excerpt": self.excerpt} if self.excerpt else {}
        other = {"other": self.other._asdict()} if self.other else {}
        return {**where, **excerpt, **other, "row": self.row.value}


def short(value: Any) -> str:
    """Write a value of any size and depth in a few words, for a reason."""
    return SHORT.repr(value)
