"""What is counted of two pipelines on one test, doc by doc, and what comes of it."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scripts.evaluation.cases import WHO, Case, Entity, overlap
from scripts.evaluation.statistics import bootstrap, interval, prf, sign_test

# No label: nothing was found, and nothing was there.
MISSED, SPURIOUS = "MISSED", "SPURIOUS"
ERRORS = ("right", "label", "boundary", "both", "missed", "spurious")
FATES = ("kept", "moved", "forgotten")
# The place of a label in a test, and its true positives, false positives and false
# negatives for the base and for the update.
Row = tuple[tuple[str, int, int, int, int, int, int], ...]


@dataclass
class Tally:
    """What both pipelines found on a test; memory holds distinct counts, no docs.

    Attributes:
        labels: The labels that are scored: those that a person looked for.
        old: The labels of the base.
        rows: How many docs have which counts.
        confusion: Pairs of gold label and found label, by pipeline.
        errors: Entities by what is wrong with them, by pipeline.
        fates: Of the gold entities that the base found: what became of them.
        n_gained: Gold entities that only the update finds.
        n_lost: Gold entities that only the base finds.
        n_added: Entities of types that are new to the base, where the update finds any.
        n_unmoved: As a row has them, of all labels, without what those overlap.
    """

    labels: frozenset[str]
    old: frozenset[str]
    rows: Counter[Row] = field(default_factory=Counter)
    confusion: dict[str, Counter[tuple[str, str]]] = field(
        default_factory=lambda: {who: Counter() for who in WHO}
    )
    errors: dict[str, Counter[str]] = field(
        default_factory=lambda: {who: Counter() for who in WHO}
    )
    fates: Counter[str] = field(default_factory=Counter)
    n_gained: int = 0
    n_lost: int = 0
    n_added: int = 0
    n_unmoved: np.ndarray = field(default_factory=lambda: np.zeros(6, int))

    def add(self, case: Case) -> None:
        """Count a case."""
        gold = {ent for ent in case.gold if ent[2] in self.labels}
        found = {who: case.looked_at(who, self.labels) for who in WHO}
        self.rows[count(gold, found)] += 1
        for who in WHO:
            for right, wrong, error in judge(gold, found[who], case.found[who]):
                self.confusion[who][right, wrong] += 1
                self.errors[who][error] += 1
        self.n_gained += len(gold & found["updated"] - found["base"])
        self.n_lost += len(gold & found["base"] - found["updated"])
        new = [ent for ent in case.found["updated"] if ent[2] not in self.old]
        self.n_added += len(new)
        self.fates.update(fates(gold & found["base"], case.found["updated"], new))
        stayed = {who: unmoved(found[who], new) for who in WHO}
        for _, *six in count(unmoved(gold, new), stayed):
            self.n_unmoved += six

    @property
    def retention_unmoved(self) -> float | None:
        """F after ÷ before, where what moved to a new type counts for neither."""
        before, after = prf(self.n_unmoved.reshape(len(WHO), 3))[:, 2].tolist()
        return after / before if before else None

    def to_json(self) -> dict[str, Any]:
        """Give the scores of both pipelines, and how sure the change is.

        Returns:
            A test of `training/metrics.json`; the README says what it holds.
        """
        names = sorted({label for row in self.rows for label, *_ in row})
        counts, n_docs = self.counts(names), np.array([*self.rows.values()], int)
        totals = np.einsum("d...,d->...", counts, n_docs)
        scores, draws = prf(totals), bootstrap(counts, n_docs)
        before, after = np.moveaxis(draws, 1, 0)
        # All draws of one doc are that doc: they say nothing of others.
        is_sure = self.rows.total() > 1

        def side_by_side(place: int) -> dict[str, Any]:
            points = scores[:, place].tolist()
            both = {
                w: dict(zip("prf", p, strict=True))
                for w, p in zip(WHO, points, strict=True)
            }
            return {
                "gold": int(totals[0, place, 0] + totals[0, place, 2]),
                **both,
                "change": both["updated"]["f"] - both["base"]["f"],
                "interval": interval(after[:, place] - before[:, place])
                if is_sure
                else None,
            }

        found = before[:, -1] > 0
        ratios = after[found, -1] / before[found, -1]
        return {
            "docs": self.rows.total(),
            **side_by_side(-1),
            "ratio_interval": interval(ratios) if is_sure and len(ratios) else None,
            "gained": self.n_gained,
            "lost": self.n_lost,
            "p_value": sign_test(self.n_gained, self.n_lost),
            "labels": {label: side_by_side(place) for place, label in enumerate(names)},
            "errors": {who: {e: self.errors[who][e] for e in ERRORS} for who in WHO},
            "confusion": {who: nested(self.confusion[who]) for who in WHO},
        }

    def counts(self, labels: list[str]) -> np.ndarray:
        """Lay out the distinct counts: (rows, pipelines, labels and all of them, 3)."""
        counts = np.zeros((len(self.rows), len(WHO), len(labels) + 1, 3), int)
        for number, row in enumerate(self.rows):
            for label, *six in row:
                counts[number, :, labels.index(label)] = np.reshape(six, (2, 3))
        counts[:, :, -1] = counts.sum(axis=2)
        return counts


def count(gold: set[Entity], found: dict[str, set[Entity]]) -> Row:
    """Count a doc's true positives, false positives and false negatives by label."""
    sixes: dict[str, list[int]] = {}
    for place, who in enumerate(WHO):
        kinds = (gold & found[who], found[who] - gold, gold - found[who])
        for kind, ents in enumerate(kinds):
            for *_, label in ents:
                sixes.setdefault(label, [0] * 6)[3 * place + kind] += 1
    return tuple((label, *six) for label, six in sorted(sixes.items()))


