"""What has run so far, as the search reads it: recipes, plans, baselines, gains on dev, rungs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean, variance

from forelearn.core.recipe import Recipe
from forelearn.core.run import Failure, Outcome, Run, Stopped
from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
from forelearn.search.halving import floor, rungs
from forelearn.search.space import LONGER, Candidate, Chain, Several, Space, Together, source_name, stages

NOISE = 0.02
"""Standard deviation of a run between seeds where no replicate tells it [choice]."""


@dataclass
class Record:
    """Outcomes by key, and what they say. `gain` always means on dev, over the mean of the baselines.

    chains, joint: target → what of its sources, in turn and together with it, have become candidates, in the order
    in which they did.
    """

    space: Space
    outcomes: dict[str, Outcome] = field(default_factory=dict, init=False)
    chains: dict[str, tuple[Chain, ...]] = field(default_factory=dict, init=False)
    joint: dict[str, tuple[Together, ...]] = field(default_factory=dict, init=False)
    _plans: dict[tuple[str, str, int], tuple[Transfer, str | None]] = field(
        default_factory=dict, init=False, repr=False
    )
    _recipes: dict[str, Recipe | None] = field(default_factory=dict, init=False, repr=False)
    _baselines: dict[tuple[str, Recipe, int], Transfer] = field(default_factory=dict, init=False, repr=False)
    _gains: dict[str, dict[str, list[float]]] = field(default_factory=dict, init=False, repr=False)
    """target → candidate → gains, for as long as nothing was told that could move them."""

    def tell(self, outcome: Outcome) -> None:
        """A transfer has run, failed or been stopped. Telling the same outcome twice changes nothing."""
        transfer = outcome.transfer
        self.outcomes[transfer.key] = outcome
        self._gains.pop(transfer.target.name, None)
        if transfer.seed == self.space.first_seed and not self.is_candidate(transfer):
            # another recipe may be the best now, and all that follows from it
            self._recipes.clear()
            self._plans.clear()
            self._gains.clear()

    def candidates_of(self, target: Task) -> tuple[Candidate, ...]:
        """Sources, controls, and what of several sources has become a candidate."""
        return (*self.space.candidates_of(target), *self.several_of(target))

    def several_of(self, target: Task) -> tuple[Several, ...]:
        """Its chains, then what is learned together with it."""
        return (*self.chains.get(target.name, ()), *self.joint.get(target.name, ()))

    def candidates(self) -> Iterator[tuple[Candidate, Task]]:
        """Every (candidate, target)."""
        for target in self.space.targets:
            for candidate in self.candidates_of(target):
                yield candidate, target

    def alone(self, task: Task, recipe: Recipe, seed: int) -> Transfer:
        """`encoder → task`."""
        key = (task.name, recipe, seed)
        if key not in self._baselines:
            self._baselines[key] = self.space.baseline(task, recipe, seed)
        return self._baselines[key]

    def recipe(self, task: Task) -> Recipe | None:
        """The recipe with the best dev measure of `task` alone on the first seed; None if all failed."""
        if task.name in self._recipes:
            return self._recipes[task.name]
        first = self.space.first_seed
        runs = [
            (run.dev(), -index, recipe)
            for index, recipe in enumerate(self.space.recipes)
            if isinstance(run := self.outcomes.get(self.alone(task, recipe, first).key), Run)
        ]
        best = max(runs, key=lambda item: item[:2])[2] if runs else None
        self._recipes[task.name] = best
        return best

    def plan(
        self, candidate: Candidate, target: Task, seed: int, *, check_prefix: bool = True
    ) -> Transfer | None:
        """The transfer of a candidate at both dev-best recipes; None if a part that it needs has failed."""
        key = (source_name(candidate), target.name, seed)
        if key not in self._plans:
            planned = self._planned(candidate, target, seed)
            if planned is None:
                return None
            prefix = planned.prefix
            self._plans[key] = planned, None if prefix is None else prefix.key
        transfer, first = self._plans[key]
        if check_prefix and first is not None and not isinstance(self.outcomes.get(first), Run):
            return None
        return transfer

    def _planned(self, candidate: Candidate, target: Task, seed: int) -> Transfer | None:
        recipe = self.recipe(target)
        if recipe is None:
            return None
        if isinstance(candidate, Chain):
            recipes = [one for task in candidate.sources if (one := self.recipe(task)) is not None]
            if len(recipes) < len(candidate.sources):
                return None
            return self.space.through(candidate, recipes, target, recipe, seed)
        if isinstance(candidate, Together):
            return self.space.beside(candidate, target, recipe, seed)
        source_recipe = self.recipe(candidate) if isinstance(candidate, Task) else None
        if isinstance(candidate, Task) and source_recipe is None:
            return None
        return self.space.pair(candidate, target, source_recipe, recipe, seed)

    def given_up(self, transfer: Transfer) -> Failure | Stopped | None:
        """The first part of a transfer that failed or was stopped: without it the transfer cannot run."""
        for part in stages(transfer)[:-1]:
            outcome = self.outcomes.get(part.key)
            if isinstance(outcome, Failure | Stopped):
                return outcome
        return None

    def next_seed(self, candidate: Candidate | None, target: Task) -> Transfer | None:
        """A candidate (None: the baseline) on the first seed on which it has not run; None if on all."""
        recipe = self.recipe(target)
        if recipe is None:
            return None
        for seed in self.space.run_seeds:
            if candidate is None:
                transfer: Transfer | None = self.alone(target, recipe, seed)
            else:
                transfer = self.plan(candidate, target, seed, check_prefix=False)
            if transfer is None:
                return None
            if transfer.key not in self.outcomes and self.given_up(transfer) is None:
                return transfer
        return None

    def baselines(self, task: Task, *, fresh: bool = False) -> list[Run]:
        """The finished baselines of `task` at its dev-best recipe, by seed; `fresh`: those for confirmation."""
        recipe = self.recipe(task)
        if recipe is None:
            return []
        return _runs(self.outcomes.get(self.alone(task, recipe, seed).key) for seed in self._seeds(fresh))

    def unchosen_baselines(self, target: Task) -> list[Run]:
        """The baselines that gains are counted from, on the search's seeds.

        Where recipes competed, the winner's run was chosen for its luck, too: it is left out once another seed has run.
        """
        runs = self.baselines(target)
        others = [run for run in runs if run.transfer.seed != self.space.first_seed]
        return others if len(self.space.recipes) > 1 and others else runs

    def pair_outcomes(
        self, candidate: Candidate, target: Task, *, fresh: bool | None = None
    ) -> list[Outcome]:
        """What came of a candidate, by seed. fresh: on the search's seeds (False), on fresh ones, or both."""
        seeds = [
            *(self._seeds(False) if fresh is not True else ()),
            *(self._seeds(True) if fresh is not False else ()),
        ]
        plans = [self.plan(candidate, target, seed, check_prefix=False) for seed in seeds]
        found = [self.outcomes.get(plan.key) for plan in plans if plan is not None]
        return [outcome for outcome in found if outcome is not None]

    def runs(self, candidate: Candidate, target: Task, *, fresh: bool = False) -> list[Run]:
        """The finished runs of a candidate, by seed."""
        return _runs(self.pair_outcomes(candidate, target, fresh=fresh))

    def gains(self, candidate: Candidate, target: Task) -> list[float]:
        """One gain a run on the search's seeds; of a stopped run, its distance to the baseline at that rung."""
        known = self._gains.setdefault(target.name, {})
        name = source_name(candidate)
        if name not in known:
            known[name] = self._count_gains(candidate, target)
        return known[name]

    def _count_gains(self, candidate: Candidate, target: Task) -> list[float]:
        baselines = self.unchosen_baselines(target)
        if not baselines:
            return []
        mean = fmean(run.dev() for run in baselines)
        found = []
        for outcome in self.pair_outcomes(candidate, target, fresh=False):
            if isinstance(outcome, Run):
                found.append(outcome.dev() - mean)
            elif isinstance(outcome, Stopped):
                values = [run.performance.rungs.get(outcome.epoch) for run in baselines]
                known = [value for value in values if value is not None]
                found.append(outcome.dev - (fmean(known) if known else mean))
        return found

    def dev_gain(self, candidate: Candidate, target: Task) -> float | None:
        """The mean of `gains`; None if nothing has run."""
        gains = self.gains(candidate, target)
        return fmean(gains) if gains else None

    def candidate_runs(self, *, fresh: bool = False) -> list[Outcome]:
        """Outcomes of candidates on the search's seeds; `fresh`: everything that ran for confirmation."""
        return [
            one
            for one in self.outcomes.values()
            if self.space.is_fresh(one.transfer.seed) is fresh and (fresh or self.is_candidate(one.transfer))
        ]

    def is_candidate(self, transfer: Transfer) -> bool:
        """Whether this is a source's or a control's run, and no plain baseline."""
        return not transfer.is_baseline or transfer.recipe not in self.space.recipes

    def floors(self, transfer: Transfer) -> dict[int, float | None]:
        """Epoch → dev measure below which a run is stopped there (None: it is only looked at).

        Candidates on the search's seeds alone; source parts and confirmations are looked at or left alone. What
        is learned together is left alone: its epochs cannot be compared with a baseline's.
        """
        left_alone = self.space.is_fresh(transfer.seed) or transfer.multitask is not None
        if left_alone or transfer.recipe not in self.space.recipes:
            return {}
        looks = rungs(transfer.recipe.epochs)
        if not transfer.sources:
            return dict.fromkeys(looks)
        return {epoch: self._floor(transfer.target, epoch) for epoch in looks}

    def _floor(self, target: Task, epoch: int) -> float | None:
        def alone(task: Task) -> list[float]:
            measured = [run.performance.rungs.get(epoch) for run in self.unchosen_baselines(task)]
            return [value for value in measured if value is not None]

        cells = [alone(task) for task in self.space.targets]
        wide = [variance(values) for values in cells if len(values) > 1]
        rivals = []
        for candidate in self.candidates_of(target):
            if candidate == LONGER:
                continue
            for outcome in self.pair_outcomes(candidate, target, fresh=False):
                if isinstance(outcome, Run) and epoch in outcome.performance.rungs:
                    rivals.append(outcome.performance.rungs[epoch])
                elif isinstance(outcome, Stopped) and outcome.epoch == epoch:
                    rivals.append(outcome.dev)
        if len(rivals) < 2:
            return None
        return floor(rivals, alone(target), slack=fmean(wide) ** 0.5 if wide else NOISE)

    def failures(self) -> list[Failure]:
        """Every transfer that failed."""
        return [outcome for outcome in self.outcomes.values() if isinstance(outcome, Failure)]

    def _seeds(self, fresh: bool) -> tuple[int, ...]:
        if not fresh:
            return self.space.run_seeds
        return tuple(
            sorted(
                {
                    one.transfer.seed
                    for one in self.outcomes.values()
                    if self.space.is_fresh(one.transfer.seed)
                }
            )
        )


def _runs(outcomes: Iterator[Outcome | None] | list[Outcome]) -> list[Run]:
    return [outcome for outcome in outcomes if isinstance(outcome, Run)]
