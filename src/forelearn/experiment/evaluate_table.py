"""`forelearn evaluate TABLE.csv`: read a table, judge every order that it allows, and any search given.

Orders: random, static, source effects, one for each score column, and, of two or more, their rank fusion.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from forelearn.core.errors import InputError, Problem
from forelearn.core.scores import Scores
from forelearn.estimators.fusion import fuse
from forelearn.estimators.static import static
from forelearn.evaluation.budget import Search
from forelearn.evaluation.orders import Method, Seen, centred, column, source_effects
from forelearn.evaluation.quality import Quality, evaluate
from forelearn.evaluation.table import Array, Table
from forelearn.experiment.read_table import read_table
from forelearn.experiment.table_file import TableOptions

RESERVED = frozenset({"random", "static", "source effects", "fusion", "no transfer", "itself"})
"""Names of methods; a score column of such a name is shown as `score NAME`."""


def evaluate_table(
    path: Path,
    options: TableOptions | None = None,
    *,
    searches: Mapping[str, Search] | None = None,
    draws: int = 100,
    seed: int = 0,
) -> tuple[Quality, tuple[Problem, ...]]:
    """Judge the orders of one file, and what to warn of.

    searches: name → a search to replay, where the table has at least two seeds. draws: splits of the seeds and
    random orders, at least 2. seed: of all chance. Raises InputError for a table or a value that is refused.
    """
    if draws < 2:
        raise InputError(Problem("--draws", f"must be at least 2, got {draws}.", "The default is 100."))
    if seed < 0:
        raise InputError(Problem("--seed", f"must be at least 0, got {seed}.", "The default is 0."))
    table, warnings = read_table(path, options)
    return evaluate(table, orders_of(table), searches=searches, draws=draws, seed=seed), warnings


def orders_of(table: Table) -> tuple[Method, ...]:
    """Every order that the table allows, without random, which is always judged."""
    found = [
        Method("static", by_static, "the learning seeds of the other targets"),
        Method("source effects", source_effects, "single runs as it goes", chance=True, in_sequence=True),
    ]
    for name in table.scores:
        shown = f"score {name}" if name in RESERVED else name
        found.append(Method(shown, column(name), "a score column"))
    if len(table.scores) > 1:
        found.append(Method("fusion", by_fusion, "all score columns"))
    return tuple(found)


def by_static(view: Seen) -> Array:
    """Mean gain of a source on the other targets, after centring each target (an easy one speaks for none)."""
    return static(centred(view.means).T).T


def by_fusion(view: Seen) -> Array:
    """Reciprocal rank fusion of the score columns; what a column does not score it puts behind the rest."""
    table = view.table
    fused = np.full(view.means.shape, np.nan)
    for row, target in enumerate(table.targets):
        rankings = []
        for name, values in table.scores.items():
            here = {
                s: float(values[row, c]) for c, s in enumerate(table.sources) if view.table.candidates[row, c]
            }
            known = {source: value for source, value in here.items() if np.isfinite(value)}
            failed = {source: "no score" for source in here if source not in known}
            rankings.append(Scores(target, name, known, failed))
        both = fuse(rankings).values
        for place, source in enumerate(table.sources):
            fused[row, place] = both.get(source, np.nan)
    return fused
