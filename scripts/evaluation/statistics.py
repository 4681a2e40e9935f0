"""Precision, recall and F, and how sure a change of them is."""

import numpy as np

RESAMPLES, CHUNK = 10_000, 500
# Both tails of a 95 % interval.
TAILS = (0.025, 0.975)
# As in spaCy's PRFScore: nothing found is a score of 0, and no error.
TINY = 1e-100


def prf(counts: np.ndarray) -> np.ndarray:
    """Give precision, recall and F as spaCy's Scorer does, to the last digit.

    Args:
        counts: True positives, false positives, false negatives, on the last axis.

    Returns:
        Precision, recall and F, from 0 to 1, on the last axis.
    """
    tp, fp, fn = np.moveaxis(counts.astype(float), -1, 0)
    p, r = tp / (tp + fp + TINY), tp / (tp + fn + TINY)
    return np.stack([p, r, 2 * ((p * r) / (p + r + TINY))], axis=-1)


def bootstrap(counts: np.ndarray, n_docs: np.ndarray) -> np.ndarray:
    """Draw the docs again and again, and give F each time: the paired bootstrap.

    Both pipelines are scored on the same draw of docs, so that what is hard for both
    does not blur the change. Efron & Tibshirani (1993), "An Introduction to the
    Bootstrap"; Berg-Kirkpatrick, Burkett & Klein (2012), "An Empirical Investigation
    of Statistical Significance in NLP". Docs with the same counts are one row: how
    often it is drawn is a multinomial, which is the same as to draw docs.

    Args:
        counts: True positives, false positives, false negatives of distinct docs, of
            shape (docs, …, 3).
        n_docs: How many docs have these counts, of shape (docs,).

    Returns:
        F from 0 to 1, of shape (draws, …); 0 where there are no docs.
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
        parts.append(prf(sums)[..., 2])
    return np.concatenate(parts)


def interval(values: np.ndarray) -> list[float]:
    """Give the bounds between which 95 % of the draws lie."""
    return [float(bound) for bound in np.quantile(values, TAILS)]


def sign_test(n_gained: int, n_lost: int) -> float:
    """Give how likely so uneven a split is if each were a toss of a coin.

    The exact, two-sided sign test, which is McNemar's (1947) on pairs of right and
    wrong answers.
    """
    n, tail, ways = n_gained + n_lost, 0, 1
    for k in range(min(n_gained, n_lost) + 1):
        tail += ways
        ways = ways * (n - k) // (k + 1)
    return min(1.0, 2 * tail / 2**n)
