"""Where each source of a target stands once its orders are fused, and how sure its rank is.

The orders of several methods are fused by reciprocal rank (`fusion.py`). The same is done on each half-sample of
the target's rows: the spread of a source's rank over them is its interval, and two sources are tied where the
halves do not agree on which is better. A method without halves keeps its one order in each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from forelearn.core.scores import Scores
from forelearn.estimators.fusion import fuse


@dataclass(frozen=True, slots=True)
class Standing:
    """A source. rank: from 1; equal scores share the smallest. low, high: its rank at the level's two ends over
    the halves; equal to `rank` where there are none. tied: it cannot be told from the best.

    score: fused, mean 0 and standard deviation 1 over the target's sources; higher is better.
    """

    rank: int
    low: int
    high: int
    tied: bool
    score: float


def standings(
    rankings: Sequence[Scores],
    halves: Sequence[Sequence[Scores]] = (),
    *,
    level: float = 0.9,
) -> dict[str, Standing]:
    """Source → where it stands; sources that no ranking scores have no standing.

    rankings: one a method, all of one target. halves: the same rankings on each half of the target's rows.
    level: of the rank's interval; a source is tied with the best if it is level with it or above it in more than
    (1 − level) / 2 of the halves.
    """
    fused = fuse(rankings, unscored="middle").values
    names = sorted(fused)
    if not names:
        return {}
    scores = np.array([fused[name] for name in names])
    ranks = _ranks(scores)
    best = int(np.argmin(ranks))
    tail = (1 - level) / 2
    each = np.array([_row(half, names) for half in halves]).reshape(len(halves), len(names))
    if len(each):
        places = np.array([_ranks(row) for row in each])
        low, high = np.quantile(places, [tail, 1 - tail], axis=0, method="inverted_cdf").astype(int)
        beats = (each >= each[:, [best]] - 1e-12).mean(axis=0)
    else:
        low = high = ranks
        beats = np.zeros(len(names))
    spread = scores.std()
    scaled = (scores - scores.mean()) / spread if spread > 0 else np.zeros(len(names))
    return {
        name: Standing(
            int(ranks[place]),
            int(min(low[place], ranks[place])),
            int(max(high[place], ranks[place])),
            bool(ranks[place] == ranks[best] or beats[place] > tail),
            float(scaled[place]),
        )
        for place, name in enumerate(names)
    }


def _row(rankings: Sequence[Scores], names: Sequence[str]) -> list[float]:
    """The fused scores; of who has none in these rankings, less than all."""
    values: Mapping[str, float] = fuse(rankings, unscored="middle").values
    return [values.get(name, -np.inf) for name in names]


def _ranks(
    scores: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """1 for the highest; equal scores (to rounding) share the smallest rank."""
    return np.asarray(rankdata(-np.round(scores, 12), method="min"), np.int64)
