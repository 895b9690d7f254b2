"""`forelearn evaluate TABLE.csv`: read a table, judge every order that it allows, and the search.

Orders: random, static, source effects, one for each score column, and, of two or more, their rank fusion.
The search is replayed as it would live where there are seeds and gains. A replay takes a while, so there are
fewer of them than of draws; its differences to random and static are taken on the same splits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from forelearn.core.errors import InputError, Problem
from forelearn.core.scores import Scores
from forelearn.estimators.fusion import fuse
from forelearn.estimators.static import static
from forelearn.evaluation.budget import Replay, Search
from forelearn.evaluation.orders import Method, Seen, centred, column, source_effects
from forelearn.evaluation.quality import Quality, evaluate
from forelearn.evaluation.table import Array, Table
from forelearn.experiment.read_table import read_table
from forelearn.experiment.replay import TableSearch
from forelearn.experiment.table_file import TableOptions

OURS = "forelearn"
RESERVED = frozenset({"random", "static", "source effects", "fusion", "no transfer", "itself", OURS})
"""Names of methods; a score column of such a name is shown as `score NAME`."""


REPLAYED, FEWEST, MOST, MOST_PAIRS = 10_000, 5, 30, 1_000
"""Replays × pairs of a table; the fewest and most replays; pairs beyond which there are none. On one core 15 s for
21 × 22 pairs, some two minutes for 30 × 30."""

Progress = Callable[[int, int], None]
"""Called after each replay with how many are done, of how many."""


def evaluate_table(
    path: Path,
    options: TableOptions | None = None,
    *,
    searches: Mapping[str, Search] | None = None,
    draws: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Quality, tuple[Problem, ...]]:
    """Judge the orders of one file and the search, and what to warn of.

    searches: name → a search to replay, where the table has at least two seeds; None: forelearn's own. draws:
    splits of the seeds and random orders, at least 2. seed: of all chance. Raises InputError for a table or a
    value that is refused.
    """
    if draws < 2:
        raise InputError(Problem("--draws", f"must be at least 2, got {draws}.", "The default is 100."))
    if seed < 0:
        raise InputError(Problem("--seed", f"must be at least 0, got {seed}.", "The default is 0."))
    table, warnings = read_table(path, options)
    quality = evaluate(table, orders_of(table), draws=draws, seed=seed)
    wanted = {OURS: TableSearch()} if searches is None else searches
    replays = replays_of(table, draws)
    if wanted and replays:
        quality = _with_searches(quality, wanted, replays, progress or (lambda done, of: None))
    elif wanted and len(table.seeds) > 1:
        why = "no gain is known" if not table.known.any() else f"it has more than {MOST_PAIRS:,} pairs"
        fix = "Give baselines, or leave out targets or sources."
        warnings = (*warnings, Problem(str(path), f"The search is not replayed: {why}.", fix, "warning"))
    return quality, warnings


def replays_of(table: Table, draws: int) -> int:
    """How often a search is replayed; 0 where there is nothing to search for, or too much."""
    pairs = int(table.candidates.sum())
    if len(table.seeds) < 2 or not table.known.any() or pairs > MOST_PAIRS:
        return 0
    return min(draws, MOST, max(FEWEST, REPLAYED // pairs))


def _with_searches(
    quality: Quality, searches: Mapping[str, Search], replays: int, progress: Progress
) -> Quality:
    """The same with the searches, before the controls."""
    total, done = replays * len(searches), iter(range(1, replays * len(searches) + 1))

    def watched(search: Search) -> Search:
        def replay(table: Table, number: int) -> Replay:
            found = search(table, number)
            progress(next(done), total)
            return found

        return replay

    judged = evaluate(
        quality.table,
        [method for method in orders_of(quality.table) if method.name == "static"],
        searches={name: watched(search) for name, search in searches.items()},
        draws=replays,
        seed=quality.seed,
        level=quality.level,
    )
    found = [
        replace(verdict, sees=f"{verdict.sees}, {replays} replays")
        for verdict in judged.verdicts
        if verdict.kind == "search"
    ]
    orders = [verdict for verdict in quality.verdicts if verdict.kind != "control"]
    controls = [verdict for verdict in quality.verdicts if verdict.kind == "control"]
    made = sum(len(each) for verdict in found for each in verdict.against.values())
    return replace(quality, verdicts=(*orders, *found, *controls), comparisons=quality.comparisons + made)


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
