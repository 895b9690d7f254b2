"""What a search finds inside a budget: replays of orders, and the form in which another search reports its own.

The budget is a share of the exhaustive cost: one run of every pair, and one baseline a target where baselines
are runs. Baselines come first; then pairs run in the order's sequence until the next one no longer fits. The
pick of a target is the best single run among those tried, or no transfer (gain 0) where gains are known and
none is above 0. A target of unknown baseline without a run has no pick; it is counted as undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import rankdata

from forelearn.evaluation.judging import Fold, best
from forelearn.evaluation.orders import Seen
from forelearn.evaluation.table import Array, Mask, Table

SHARES = (0.165, 0.495)
"""10 and 30 of 60.6 hours, the budgets of Pugantsov & McCreadie 2022."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a search answers at each budget.

    picks: share → the source picked for each target, in the order of the table's targets; None: no transfer.
    reported: share → the gain it claims for each pick, in units of the performance; None: none claimed.
    """

    picks: Mapping[float, tuple[str | None, ...]]
    reported: Mapping[float, tuple[float | None, ...]] = field(default_factory=dict)


Search = Callable[[Table, int], Replay]
"""A search to be judged: given a table of the learning seeds alone and the number of the replay, its answers.

It is judged on seeds that the table it was given does not hold.
"""


def replay(scores: Array, view: Seen, *, in_sequence: bool = False) -> Replay:
    """An order lived through at every budget of `SHARES`. scores: [T, S]; equal ones go in random order."""
    tried_at = visits(scores, view, in_sequence=in_sequence)
    known, sources = view.table.known, view.table.sources
    picks, reported = {}, {}
    for share in SHARES:
        runs = np.where(tried_at <= share, view.single, -np.inf)
        top, values = runs.argmax(axis=1), runs.max(axis=1)
        stay = known & (values <= 0)
        names: list[str | None] = [sources[index] for index in top]
        picks[share] = tuple(
            None if stay[row] or np.isinf(values[row]) else names[row] for row in range(len(top))
        )
        reported[share] = tuple(
            0.0 if stay[row] else None if np.isinf(values[row]) else float(values[row])
            for row in range(len(top))
        )
    return Replay(picks, reported)


def visits(scores: Array, view: Seen, *, in_sequence: bool) -> Array:
    """[T, S], share of the exhaustive cost spent when the pair's run is done; infinite where it cannot run.

    Without a sequence of its own, an order takes the targets in turns: every target's first source, then
    every target's second, targets in random order within each turn.
    """
    table, able = view.table, np.isfinite(view.single)
    luck = view.rng.random(scores.shape)
    level = np.where(np.isnan(scores), -np.inf, scores)
    if not in_sequence:
        level = -np.stack([rankdata(-row, method="ordinal") for row in _broken_ties(level, luck, able)])
    place = np.lexsort((luck.ravel(), -level.ravel(), ~able.ravel()))
    cost = np.where(able, table.costs, 0.0).ravel()[place]
    spent = float(table.baseline_costs.sum()) + np.cumsum(cost)
    share = np.empty(scores.size)
    share[place] = spent / spent[-1]
    return np.where(able, share.reshape(scores.shape), np.inf)


def _broken_ties(level: Array, luck: Array, able: Mask) -> Array:
    """Ranks of each row with ties in random order; who cannot run comes last."""
    order = np.stack([np.lexsort((luck[row], level[row], able[row])) for row in range(len(level))])
    return np.argsort(order, axis=1).astype(np.float64)


def lost(picks: tuple[str | None, ...], folds: tuple[Fold, ...], table: Table) -> tuple[Array, Array, Array]:
    """Of each target: what its pick lost against the best, no transfer included; the best; the pick's value.

    Returns three [T], in units of the performance; NaN where there is no pick or nothing to judge it by.
    """
    known, column = table.known, {name: index for index, name in enumerate(table.sources)}
    found = np.full((3, len(folds), len(picks)), np.nan)
    for number, fold in enumerate(folds):
        for row, pick in enumerate(picks):
            here = np.isfinite(fold.value[row])
            stay = 0.0 if known[row] else np.nan
            value = stay if pick is None else fold.value[row, column[pick]]
            if not here.any() or np.isnan(value):
                continue
            top = reference(fold.chooser[row, here], fold.value[row, here], known=bool(known[row]))
            found[:, number, row] = top - value, top, value
    complete = np.isfinite(found).any(axis=1)
    sums = np.where(np.isfinite(found), found, 0.0).sum(axis=1)
    means = np.where(complete, sums / np.maximum(np.isfinite(found).sum(axis=1), 1), np.nan)
    return means[0], means[1], means[2]


def reference(chooser: Array, value: Array, *, known: bool) -> float:
    """What the best choice is worth: the chooser's preferred source, or no transfer where that looks better."""
    return 0.0 if known and chooser.max() <= 0 else best(chooser, value)