def judge(
    gold: set[Entity], looked_at: set[Entity], found: set[Entity]
) -> Iterator[tuple[str, str, str]]:
    """Say of each entity what stands for it, and what is wrong with that.

    Args:
        gold: The gold entities.
        looked_at: What a pipeline finds of the labels where a person looked.
        found: All that it finds: it may take a gold entity for anything.

    Yields:
        Gold label, found label, one of `ERRORS`: for each gold entity the one found
        that is nearest to it, and for each found one where there is nothing.
    """
    for ent in gold:
        near = [other for other in found if overlap(ent, other)]
        # The same place first, then the same label, then the most tokens shared.
        best = max(
            near,
            key=lambda o: (o[:2] == ent[:2], o[2] == ent[2], overlap(ent, o), o),
            default=None,
        )
        if best is None:
            yield ent[2], MISSED, "missed"
        elif best == ent:
            yield ent[2], ent[2], "right"
        elif best[:2] == ent[:2]:
            yield ent[2], best[2], "label"
        else:
            yield ent[2], best[2], "boundary" if best[2] == ent[2] else "both"
    for other in looked_at:
        if not any(overlap(ent, other) for ent in gold):
            yield SPURIOUS, other[2], "spurious"


def unmoved(ents: set[Entity], new: Collection[Entity]) -> set[Entity]:
    """Leave out the entities that one of a new type overlaps."""
    return {ent for ent in ents if not any(overlap(ent, other) for other in new)}


def fates(
    known: set[Entity], found: set[Entity], new: Collection[Entity]
) -> dict[str, int]:
    """Count what became of entities that the base found.

    A type carved out of an old one takes entities with it: that is what its
    annotations ask for, and no forgetting. Whether it took the right ones, gold of
    the old types can't tell.

    Args:
        known: The gold entities that the base found.
        found: What the updated pipeline finds.
        new: Of that, what has a label that the base lacks.

    Returns:
        How many are `kept`, `moved` (a new label overlaps them) and `forgotten`.
    """
    lost = known - found
    n_forgotten = len(unmoved(lost, new))
    fate_counts = (len(known & found), len(lost) - n_forgotten, n_forgotten)
    return dict(zip(FATES, fate_counts, strict=True))


def nested(pairs: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Give counted pairs as a table: for each first one, its second ones."""
    table: dict[str, dict[str, int]] = {}
    for (first, second), n in sorted(pairs.items()):
        table.setdefault(first, {})[second] = n
    return table
