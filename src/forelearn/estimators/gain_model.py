"""What each source gains each target, learned as runs arrive: source and target effects with shrinkage.

One run of the pair (s, t) gains y = level_t + scale_t · (β x_st + a_s + d_st + e): the target's own level, a
weight on the score x_st that was known beforehand, an effect of the source that holds for all targets, the
pair's own effect, and run noise. All but the levels are normal with mean 0 (β: `SLOPE`), so the posterior is
the best linear unbiased prediction of a mixed model (Henderson 1975), one Cholesky factor of the size of the
pairs that have run. β starts at the worth that a score is presumed to have and follows the runs: a score that
does not order the gains loses its say.

What is a choice, and frozen on one published table (fine-tuned GPT-2, 8 seeds a pair) before any other was
looked at: the variances of `Variances`, in units of the target's own scale; medians and interquartile ranges
for level and scale, shrunk to those of all targets, because one run in a hundred collapses; gains are clipped
at −2.5 and 5 scales, and a target's scale is no less than a fifth of its best gain, so that the one source that
moves a collapsed target is not clipped away. The variance of the noise is learned from replicates, pooled over
the study, with the stated one as a prior worth `FREEDOM` degrees of freedom.

The worth of one more run is the rise of the expected gain of the target's best choice, "no transfer" among
them (knowledge gradient: Frazier, Powell & Dayanik 2009). Differs from the source: the expectation is a
sum over 24 quantiles, which counts what is unlikely for too little, and what a run says about other targets
is left out.

Not covered: that levels and scales are estimates. With five runs a target, mean ± 1.645 sd holds the gain of
80 % of the pairs that have not run and 86 % of those that have; with a dozen runs 87 and 89 %.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Array = NDArray[np.float64]
Pair = tuple[str, str]
"""(source name, target name)"""


@dataclass(frozen=True, slots=True)
class Variances:
    """Variances in squares of a target's scale. noise: of one run. score: of the weight β."""

    source: float = 0.3
    target: float = 1.0
    pair: float = 0.6
    noise: float = 0.4
    score: float = 0.1


SLOPE = 0.35
"""How far one standard deviation of the score is presumed to move a gain, in scales of the target."""
SCALE = 0.03
"""Scale of the gains of a study of which nothing is known, in the metric's unit."""
PRIOR_RUNS = 3.0
"""A target's own scale counts for so many runs less than it has (its level for one less)."""
FREEDOM = 10.0
"""The stated noise counts as much as so many replicates."""
LOW, HIGH = -2.5, 5.0
_QUANTILES = np.array([NormalDist().inv_cdf((index + 0.5) / 24) for index in range(24)])


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of gains before anything has run, in the metric's unit but for `variances` and `slope`.

    level: the gain of a pair of which nothing is known. scale: of a study's gains. slope: how far one standard
    deviation of the score is presumed to move a gain, in scales.
    """

    level: float = 0.0
    scale: float = SCALE
    slope: float = SLOPE
    variances: Variances = Variances()


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """The posterior. sources: S names, targets: T names; arrays are [T, S], NaN where there is no such pair.

    mean, sd: of the gain, in units of the metric. worth: of one more run, the expected rise of the gain of
    the target's best choice. baseline_worth: [T], that of one more run of the baseline.
    noise: [T], standard deviation of one run. slope: mean of β.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    mean: Array
    sd: Array
    worth: Array
    baseline_worth: Array
    noise: Array
    slope: float


