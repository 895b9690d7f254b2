"""The figures of one order in one split of the seeds, and their means and intervals over targets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from forelearn.evaluation.intervals import Interval, bootstrap_mean, shares
from forelearn.evaluation.judging import Fold, Split, best, found
from forelearn.evaluation.ranking import hit_at, ndcg, rank_of_best, weighted_tau
from forelearn.evaluation.table import Array, Table, mean_known

DEPTHS = (1, 3, 5)
ORDER_FIGURES: dict[str, str] = {
    **{f"regret@{k}": f"points lost by the best of the first {k} against the best source" for k in DEPTHS},
    **{f"relative_regret@{k}": f"regret@{k} as a share of the best source's performance" for k in DEPTHS},
    "ndcg": "NDCG with gain m − true rank of m sources; 1 is perfect",
    "weighted_tau": "Kendall's τ, swaps at the top weigh more; in [−1, 1]",
    "rank_of_best": "place in the order of the truly best source; 1 is perfect",
    **{f"hit@{k}": f"share of targets whose first {k} hold the truly best source" for k in DEPTHS},
    "ir": "(pick − baseline) / (best − baseline), sums over the targets where the best gains",
}
"""What each figure of an order means."""

BUDGET_FIGURES: dict[str, str] = {
    "lost": "points that the pick lost against the best, no transfer included, inside a share of the "
    "exhaustive cost",
    "lost_share": "the same as a share of what there was to gain, (best − pick) / (best − baseline), sums over "
    "targets",
    "overstated": "points by which the runs that chose the pick overstate its gain",
}
"""What each figure of a replay means; names end in `@16.5` and `@49.5`, percent of the exhaustive cost."""

_PICK, _BEST = "pick", "best"


def order_figures(scores: Array, split: Split, table: Table) -> dict[str, Array]:
    """Every figure of `scores` [T, S] in one split: name → [T], NaN where undefined; parts of `ir` included."""
    names = [name for name in ORDER_FIGURES if name != "ir"]
    rows = {name: np.full(len(table.targets), np.nan) for name in (*names, _PICK, _BEST)}
    levels = table.levels
    judged = mean_known(np.stack([fold.value for fold in split.folds]), axis=0)
    for target in range(len(table.targets)):
        here = np.isfinite(judged[target])
        if not here.any():
            continue
        guess, truth = scores[target, here], judged[target, here]
        rows["ndcg"][target] = ndcg(guess, truth)
        rows["weighted_tau"][target] = weighted_tau(guess, truth)
        rows["rank_of_best"][target] = rank_of_best(guess, truth)
        for k in DEPTHS:
            rows[f"hit@{k}"][target] = hit_at(guess, truth, k)
        tops, kept = _values(scores[target], split.folds, target)
        level = levels[target] if table.known[target] else 0.0
        for k, value in zip(DEPTHS, kept, strict=True):
            rows[f"regret@{k}"][target] = (tops - value) * table.unit
            if level + tops > 0:
                rows[f"relative_regret@{k}"][target] = (tops - value) / (level + tops)
        if table.known[target]:
            rows[_PICK][target], rows[_BEST][target] = kept[0] * table.unit, tops * table.unit
    return rows


def control_figures(values: Array, split: Split, table: Table) -> dict[str, Array]:
    """The figures that a single offer for each target has. values: [T], NaN where a target has none."""
    tops = np.array([_values(None, split.folds, target)[0] for target in range(len(table.targets))])
    level = np.where(table.known, table.levels, 0.0)
    regret, height = tops - values, level + tops
    relative = np.where(height > 0, regret / np.where(height > 0, height, 1.0), np.nan)
    known = np.where(table.known, values, np.nan)
    return {
        "regret@1": regret * table.unit,
        "relative_regret@1": relative,
        _PICK: known * table.unit,
        _BEST: np.where(np.isfinite(known), tops, np.nan) * table.unit,
    }


def mean_of(draws: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """Of each figure the mean over draws, [T]; NaN where it was undefined in all."""
    return {name: mean_known(np.stack([draw[name] for draw in draws]), axis=0) for name in draws[0]}


def summarise(rows: dict[str, Array], *, level: float, seed: int) -> dict[str, Interval]:
    """Each figure's mean over targets with its interval; the parts of a ratio give way to the ratio."""
    found = {
        name: bootstrap_mean(values, level=level, seed=seed)
        for name, values in rows.items()
        if name not in (_PICK, _BEST) and not name.startswith("best@")
    }
    if _PICK in rows:
        found["ir"] = ratio(
            rows[_PICK], np.where(rows[_BEST] > 0, rows[_BEST], np.nan), level=level, seed=seed
        )
    for name in [name for name in rows if name.startswith("best@")]:
        share = name.removeprefix("best@")
        found[f"lost_share@{share}"] = ratio(rows[f"lost@{share}"], rows[name], level=level, seed=seed)
    return found


