"""A row of an annotation file, as it was taken or as it was refused."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class Span(NamedTuple):
    """An entity by character offsets, end exclusive."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Row:
    """A row as it stands in a file: `value` is parsed JSON, or text if broken."""

    file: str
    line: int
    value: Any
    error: str = ""


@dataclass(frozen=True)
class Record:
    """A row that was understood: a text and the spans a person annotated in it."""

    text: str
    spans: tuple[Span, ...]
    row: Row
    ignored: bool = False


class RejectedRowError(ValueError):
    """A row that can't be used, with the reason for the person who wrote it."""

    def __init__(self, row: Row, reason: str, n_spans: int = 0) -> None:
        """Keep the row whole: it goes to the file of rejected rows."""
        super().__init__(f"{row.file}:{row.line}: {reason}")
        self.row = row
        self.reason = reason
        self.n_spans = n_spans

    def to_json(self) -> dict[str, Any]:
        """Give the row whole, with where it stands and why it was refused."""
        row = self.row
        place = {"file": row.file, "line": row.line}
        return {**place, "reason": self.reason, "row": row.value}
