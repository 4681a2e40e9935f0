"""How sure a change of F is: the paired bootstrap and the sign test."""

import numpy as np

# Draws, and how many are made at a time, which bounds the memory.
RESAMPLES, CHUNK = 10_000, 500
# Both tails of a 95 % interval.
TAILS = (0.025, 0.975)
# As in spaCy's PRFScore: nothing found is a score of 0, and no error.
TINY = 1e-100


def f_scores(counts: np.ndarray) -> np.ndarray:
    """Return F from true positives, false positives and false negatives (last axis).

    spaCy's PRFScore holds one score; this is its formula for thousands of them.
    """
    tp, fp, fn = np.moveaxis(counts.astype(float), -1, 0)
    p, r = tp / (tp + fp + TINY), tp / (tp + fn + TINY)
    return 2 * ((p * r) / (p + r + TINY))


def bootstrap(counts: np.ndarray, n_docs: np.ndarray) -> np.ndarray:
    """Draw the docs with replacement, and return F for each draw: (draws, …).

    Both pipelines are scored on the same draw, so that texts that are hard for both do
    not blur the change. Efron & Tibshirani (1993), "An Introduction to the Bootstrap";
    Berg-Kirkpatrick, Burkett & Klein (2012), "An Empirical Investigation of
    Statistical Significance in NLP".

    Args:
        counts: True positives, false positives and false negatives: (docs, …, 3).
        n_docs: How many docs have these counts. To draw docs is to draw these numbers
            from a multinomial.
    """
    if not len(counts):
        return np.zeros((RESAMPLES, *counts.shape[1:-1]))
    rng = np.random.default_rng(0)
    flat = counts.reshape(len(counts), -1).astype(float)
    share, n = n_docs / n_docs.sum(), int(n_docs.sum())
    parts = []
    for _ in range(0, RESAMPLES, CHUNK):
        draws = rng.multinomial(n, share, size=CHUNK)
        sums = (draws.astype(float) @ flat).reshape(-1, *counts.shape[1:])
        parts.append(f_scores(sums))
    return np.concatenate(parts)


def interval(values: np.ndarray) -> list[float]:
    """Return the bounds that 95 % of the draws lie between."""
    return [float(bound) for bound in np.quantile(values, TAILS)]


def sign_test(n_gained: int, n_lost: int) -> float:
    """Return how likely so uneven a split is by chance: the exact, two-sided sign test.

    This is McNemar's test (1947) on pairs of right and wrong answers.
    """
    n, tail, ways = n_gained + n_lost, 0, 1
    # Not math.comb, which takes seconds for ten thousand changes.
    for k in range(min(n_gained, n_lost) + 1):
        tail += ways
        ways = ways * (n - k) // (k + 1)
    return min(1.0, 2 * tail / 2**n)
