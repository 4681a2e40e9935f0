"""The account of a conversion: what happened to every row and span."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasabi import msg

from scripts.annotations.records import IgnoredError, Reading, RejectedError, Row

# How many, by what is counted and its kind: `("rows", "kept")`, `("repairs", "trim")`.
Counts = Counter[tuple[str, str]]
KINDS = ("in", "kept", "repaired", "rejected", "ignored")
# Pairs of texts nearly the same that are named; all are counted.
N_NAMED = 100
# Rejected rows, characters of a reason (a row may have any size) and reasons shown on
# the terminal; all of them are in the files.
N_ROWS_SHOWN, MAX_REASON, N_REASONS = 5, 300, 3


@dataclass
class Account:
    """What happened to every row and span.

    Attributes:
        counts: Rows, spans, repairs, reasons to ignore a row or span, formats, and
            notes of what was chosen.
        by_set: The same for each set.
        passed_over: Files that hold no annotations.
        rejected: The rejected rows, as `corpus/rejected.jsonl` has them.
        near: Training rows that are nearly the same as a held-out row, with that row.
        labels: The labels that occur in each set.
        docs: Docs by set.
        readings: How the offsets of each file were read.
        corrections: Whether the annotations are few, and all of known labels.
        copies: The sets that are copies of `train`, since nothing was split off it.
        rounds: The labels of each earlier round, by its name.
        split_off: The sets that were split off `train`.
    """

    counts: Counts = field(default_factory=Counter)
    by_set: dict[str, Counts] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    near: list[tuple[str, str]] = field(default_factory=list)
    labels: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    docs: dict[str, int] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    corrections: bool = False
    copies: list[str] = field(default_factory=list)
    rounds: dict[str, list[str]] = field(default_factory=dict)
    split_off: list[str] = field(default_factory=list)

    def keep(self, row: Row, counts: Counts) -> None:
        """Count a row that became a doc; `counts` has its spans that changed."""
        n_of = Counter(what for what, _ in counts.elements())
        self.add(row, "repaired" if n_of["repairs"] else "kept")
        self.counts["spans", "kept"] += row.n_spans - n_of["spans"]
        self.counts += counts

    def drop(self, row: Row, error: RejectedError) -> None:
        """Count a row that is rejected or ignored, and keep a rejected one."""
        kind = "ignored" if isinstance(error, IgnoredError) else "rejected"
        self.add(row, kind)
        self.counts["spans", kind] += row.n_spans
        if kind == "ignored":
            self.counts["ignored", str(error)] += 1
        else:
            self.rejected.append(to_rejected(row, error))

    def add(self, row: Row, kind: str) -> None:
        """Count a row of a kind, its format and its spans."""
        self.counts["rows", "in"] += 1
        self.counts["rows", kind] += 1
        self.counts["spans", "in"] += row.n_spans
        self.counts["formats", row.format_name] += 1
        self.readings[row.file] = row.reading

    def to_json(self) -> dict[str, Any]:
        """Return the counts as `corpus/preprocess.json` has them."""
        return {
            "rows": {kind: self.counts["rows", kind] for kind in KINDS},
            "spans": {kind: self.counts["spans", kind] for kind in KINDS},
            "repairs": self.counts_of("repairs"),
            "ignored": self.counts_of("ignored"),
            "notes": self.counts_of("notes"),
            "passed_over": self.passed_over,
            "reasons": dict(reasons(self.rejected)),
            "docs": self.docs,
            "offsets": {
                file: f"{how.unit}, ends inclusive" if how.inclusive else how.unit
                for file, how in self.readings.items()
                if how != Reading()
            },
            "near": {"rows": len(self.near), "first": self.near[:N_NAMED]},
            "corrections": self.corrections,
            "copies": self.copies,
            **({"rounds": self.rounds} if self.rounds else {}),
            "split_off": self.split_off,
            "formats": self.counts_of("formats"),
        }

    def counts_of(self, what: str) -> dict[str, int]:
        """Return how many there are of each kind, in alphabetical order."""
        return {kind: n for (of, kind), n in sorted(self.counts.items()) if of == what}


def to_rejected(row: Row, error: RejectedError) -> dict[str, Any]:
    """Return a rejected row with where it is and why: corrected, it can be an input."""
    rejected = {"file": row.file, "line": row.line, "reason": str(error)}
    if error.excerpt:
        rejected["excerpt"] = error.excerpt
    if error.other:
        names = ("file", "line", "value")
        rejected["other"] = {name: getattr(error.other, name) for name in names}
    return {**rejected, "row": row.value}


def in_line(rejected: dict[str, Any]) -> str:
    """Write where a rejected row is and why it is rejected, in one line."""
    return f"{rejected['file']}:{rejected['line']}: {rejected['reason'][:MAX_REASON]}"


def reasons(rejected: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Count rejected rows by reason, up to the colon, the most frequent first."""
    return Counter(row["reason"].partition(":")[0] for row in rejected).most_common()


