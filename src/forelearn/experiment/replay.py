"""The search as it would live on a table of finished runs: nothing is trained, every run is looked up.

The very `Search` and gain model of a study, with tasks that are only names. Some of the table's seeds are the
search's, the others are the fresh ones of confirmation. A run that the table does not have is a run that
failed; of a pair without any run nothing is believed, so that it is set aside.

Targets without a baseline have no gains to search for: they are left out and picked nothing for. Controls and
several sources are not tried: a table seldom has the former and never the latter. A source's own run costs nothing
unless the source is a target too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from forelearn.core.budget import Budget
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Failure, Outcome, Performance, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.evaluation.budget import SHARES, Replay
from forelearn.evaluation.table import Array, Table, mean_known
from forelearn.experiment.gains import guesses, posterior
from forelearn.search.search import Guesses, Options, Pair, Search
from forelearn.search.space import Space, source_name

LEVEL = 0.5
"""What a baseline performs on average: the search sees differences alone, and a table may know no more."""

OPTIONS = Options(halving=False)
"""A study's, but a finished run cannot be stopped."""


@dataclass(frozen=True, slots=True)
class Lived:
    """A finished search. picks, reported: as in `Replay`, for one budget. search: its record, in fractions."""

    picks: tuple[str | None, ...]
    reported: tuple[float | None, ...]
    search: Search


@dataclass(frozen=True, slots=True)
class TableSearch:
    """Callable with a table and the number of a replay, as `evaluation` wants a search that it judges.

    confirmation_extra: what confirmation costs comes on top of the budget, so that what is found is compared
    at equal cost of searching; else it comes out of it.
    seeds: how many of the table's seeds the search may draw, the first ones; None: half of four or more, else
        all (without replicates nothing tells noise from gains). The rest is fresh.
    scores: the names of the table's scores that the search may use; their mean, standardised by target.
    shares: of the cost of one run of every pair and baseline.
    """

    options: Options = OPTIONS
    confirmation_extra: bool = False
    seeds: int | None = None
    scores: Sequence[str] = ()
    shares: Sequence[float] = SHARES

    def __call__(self, table: Table, number: int) -> Replay:
        """What it answers at each share of the exhaustive cost."""
        lived = {share: live(table, share, number, self) for share in self.shares}
        return Replay(
            {share: one.picks for share, one in lived.items()},
            {share: one.reported for share, one in lived.items()},
        )