def fit_gains(
    pairs: Sequence[Pair],
    observed: Mapping[Pair, Sequence[float]],
    baselines: Mapping[str, Sequence[float]],
    *,
    scores: Mapping[Pair, float] | None = None,
    noise: float | None = None,
    prior: Prior = Prior(),
    exact: Collection[str] = (),
) -> Gains:
    """The gains of all `pairs`, given what has run.

    observed: pair → performances − mean of the target's baselines, one a seed. baselines: target →
    performances of its baseline; n of them leave the zero of the gains observed on it as unsure as a mean of n
    runs; before any is, what is believed of its gains does not hang on it. exact: targets whose baseline is known
    without noise. scores: pair → score known beforehand, standardised
    within its target; 0 where it is missing. noise: standard deviation of one run as an earlier study found
    it, in units of the metric; it stands in for the stated one. prior: what is believed beforehand. The order of
    all arguments is without effect.
    """
    sources = tuple(sorted({source for source, _ in pairs}))
    targets = tuple(sorted({target for _, target in pairs}))
    shape = (len(targets), len(sources))
    row = {name: index for index, name in enumerate(targets)}
    column = {name: index for index, name in enumerate(sources)}
    exists = np.zeros(shape, bool)
    score = np.zeros(shape)
    for source, target in pairs:
        exists[row[target], column[source]] = True
        value = (scores or {}).get((source, target), 0.0)
        score[row[target], column[source]] = value if np.isfinite(value) else 0.0
    runs: list[list[float]] = [[] for _ in targets]
    cells = sorted((row[t], column[s], tuple(sorted(v))) for (s, t), v in observed.items() if v and t in row)
    for t, _, values in cells:
        runs[t] += values
    variances = prior.variances
    level, scale = _levels(runs, prior)
    at = np.array([t for t, _, _ in cells], np.int64)
    of = np.array([s for _, s, _ in cells], np.int64)
    count = np.array([len(values) for *_, values in cells], np.float64)
    clipped = [np.clip((np.array(v) - level[t]) / scale[t], LOW, HIGH) for t, _, v in cells]
    stated = variances.noise if noise is None else (noise / float(np.exp(np.log(scale).mean()))) ** 2
    alone = [np.array(v) / scale[row[t]] for t, v in baselines.items() if t in row and t not in exact]
    variance_of_run = _noise(clipped, alone, stated)

    def covariance(rows: NDArray[np.int64], columns: NDArray[np.int64], t: int | None = None) -> Array:
        """Of the observed cells with each other, or with all cells of target `t`."""
        here = np.full(shape[1], t) if t is not None else rows
        there = np.arange(shape[1]) if t is not None else columns
        same = columns[:, None] == there[None, :]
        both = same & (rows[:, None] == here[None, :])
        weight = np.outer(score[rows, columns], score[here, there])
        found: Array = (
            variances.source * same
            + variances.target * (rows[:, None] == here[None, :])
            + variances.pair * both
            + variances.score * weight
        )
        return found

    inner = covariance(at, of) + np.diag(variance_of_run / np.maximum(count, 1.0))
    factor = np.linalg.cholesky(inner)
    residual = np.array([v.mean() for v in clipped]) - prior.slope * score[at, of]
    solved = solve_triangular(factor, residual, lower=True)
    mean, sd, worth = (np.full(shape, np.nan) for _ in range(3))
    baseline_worth = np.zeros(len(targets))
    every = np.arange(shape[1])
    for t, name in enumerate(targets):
        weight = solve_triangular(factor, covariance(at, of, t), lower=True)
        middle = prior.slope * score[t] + weight.T @ solved
        before = (
            (variances.source + variances.pair) * np.eye(shape[1])
            + variances.target
            + variances.score * np.outer(score[t], score[t])
        )
        block = before - weight.T @ weight
        known = name in exact or not runs[t]
        zero = 0.0 if known else variance_of_run / max(len(baselines.get(name, ())), 1)
        here = every[exists[t]]
        expected = level[t] + scale[t] * middle[here]
        spread = scale[t] ** 2 * block[np.ix_(here, here)]
        variance = variance_of_run * scale[t] ** 2
        mean[t, here] = expected
        sd[t, here] = np.sqrt(np.diag(spread) + zero * scale[t] ** 2)
        # a run of a pair tells of gains over the baseline as measured; of how far off that is, only the baseline's own
        shifts = spread / np.sqrt(np.diag(spread) + variance)[:, None]
        worth[t, here] = [_rise(expected, shift) for shift in shifts]
        if not known:
            common = zero * scale[t] ** 2
            shift = np.full(len(here), -common / np.sqrt(common + variance))
            baseline_worth[t] = _rise(expected, shift)
    slope = prior.slope
    if len(cells):
        told = solve_triangular(factor, variances.score * score[at, of], lower=True)
        slope += float(told @ solved)
    return Gains(sources, targets, mean, sd, worth, baseline_worth, np.sqrt(variance_of_run) * scale, slope)


def _rise(mean: Array, shift: Array) -> float:
    """E max(0, mean + z shift) − max(0, mean) for a standard normal z. mean, shift: [m]."""
    if not len(mean):
        return 0.0
    best = np.maximum((mean[None, :] + np.outer(_QUANTILES, shift)).max(axis=1), 0.0).mean()
    return max(float(best - max(mean.max(), 0.0)), 0.0)


def _levels(runs: Sequence[Sequence[float]], prior: Prior) -> tuple[Array, Array]:
    """Each target's median gain and robust standard deviation, both shrunk to those of all targets."""
    counts = np.array([len(values) for values in runs], np.float64)
    middles = np.array([np.median(values) if len(values) else 0.0 for values in runs])
    centre = float(np.median(middles[counts > 0])) if (counts > 0).any() else prior.level
    spreads = np.zeros(len(runs))
    for index, values in enumerate(runs):
        if len(values) > 3:
            wide = float(np.ptp(np.percentile(values, [25, 75]))) / 1.349
        else:  # a few runs say as much by lying far from where other targets lie
            wide = float(np.std([*values, centre], ddof=1)) if len(values) else prior.scale
        if len(values):  # of a target that nearly nothing moves, what does move it is the scale
            wide = max(wide, float(max(values) - middles[index]) / HIGH)
        spreads[index] = np.log(max(wide, prior.scale / 100))
    pooled = float(np.median(np.append(spreads[counts > 0], np.log(prior.scale))))
    scale = np.exp((PRIOR_RUNS * pooled + counts * spreads) / (PRIOR_RUNS + counts))
    return (counts * middles + centre) / (counts + 1.0), scale


def _noise(cells: Sequence[Array], baselines: Sequence[Array], stated: float) -> float:
    """Variance of one run, pooled over replicates, in squares of a scale.

    Equal replicates are left out: where a target has collapsed, all its runs are alike, which says nothing of others.
    """
    squares = degrees = 0.0
    for values in [*cells, *baselines]:
        if len(values) > 1 and np.ptp(values) > 0:
            middle = values.mean()
            squares += float((np.clip(values - middle, LOW, -LOW) ** 2).sum())
            degrees += len(values) - 1
    return (FREEDOM * stated + squares) / (FREEDOM + degrees)
