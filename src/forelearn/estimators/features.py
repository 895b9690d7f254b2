"""What the predictor is told of a pair: named columns, in groups.

A column is called `group.name`; the group is what a study file lists under `features` and what an explanation
sums over. Feature sets of Pugantsov & McCreadie 2022: `F1` (performance of M_A and M_B) and `ANSAT` (3
document sets × 14 thresholds), alone and together. Recipe columns are a set of their own (a choice: the paper
does not say whether it used them).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.recipe import PositiveWeight, Precision, Recipe, Threshold

F1 = ("f1",)
ANSAT = ("ansat",)
F1_ANSAT = ("f1", "ansat")
"""The paper's feature sets, as groups for `Columns.only`."""

SETS = ("source", "target", "both")
"""The document sets D_A, D_B and D_AB of ANSAT, in the order of its values."""

CHOICES: dict[str, tuple[str, ...]] = {
    "precision": get_args(Precision),
    "positive_weight": get_args(PositiveWeight),
    "threshold": get_args(Threshold),
}


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Named columns over n pairs. rows: [n, d] float64; NaN where a value is not known."""

    names: tuple[str, ...]
    rows: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or self.rows.shape[1] != len(self.names):
            raise ValueError(f"{len(self.names)} column names but rows of shape {self.rows.shape}")
        if len(set(self.names)) != len(self.names):
            raise ValueError("column names must be unique")
        if np.isinf(self.rows).any():
            raise ValueError("feature values must be finite or NaN")

    def groups(self) -> dict[str, list[int]]:
        """Group → its column numbers; the group is the name up to the first dot."""
        found: dict[str, list[int]] = {}
        for column, name in enumerate(self.names):
            found.setdefault(name.split(".", 1)[0], []).append(column)
        return found

    def only(self, groups: Sequence[str]) -> Columns:
        """The columns of these groups, in their order. Raises `InputError` for an unknown group."""
        known = self.groups()
        for group in groups:
            if group not in known:
                raise InputError(
                    Problem("features", f"there is no group `{group}`.", did_you_mean(group, known))
                )
        return self.pick([column for group in groups for column in known[group]])

    def named(self, names: Sequence[str]) -> Columns:
        """The columns of these names, in this order. Raises `InputError` for an unknown name."""
        place = {name: column for column, name in enumerate(self.names)}
        for name in names:
            if name not in place:
                raise InputError(
                    Problem("features", f"there is no column `{name}`.", did_you_mean(name, place))
                )
        return self.pick([place[name] for name in names])

    def pick(self, columns: Sequence[int]) -> Columns:
        """The columns of these numbers, in this order."""
        return Columns(tuple(self.names[column] for column in columns), self.rows[:, list(columns)])


def join(*parts: Columns) -> Columns:
    """The columns of all parts side by side; all are over the same n pairs."""
    return Columns(
        tuple(name for part in parts for name in part.names),
        np.concatenate([part.rows for part in parts], axis=1),
    )


def column(name: str, values: ArrayLike) -> Columns:
    """One column. name: `group.name`, or a group of its own. values: [n]."""
    return Columns((name,), np.asarray(values, np.float64).reshape(-1, 1))


def f1_columns(source: ArrayLike, target: ArrayLike) -> Columns:
    """`f1.source` and `f1.target`: performance [n] of M_A (the source prefix) and M_B (the target's
    baseline).

    Named as in the paper; the values are of whatever metric decides.
    """
    return join(column("f1.source", source), column("f1.target", target))


def ansat_columns(values: ArrayLike, thresholds: ArrayLike) -> Columns:
    """`ansat.SET@THRESHOLD`. values: [n, 3, t], shared active terms a document of D_A, D_B, D_AB; NaN for an
    empty set.

    thresholds: [t], 14 in the paper.
    """
    table, levels = np.asarray(values, np.float64), np.asarray(thresholds, np.float64)
    if table.ndim != 3 or table.shape[1:] != (len(SETS), len(levels)):
        raise ValueError(f"expected values [n, {len(SETS)}, {len(levels)}], got {table.shape}")
    names = tuple(f"ansat.{name}@{level:.2f}" for name in SETS for level in levels)
    return Columns(names, table.reshape(len(table), -1))


def recipe_columns(sources: Sequence[Recipe | None], targets: Sequence[Recipe]) -> Columns:
    """`recipe.source.FIELD` and `recipe.target.FIELD` of n pairs. No source recipe (a ready encoder): NaN.

    The learning rate and batch size are logarithms to base 2; a choice becomes a 0/1 column for each value.
    """
    return join(
        *(
            Columns(
                tuple(f"recipe.{side}.{name}" for name in _recipe_names()),
                np.array(rows, np.float64).reshape(len(recipes), -1),
            )
            for side, recipes in (("source", sources), ("target", targets))
            for rows in [[_recipe_values(recipe) for recipe in recipes]]
        )
    )


def _recipe_names() -> list[str]:
    names: list[str] = []
    for field in dataclasses.fields(Recipe):
        values = CHOICES.get(field.name)
        names += [field.name] if values is None else [f"{field.name}={value}" for value in values]
    return names


def _recipe_values(recipe: Recipe | None) -> list[float]:
    if recipe is None:
        return [math.nan] * len(_recipe_names())
    row: list[float] = []
    for field in dataclasses.fields(Recipe):
        value = getattr(recipe, field.name)
        if field.name in CHOICES:
            row += [float(value == choice) for choice in CHOICES[field.name]]
        else:
            row.append(math.log2(value) if field.name in ("learning_rate", "batch_size") else float(value))
    return row


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """n finished pairs: what was known of each and what came of it.

    names, rows: the columns, [n, d]; NaN where a value is not known.
    groups: the target of each pair; folds never part rows that share one. sources: its source.
    gains: [n] performance minus the seed-averaged baseline. baselines: [n] that baseline of the pair's
    target; needed for the paper's form alone, which predicts the performance itself.
    No column may carry gains of other rows (static quality, say): a held-out target would leak through it.
    """

    names: tuple[str, ...]
    rows: NDArray[np.float64]
    groups: tuple[str, ...]
    sources: tuple[str, ...]
    gains: NDArray[np.float64]
    baselines: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        Columns(self.names, self.rows)
        lengths = {len(self.rows), len(self.groups), len(self.sources), len(self.gains)}
        if self.baselines is not None:
            lengths.add(len(self.baselines))
        if len(lengths) != 1:
            raise ValueError(
                f"rows, groups, sources, gains and baselines differ in length: {sorted(lengths)}"
            )
        if not np.isfinite(self.gains).all():
            raise ValueError("gains must be finite: a failed run has no row")

    def __len__(self) -> int:
        return len(self.gains)

    def pick(self, rows: Sequence[int] | NDArray[np.int64]) -> FeatureTable:
        """The pairs at these rows, in that order."""
        index = np.asarray(rows, np.int64)
        return FeatureTable(
            self.names,
            self.rows[index],
            tuple(self.groups[row] for row in index),
            tuple(self.sources[row] for row in index),
            self.gains[index],
            None if self.baselines is None else self.baselines[index],
        )

    def in_order(self) -> FeatureTable:
        """The same pairs in an order that does not depend on how they arrived."""
        keys = [
            (self.groups[row], self.sources[row], self.rows[row].tobytes(), float(self.gains[row]))
            for row in range(len(self))
        ]
        return self.pick(sorted(range(len(self)), key=keys.__getitem__))