def totals(draw: dict[str, Array]) -> dict[str, float]:
    """Each figure's mean over targets in one draw, ratios as in `summarise`; NaN where undefined."""
    found = {
        name: float(mean_known(values, axis=0))
        for name, values in draw.items()
        if name not in (_PICK, _BEST) and not name.startswith("best@")
    }
    pairs = {"ir": (draw[_PICK], np.where(draw[_BEST] > 0, draw[_BEST], np.nan))} if _PICK in draw else {}
    for name in [name for name in draw if name.startswith("best@")]:
        share = name.removeprefix("best@")
        pairs[f"lost_share@{share}"] = draw[f"lost@{share}"], draw[name]
    for name, (part, whole) in pairs.items():
        both = np.isfinite(part) & np.isfinite(whole)
        total = float(whole[both].sum())
        found[name] = float(part[both].sum()) / total if total > 0 else math.nan
    return found


def bands(draws: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """The 5 and 95 % quantiles of each figure over draws; NaN where it is never defined."""
    found = {}
    for name in draws[0]:
        values = [draw[name] for draw in draws if not math.isnan(draw[name])]
        low, high = np.quantile(values, [0.05, 0.95]) if values else (math.nan, math.nan)
        found[name] = float(low), float(high)
    return found


def ratio(part: Array, whole: Array, *, level: float, seed: int, draws: int = 2000) -> Interval:
    """Σ part / Σ whole over targets, with a percentile bootstrap interval. Both: [T], NaN where undefined.

    A mean of the targets' own ratios would be ruled by those where there was next to nothing to gain.
    NaN where the whole is not above 0; a bound is infinite where so many draws have no whole that it is not known.
    """
    both = np.isfinite(part) & np.isfinite(whole)
    pairs = np.stack([part[both], whole[both]], axis=1)
    pairs = pairs[np.lexsort(pairs.T)]
    count, undefined = len(pairs), int((~both).sum())
    if not count or pairs[:, 1].sum() <= 0:
        return Interval(math.nan, math.nan, math.nan, count, undefined)
    value = float(pairs[:, 0].sum() / pairs[:, 1].sum())
    if count == 1:
        return Interval(value, -math.inf, math.inf, 1, undefined)
    rows = np.random.default_rng(seed).integers(0, count, (draws, count))
    sums = pairs[rows].sum(axis=1)
    low, high = np.quantile(
        shares(sums[:, 0], sums[:, 1]), [0.5 - level / 2, 0.5 + level / 2], method="nearest"
    )
    return Interval(value, float(low), float(high), count, undefined)


def _values(scores: Array | None, folds: Sequence[Fold], target: int) -> tuple[float, tuple[float, ...]]:
    """The worth of the reference and of the best of the first k for each depth, means over the folds."""
    tops: list[float] = []
    kept: list[tuple[float, ...]] = []
    for fold in folds:
        here = np.isfinite(fold.value[target])
        if here.any():
            chooser, value = fold.chooser[target, here], fold.value[target, here]
            tops.append(best(chooser, value))
            if scores is not None:
                kept.append(tuple(found(scores[here], chooser, value, k) for k in DEPTHS))
    if not tops:
        return math.nan, ()
    means = tuple(math.fsum(column) / len(column) for column in zip(*kept, strict=True))
    return math.fsum(tops) / len(tops), means
