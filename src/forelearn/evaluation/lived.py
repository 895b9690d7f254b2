"""Orders of sources lived through on a study's truth: chosen on dev with one seed, judged on test with the others.

A *split* is one seed on which a search lives; the other seeds judge. Two values of what a search keeps:
*fresh*, what the picked source is worth on seeds that were not drawn, and *in hand*, what the very run that was
kept measures on test (figure 2 of Pugantsov & McCreadie 2022, but picked on dev). The luck of the draw is in the
second and not in the first. The best reference is cross-fitted: for each judging seed it is the source, or no
transfer, that is best on test over all other seeds, valued on that seed. A search never sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forelearn.evaluation.budget import lost, visits
from forelearn.evaluation.judging import Fold
from forelearn.evaluation.orders import Method, Seen
from forelearn.evaluation.table import Array, Table, mean_known
from forelearn.evaluation.truth import Truth

Picks = tuple[str | None, ...]
"""For each target the source that is kept; None: no transfer."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One seed to search on. view: what a search sees (gains on dev). folds: gains on test of the other seeds.

    level: [T], the target's baseline on test, mean over the other seeds: fresh performances count from here.
    own: [T], that of the search's own seed. runs: [T, S], each pair's run of that seed on test.
    """

    seed: int
    view: Table
    folds: tuple[Fold, ...]
    level: Array
    own: Array
    runs: Array


def split_at(truth: Truth, place: int) -> Split:
    """The split in which the search has the seed at `place` of `truth.seeds`."""
    dev, test = truth.dev, truth.test
    ran = np.isfinite(dev.pairs[:, :, place]) & np.isfinite(test.pairs[:, :, place])
    gains = np.where(ran, dev.pairs[:, :, place] - dev.baselines[:, place][:, None], np.nan)
    view = Table(
        name=truth.metric,
        targets=truth.targets,
        sources=truth.sources,
        gains=gains[:, :, None],
        performances=np.where(ran, dev.pairs[:, :, place], np.nan)[:, :, None],
        seeds=(str(truth.seeds[place]),),
        baselines=dev.baselines[:, place][:, None],
        costs=np.broadcast_to(truth.costs[:, None], gains.shape).copy(),
        baseline_costs=truth.costs,
    )
    others = [other for other in range(len(truth.seeds)) if other != place]
    judges = [other for other in others if np.isfinite(test.pairs[:, :, other]).any()]
    level = mean_known(test.baselines[:, others], axis=1)
    return Split(
        truth.seeds[place],
        view,
        tuple(_fold(truth, other, level) for other in judges),
        level,
        test.baselines[:, place],
        np.where(ran, test.pairs[:, :, place], np.nan),
    )


def _fold(truth: Truth, judge: int, level: Array) -> Fold:
    """Chosen on test over all seeds but the judging one, each less its own baselines; valued on that one."""
    test = truth.test
    others = [other for other in range(len(truth.seeds)) if other != judge]
    chooser = (
        mean_known(test.pairs[:, :, others], axis=2) - mean_known(test.baselines[:, others], axis=1)[:, None]
    )
    value = test.pairs[:, :, judge] - level[:, None]
    both = np.isfinite(chooser) & np.isfinite(value)
    return Fold(np.where(both, chooser, np.nan), np.where(both, value, np.nan))


def look(split: Split, rng: np.random.Generator) -> Seen:
    """What an order may look at: the dev gains of the search's seed; of its own target only what it tries."""
    gains = split.view.gains[:, :, 0]
    return Seen(split.view, gains, gains, rng)


@dataclass(frozen=True, slots=True, eq=False)
class Lived:
    """What one order keeps in one split, at each budget. Arrays are [budgets, T]; NaN where undefined.

    lost: best − pick, both fresh; best: the cross-fitted best's gain. fresh, in_hand: performance of what is
    kept. claimed: the gain on dev that it was picked by. tried: how many sources had been tried.
    """

    lost: Array
    best: Array
    fresh: Array
    in_hand: Array
    claimed: Array
    tried: Array


def live(
    scores: Array, split: Split, rng: np.random.Generator, shares: Sequence[float], *, in_sequence: bool
) -> Lived:
    """An order lived through at every budget. scores: [T, S]; equal ones go in random order.

    shares: of the exhaustive cost, one run of every pair and one baseline a target, the baselines included.
    """
    view = look(split, rng)
    at = visits(scores, view, in_sequence=in_sequence)
    rows = np.arange(len(at))
    found: dict[str, list[Array]] = {name: [] for name in Lived.__slots__}
    for share in shares:
        open_ = at <= share + 1e-12
        runs = np.where(open_, view.single, -np.inf)
        top, value = runs.argmax(axis=1), runs.max(axis=1)
        stay = ~(value > 0)
        picks: Picks = tuple(None if stay[row] else split.view.sources[top[row]] for row in rows)
        points, best, gain = judged(picks, split)
        for name, values in (
            ("lost", points),
            ("best", best),
            ("fresh", split.level + gain),
            ("in_hand", np.where(stay, split.own, split.runs[rows, top])),
            ("claimed", np.where(stay, 0.0, value)),
            ("tried", open_.sum(axis=1).astype(np.float64)),
        ):
            found[name].append(values)
    return Lived(**{name: np.stack(values) for name, values in found.items()})


def judged(picks: Picks, split: Split) -> tuple[Array, Array, Array]:
    """What was lost against the best, the best, and the pick's gain: each [T], on the judging seeds."""
    return lost(picks, split.folds, split.view)


def depths(splits: Sequence[Split]) -> list[list[float]]:
    """[splits][K]: the share of the exhaustive cost at which every target has tried 0, 1, 2, … sources.

    Where a split has fewer pairs than another, the same share is another number of sources; after its last it has 1.
    """
    able = [np.isfinite(split.view.gains[:, :, 0]).sum(axis=1) for split in splits]
    rounds = max(int(count.max(initial=0)) for count in able)
    found = []
    for split, count in zip(splits, able, strict=True):
        costs = split.view.costs[:, 0]
        spent = [float(costs.sum() + (np.minimum(count, k) * costs).sum()) for k in range(rounds + 1)]
        found.append([value / spent[-1] for value in spent])
    return found


def replayed(
    method: Method, splits: Sequence[Split], shares: Sequence[Sequence[float]], *, seed: int, draws: int
) -> list[list[Lived]]:
    """[splits][draws] replays of an order; chance is a stream of its own for each split and draw.

    shares: [splits][budgets], as many budgets in each.
    """
    found = []
    for split, budgets in zip(splits, shares, strict=True):
        lives = []
        for draw in range(draws):
            rng = np.random.default_rng([seed, split.seed, draw])
            scores = method.order(look(split, rng))
            lives.append(live(scores, split, rng, budgets, in_sequence=method.in_sequence))
        found.append(lives)
    return found
