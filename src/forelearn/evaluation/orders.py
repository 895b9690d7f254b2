"""Orders of sources that need no training: random, score columns, and source effects learned on the fly.

An order is a function from what may be seen (`Seen`) to scores [T, S], higher is better, NaN for a pair about
which it knows nothing. Static and rank fusion are estimators; `experiment/evaluate_table.py` makes orders of
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forelearn.evaluation.table import Array, Mask, Table, mean_known

SHRINKAGE = 1.0
"""The weight of the prior (effect 0) against one run, in `source_effects`. Fixed, not tuned on any table."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What an order may look at in one split. table: scores and costs; its seeds are the learning half.

    means: [T, S], mean value over the learning half. single: [T, S], one run of each pair. Both NaN for what
    is no candidate or has no run in the half.
    """

    table: Table
    means: Array
    single: Array
    rng: np.random.Generator


def seen(table: Table, learn: tuple[int, ...], rng: np.random.Generator) -> Seen:
    """What the learning half shows. A pair that lacks the first seed shows the next one that it has."""
    half = table.with_seeds(learn)
    values = np.where(table.candidates[:, :, None], table.values, np.nan)[:, :, list(learn)]
    first = np.argmax(np.isfinite(values), axis=2)
    single = np.take_along_axis(values, first[:, :, None], axis=2)[:, :, 0]
    return Seen(half, mean_known(values, axis=2), single, rng)


Order = Callable[[Seen], Array]


@dataclass(frozen=True, slots=True)
class Method:
    """A named order. sees: what it knows, in words.

    chance: it draws random numbers, so that it differs even between two looks at the same runs.
    in_sequence: its scores order all pairs of the table in time, not only the sources of each target.
    """

    name: str
    order: Order
    sees: str
    chance: bool = False
    in_sequence: bool = False


def nothing(view: Seen) -> Array:
    """The same score for every source: measures take it as every order at once, the expectation of random."""
    return np.zeros(view.means.shape)


def shuffled(view: Seen) -> Array:
    """One random order."""
    return view.rng.random(view.means.shape)


def column(name: str) -> Order:
    """The order by a score column of the table."""
    return lambda view: view.table.scores[name]


def centred(values: Array) -> Array:
    """Values less the mean of their target, so that an easy target does not speak for its sources."""
    return values - mean_known(values, axis=1)[:, None]


def source_effects(view: Seen) -> Array:
    """Pairs in the order in which a greedy learner visits them: round by round, each target tries one more.

    After each run, value = mean + target effect + source effect + noise is fitted to all runs seen so far (two
    passes of backfitting; both effects shrink to 0 with the weight of `SHRINKAGE` runs). The effect of a target
    without a baseline does not shrink: its level says nothing. A target tries next the untried source with the
    highest effect, of equals a random one. Scores are minus the place in the visit, so a target's k highest
    are its first k. Pairs that cannot be tried come last (NaN).
    """
    runs, known = view.single, view.table.known
    rows, columns = runs.shape
    scores = np.full(runs.shape, np.nan)
    tried = np.zeros(runs.shape, np.bool_)
    effects = np.zeros(columns)
    luck = view.rng.random(runs.shape)
    visits = 0
    for _ in range(columns):
        for target in view.rng.permutation(rows):
            open_ = np.flatnonzero(np.isfinite(runs[target]) & ~tried[target])
            if not len(open_):
                continue
            ties = open_[effects[open_] == effects[open_].max()]
            source = ties[np.argmax(luck[target, ties])]
            tried[target, source] = True
            scores[target, source] = -visits
            visits += 1
            effects = _effects(runs, tried, effects, known)
    return scores


def _effects(runs: Array, tried: Mask, effects: Array, known: Mask) -> Array:
    weight = tried.astype(np.float64)
    gains = tried & known[:, None]
    middle = np.where(known, runs[gains].mean() if gains.any() else 0.0, 0.0)[:, None]
    seen_runs = np.where(tried, runs - middle, 0.0)
    per_target = np.maximum(weight.sum(axis=1) + SHRINKAGE * known, 1.0)
    for _ in range(2):
        levels = (seen_runs.sum(axis=1) - weight @ effects) / per_target
        effects = (seen_runs.sum(axis=0) - levels @ weight) / (weight.sum(axis=0) + SHRINKAGE)
    return np.round(effects, 12)  # so that rounding does not break ties
