"""How good expected gains are: whether intervals hold what they promise, and whether chances come true.

coverage: share of pairs whose measured mean gain lies in the interval; an interval of level 90 % should hold 90 %.
Brier score (Brier 1950): mean of (probability of a gain above 0 − whether there was one)²; lower is better, and
worth something only below that of the base rate, the share of pairs that gain, said of every pair.

Every figure is a mean over targets, with a bootstrap interval over targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from forelearn.evaluation.intervals import Interval, bootstrap_mean

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """One target's pairs. mean, sd: [n] of the gain as it would be measured, run noise included. found: [n] it was.

    base: the share of pairs of *other* targets that gained.
    """

    mean: Array
    sd: Array
    found: Array
    base: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """coverage: at `level`. brier, base_brier: of the stated chances, and of the base rate. pairs: how many."""

    level: float
    coverage: Interval
    brier: Interval
    base_brier: Interval
    pairs: int


def calibration(targets: Sequence[Expected], *, level: float = 0.9, seed: int = 0) -> Calibration:
    """Judge what was expected of each target without having seen its runs. At least two targets."""
    half = NormalDist().inv_cdf(0.5 + level / 2)
    held, brier, base = [], [], []
    for one in targets:
        gained = (one.found > 0).astype(np.float64)
        chance = np.array([1.0 - NormalDist(mean, sd).cdf(0.0) for mean, sd in zip(one.mean, one.sd)])
        held.append(float((np.abs(one.found - one.mean) <= half * one.sd).mean()))
        brier.append(float(((chance - gained) ** 2).mean()))
        base.append(float(((one.base - gained) ** 2).mean()))
    return Calibration(
        level,
        bootstrap_mean(held, seed=seed, level=level),
        bootstrap_mean(brier, seed=seed, level=level),
        bootstrap_mean(base, seed=seed, level=level),
        sum(len(one.found) for one in targets),
    )
