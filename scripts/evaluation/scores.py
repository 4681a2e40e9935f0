"""The scores of both pipelines on a test, and how sure their change is."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from spacy.scorer import PRFScore

from scripts.evaluation.cases import WHO, Case, Fact
from scripts.evaluation.statistics import bootstrap, interval, sign_test

# In place of a label: nothing was found, or nothing was there.
MISSED, SPURIOUS = "MISSED", "SPURIOUS"
ERRORS = ("right", "label", "boundary", "both", "missed", "spurious")
# For each label of a doc: true positives, false positives and false negatives of the
# base, then those of the update.
Row = tuple[tuple[str, int, int, int, int, int, int], ...]


def score(cases: Iterable[Case], labels: Collection[str]) -> dict[str, Any]:
    """Score both pipelines on a test; only the labels that were annotated count."""
    rows: Counter[Row] = Counter()
    errors = {who: dict.fromkeys(ERRORS, 0) for who in WHO}
    confusion = {who: defaultdict(Counter) for who in WHO}
    n_gained = n_lost = 0
    kind = None
    for case in cases:
        kind = case.kind
        gold, found = case.judged(labels)
        rows[count(gold, found)] += 1
        n_gained += len(gold & found["updated"] - found["base"])
        n_lost += len(gold & found["base"] - found["updated"])
        for who in WHO:
            for right, wrong, error in judge(case, gold, found[who], case.found[who]):
                confusion[who][right][wrong] += 1
                errors[who][error] += 1
    names, scores, ratio_interval = compare(rows)
    summaries = {who: kind.summarize(errors[who]) for who in WHO} if kind else {}
    return {
        "docs": rows.total(),
        **scores.pop(),
        "ratio_interval": ratio_interval,
        "gained": n_gained,
        "lost": n_lost,
        "p_value": sign_test(n_gained, n_lost),
        "summary": summaries,
        "labels": dict(zip(names, scores, strict=True)),
        "errors": errors,
        "confusion": {
            who: {gold: dict(sorted(n.items())) for gold, n in sorted(pairs.items())}
            for who, pairs in confusion.items()
        },
    }


def compare(
    rows: Counter[Row],
) -> tuple[list[str], list[dict[str, Any]], list[float] | None]:
    """Compare the scores of both pipelines, given how many docs have which counts.

    Returns:
        The labels; the scores of each, then of all together; and the interval of F
        after ÷ before.
    """
    labels = sorted({label for row in rows for label, *_ in row})
    # By distinct doc, pipeline, and label or all of them.
    counts = np.zeros((len(rows), len(WHO), len(labels) + 1, 3), int)
    for i, row in enumerate(rows):
        for label, *six in row:
            counts[i, :, labels.index(label)] = np.reshape(six, (2, 3))
    counts[:, :, -1] = counts.sum(axis=2)
    n_docs = np.array([*rows.values()], int)
    before, after = np.moveaxis(bootstrap(counts, n_docs), 1, 0)
    # All draws from one doc are that doc: they say nothing about others.
    is_sure = rows.total() > 1
    scores = []
    for i, totals in enumerate(np.einsum("dplc,d->lpc", counts, n_docs).tolist()):
        base, updated = (PRFScore(tp=tp, fp=fp, fn=fn) for tp, fp, fn in totals)
        both = {"base": base.to_dict(), "updated": updated.to_dict()}
        bounds = interval(after[:, i] - before[:, i]) if is_sure else None
        change = {"change": updated.fscore - base.fscore, "interval": bounds}
        scores.append({"gold": base.tp + base.fn, **both, **change})
    found = before[:, -1] > 0
    ratios = after[found, -1] / before[found, -1]
    return labels, scores, interval(ratios) if is_sure and len(ratios) else None


def count(gold: set[Fact], found: dict[str, set[Fact]]) -> Row:
    """Count a doc's true positives, false positives and false negatives by label."""
    sixes: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    for i, who in enumerate(WHO):
        kinds = (gold & found[who], found[who] - gold, gold - found[who])
        for j, facts in enumerate(kinds, start=3 * i):
            for fact in facts:
                sixes[fact[-1]][j] += 1
    return tuple((label, *six) for label, six in sorted(sixes.items()))


def judge(
    case: Case, gold: set[Fact], counted: set[Fact], found: set[Fact]
) -> Iterator[tuple[str, str, str]]:
    """Compare what a pipeline finds, and what counts of it, with gold.

    Yields:
        Gold label, found label and one of `ERRORS`: for each gold fact the one found
        that is nearest to it, and for each fact that counts where there is no gold.
    """
    overlap, tokens = case.kind.overlap, case.kind.tokens
    by_token = defaultdict(set)
    for other in found:
        for i in tokens(other):
            by_token[i].add(other)
    for fact in gold:
        # The same tokens first, then the same label, then the most tokens in common.
        best = max(
            {other for i in tokens(fact) for other in by_token.get(i, ())},
            key=lambda o: (o[:-1] == fact[:-1], o[-1] == fact[-1], overlap(fact, o), o),
            default=None,
        )
        if best is None:
            yield fact[-1], MISSED, "missed"
        elif best == fact:
            yield fact[-1], fact[-1], "right"
        elif best[:-1] == fact[:-1]:
            yield fact[-1], best[-1], "label"
        else:
            yield fact[-1], best[-1], "boundary" if best[-1] == fact[-1] else "both"
    for other in case.apart(counted, gold):
        yield SPURIOUS, other[-1], "spurious"