def live(table: Table, share: float, number: int, how: TableSearch = TableSearch()) -> Lived:
    """One search of `table` with `share` of the cost of one run of every pair and baseline to spend.

    number: of the replay; it decides which of equally promising pairs comes first. Raises `ValueError` if no
    target has gains.
    """
    count = len(table.seeds)
    world = _World(table, how.seeds or (count // 2 if count > 3 else count))
    search = Search(world.space, Budget("share", 1.0), world.cost, world.options(how.options))
    total = share * world.units
    if how.confirmation_extra:
        total /= 1.0 - search.options.confirm_share
    search.budget = Budget("share", min(total / search.exhaustive_units, 1.0))
    scores = world.scores(how.scores)
    # a hair that no figure shows: without it the names would order what nothing is known of
    luck = dict(zip(world.pairs, 1e-9 * np.random.default_rng(number).random(len(world.pairs)), strict=True))

    def believe() -> Guesses:
        found = guesses(posterior(search, scores, exact=world.exact))
        return {
            pair: replace(guess, mean=guess.mean + luck.get(pair, 0.0))
            for pair, guess in found.items()
            if pair not in world.missing
        }

    with threadpool_limits(1, user_api="blas"):  # threads cost more than these small matrices gain by them
        while batch := search.ask(believe):
            for transfer in batch:
                search.tell(world.outcome(transfer))
    answers = {target.name: _answer(search, target, world.fraction) for target in world.space.targets}
    named = [answers.get(name, (None, None)) for name in table.targets]
    return Lived(tuple(pick for pick, _ in named), tuple(gain for _, gain in named), search)


def _answer(search: Search, target: Task, fraction: float) -> tuple[str | None, float | None]:
    """The pick and what is claimed of it: 0 of no transfer, else the gain on fresh seeds alone, if any ran."""
    winner = search.winner(target)
    if winner is None:
        return None, 0.0
    alone = {run.transfer.seed: run.dev() for run in search.baselines(target, fresh=True)}
    runs = {run.transfer.seed: run.dev() for run in search.runs(winner, target, fresh=True)}
    gains = [runs[seed] - alone[seed] for seed in runs if seed in alone]
    return source_name(winner), float(np.mean(gains)) / fraction if gains else None


class _World:
    """A table as runs. Performances are in fractions, as the constants of the search are.

    space: of the targets with gains. fraction: one unit of the table's performance as a fraction. units: cost
    of one run of every pair and baseline. pairs: in the order of the table. missing: those without any run. exact:
    targets whose baselines are no runs of their own: they are known.
    """

    def __init__(self, table: Table, seeds: int) -> None:
        kept = np.flatnonzero(table.known)
        if not len(kept):
            raise ValueError("no target has gains: there is nothing to search for")
        if not 1 <= seeds <= len(table.seeds):
            raise ValueError(f"`seeds` must lie between 1 and {len(table.seeds)}, got {seeds}")
        self.table, self.seeds = table, seeds
        self.fraction = table.unit / 100
        self.row = {table.targets[index]: int(index) for index in kept}
        self.column = {name: index for index, name in enumerate(table.sources)}
        tasks = {
            name: Task(name, "binary", "average_precision", name) for name in (*self.row, *table.sources)
        }
        self.space = Space(
            targets=tuple(tasks[name] for name in self.row),
            sources=tuple(tasks[name] for name in table.sources),
            encoder=Encoder("replayed", "0"),
            recipes=(Recipe(epochs=1),),
            seeds=seeds,
            controls=False,
        )
        self.pairs: list[Pair] = [(source, target) for target in self.row for source in self.column]
        able = np.asarray(np.isfinite(table.gains).any(axis=2), np.bool_)
        self.missing = {pair for pair in self.pairs if not able[self._cell(pair)]}
        costs = np.where(table.candidates, table.costs, 0.0)[kept]
        self.units = float(table.baseline_costs[kept].sum() + costs.sum())
        # of each target and seed, over the target's mean; 0 where baselines are no runs of their own
        spread = table.baselines - mean_known(table.baselines, axis=1)[:, None]
        runs = table.baselines.shape[1] == len(table.seeds)
        own = runs and len(table.seeds) > 1
        self.spread = spread if own else np.zeros((len(spread), len(table.seeds)))
        self.exact = frozenset() if own else frozenset(self.row)

    def options(self, options: Options) -> Options:
        """The options that the table's seeds allow."""
        fresh = len(self.table.seeds) - self.seeds
        return replace(
            options,
            confirm_seeds=min(options.confirm_seeds, fresh),
            confirm_share=options.confirm_share if fresh else 0.0,
            baseline_seeds=min(options.baseline_seeds, self.seeds),
            chain=1,
            joint=None,
        )

    def scores(self, names: Sequence[str]) -> Mapping[Pair, float] | None:
        """The mean of the standardised scores; what a score does not know is average."""
        if not names:
            return None
        mean = np.mean([_standardised(self.table.scores[name]) for name in names], axis=0)
        return {pair: float(mean[self._cell(pair)]) for pair in self.pairs}

    def cost(self, transfer: Transfer) -> float:
        """Of the last stage. A task that is only a source is learned for nothing."""
        row = self.row.get(transfer.target.name)
        if row is None:
            return 0.0
        if not transfer.sources:
            return float(self.table.baseline_costs[row])
        return float(self.table.costs[row, self.column[transfer.sources[0].name]])

    def outcome(self, transfer: Transfer) -> Outcome:
        """The run as the table has it."""
        value, cost = LEVEL + self._above(transfer), Cost(self.cost(transfer), self.cost(transfer))
        if not np.isfinite(value):
            return Failure(transfer, "the table has no such run", cost, "")
        measured = {transfer.target.metric: value}
        return Run(transfer, Performance(measured, measured), cost, "")

    def _above(self, transfer: Transfer) -> float:
        """The run's performance over the mean of the target's baselines; NaN if there is no such run."""
        row = self.row.get(transfer.target.name)
        if row is None:
            return 0.0
        fresh = self.space.is_fresh(transfer.seed)
        seed = self.seeds + transfer.seed - self.space.fresh_seed(0) if fresh else transfer.seed
        spread = float(self.spread[row, seed])
        if not transfer.sources:
            return spread * self.fraction
        gain = float(self.table.gains[row, self.column[transfer.sources[0].name], seed])
        # gains over a seed without a baseline are over the mean
        return (gain + (spread if np.isfinite(spread) else 0.0)) * self.fraction

    def _cell(self, pair: Pair) -> tuple[int, int]:
        source, target = pair
        return self.row[target], self.column[source]


def _standardised(values: Array) -> Array:
    """[T, S] with mean 0 and standard deviation 1 in every row; 0 where nothing is known."""
    known = np.isfinite(values)
    centred = values - mean_known(values, axis=1)[:, None]
    squares = mean_known(np.where(known, centred**2, np.nan), axis=1)[:, None]
    wide = np.isfinite(squares) & (squares > 0)
    return np.where(known & wide, centred / np.sqrt(np.where(wide, squares, 1.0)), 0.0)
