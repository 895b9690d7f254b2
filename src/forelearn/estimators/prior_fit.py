"""A prior of gains from finished studies: the start of the gain model where nothing of a study has run.

The model is the gain model's own (`gain_model.py`): a gain, in units of a study's scale, is a level, a slope on the
score that was known beforehand, and effects of target, source and pair. Level and slope are by generalised least
squares, the variances of the effects by maximum likelihood (Nelder–Mead over their logarithms), the variance of one
run from replicates. The scale is the median over targets of the robust spread of their gains.

Studies differ from one another by more than their targets do, which one or two studies cannot show. [choice] The
level of a new study is believed to lie around 0 with a standard deviation of one scale: k studies move it k / (k + 1)
of the way to what they found, and 1 / (k + 1) of that variance is left, in the targets' own. The slope is moved
likewise, and never below 0: scores that order gains the wrong way are taken to say nothing. The other variances are
moved as far on a logarithmic scale, from the gain model's own.

Not fitted: how far the slope differs between studies (`Variances.score`), which few studies cannot tell; the gain
model's own value is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from forelearn.estimators.gain_model import HIGH, LOW, SCALE, Prior, Variances

Array = NDArray[np.float64]

FEWEST_TARGETS = 3
_LEAST = 0.01
"""The smallest variance of an effect, in squares of the scale: none is known to be exactly 0."""
_MOST = 100.0
"""The largest: ten scales."""


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """What a study found. gains: [T, S, R], NaN where there is no run. scores: [T, S], standardised within a target;
    0 where nothing is known.
    """

    gains: Array
    scores: Array

    @property
    def runs(self) -> int:
        """How many there are."""
        return int(np.isfinite(self.gains).sum())

    def at(self, targets: Sequence[int]) -> Finished:
        """The same of some targets."""
        rows = list(targets)
        return Finished(self.gains[rows], self.scores[rows])


def fit_prior(studies: Sequence[Finished]) -> Prior:
    """The prior that studies support. Raises `ValueError` with fewer than `FEWEST_TARGETS` targets with runs."""
    known = [
        study.gains[row][np.isfinite(study.gains[row])]
        for study in studies
        for row in range(len(study.gains))
    ]
    spreads = [_spread(values) for values in known if len(values) > 3]
    if len(spreads) < FEWEST_TARGETS:
        raise ValueError(
            f"a prior needs at least {FEWEST_TARGETS} targets with four runs or more, got {len(spreads)}"
        )
    scale = max(float(np.median(spreads)), SCALE / 100)
    noise = _noise(studies, scale)
    cells = [_cells(study, scale) for study in studies if study.runs]

    def cost(logs: Array) -> float:
        return sum(_fit(cell, np.exp(logs), noise)[0] for cell in cells)

    found = minimize(
        cost,
        np.log([0.3, 0.3, 0.3]),
        method="Nelder-Mead",
        bounds=[(np.log(_LEAST), np.log(_MOST))] * 3,
        options={"xatol": 0.02, "fatol": 0.01, "maxiter": 400},
    )
    source, target, pair = np.exp(found.x)
    # level and slope: information of all studies added up
    parts = [_fit(cell, np.array([source, target, pair]), noise)[1:] for cell in cells]
    information = sum((part[0] for part in parts), np.zeros((2, 2)))
    told = sum((part[1] for part in parts), np.zeros(2))
    level, slope = np.linalg.solve(information + 1e-9 * np.eye(2), told)
    count = sum(study.runs > 0 for study in studies)
    share = count / (count + 1)
    own = Variances()
    variances = Variances(
        source=_between(own.source, source, share),
        target=float(target) + 1 - share,
        pair=_between(own.pair, pair, share),
        noise=_between(own.noise, noise, share),
        score=own.score,
    )
    return Prior(float(share * level * scale), scale, max(0.0, float(share * slope)), variances)


def _between(own: float, found: float, share: float) -> float:
    """The value that lies `share` of the way from `own` to `found`, in ratio."""
    return float(own ** (1 - share) * found**share)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Means of the pairs that have run, in scales. mean, score, count: [m]. target, source: [m] indices."""

    mean: Array
    score: Array
    count: Array
    target: NDArray[np.int64]
    source: NDArray[np.int64]


def _cells(study: Finished, scale: float) -> _Cells:
    count = np.isfinite(study.gains).sum(axis=2)
    target, source = np.nonzero(count)
    clipped = np.clip(study.gains[target, source] / scale, LOW, HIGH)
    return _Cells(
        np.nanmean(clipped, axis=1),
        np.nan_to_num(study.scores[target, source]),
        count[target, source].astype(np.float64),
        target,
        source,
    )


def _fit(cells: _Cells, variances: Array, noise: float) -> tuple[float, Array, Array]:
    """(minus log likelihood with level and slope at their best, their information [2, 2], what it tells [2])."""
    source, target, pair = variances
    same_source = cells.source[:, None] == cells.source[None, :]
    same_target = cells.target[:, None] == cells.target[None, :]
    covariance = source * same_source + target * same_target + np.diag(pair + noise / cells.count)
    factor = np.linalg.cholesky(covariance)
    design = np.linalg.solve(factor, np.stack([np.ones(len(cells.mean)), cells.score], axis=1))
    values = np.linalg.solve(factor, cells.mean)
    information, told = design.T @ design, design.T @ values
    best = np.linalg.solve(information + 1e-9 * np.eye(2), told)
    residual = values - design @ best
    return float(np.log(np.diag(factor)).sum() + 0.5 * residual @ residual), information, told


def _noise(studies: Sequence[Finished], scale: float) -> float:
    """Variance of one run from replicates, in squares of the scale; the gain model's own without any."""
    squares = degrees = 0.0
    for study in studies:
        for cell in study.gains.reshape(-1, study.gains.shape[2]):
            values = cell[np.isfinite(cell)] / scale
            if len(values) > 1:
                squares += float((np.clip(values - values.mean(), LOW, -LOW) ** 2).sum())
                degrees += len(values) - 1
    return max(squares / degrees, _LEAST) if degrees else Variances().noise


def _spread(values: Array) -> float:
    return float(np.ptp(np.percentile(values, [25, 75]))) / 1.349