def show(account: Account, name: str, rejected_path: Path) -> None:
    """Print what happened to the rows and spans, and what a person should look at."""
    counts = account.to_json()
    for what in ("rows", "spans"):
        (_, n_in), *others = counts[what].items()
        kinds = ", ".join(f"{n} {kind}" for kind, n in others if n) or "nothing kept"
        is_rejected = what == "rows" and account.rejected
        file = f" ({rejected_path})" if is_rejected else ""
        print(f"{name}{n_in} {what}: {kinds}{file}")
    for what in ("repairs", "ignored", "notes"):
        if counts[what]:
            kinds = [f"{kind} ({n})" for kind, n in counts[what].items()]
            print(f"{name}{what}: {', '.join(kinds)}")
    if others := account.passed_over:
        names = ", ".join(others[:N_ROWS_SHOWN])
        print(f"{name}{len(others)} files without annotations passed over: {names}")
    for file, unit in counts["offsets"].items():
        print(f"{file}: offsets count {unit}")
    for row in account.rejected[:N_ROWS_SHOWN]:
        print("Rejected", in_line(row))
    if near := account.near:
        pair = " and ".join(near[0])
        print(f"Rows of train nearly repeat held-out rows: {len(near)}, first {pair}")


def check_rejected(account: Account, max_share: float, path: Path) -> None:
    """Check that not too many rows were rejected, or name the frequent reasons."""
    n_rejected, n_rows = len(account.rejected), account.counts["rows", "in"]
    if n_rejected > max_share * n_rows:
        most = reasons(account.rejected)[:N_REASONS]
        raise ValueError(
            f"{n_rejected} of {n_rows} rows were rejected, a share of more than "
            f"{max_share:g} (--max-rejected): "
            + "; ".join(f"{reason} ({n})" for reason, n in most)
            + f". The first is {in_line(account.rejected[0])}. All are in {path}: "
            "correct them in your files, or see the flags for repairs in preprocess "
            "--help."
        )


def check_sets(
    account: Account, apart: dict[str, Account], settings: dict[str, str | None]
) -> None:
    """Check that every set has annotations to learn from or to score on.

    `apart` has the accounts of the old test, of the must-pass sentences, and of earlier
    rounds.
    """
    old_account = apart["old_test"]
    counts = apart["must_pass"].counts
    if settings["must_pass"] and not counts["spans", "in"] - counts["spans", "ignored"]:
        cause = why_empty(apart["must_pass"], ("must_pass",))
        raise ValueError(f"{settings['must_pass']} has nothing that must pass: {cause}")
    from_train = ("train", *(n for n in account.docs if settings[n] == ""))
    if not any(account.labels[name] for name in from_train):
        cause = why_empty(account, from_train)
        raise ValueError(f"{settings['train']} has no annotation of any label: {cause}")
    if old_account.docs and not old_account.labels["old_test"]:
        raise ValueError(
            f"{settings['old_test']} has no annotation, and vars.old_test needs gold "
            f"of the old labels: {why_empty(old_account, ('old_test',))}"
        )
    labels = ", ".join(sorted(account.labels["train"])) or "any label"
    for name in [name for name in account.docs if not account.labels[name]]:
        source = settings[name] or f"The {name} set split off {settings['train']}"
        cause = why_empty(account, (name,))
        if name in from_train:
            one = "train is one text or document, which is not split; see doc_id"
            why = "too few rows have one" if account.docs[name] else one
            cause = f"{why}. Annotate more, or set vars.dev and vars.test."
        raise ValueError(f"{source} has no annotation of {labels}: {cause}")


def why_empty(account: Account, names: Collection[str]) -> str:
    """Explain why there is no annotation in some sets, and what to do."""
    counts = Counter()
    for name in names:
        # A copy of `train` has no counts of its own.
        counts += account.by_set.get(name, Counter())
    n_rows, n_rejected = counts["rows", "in"], counts["rows", "rejected"]
    most = Counter({why: n for (what, why), n in counts.items() if what == "ignored"})
    if not n_rows:
        return "it is empty."
    if n_rejected:
        first = in_line(account.rejected[0])
        return f"{n_rejected} of {n_rows} rows were rejected, first {first}."
    what = ", ".join(f"{why} ({n})" for why, n in most.most_common(N_REASONS))
    if counts["spans", "ignored"]:
        return f"its spans were ignored: {what}; see --annotated-labels and --map."
    if counts["rows", "ignored"] == n_rows:
        return f"all its rows were ignored: {what}."
    return (
        f"none of its {n_rows} rows has a span under spans, entities, label, labels or "
        "annotations. Annotate some, or name the key so."
    )


def warn(new: list[str], known: Collection[str], tested: Collection[str]) -> None:
    """Warn of new labels that can't be scored, or that look like a mistake."""
    if untested := [name for name in new if name not in tested]:
        msg.warn(f"New, but not in test: {', '.join(untested)}. It will not be scored.")
    alike = {name.casefold(): name for name in known}
    for name in new:
        if other := alike.get(name.casefold()):
            msg.warn(
                f"{name} is new: if you mean the base's {other}, --map {name}={other}."
            )
