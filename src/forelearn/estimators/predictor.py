"""The predictor: what will this transfer gain, and how surely?

Pugantsov & McCreadie 2022, section 3: XGBRegressor on features of (M_A, M_B) predicts what encoder → A → B
will reach. Differs from the paper by default: it predicts the *gain* over the seed-averaged baseline, because
trees cannot extrapolate to an unseen target's level (measured: RMSE over the top 100 pairs .264 in the
paper's form, .152 on the gain, .140 without any predictor). The paper's form is kept as `form="performance"`.
Intervals are ours (`conformal.py`), and so is the refusal to fit on next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forelearn.estimators.boosting import Backend, Boosting, Regressor, choose_backend, fit_trees
from forelearn.estimators.conformal import cross_conformal, target_folds, training_rows
from forelearn.estimators.features import Columns, FeatureTable
from forelearn.estimators.importance import Explanation, by_group, group_shapley

Array = NDArray[np.float64]

FEWEST_TARGETS = 2
FEWEST_ROWS = 8
"""Below either, trees would only repeat the rows they saw: the mean is predicted instead."""


@dataclass(frozen=True, slots=True)
class PredictorOptions:
    """What is predicted, and how.

    form: `gain` over the baseline, or `performance` itself (the paper's).
    backend: `xgboost`, `sklearn`, or `auto`: XGBoost where it can be imported.
    folds: of whole targets, for the intervals; fewer if there are fewer targets.
    prior: what is predicted before any run has finished.
    """

    form: Literal["gain", "performance"] = "gain"
    backend: Literal["auto", "xgboost", "sklearn"] = "auto"
    folds: int = 10
    prior: float = 0.0
    boosting: Boosting = field(default_factory=Boosting)

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError(f"`folds` must be at least 2, got {self.folds}")


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions for m pairs, in the unit of the form; higher is better.

    mean: [m]. low, high: [m], the interval; infinite where there is too little to say.
    fallback: why no trees were fitted and what is predicted instead; None if they were.
    """

    mean: Array
    low: Array
    high: Array
    fallback: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A fitted predictor; made by `fit_predictor` or `load_predictor`.

    table: what it was fitted on, in canonical order. whole: the regressor of all rows. folded: one for each
    fold, fitted without it. fold_of, residuals: [n], each row's fold and its out-of-fold absolute error.
    fallback: as in `Predictions`.
    """

    options: PredictorOptions
    backend: Backend
    table: FeatureTable
    whole: Regressor | None
    folded: tuple[Regressor, ...]
    fold_of: NDArray[np.int64]
    residuals: Array
    fallback: str | None

    def predict(self, columns: Columns, *, level: float = 0.9) -> Predictions:
        """Predict the pairs of `columns` with intervals at `level`; an interval always contains its mean.

        Columns are found by name, in any order; further ones are ignored. Raises `InputError` for a missing
        one.
        """
        rows = columns.named(self.table.names).rows
        if self.whole is None:
            infinite = np.full(len(rows), np.inf)
            return Predictions(np.full(len(rows), self._constant()), -infinite, infinite, self.fallback)
        mean = self.whole.predict(rows)
        by_fold = np.stack([regressor.predict(rows) for regressor in self.folded], axis=1)
        low, high = cross_conformal(by_fold[:, self.fold_of], self.residuals, level=level)
        return Predictions(mean, np.minimum(low, mean), np.maximum(high, mean))

    def unseen(self, columns: Columns, targets: Sequence[str]) -> Array | None:
        """[m], each pair as predicted by trees that saw no row of its target; None if nothing was fitted.

        targets: [m], the target of each pair. All pairs of a target, finished or not, come from the same trees, so
        that they can be compared. Raises `InputError` for a missing column.
        """
        if self.whole is None:
            return None
        rows = columns.named(self.table.names).rows
        fold_of = dict(zip(self.table.groups, self.fold_of.tolist(), strict=True))
        found = self.whole.predict(rows)
        for fold, regressor in enumerate(self.folded):
            held = np.array([fold_of.get(target) == fold for target in targets], bool)
            if held.any():
                found[held] = regressor.predict(rows[held])
        return found

    def explain(self, columns: Columns) -> Explanation:
        """What each group of features adds to the predictions; with the constant it sums to the mean."""
        known = columns.named(self.table.names)
        if self.whole is None:
            return Explanation(np.full(len(known.rows), self._constant()), {})
        contributions = self.whole.contributions(known.rows)
        if contributions is not None:
            return by_group(contributions, known.groups())
        return group_shapley(self.whole.predict, known.rows, self.table.rows, known.groups())

    def _constant(self) -> float:
        return (
            float(predicted_values(self.table, self.options).mean())
            if len(self.table)
            else self.options.prior
        )


def fit_predictor(table: FeatureTable, *, options: PredictorOptions) -> Predictor:
    """Fit on finished pairs; the order of the rows does not matter.

    With fewer than 2 targets or 8 rows nothing is fitted: the predictor then predicts the mean of the rows
    (the prior if there are none) and says so in `fallback`. Raises `ValueError` if the performance form has
    no baselines.
    """
    table = table.in_order()
    values = predicted_values(table, options)
    backend = choose_backend(options.backend)
    fallback = why_not(table, options)
    if fallback is not None:
        return Predictor(
            options, backend, table, None, (), np.zeros(len(table), np.int64), np.empty(0), fallback
        )
    fold_of = target_folds(table.groups, folds=options.folds)
    folded: list[Regressor] = []
    residuals = np.zeros(len(table))
    for fold in range(int(fold_of.max()) + 1):
        train = training_rows(fold, fold_of, table.groups, table.sources, fewest=FEWEST_ROWS)
        regressor = fit_trees(table.rows[train], values[train], backend=backend, boosting=options.boosting)
        folded.append(regressor)
        held = fold_of == fold
        residuals[held] = np.abs(values[held] - regressor.predict(table.rows[held]))
    whole = fit_trees(table.rows, values, backend=backend, boosting=options.boosting)
    return Predictor(options, backend, table, whole, tuple(folded), fold_of, residuals, None)


def predicted_values(table: FeatureTable, options: PredictorOptions) -> Array:
    """What the predictor is fitted to, [n]: gains, or in the paper's form performances (gain + baseline)."""
    if options.form == "gain":
        return table.gains
    if table.baselines is None:
        raise ValueError('`form="performance"` needs the baselines of the rows\' targets')
    return table.gains + table.baselines


def why_not(table: FeatureTable, options: PredictorOptions) -> str | None:
    """Why nothing is fitted on this table, in one sentence; None if something is."""
    targets = len(set(table.groups))
    if targets >= FEWEST_TARGETS and len(table) >= FEWEST_ROWS and table.names:
        return None
    instead = (
        f"the mean {options.form} of what has finished stands for every pair"
        if len(table)
        else f"the prior {options.form} {options.prior:+.3f} stands for every pair"
    )
    if not table.names:
        return f"There are no features to predict from: {instead}."
    return (
        f"{_count(len(table), 'finished transfer')} on {_count(targets, 'target')} "
        f"{'is' if len(table) == 1 else 'are'} too few to fit the predictor, which needs {FEWEST_ROWS} on "
        f"{FEWEST_TARGETS}: {instead}, and the order of sources is left to the scores that need no runs."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
