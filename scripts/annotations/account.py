"""The account of a conversion: every row and span in, and what became of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from scripts.annotations.offsets import Reading
from scripts.annotations.records import RejectedRow

KINDS = ("in", "kept", "repaired", "rejected", "ignored")
# Pairs of texts nearly the same that are named; all are counted.
N_NAMED = 100


@dataclass
class Account:
    """What became of every row and span, and the rows that were refused.

    Attributes:
        rows: Rows by kind.
        spans: Spans by kind.
        repairs: Spans by what was done to them.
        ignored: Rows, or spans, by why they were not used.
        rejected: The rows that were refused.
        near: The number of rows of train that nearly stand in a held-out set.
        first_near: The first of them, and what they nearly are.
        formats: Rows by format.
        labels: Entities in the corpus by label.
        docs: Docs by split.
        readings: How the offsets of each file were read.
    """

    rows: Counter[str] = field(default_factory=Counter)
    spans: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    rejected: list[RejectedRow] = field(default_factory=list)
    near: int = 0
    first_near: list[tuple[str, str]] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    docs: dict[str, int] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)

    def add(self, other: "Account") -> None:
        """Add what became of other rows, which come later."""
        for name in ("rows", "spans", "repairs", "ignored", "formats", "labels"):
            getattr(self, name).update(getattr(other, name))
        self.docs.update(other.docs)
        self.readings.update(other.readings)
        self.rejected += other.rejected
        self.near += other.near
        self.first_near = [*self.first_near, *other.first_near][:N_NAMED]

    def take(self, n_spans: int, done: list[str]) -> None:
        """Count a row that was taken, and what was done to its spans, a word each."""
        self.rows["in"] += 1
        kinds = [word.partition(": ") for word in done]
        is_repaired = any(kind != "ignored" for kind, *_ in kinds)
        self.rows["repaired" if is_repaired else "kept"] += 1
        self.spans["in"] += n_spans
        self.spans["kept"] += n_spans
        for kind, _, label in kinds:
            if kind in KINDS:
                self.spans[kind] += 1
                self.spans["kept"] -= 1
                if label:
                    self.ignored[f"{label}, not looked for"] += 1
            else:
                self.repairs[kind] += 1

    def ignore(self, n_spans: int, why: str) -> None:
        """Count a row that is not to be used, and why."""
        self.rows.update({"in": 1, "ignored": 1})
        self.spans.update({"in": n_spans, "ignored": n_spans})
        self.ignored[why] += 1

    def reject(self, rejected: RejectedRow, n_spans: int) -> None:
        """Count and keep a row that was refused."""
        self.rows.update({"in": 1, "rejected": 1})
        self.spans.update({"in": n_spans, "rejected": n_spans})
        self.rejected.append(rejected)

    def note_near(self, place: str, near: str) -> None:
        """Count a row of train that nearly stands elsewhere, and name the first."""
        self.near += 1
        if self.near <= N_NAMED:
            self.first_near.append((place, near))

    def to_json(self) -> dict[str, Any]:
        """Give the counts in the form of `corpus/preprocess.json`."""
        return {
            "rows": {kind: self.rows[kind] for kind in KINDS},
            "spans": {kind: self.spans[kind] for kind in KINDS},
            "repairs": dict(sorted(self.repairs.items())),
            "ignored": dict(sorted(self.ignored.items())),
            "reasons": dict(reasons(self.rejected)),
            "docs": self.docs,
            "offsets": {
                file: f"{how.unit}, ends inclusive" if how.inclusive else how.unit
                for file, how in self.readings.items()
                if how != Reading()
            },
            "near": {"rows": self.near, "first": self.first_near},
            "formats": dict(sorted(self.formats.items())),
        }


def reasons(rejected: list[RejectedRow]) -> list[tuple[str, int]]:
    """List what rows were refused for, commonest first: what stands before a colon."""
    return Counter(row.reason.partition(":")[0] for row in rejected).most_common()
