"""A row of an annotation file, as it was read, as it was taken or as it was refused."""

from reprlib import Repr
from typing import Any, NamedTuple

# The span group of a doc for what a person said is no such entity.
INCORRECT = "incorrect_spans"
# Characters of a reason shown on the terminal; a row may be of any size.
N_SHOWN = 300
SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 80


class Span(NamedTuple):
    """An entity by offsets in the text, end exclusive, in the unit of its tool.

    `text` is the entity's text where the tool wrote it down: what the offsets are
    checked against.
    """

    start: int
    end: int
    label: str
    text: str | None = None


class Row(NamedTuple):
    """A row as it stands in a file.

    `value` is a line of JSON that is not parsed yet, what it holds, or its text if it
    is broken.
    """

    file: str
    line: int
    value: Any
    error: str = ""


class Record(NamedTuple):
    """A row that was understood: a text and what a person annotated in it.

    Attributes:
        text: The text.
        spans: The person's spans.
        wrong: Spans that the person said are no such entity.
        partial: Whether the absence of a span means nothing.
        ignored: Why the row is not to be used; empty if it is.
        length: The text's length as the tool counts it, if the row says so.
        group: The document the text is from, if the row says so.
    """

    text: str
    spans: tuple[Span, ...] = ()
    wrong: tuple[Span, ...] = ()
    partial: bool = False
    ignored: str = ""
    length: int | None = None
    group: str = ""

    @property
    def n_spans(self) -> int:
        """The number of spans that the account counts."""
        return len(self.spans) + len(self.wrong)


class RefusedError(ValueError):
    """Why a row is refused, how many spans go with it, and where in its text."""

    def __init__(self, reason: str, n_spans: int = 0, excerpt: str = "") -> None:
        """Keep the reason, for the person who wrote the row."""
        super().__init__(reason)
        self.n_spans = n_spans
        self.excerpt = excerpt


def short(value: Any) -> str:
    """Write a value of any size and depth in a few words, for a reason."""
    return SHORT.repr(value)


class RejectedRow(NamedTuple):
    """A row that can't be used, and why; `other` is the row it contradicts."""

    row: Row
    reason: str
    excerpt: str = ""
    other: Row | None = None

    def __str__(self) -> str:
        """Say where the row stands and why it was refused."""
        return f"{self.row.file}:{self.row.line}: {self.reason[:N_SHOWN]}"

    def to_json(self) -> dict[str, Any]:
        """Give the row whole, to be mended and fed back."""
        place = {"file": self.row.file, "line": self.row.line, "reason": self.reason}
        excerpt = {"excerpt": self.excerpt} if self.excerpt else {}
        other = {"other": self.other._asdict()} if self.other else {}
        return {**place, **excerpt, **other, "row": self.row.value}
