"""The best transfer of each target: as a paper reports it, and as it holds on seeds that did not choose it.

*Hindsight* (Table 1 of Pugantsov & McCreadie 2022): of all single runs of one seed, the one with the best test
performance, beside the baseline's run of that seed. *Fresh*: for each judging seed the source that is best on
dev, mean over all other seeds, valued on test with the judging seed; the gain is over the mean baseline.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.noise import run_sd
from forelearn.evaluation.table import Array, mean_known
from forelearn.evaluation.truth import Truth


@dataclass(frozen=True, slots=True)
class Winner:
    """One target. Performances on test; NaN or empty where nothing is known.

    hindsight: source, its run, the baseline's run. chosen: source → by how many judging seeds' choosers.
    fresh: mean over judging seeds; gain: of that over the mean baseline, interval from run noise alone.
    """

    target: str
    hindsight: tuple[str, float, float]
    chosen: tuple[tuple[str, int], ...]
    fresh: float
    baseline: float
    gain: Interval


def winners(truth: Truth, *, level: float = 0.9) -> tuple[Winner, ...]:
    """One row a target. level: of the intervals, from the target's run noise pooled over its pairs."""
    sd, freedom = run_sd(truth.test)
    found = []
    for row, target in enumerate(truth.targets):
        place = next(iter(truth.search_seeds), None)
        hindsight = ("", math.nan, math.nan)
        if place is not None and np.isfinite(runs := truth.test.pairs[row, :, place]).any():
            top = int(np.nanargmax(runs))
            hindsight = (truth.sources[top], float(runs[top]), float(truth.test.baselines[row, place]))
        picks, values = fresh_picks(truth, row)
        alone = truth.test.baselines[row][np.isfinite(truth.test.baselines[row])]
        base = float(alone.mean()) if len(alone) else math.nan
        fresh = float(np.mean(values)) if values else math.nan
        gain = fresh - base
        wide = math.inf
        if values and len(alone) and freedom[row] > 0:
            share = 1 / len(values) + 1 / len(alone)
            wide = float(student.ppf(0.5 + level / 2, freedom[row]) * sd[row] * math.sqrt(share))
        named = Counter(truth.sources[pick] for pick in picks).most_common()
        found.append(
            Winner(
                target, hindsight, tuple(named), fresh, base, Interval(gain, gain - wide, gain + wide, 1, 0)
            )
        )
    return tuple(found)


def fresh_picks(truth: Truth, row: int) -> tuple[list[int], list[float]]:
    """For each judging seed of a target: the source that the other seeds' dev prefers, and its test value there."""
    dev, test = truth.dev.pairs[row], truth.test.pairs[row]
    picks: list[int] = []
    values: list[float] = []
    for judge in range(len(truth.seeds)):
        others = [other for other in range(len(truth.seeds)) if other != judge]
        chooser: Array = mean_known(dev[:, others], axis=1)
        here = np.isfinite(chooser) & np.isfinite(test[:, judge])
        if here.any():
            pick = int(np.where(here, chooser, -np.inf).argmax())
            picks.append(pick)
            values.append(float(test[pick, judge]))
    return picks, values
