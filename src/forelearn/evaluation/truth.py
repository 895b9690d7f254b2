"""The exhaustive ground truth of a study in one metric: every pair, several seeds, dev and test. A pure value.

Shapes: T targets, S sources, R seeds. A source may be a target; its own cell is NaN, that run is `itself`.
Performances are fractions (of correlations in [−1, 1]), higher is better, NaN where a run is missing. The metric may
be each target's own: gains and losses in points are then means over points of different metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forelearn.evaluation.table import Array, Mask, mean_known

__all__ = ["Array", "Mask", "Side", "Truth"]

ENOUGH = 0.5
"""A seed can be a search's if at least this share of all pairs has run on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """What was measured on dev or on test. pairs: [T, S, R]; baselines, itself (B → B), longer: [T, R]."""

    pairs: Array
    baselines: Array
    itself: Array
    longer: Array

    def at(self, targets: Sequence[int]) -> Side:
        """The same of some targets, in this order."""
        rows = list(targets)
        return Side(self.pairs[rows], self.baselines[rows], self.itself[rows], self.longer[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """costs: [T], units of one run of the target; every source's part is a baseline that is paid once."""

    metric: str
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    seeds: tuple[int, ...]
    dev: Side
    test: Side
    costs: Array

    @property
    def candidates(self) -> Mask:
        """[T, S], pairs that could be tried: a task is no source of itself."""
        return np.array([[source != target for source in self.sources] for target in self.targets], np.bool_)

    @property
    def search_seeds(self) -> tuple[int, ...]:
        """Places of the seeds on which a search could live: `ENOUGH` of the pairs and a baseline have run."""
        ran = np.isfinite(self.dev.pairs) & np.isfinite(self.test.pairs)
        share = ran.sum(axis=(0, 1)) / max(1, int(self.candidates.sum()))
        alone = np.isfinite(self.dev.baselines).any(axis=0)
        return tuple(int(place) for place in np.flatnonzero((share >= ENOUGH) & alone))

    def gains(self, side: Side) -> Array:
        """[T, S, R], performance − the target's mean baseline over all its seeds."""
        return np.asarray(side.pairs - mean_known(side.baselines, axis=1)[:, None, None], np.float64)

    def at(self, targets: Sequence[int]) -> Truth:
        """The truth of some targets, in this order; sources stay."""
        rows = list(targets)
        names = tuple(self.targets[row] for row in rows)
        return replace(
            self, targets=names, dev=self.dev.at(rows), test=self.test.at(rows), costs=self.costs[rows]
        )
