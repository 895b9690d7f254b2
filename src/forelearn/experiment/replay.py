"""The search as it would live on a table of finished runs: nothing is trained, every run is looked up.

The very `Search` and gain model of a study, with tasks that are only names. Half of the seeds that it is given
are the search's, the others are the fresh ones of confirmation. A pair without a run is a run that failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from forelearn.core.budget import Budget
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Failure, Outcome, Performance, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.evaluation.budget import SHARES, Replay
from forelearn.evaluation.table import Table
from forelearn.experiment.gains import guesses, posterior
from forelearn.search.search import Options, Search
from forelearn.search.space import Space, source_name

LEVEL = 0.5
"""What a baseline performs where the table knows only gains."""


@dataclass(frozen=True, slots=True)
class Lived:
    """A finished search. picks, reported: as in `Replay`, for one budget. search: its record."""

    picks: tuple[str | None, ...]
    reported: tuple[float | None, ...]
    search: Search


@dataclass(frozen=True)
class TableSearch:
    """Callable with a table and the number of a replay, as `evaluation` wants a search that it judges.

    confirmation_extra: what confirmation costs comes on top of the budget, so that what is found is compared
    at equal cost of searching; else it comes out of it.
    scores: the names of the table's scores that the search may use.
    """

    options: Options = Options(halving=False)
    confirmation_extra: bool = False
    scores: Sequence[str] = ()
    shares: Sequence[float] = SHARES

    def __call__(self, table: Table, number: int) -> Replay:
        """What it answers at each share of the exhaustive cost."""
        lived = {share: live(table, share, number, self) for share in self.shares}
        return Replay(
            {share: one.picks for share, one in lived.items()},
            {share: one.reported for share, one in lived.items()},
        )


@dataclass
class _World:
    """The table as runs. Performances are in fractions, as the search's own constants are."""

    table: Table
    search_seeds: int
    noiseless: bool = field(init=False)

    def __post_init__(self) -> None:
        table = self.table
        self.noiseless = table.baselines.shape[1] == 1
        self.row = {name: index for index, name in enumerate(table.targets)}
        self.column = {name: index for index, name in enumerate(table.sources)}

    def seed(self, transfer: Transfer, space: Space) -> int:
        first = space.fresh_seed(0) if space.is_fresh(transfer.seed) else 0
        return transfer.seed - first + (self.search_seeds if first else 0)

    def outcome(self, transfer: Transfer, space: Space) -> Outcome:
        cost = Cost(self.cost(transfer), self.cost(transfer))
        seed, name = self.seed(transfer, space), transfer.target.name
        row, table = self.row.get(name), self.table
        if not transfer.sources:
            value = LEVEL
            if row is not None and not self.noiseless:
                own, mean = table.baselines[row, seed], np.nanmean(table.baselines[row])
                value = LEVEL + float(own - mean) * table.unit / 100 if np.isfinite(own) else float("nan")
        else:
            assert row is not None
            first = transfer.sources[0].name
            gain = table.gains[row, self.column[first], seed] if first in self.column else float("nan")
            base = 0.0
            if not self.noiseless:
                base = float(table.baselines[row, seed] - np.nanmean(table.baselines[row]))
            value = LEVEL + (float(gain) + base) * table.unit / 100
        if not np.isfinite(value):
            return Failure(transfer, "the table has no such run", cost, "")
        measured = {transfer.target.metric: value}
        return Run(transfer, Performance(measured, measured), cost, "")

    def cost(self, transfer: Transfer) -> float:
        row = self.row.get(transfer.target.name)
        if row is None:
            return 0.0
        if not transfer.sources:
            return float(self.table.baseline_costs[row])
        column = self.column.get(transfer.sources[0].name)
        return 0.0 if column is None else float(self.table.costs[row, column])


def live(table: Table, share: float, number: int, how: TableSearch = TableSearch()) -> Lived:
    """A search on the seeds of `table` with `share` of the exhaustive cost (one run of all) to spend."""
    names = sorted({*table.targets, *table.sources})
    tasks = {name: Task(name, "binary", "average_precision", name) for name in names}
    missing = {
        (source, target)
        for row, target in enumerate(table.targets)
        for column, source in enumerate(table.sources)
        if not np.isfinite(table.gains[row, column]).any()
    }
    half = max(1, len(table.seeds) // 2)
    space = Space(
        targets=tuple(tasks[name] for name in table.targets),
        sources=tuple(tasks[name] for name in table.sources),
        encoder=Encoder("replayed", "0"),
        recipes=(Recipe(epochs=1),),
        seeds=half,
        controls=False,
    )
    world = _World(table, half)
    total = share * float(table.baseline_costs.sum() + np.where(table.candidates, table.costs, 0.0).sum())
    options = how.options
    if how.confirmation_extra:
        total /= 1.0 - options.confirm_share
    fresh = len(table.seeds) - half
    options = Options(
        **{
            **{name: getattr(options, name) for name in options.__slots__},
            "confirm_seeds": min(options.confirm_seeds, fresh),
            "confirm_share": options.confirm_share if fresh else 0.0,
            "baseline_seeds": min(options.baseline_seeds, half),
        }
    )
    search = Search(space, Budget("share", 1.0), world.cost, options)
    search.budget = Budget("share", min(total / search.exhaustive_units, 1.0))
    luck = np.random.default_rng(number).random((len(table.targets), len(table.sources)))

    def believe() -> Mapping[tuple[str, str], object]:
        scores = None
        if how.scores:
            stacked = np.mean([_standard(table.scores[name]) for name in how.scores], axis=0)
            scores = {
                (source, target): float(stacked[row, column])
                for row, target in enumerate(table.targets)
                for column, source in enumerate(table.sources)
            }
        found = guesses(posterior(search, scores))
        return {
            pair: guess if pair[0] not in world.column else type(guess)(
                guess.mean + 1e-9 * luck[world.row[pair[1]], world.column[pair[0]]], guess.sd, guess.worth
            )
            for pair, guess in found.items()
            if pair not in missing
        }

    while batch := search.ask(believe):  # type: ignore[arg-type]
        for transfer in batch:
            search.tell(world.outcome(transfer, space))
    picks: list[str | None] = []
    reported: list[float | None] = []
    for target in space.targets:
        winner = search.winner(target)
        picks.append(None if winner is None else source_name(winner))
        if winner is None:
            reported.append(0.0)
            continue
        pairs = {run.transfer.seed: run.dev() for run in search.runs(winner, target, fresh=True)}
        alone = {run.transfer.seed: run.dev() for run in search.baselines(target, fresh=True)}
        both = [pairs[seed] - alone[seed] for seed in pairs if seed in alone]
        reported.append(float(np.mean(both)) * 100 / table.unit if both else None)
    return Lived(tuple(picks), tuple(reported), search)


def _standard(values: np.ndarray) -> np.ndarray:
    mean, sd = np.nanmean(values, axis=1, keepdims=True), np.nanstd(values, axis=1, keepdims=True)
    return np.nan_to_num((values - mean) / np.where(sd > 0, sd, 1.0))
