"""Tables with known gains and run noise as it was measured: what answers and intervals are checked against.

Every task is both target and source. The performance of a run is LEVEL + gain + noise of its target; baselines
have the same noise and the pairs' seeds. Scales are those of average precision on rare labels (MiniLM, tweets):
between seeds a run's SD is .02 to .05, for one task ten times that of another. The tail is that of two
published tables with eight seeds a pair: 2 % of the runs fall far below the others, by 7 points in the median
and by 20 to 40 in the worst tenth.

Families:
  null      every gain is 0: what looks like one is luck
  harmful   every gain is at most 0
  weak      most gains are 0 or less, the best of a target is about one point
  strong    three sources of every target gain 5 to 12 points, the others −1 ± 2; some help more targets
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from forelearn.evaluation.table import Array, Table

Family = Literal["null", "harmful", "weak", "strong"]
FAMILIES: tuple[Family, ...] = get_args(Family)

LEVEL = 0.5
NOISE, WIDEST = 0.03, (0.01, 0.1)
"""Median SD of a run between seeds, and the least and largest of any target."""
COLLAPSE, FALL = 0.02, 0.1
"""Share of runs that collapse, and by how much they fall on average (exponential)."""
HELPERS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """A table and the truth behind it. gains: [T, S] in fractions, NaN for `B → B`; noise: [T], SD of a run."""

    table: Table
    gains: Array
    noise: Array

    def runs(self, target: int, source: int | None, count: int, rng: np.random.Generator) -> Array:
        """[count], performances of further runs of a pair, or of the target's baseline."""
        gain = 0.0 if source is None else self.gains[target, source]
        return LEVEL + gain + _noise(rng, np.full(count, self.noise[target]))


def simulated(family: Family, *, tasks: int = 12, seeds: int = 8, seed: int = 0) -> Simulated:
    """A table of `tasks` × `tasks` with `seeds` runs of every pair and of every baseline, all of cost 1."""
    if tasks < HELPERS + 2 or seeds < 1:
        raise ValueError(f"at least {HELPERS + 2} tasks and 1 seed, got {tasks} and {seeds}")
    rng = np.random.default_rng([seed, FAMILIES.index(family)])
    gains = _gains(family, tasks, rng)
    np.fill_diagonal(gains, np.nan)
    noise = np.clip(NOISE * np.exp(rng.normal(0.0, 0.6, tasks)), *WIDEST)
    baselines = LEVEL + _noise(rng, np.broadcast_to(noise[:, None], (tasks, seeds)))
    wide = np.broadcast_to(noise[:, None, None], (tasks, tasks, seeds))
    performances = LEVEL + gains[:, :, None] + _noise(rng, wide)
    names = tuple(f"task {index:02d}" for index in range(tasks))
    table = Table(
        name=family,
        targets=names,
        sources=names,
        gains=performances - baselines[:, None, :],
        performances=performances,
        seeds=tuple(map(str, range(seeds))),
        baselines=baselines,
        costs=np.ones((tasks, tasks)),
        baseline_costs=np.ones(tasks),
    )
    return Simulated(table, gains, noise)


def _gains(family: Family, tasks: int, rng: np.random.Generator) -> Array:
    shape = (tasks, tasks)
    if family == "null":
        return np.zeros(shape)
    if family == "harmful":
        return -np.abs(rng.normal(0.0, 0.02, shape))
    if family == "weak":
        return rng.normal(-0.005, 0.005, tasks)[None, :] + rng.normal(0.0, 0.008, shape)
    gains = rng.normal(-0.01, 0.02, shape)
    popular = rng.normal(0.0, 1.0, tasks)
    for target in range(tasks):
        # Gumbel noise makes the first of a sort a draw with weights exp(popular)
        order = np.argsort(-(popular + rng.gumbel(size=tasks)))
        helpers = order[order != target][:HELPERS]
        gains[target, helpers] = rng.uniform(0.05, 0.12, HELPERS)
    return gains


def _noise(rng: np.random.Generator, sd: Array) -> Array:
    fallen = np.where(rng.random(sd.shape) < COLLAPSE, rng.exponential(FALL, sd.shape), 0.0)
    found: Array = sd * rng.normal(size=sd.shape) - fallen
    return found
