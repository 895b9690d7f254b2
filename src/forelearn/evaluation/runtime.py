"""Performance@K against Runtime@K: what the K best-predicted pairs of each target reach, and what they cost.

Figure 2 of Pugantsov & McCreadie 2022. Differs from the paper: the pair that is kept is chosen on dev and
reported on test (the paper chooses and reports on test; give the same values twice for that), and `fixed`
puts in the cost what the paper leaves out, the single-task runs and the features.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair that could be trained.

    predicted: what the pairs are ordered by, higher is better. dev, test: its performance. cost: in any one
    unit.
    """

    target: str
    source: str
    predicted: float
    dev: float
    test: float
    cost: float


@dataclass(frozen=True, slots=True)
class Point:
    """The curve at depth k. performance: mean over targets of what was kept; runtime: total cost so far."""

    k: int
    performance: float
    runtime: float


def performance_at_runtime(
    pairs: Sequence[Pair],
    *,
    baselines: Mapping[str, tuple[float, float]] | None = None,
    fixed: float = 0.0,
) -> list[Point]:
    """The curve, one point for each depth from 0 (1 without baselines) to the most pairs that a target has.

    For each target the k best-predicted pairs are trained and the best of them on dev is kept; a target with
    fewer pairs trains what it has. Equal predictions and equal dev performances go by the source's name.
    baselines: target → (dev, test) of the plain baseline, which then competes (no transfer); None as the
    paper.
    fixed: cost that every point bears. Raises `ValueError` without pairs or for values that are not finite.
    """
    if not pairs:
        raise ValueError("the curve needs at least 1 pair")
    if not all(
        math.isfinite(value) for one in pairs for value in (one.predicted, one.dev, one.test, one.cost)
    ):
        raise ValueError("predictions, performances and costs must be finite")
    order: dict[str, list[Pair]] = {}
    for pair in sorted(pairs, key=lambda one: (one.target, -one.predicted, one.source)):
        order.setdefault(pair.target, []).append(pair)
    curve: list[Point] = []
    for k in range(0 if baselines is not None else 1, max(map(len, order.values())) + 1):
        kept, costs = [], [fixed]
        for target, queue in order.items():
            tried = queue[:k]
            costs += [one.cost for one in tried]
            offers = [(one.dev, one.test) for one in sorted(tried, key=lambda one: one.source)]
            if baselines is not None:
                offers.insert(0, baselines[target])
            kept.append(max(offers, key=lambda offer: offer[0])[1])
        curve.append(Point(k, math.fsum(kept) / len(kept), math.fsum(costs)))
    return curve
