"""`features.csv`: what was known of every pair of a study before it was tried, one row a (source, target).

Columns are the predictor's (`estimators/features.py`): `f1.source` and `f1.target` (the deciding measure of both
tasks alone, on dev and the first seed), `ansat.SET@THRESHOLD`, a column for every method that orders sources by
itself (`estimators/methods.py`; `ansat` is the mean over thresholds on D_B), `recipe.…`, and `prior`, the rank
fusion of free scores and ANSAT, standardised within its target. Columns `cost.…` hold what features cost: the sum
over rows is the whole. An empty cell is a value that is not known. Columns may be missing: none but `target` and
`source` is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forelearn.core.errors import InputError, Problem
from forelearn.core.run import Cost
from forelearn.estimators.features import Columns
from forelearn.experiment.csv_file import cell, number_of, read_csv, write_csv

FILE = "features.csv"

Pair = tuple[str, str]
"""(source, target)"""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """pairs: n of them. columns: their features, [n, d]. costs: feature → what all pairs together cost."""

    pairs: tuple[Pair, ...]
    columns: Columns
    costs: Mapping[str, Cost]

    def scores(self) -> tuple[str, ...]:
        """The columns that order sources by themselves: methods, and `prior`; ANSAT's mean, not its parts."""
        return tuple(name for name in self.columns.names if "." not in name)

    def grid(self, name: str, targets: Sequence[str], sources: Sequence[str]) -> NDArray[np.float64]:
        """The column `name` as [T, S]; NaN where a pair has no row. Raises ValueError if there is no such column."""
        values = self.columns.rows[:, self.columns.names.index(name)]
        found = np.full((len(targets), len(sources)), np.nan)
        rows = {target: row for row, target in enumerate(targets)}
        places = {source: place for place, source in enumerate(sources)}
        for (source, target), value in zip(self.pairs, values, strict=True):
            if target in rows and source in places:
                found[rows[target], places[source]] = value
        return found


def write_features(features: Features, path: Path) -> None:
    """Write the table in one step, rows by target and source."""
    costs = [
        (f"cost.{name}.{kind}", getattr(cost, kind) / max(1, len(features.pairs)))
        for name, cost in features.costs.items()
        for kind in ("units", "seconds")
    ]
    header = ["target", "source", *features.columns.names, *(name for name, _ in costs)]
    rows = [
        [target, source, *map(cell, features.columns.rows[row]), *(cell(value) for _, value in costs)]
        for row, (source, target) in enumerate(features.pairs)
    ]
    write_csv(path, header, sorted(rows))


def read_features(path: Path) -> Features:
    """The table that `write_features` wrote. Raises InputError for a file that is none, or has a pair twice."""
    fix = "Correct it, or remove it: the study is then judged without these scores."
    header, rows = read_csv(path, needed=("target", "source"), fix=fix)
    seen: set[tuple[str, str]] = set()
    for row in rows:
        pair = row.values["source"], row.values["target"]
        if pair in seen:
            rule = f"the pair {' → '.join(pair)} stands twice."
            raise InputError(Problem(f"{path}, row {row.number}", rule, "Leave one of the two rows out."))
        seen.add(pair)
    names = [name for name in header if name not in ("target", "source") and not name.startswith("cost.")]
    values = np.array([[number_of(path, row, name) for name in names] for row in rows], np.float64)
    costs: dict[str, Cost] = {}
    for name in dict.fromkeys(name.split(".")[1] for name in header if name.startswith("cost.")):
        units, seconds = (
            sum(number_of(path, row, f"cost.{name}.{kind}") for row in rows) for kind in ("units", "seconds")
        )
        costs[name] = Cost(units, seconds)
    return Features(
        tuple((row.values["source"], row.values["target"]) for row in rows),
        Columns(tuple(names), values.reshape(len(rows), len(names))),
        costs,
    )
