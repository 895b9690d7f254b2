"""One half of the seeds orders the sources, the other half judges: no figure is free luck.

With R ≥ 2 seeds a *split* hands a random half to whoever learns. The judging half is cut in two folds; each
fold values, and the best source that the others are measured against is chosen on all seeds but that fold's
(cross-fitting). The best of noisy means valued on the same noise would overstate what there was to find. Of
an odd number the learner has one more: with 3 seeds it has two, and one judges, as a fold of its own. With
one seed there is nothing to split: what was learned from is what judges, and the reference is the maximum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from forelearn.evaluation.table import Array, Table, mean_known


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Judged values. chooser: [T, S], what the reference is chosen by; value: [T, S], what it is worth.

    NaN where the pair is no candidate or lacks seeds on either side: it is then not judged in this fold.
    """

    chooser: Array
    value: Array


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One division of the seeds. learn: indices in random order, the first is the one a search runs first."""

    learn: tuple[int, ...]
    judge: tuple[int, ...]
    folds: tuple[Fold, ...]
    itself: Array
    """[T], judged value of `B → B`; NaN where the table has none."""


def split(table: Table, rng: np.random.Generator) -> Split:
    """A random half of the seeds to learn from, the other to judge."""
    count = len(table.seeds)
    values = np.where(table.candidates[:, :, None], table.values, np.nan)
    order = [int(index) for index in rng.permutation(count)]
    if count == 1:
        mean = mean_known(values, axis=2)
        return Split((0,), (0,), (Fold(mean, mean),), _itself(table, (0,)))
    half = (count + 1) // 2
    learn, judge = order[:half], order[half:]
    parts = [judge[: len(judge) // 2], judge[len(judge) // 2 :]] if len(judge) > 1 else [judge]
    folds = []
    for part in parts:
        others = [index for index in order if index not in part]
        chooser, value = mean_known(values[:, :, others], axis=2), mean_known(values[:, :, part], axis=2)
        both = np.isfinite(chooser) & np.isfinite(value)
        folds.append(Fold(np.where(both, chooser, np.nan), np.where(both, value, np.nan)))
    return Split(tuple(learn), tuple(judge), tuple(folds), _itself(table, tuple(judge)))


def best(chooser: Array, value: Array) -> float:
    """What the source that the chooser prefers is worth. Both: [m], finite, m ≥ 1."""
    return float(value[int(np.argmax(chooser))])


def found(predicted: Array, chooser: Array, value: Array, k: int) -> float:
    """What the best (by the chooser) of the k highest predicted is worth; all: [m], chooser and value finite.

    Equal predictions are taken in every order at once (the expectation); NaN is behind all that is known.
    """
    guess = np.where(np.isnan(predicted), -np.inf, predicted)
    k = min(k, len(guess))
    last = np.sort(guess)[::-1][k - 1]
    sure, tied = np.flatnonzero(guess > last), np.flatnonzero(guess == last)
    left = k - len(sure)
    certain = sure[np.argmax(chooser[sure])] if len(sure) else -1
    # the preferred of k drawn from b tied ones is the j-th least preferred with chance C(j−1, k−1) / C(b, k)
    ways, total = math.comb(len(tied), left), 0.0
    for place, index in enumerate(tied[np.argsort(chooser[tied], kind="stable")]):
        kept = certain if certain >= 0 and chooser[certain] >= chooser[index] else index
        total += math.comb(place, left - 1) / ways * float(value[kept])
    return total


def _itself(table: Table, seeds: tuple[int, ...]) -> Array:
    found = np.full(len(table.targets), np.nan)
    means = mean_known(table.values[:, :, list(seeds)], axis=2)
    for target, source in table.itself:
        found[target] = means[target, source]
    return found
