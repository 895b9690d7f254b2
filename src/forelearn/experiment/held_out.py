"""What predictors say of the pairs of a target none of whose transfers they have seen.

Leave one target out (`evaluation/folds.py`): fitted on the finished pairs of all other targets. Feature sets of
Pugantsov & McCreadie 2022, which predict the performance, and ours, which predicts the gain from all that is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forelearn.estimators.boosting import Boosting, choose_backend, fit_trees
from forelearn.estimators.features import Columns, f1_columns, join
from forelearn.estimators.methods import METHODS
from forelearn.estimators.predictor import FEWEST_ROWS, FEWEST_TARGETS
from forelearn.evaluation.folds import leave_one_target_out
from forelearn.evaluation.table import Array, mean_known
from forelearn.evaluation.truth import Side, Truth
from forelearn.experiment.features_table import Features
from forelearn.experiment.row_scores import BY_FEATURES, BY_PREDICTIONS


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """groups: of columns. form: what is predicted. costly: features that are paid for (`Features.costs`)."""

    name: str
    groups: tuple[str, ...]
    form: Literal["performance", "gain"]
    costly: tuple[str, ...] = ()


FREE = ("cooccurrence", "words", "overlap", "size")
SETS = (
    FeatureSet("F1", ("f1",), "performance"),
    FeatureSet("ANSAT", ("ansat",), "performance", ("ansat",)),
    FeatureSet("F1+ANSAT", ("f1", "ansat"), "performance", ("ansat",)),
    FeatureSet("F1+ANSAT, gain", ("f1", "ansat"), "gain", ("ansat",)),
    FeatureSet("ours", ("f1", "ansat", *FREE, "textemb", "prior"), "gain", ("ansat", "textemb")),
    FeatureSet("ours, free", ("f1", *FREE), "gain"),
)
"""The paper's three, the same two together on the gain, and ours with and without what costs something."""

EVERY = "every method"
"""The set of whatever the table has, if that is more than what the sets above name."""


def usable_sets(features: Features) -> tuple[FeatureSet, ...]:
    """The sets all of whose groups have at least one value; and `EVERY`."""
    groups = features.columns.groups()
    filled = {
        group for group, columns in groups.items() if np.isfinite(features.columns.rows[:, columns]).any()
    } | {"f1"}
    usable = [one for one in SETS if set(one.groups) <= filled]
    every = tuple(name for name in METHODS if name in filled)
    if set(every) - {group for one in SETS for group in one.groups}:
        usable.append(FeatureSet(EVERY, ("f1", *every), "gain", paid_once(every, features)))
    return tuple(usable)


def paid_once(names: Sequence[str], features: Features) -> tuple[str, ...]:
    """The methods whose costs sum to that of all: of those that share one reading, the dearest."""
    costs = {name: features.costs[name].units for name in names if name in features.costs}
    shared = [name for name in costs if name in (*BY_FEATURES, *BY_PREDICTIONS)]
    kept = [name for name in costs if name not in shared]
    for group in (BY_FEATURES, BY_PREDICTIONS):
        kept += sorted((name for name in shared if name in group), key=lambda name: costs[name])[-1:]
    return tuple(kept)


def predictions(
    truth: Truth, side: Side, features: Features, wanted: FeatureSet, *, seeds: Sequence[int] | None = None
) -> Array:
    """[T, S]: the predicted performance (or gain) of every pair on this side; NaN for pairs without features.

    seeds: places of the seeds whose runs are learned from; all by default. F1 columns are the tasks' own
    baselines on those seeds; a task that is no target has none.
    """
    chosen = list(range(len(truth.seeds))) if seeds is None else list(seeds)
    level = mean_known(side.baselines[:, chosen], axis=1)
    values = mean_known(side.pairs[:, :, chosen], axis=2)
    if wanted.form == "gain":
        values = values - level[:, None]
    columns, pairs = _columns(truth, features, level, wanted.groups)
    row = {name: place for place, name in enumerate(truth.targets)}
    column = {name: place for place, name in enumerate(truth.sources)}
    at = np.array([(row[target], column[source]) for source, target in pairs], np.int64).reshape(
        len(pairs), 2
    )
    actual = values[at[:, 0], at[:, 1]]
    found = np.full(values.shape, np.nan)
    if len(pairs):
        guess = held_out(columns, [t for _, t in pairs], [s for s, _ in pairs], actual)
        found[at[:, 0], at[:, 1]] = guess
    return found


def _columns(
    truth: Truth, features: Features, level: Array, groups: Sequence[str]
) -> tuple[Columns, list[tuple[str, str]]]:
    """The wanted columns of the pairs that the truth has, F1 columns from `level`; rows by name."""
    rows = sorted(
        (pair, place)
        for place, pair in enumerate(features.pairs)
        if pair[0] in truth.sources and pair[1] in truth.targets
    )
    pairs = [pair for pair, _ in rows]
    alone = dict(zip(truth.targets, level.tolist(), strict=True))
    own = f1_columns([alone.get(s, np.nan) for s, _ in pairs], [alone[t] for _, t in pairs])
    stored = Columns(features.columns.names, features.columns.rows[[place for _, place in rows]])
    parts = [own if group == "f1" else _told(stored.only([group])) for group in groups]
    return join(*parts), pairs


def _told(group: Columns) -> Columns:
    """A group without the column of its own name where there are others: `ansat` is the mean of `ansat.…`."""
    parts = [place for place, name in enumerate(group.names) if "." in name]
    return group.pick(parts) if parts else group


def held_out(columns: Columns, targets: Sequence[str], sources: Sequence[str], values: Array) -> Array:
    """[n]: the prediction of each row by trees fitted without its target. values: [n], NaN where nothing ran.

    Where too little has run elsewhere, the mean of what has; NaN if nothing has.
    """
    found = np.full(len(values), np.nan)
    backend = choose_backend("auto")
    for fold in leave_one_target_out(targets, sources):
        train = fold.train[np.isfinite(values[fold.train])]
        if not len(train):
            continue
        if len(train) < FEWEST_ROWS or len({targets[row] for row in train}) < FEWEST_TARGETS:
            found[fold.test] = values[train].mean()
            continue
        trees = fit_trees(columns.rows[train], values[train], backend=backend, boosting=Boosting())
        found[fold.test] = trees.predict(columns.rows[fold.test])
    return found
