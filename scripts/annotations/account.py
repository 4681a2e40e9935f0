"""The account of a conversion: every row and span in, and what became of it."""

from collections import Counter
from dataclasses import dataclass, field

from scripts.annotations.records import RejectedRowError

KINDS = ("in", "kept", "repaired", "rejected", "ignored")


@dataclass
class Account:
    """What became of every row and span, and the rows that were refused."""

    rows: Counter[str] = field(default_factory=Counter)
    spans: Counter[str] = field(default_factory=Counter)
    rejected: list[RejectedRowError] = field(default_factory=list)

    def add(self, kind: str, n_spans: int, n_repaired: int = 0) -> None:
        """Count one row and its spans as kept, repaired, rejected or ignored."""
        span_kind = "kept" if kind == "repaired" else kind
        self.rows.update({"in": 1, kind: 1})
        self.spans.update({"in": n_spans, span_kind: n_spans - n_repaired})
        self.spans.update({"repaired": n_repaired})

    def to_json(self) -> dict[str, dict[str, int]]:
        """Give the counts in the form of `corpus/preprocess.json`."""
        return {
            "rows": {kind: self.rows[kind] for kind in KINDS},
            "spans": {kind: self.spans[kind] for kind in KINDS},
        }
