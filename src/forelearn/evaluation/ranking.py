"""How good an order of sources is, for one target. m sources; predicted and actual: [m].

Definitions in `DEFINITIONS`. Sources with equal predictions are taken in every order at once (the
expectation), so a constant predictor measures exactly as a random one; a prediction that is NaN (a failed
source) is put, tied with other such, behind all that are known: it is never dropped. Actual values must be
finite.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, weightedtau

Array = NDArray[np.float64]

DEFINITIONS: dict[str, str] = {
    "regret": "(best performance − best performance among the k highest predicted) / best performance; "
    "lower is better, 0 is perfect",
    "regret in points": "best performance − best performance among the k highest predicted; lower is better",
    "ndcg": "discounted cumulative gain of the predicted order over that of the true one, where a source's "
    "gain is m − its true rank; higher is better, 1 is perfect",
    "weighted tau": "Kendall's τ in which a swap at ranks r and s weighs 1/r + 1/s; in [−1, 1], "
    "higher is better",
    "rank of the best": "predicted rank of the truly best source; lower is better, 1 is perfect",
    "hit": "share of targets whose k highest predicted hold a truly best source; higher is better",
}


def regret_at(predicted: ArrayLike, actual: ArrayLike, k: int, *, relative: bool = True) -> float:
    """Regret@k, see `DEFINITIONS`. NaN if `relative` and the best performance is not above 0.

    actual: performances (or, with `relative=False`, gains). k: at least 1; all sources if k > m.
    """
    guess, truth = _vectors(predicted, actual)
    sure, tied, left = _top(guess, k)
    best = float(truth.max())
    certain = float(truth[sure].max(initial=-math.inf))
    # the largest of k values drawn from b tied ones is the j-th smallest with chance C(j−1, k−1) / C(b, k)
    values, ways = np.sort(truth[tied]), math.comb(int(tied.sum()), left)
    found = math.fsum(
        math.comb(place, left - 1) / ways * max(certain, float(value)) for place, value in enumerate(values)
    )
    points = max(best - found, 0.0)
    if not relative:
        return points
    return points / best if best > 0 else math.nan


def ndcg(predicted: ArrayLike, actual: ArrayLike) -> float:
    """NDCG with rank gains, see `DEFINITIONS`. NaN for one source.

    On the performances themselves NDCG would say nothing: they are all alike, and a reversed order reaches
    0.92.
    """
    guess, truth = _vectors(predicted, actual)
    gains = len(truth) - rankdata(-truth, method="average")
    discounts = 1.0 / np.log2(np.arange(2, len(truth) + 2))
    ideal = float(np.sort(gains)[::-1] @ discounts)
    if ideal == 0.0:
        return math.nan
    # tied predictions share their places: each stands for the mean gain of its tie
    _, tie = np.unique(guess, return_inverse=True)
    shared = (np.bincount(tie, gains) / np.bincount(tie))[tie]
    return float(shared[np.argsort(-guess, kind="stable")] @ discounts) / ideal


def weighted_tau(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Weighted Kendall τ (Vigna 2015, hyperbolic, as `scipy.stats.weightedtau`), see `DEFINITIONS`.

    NaN where all predictions or all actual values tie: count such targets, do not drop them in silence.
    """
    guess, truth = _vectors(predicted, actual)
    if len(truth) < 2 or np.ptp(truth) == 0 or (guess == guess[0]).all():
        return math.nan
    return float(np.clip(weightedtau(truth, rankdata(guess)).statistic, -1.0, 1.0))


def rank_of_best(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Predicted rank, from 1, of the truly best source (of several, the first); ties share their average."""
    guess, truth = _vectors(predicted, actual)
    return float(rankdata(-guess, method="average")[truth == truth.max()].min())


def hit_at(predicted: ArrayLike, actual: ArrayLike, k: int) -> float:
    """1 if the k highest predicted hold a truly best source, 0 if not; the probability if predictions tie."""
    guess, truth = _vectors(predicted, actual)
    sure, tied, left = _top(guess, k)
    best = truth == truth.max()
    if best[sure].any():
        return 1.0
    within, count = int(best[tied].sum()), int(tied.sum())
    return 1.0 - math.comb(count - within, left) / math.comb(count, left)


def _vectors(predicted: ArrayLike, actual: ArrayLike) -> tuple[Array, Array]:
    guess, truth = np.asarray(predicted, np.float64), np.asarray(actual, np.float64)
    if guess.ndim != 1 or guess.shape != truth.shape or not len(guess):
        raise ValueError(f"expected two vectors of one length ≥ 1, got {guess.shape} and {truth.shape}")
    if not np.isfinite(truth).all():
        raise ValueError("`actual` must be finite")
    return np.where(np.isnan(guess), -np.inf, guess), truth


def _top(guess: Array, k: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], int]:
    """Who is in the top k for sure, who ties for the last places, and how many those are (at least 1)."""
    if k < 1:
        raise ValueError(f"`k` must be at least 1, got {k}")
    k = min(k, len(guess))
    last = np.sort(guess)[::-1][k - 1]
    sure = guess > last
    return sure, guess == last, k - int(sure.sum())
