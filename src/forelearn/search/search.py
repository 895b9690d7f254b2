"""Ask and tell: which transfers to run next, until the budget is used.

The search is a pure function of what it has been told: asked again after the same outcomes it proposes the
same transfers. That is what makes a killed study resume: the driver asks, finds most outcomes in the store,
tells them, and arrives where it was. Rounds have a fixed size, so the number of workers changes no proposal.

Stages, in order:
  grid        every task alone, with every recipe, on the first seed; its dev-best recipe is kept
  replicates  every target's baseline on the other seeds
  pairs       the order of expected improvement per cost, `round` at a time, on the first seed
  prefixes    the winners' source parts on the judging seeds, where they are not yet there
  confirm     each target's winner on the judging seeds, on which no pair was tried

The first seed chooses, the others judge: the gain that is reported is free of the luck that it was picked by.
A target whose best pair did not beat its baseline on dev is not confirmed: the answer is known.

Not covered: replicating a pair while searching, rivals of the winner, early stopping within a run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean
from typing import Literal

from forelearn.core.budget import Budget
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Failure, Outcome, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.search.space import Space, source_name
from forelearn.search.value import Guess, expected_improvement

Stage = Literal["grid", "replicates", "pairs", "prefixes", "confirm", "done"]
Pair = tuple[str, str]
"""(source name, target name)"""

UNKNOWN = Guess(0.0, 0.05)
"""The belief about a pair of which nothing is known. [choice]: gains of a few points either way."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a search spends its budget.

    round: pairs proposed at once.
    confirm_share: largest share of what single tasks and features leave of the budget that is kept back for
        judging the winners.
    least: a pair whose expected improvement is below this is not worth a run (scale of the metric).
    exhaustive: every pair on every seed, whatever the budget (ground truth).
    """

    round: int = 8
    confirm_share: float = 0.35
    least: float = 0.001
    exhaustive: bool = False


@dataclass
class Search:
    """The state of a search. `cost(transfer)` gives the deterministic units of its last stage."""

    space: Space
    budget: Budget
    cost: Callable[[Transfer], float]
    options: Options = field(default_factory=Options)
    outcomes: dict[str, Outcome] = field(default_factory=dict, init=False)
    other: Cost = field(default_factory=Cost, init=False)
    stage: Stage = field(default="grid", init=False)

    # --- telling ---------------------------------------------------------------------------------

    def tell(self, outcome: Outcome) -> None:
        """A transfer has run or failed. Telling the same outcome twice changes nothing."""
        self.outcomes[outcome.transfer.key] = outcome

    def spend(self, cost: Cost) -> None:
        """Something besides a run was paid for (features): it counts against the budget."""
        self.other = self.other + cost

    # --- asking ----------------------------------------------------------------------------------

    def ask(self, guesses: Callable[[], Mapping[Pair, Guess]] = dict) -> list[Transfer]:
        """The next transfers to run, none of which has been told; empty when the search is done.

        guesses: beliefs about gains by (source, target), called only when pairs are to be ordered; pairs
            without one get `UNKNOWN`.
        """
        for stage, proposals in (
            ("grid", self._grid),
            ("replicates", self._replicates),
            ("pairs", lambda: self._pairs(guesses)),
            ("prefixes", self._prefixes),
            ("confirm", self._confirm),
        ):
            self.stage = stage  # type: ignore[assignment]
            wanted = [transfer for transfer in proposals() if transfer.key not in self.outcomes]
            if wanted:
                return list({transfer.key: transfer for transfer in wanted}.values())
        self.stage = "done"
        return []

    def _grid(self) -> list[Transfer]:
        return [
            self.space.baseline(task, recipe, self.space.first_seed)
            for task in self.space.tasks
            for recipe in self.space.recipes
        ]

    def _replicates(self) -> list[Transfer]:
        tasks = self.space.tasks if self.options.exhaustive else self.space.targets
        return self._affordable(
            [
                self._untold([self.space.baseline(task, recipe, seed)])
                for seed in self.space.judging_seeds
                for task in tasks
                if (recipe := self.recipe(task)) is not None
            ],
            reserve=0.0,
        )

    def _pairs(self, believe: Callable[[], Mapping[Pair, Guess]]) -> list[Transfer]:
        guesses = believe()
        seeds = self.space.run_seeds if self.options.exhaustive else (self.space.first_seed,)
        candidates: list[tuple[float, str, str, int, Transfer]] = []
        best = {target.name: max(self.best_gain(target), 0.0) for target in self.space.targets}
        for source, target in self.space.pairs():
            name = source_name(source)
            value = expected_improvement(guesses.get((name, target.name), UNKNOWN), best[target.name])
            if value < self.options.least and not self.options.exhaustive:
                continue
            for seed in seeds:
                transfer = self.plan(source, target, seed)
                if transfer is not None and transfer.key not in self.outcomes:
                    worth = value / max(self.cost(transfer), 1e-12)
                    candidates.append((-worth, target.name, name, seed, transfer))
        candidates.sort(key=lambda item: item[:4])
        batch = [item[4] for item in candidates[: self.options.round]]
        return self._affordable([[transfer] for transfer in batch], reserve=self._confirmation_reserve())

    def _prefixes(self) -> list[Transfer]:
        bundles = [self._untold(bundle) for bundle in self._confirmations()]
        return [transfer for transfer in self._affordable(bundles, reserve=0.0) if transfer.is_baseline]

    def _confirm(self) -> list[Transfer]:
        bundles = [
            self._untold(bundle)
            for bundle in self._confirmations()
            if all(isinstance(self.outcomes.get(part.key), Run) for part in bundle[:-1])
        ]
        return self._affordable(bundles, reserve=0.0)

    def _confirmations(self) -> list[list[Transfer]]:
        """Bundles of what judging a winner on one seed takes, the pair last; most promising targets first."""
        winners = [
            (self.best_gain(target), target, winner)
            for target in self.space.targets
            if (winner := self.winner(target)) is not None and self.best_gain(target) > 0
        ]
        winners.sort(key=lambda item: (-item[0], item[1].name))
        bundles = []
        for seed in self.space.judging_seeds:
            for _, target, winner in winners:
                transfer = self.plan(winner, target, seed, check_prefix=False)
                if transfer is not None:
                    baseline = self.space.baseline(target, transfer.recipe, seed)
                    bundles.append([baseline, *([transfer.prefix] if transfer.prefix else []), transfer])
        return bundles

    # --- what is known ---------------------------------------------------------------------------

    def recipe(self, task: Task) -> Recipe | None:
        """The recipe with the best dev measure of `task` alone on the first seed; None if all failed."""
        first = self.space.first_seed
        runs = [
            (run.dev(), -index, recipe)
            for index, recipe in enumerate(self.space.recipes)
            if isinstance(run := self.outcomes.get(self.space.baseline(task, recipe, first).key), Run)
        ]
        return max(runs, key=lambda item: item[:2])[2] if runs else None

    def plan(
        self, source: Task | Encoder, target: Task, seed: int, *, check_prefix: bool = True
    ) -> Transfer | None:
        """The transfer for a pair at both dev-best recipes; None if a part that it needs has failed."""
        recipe = self.recipe(target)
        source_recipe = None if isinstance(source, Encoder) else self.recipe(source)
        if recipe is None or (isinstance(source, Task) and source_recipe is None):
            return None
        transfer = self.space.pair(source, target, source_recipe, recipe, seed)
        prefix = transfer.prefix
        if check_prefix and prefix is not None and not isinstance(self.outcomes.get(prefix.key), Run):
            return None
        return transfer

    def baselines(self, task: Task) -> list[Run]:
        """The finished baselines of `task` at its dev-best recipe, in the order of the seeds."""
        recipe = self.recipe(task)
        return (
            []
            if recipe is None
            else self._runs([self.space.baseline(task, recipe, seed) for seed in self.space.run_seeds])
        )

    def pair_outcomes(self, source: Task | Encoder, target: Task) -> list[Outcome]:
        """What came of a pair, in the order of the seeds."""
        plans = [self.plan(source, target, seed, check_prefix=False) for seed in self.space.run_seeds]
        return [self.outcomes[plan.key] for plan in plans if plan is not None and plan.key in self.outcomes]

    def _runs(self, transfers: list[Transfer]) -> list[Run]:
        outcomes = [self.outcomes.get(transfer.key) for transfer in transfers]
        return [outcome for outcome in outcomes if isinstance(outcome, Run)]

    def dev_gain(self, source: Task | Encoder, target: Task) -> float | None:
        """Dev measure of the pair on the first seed − mean of the baselines; None if either is missing."""
        plan = self.plan(source, target, self.space.first_seed)
        run = self.outcomes.get(plan.key) if plan else None
        baselines = [baseline.dev() for baseline in self.baselines(target)]
        return run.dev() - fmean(baselines) if isinstance(run, Run) and baselines else None

    def best_gain(self, target: Task) -> float:
        """The largest dev gain obtained so far for `target`; −inf if none."""
        gains = [self.dev_gain(source, target) for source in self.space.sources_of(target)]
        return max((gain for gain in gains if gain is not None), default=float("-inf"))

    def winner(self, target: Task) -> Task | Encoder | None:
        """The source with the largest dev gain; None if no pair has finished. Test decides nothing."""
        gains = [
            (gain, source_name(source), source)
            for source in self.space.sources_of(target)
            if (gain := self.dev_gain(source, target)) is not None
        ]
        return max(gains, key=lambda item: item[:2])[2] if gains else None

    # --- the budget ------------------------------------------------------------------------------

    @cached_property
    def exhaustive_units(self) -> float:
        """Units of all baselines and pairs × recipes × seeds; features excluded."""
        return sum(self.cost(transfer) for transfer in self.space.exhaustive())

    def spent(self) -> tuple[int, Cost]:
        """Runs (failures too) and cost so far, features included."""
        cost = self.other
        for outcome in self.outcomes.values():
            cost = cost + outcome.cost
        return len(self.outcomes), cost

    def seconds_per_unit(self) -> float:
        """The measured pace of the finished runs; 0 before the first."""
        runs = [outcome.cost for outcome in self.outcomes.values() if isinstance(outcome, Run)]
        units = sum(cost.units for cost in runs)
        return sum(cost.seconds for cost in runs) / units if units else 0.0

    def left(self) -> float:
        """What is left of the budget, in its own unit (units of cost for a share); inf when exhaustive."""
        if self.options.exhaustive:
            return float("inf")
        count, cost = self.spent()
        if self.budget.kind == "runs":
            return self.budget.amount - count
        if self.budget.kind == "seconds":
            return self.budget.amount - cost.seconds
        return self.budget.amount * self.exhaustive_units - cost.units

    def price(self, transfer: Transfer) -> float:
        """What a transfer is expected to take from the budget, in its unit."""
        if self.budget.kind == "runs":
            return 1.0
        units = self.cost(transfer)
        return units * self.seconds_per_unit() if self.budget.kind == "seconds" else units

    def _untold(self, transfers: list[Transfer]) -> list[Transfer]:
        return [transfer for transfer in transfers if transfer.key not in self.outcomes]

    def _affordable(self, bundles: list[list[Transfer]], *, reserve: float) -> list[Transfer]:
        """The longest beginning of `bundles` (whole ones only) that the budget still pays for."""
        left = self.left() - reserve
        kept: dict[str, Transfer] = {}
        for bundle in bundles:
            new = [transfer for transfer in bundle if transfer.key not in kept]
            left -= sum(self.price(transfer) for transfer in new)
            if left < -1e-9:
                break
            kept |= {transfer.key: transfer for transfer in new}
        return list(kept.values())

    def _confirmation_reserve(self) -> float:
        """Kept back for judging the winners: what it takes for every target, at most `confirm_share`.

        The share is of what the single-task models and the features leave of the budget.
        """
        if self.options.exhaustive or not self.space.judging_seeds:
            return 0.0
        needed = 0.0
        for target in self.space.targets:
            recipe = self.recipe(target)
            if recipe is not None:
                price = self.price(self.space.baseline(target, recipe, self.space.first_seed))
                needed += price * len(self.space.judging_seeds)
        tried = [outcome.transfer for outcome in self.outcomes.values() if outcome.transfer.sources]
        open_for_pairs = self.left() + sum(self.price(transfer) for transfer in tried)
        return min(needed, self.options.confirm_share * max(open_for_pairs, 0.0))

    def failures(self) -> list[Failure]:
        """Every transfer that failed."""
        return [outcome for outcome in self.outcomes.values() if isinstance(outcome, Failure)]
