"""Ask and tell: which transfers to run next, until the budget is used.

The search is a pure function of what it has been told, round by round: asked again after the same outcomes it
proposes the same transfers. That is what makes a killed study resume: the driver asks, finds most outcomes in the
store, tells them, and arrives where it was. Rounds have a fixed size, so the number of workers changes no proposal.

Stages, in order:
  grid        every task alone, with every recipe, on the first seed; its dev-best recipe is kept
  replicates  every target's baseline on a second seed: what a run's noise is
  explore     untried candidates on the first seed, the most promising first, the second control of a target after
              its sources; targets in turn
  refine      whatever one more run tells most about: another candidate, another seed, another baseline
  chain       the best sources of a target in turn, from a purse of their own (`chains.py`)
  joint       the best sources together with the target, from a purse of their own (`joint.py`)
  confirm     each target's winner and its best rival on fresh seeds, paired with fresh baselines

Candidates are the sources and two controls of about equal cost, `B → B` and training longer; "no transfer" is
the candidate that is always there. What is believed of their gains comes from outside (`Guess`). The runs on
fresh seeds choose nothing, so the gain that is reported from them is free of the luck that it was picked by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean
from typing import Literal

from forelearn.core.budget import Budget
from forelearn.core.multitask import Multitask
from forelearn.core.run import Cost, Outcome, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
from forelearn.search.chains import form_chains, parts
from forelearn.search.joint import form_joint
from forelearn.search.purse import Purse
from forelearn.search.record import NOISE, Record
from forelearn.search.several import next_runs
from forelearn.search.space import Candidate, source_name, stages
from forelearn.search.value import BASELINE, Guess, expected_improvement

Stage = Literal["grid", "replicates", "explore", "refine", "chain", "joint", "confirm", "done"]
Pair = tuple[str, str]
"""(source name, target name)"""
Guesses = Mapping[Pair, Guess]

SPREAD = 0.05
"""Spread of a gain of which nothing is known [choice]: a few points either way."""


FEW = 4
"""Candidates that a target tries before any is thought hopeless: the first may have been the worst [choice]."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a search spends its budget.

    round: runs proposed at once.
    confirm_share: share of the budget that is kept for confirmation; 0 confirms nothing.
    confirm_seeds: fresh seeds that a target's confirmation gets at most.
    explore_share: share of what is left for candidates that goes to untried ones first.
    baseline_seeds: seeds on which every target's baseline runs before any candidate.
    least: a run that is expected to add less to a target's gain is not worth having (scale of the metric).
    halving: stop a candidate's run after some epochs if it is hopeless.
    chain: the most sources that are learned in turn before a target; 1 forms no chains.
    chain_share: share of the budget that is kept for chains, and all that they may spend.
    joint: how sources are learned together with a target; None does not try it.
    joint_top: the most sources that are.
    joint_share: share of the budget that is kept for that, and all that it may spend.
    exhaustive: every candidate on every seed, whatever the budget (ground truth); nothing is confirmed and
        nothing is formed of several sources.
    """

    round: int = 8
    confirm_share: float = 0.2
    confirm_seeds: int = 5
    explore_share: float = 0.9
    baseline_seeds: int = 2
    least: float = 0.0002
    halving: bool = True
    chain: int = 1
    chain_share: float = 0.15
    joint: Multitask | None = None
    joint_top: int = 2
    joint_share: float = 0.15
    exhaustive: bool = False


@dataclass
class Search(Record):
    """The state of a search. `cost(transfer)` gives the deterministic units of its last stage.

    chained, joined: keys of the runs that were asked for a chain, and for learning together. They, `chains` and
    `joint` grow as the search is asked, so a search that resumes is asked again from the start.
    """

    budget: Budget
    cost: Callable[[Transfer], float]
    options: Options = field(default_factory=Options)
    other: Cost = field(default_factory=Cost, init=False)
    stage: Stage = field(default="grid", init=False)
    guesses: Guesses | None = field(default=None, init=False)
    chained: set[str] = field(default_factory=set, init=False)
    joined: set[str] = field(default_factory=set, init=False)

    def spend(self, cost: Cost) -> None:
        """Something besides a run was paid for (features): it counts against the budget."""
        self.other = self.other + cost

    # --- asking ----------------------------------------------------------------------------------

    def ask(self, guesses: Callable[[], Guesses] | None = None) -> list[Transfer]:
        """The next transfers to run, none of which has been told; empty when the search is done.

        guesses: beliefs by (source, target), and by (`BASELINE`, target) of the baseline; called only when
            candidates are to be ordered. A candidate without one is set aside. None makes do with the means
            of what has run.
        """
        for stage, proposals in (
            ("grid", self._grid),
            ("replicates", self._replicates),
            ("explore", lambda: self._explore(guesses)),
            ("refine", self._refine),
            ("chain", self._chain),
            ("joint", self._join),
            ("confirm", self._confirm),
        ):
            self.stage = stage  # type: ignore[assignment]
            form = {"chain": form_chains, "joint": form_joint}.get(stage)
            if form is not None and not self.options.exhaustive and form(self):
                return self.ask(guesses)  # beliefs about them are wanted, and may change those about others
            wanted = [transfer for transfer in proposals() if transfer.key not in self.outcomes]
            if wanted:
                return list({transfer.key: transfer for transfer in wanted}.values())
        self.stage = "done"
        return []

    def _grid(self) -> list[Transfer]:
        return [
            self.alone(task, recipe, self.space.first_seed)
            for task in self.space.tasks
            for recipe in self.space.recipes
        ]

    def _replicates(self) -> list[Transfer]:
        everything = self.options.exhaustive
        seeds = self.space.run_seeds if everything else self.space.run_seeds[: self.options.baseline_seeds]
        wanted = [
            [self.alone(task, recipe, seed)]
            for seed in seeds[1:]
            for task in (self.space.tasks if everything else self.space.targets)
            if (recipe := self.recipe(task)) is not None
        ]
        if not everything:
            wanted = [*self.purse.affordable(wanted, self._open())]  # type: ignore[list-item]
        return [transfer for bundle in wanted for transfer in bundle]

    def _explore(self, guesses: Callable[[], Guesses] | None) -> list[Transfer]:
        if self.options.exhaustive:
            return self._everything()
        self.guesses = guesses() if guesses is not None else None
        spent = self.purse.paid(self._single_runs())
        left = self.options.explore_share * (self._open() + spent) - spent

        def best(target: Task, taken: set[str]) -> tuple[float, Transfer] | None:
            few = sum(bool(self.gains(one, target)) for one in self.space.candidates_of(target)) < FEW
            controls = self.space.controls_of(target)
            plans = [self.plan(one, target, self.space.first_seed) for one in controls]
            later = controls if any(one and one.key in {*self.outcomes, *taken} for one in plans) else ()
            found = [
                (candidate not in later, guess.optimistic, source_name(candidate), transfer)
                for candidate in self.space.candidates_of(target)
                if (guess := self.guess(candidate, target)) is not None
                and (few or not guess.hopeless)
                and (transfer := self.plan(candidate, target, self.space.first_seed)) is not None
                and (key := transfer.key) not in self.outcomes
                and key not in taken
            ]
            top = max(found, key=lambda item: item[:3], default=None)
            return None if top is None else (top[1], top[3])

        return self._in_turn(best, left)

    def _refine(self) -> list[Transfer]:
        if self.options.exhaustive:
            return []

        def best(target: Task, taken: set[str]) -> tuple[float, Transfer] | None:
            found: list[tuple[float, str, Transfer]] = []
            for candidate in (*self.space.candidates_of(target), None):
                guess = self.guess(candidate, target)
                if guess is None or guess.worth < self.options.least:
                    continue
                transfer = self.next_seed(candidate, target)
                if transfer is None:
                    continue
                # its source part, if that has not run on this seed, comes first
                first = transfer.prefix
                run = transfer if first is None or first.key in self.outcomes else first
                if run.key in taken:
                    continue
                price = self.purse.prices([transfer, *([first] if first else [])])
                name = BASELINE if candidate is None else source_name(candidate)
                found.append((guess.worth / max(price, 1e-12), name, run))
            top = max(found, key=lambda item: item[:2], default=None)
            return None if top is None else (top[0], top[2])

        return self._in_turn(best, self._open())

    def _in_turn(
        self, best: Callable[[Task, set[str]], tuple[float, Transfer] | None], left: float
    ) -> list[Transfer]:
        """A round that `left` pays for: the target with the fewest runs has its best choice, and so on."""
        counts = {target.name: 0 for target in self.space.targets}
        for outcome in self._single_runs():
            if outcome.transfer.target.name in counts:
                counts[outcome.transfer.target.name] += 1
        taken: dict[str, Transfer] = {}
        offers = {target.name: best(target, set()) for target in self.space.targets}
        while len(taken) < self.options.round:
            waiting = [
                (counts[target.name], -offer[0], target.name, target, offer[1])
                for target in self.space.targets
                if (offer := offers[target.name]) is not None
            ]
            if not waiting:
                break
            *_, target, transfer = min(waiting, key=lambda item: item[:3])
            left -= self.purse.price(transfer)
            if left < -1e-9:
                break
            taken[transfer.key] = transfer
            counts[target.name] += 1
            for other in self.space.targets:
                offer = offers[other.name]
                if other is target or (offer is not None and offer[1].key == transfer.key):
                    offers[other.name] = best(other, set(taken))
        return list(taken.values())

    def _single_runs(self) -> list[Outcome]:
        """Outcomes of candidates on the search's seeds but for those that were asked for several sources."""
        several = self.chained | self.joined
        return [one for one in self.candidate_runs() if one.transfer.key not in several]

    def _everything(self) -> list[Transfer]:
        wanted = [
            transfer
            for seed in self.space.run_seeds
            for candidate, target in self.space.candidates()
            if (transfer := self.plan(candidate, target, seed)) is not None
            and transfer.key not in self.outcomes
        ]
        return wanted[: self.options.round]

    # --- several sources -------------------------------------------------------------------------

    def _chain(self) -> list[Transfer]:
        left = min(self._chain_rest(), self._unconfirmed() - max(self._joint_rest(), 0.0))
        wanted = next_runs(self, self.chains, self.chained, left)
        self.chained |= {transfer.key for transfer in wanted}
        return wanted

    def _join(self) -> list[Transfer]:
        wanted = next_runs(self, self.joint, self.joined, min(self._joint_rest(), self._unconfirmed()))
        self.joined |= {transfer.key for transfer in wanted}
        return wanted

    # --- confirmation ----------------------------------------------------------------------------

    def _confirm(self) -> list[Transfer]:
        if self.options.exhaustive or not self.options.confirm_share:
            return []
        left = self.purse.left()
        bundles = self.purse.affordable(self._confirmations(), left)
        first = [t for bundle in bundles for t in bundle if not t.sources and t.key not in self.outcomes]
        if first:
            return first
        return [
            transfer
            for bundle in bundles
            for transfer in bundle
            if transfer.prefix is None or isinstance(self.outcomes.get(transfer.prefix.key), Run)
        ]

    def _confirmations(self) -> list[list[Transfer]]:
        """What a target's confirmation takes on one fresh seed, the surest targets first, two seeds each."""
        order = []
        for target in self.space.targets:
            winner, rival = self.finalists(target)
            guess = self.guess(winner, target) if winner is not None else None
            if winner is not None and guess is not None:
                order.append((-guess.mean / max(guess.sd, 1e-9), target.name, target, winner, rival))
        order.sort(key=lambda item: item[:2])
        bundles = []
        count = self.options.confirm_seeds
        for seeds in (range(min(2, count)), *(range(index, index + 1) for index in range(2, count))):
            for *_, target, winner, rival in order:
                for seed in seeds:
                    bundles.append(self.confirmation(target, winner, rival, self.space.fresh_seed(seed)))
        return bundles

    def confirmation(
        self, target: Task, winner: Candidate, rival: Candidate | None, seed: int
    ) -> list[Transfer]:
        """The baseline, the winner and the rival on one fresh seed, with the parts that they start from."""
        recipe = self.recipe(target)
        assert recipe is not None
        bundle = [self.alone(target, recipe, seed)]
        for candidate in (winner, *([] if rival is None else [rival])):
            transfer = self.plan(candidate, target, seed, check_prefix=False)
            if transfer is not None:
                bundle += stages(transfer)
        return bundle

    def finalists(self, target: Task) -> tuple[Candidate | None, Candidate | None]:
        """The winner on dev and its best rival; None stands for no transfer, and a winner None has no rival."""
        known = [
            (guess.mean, source_name(candidate), candidate)
            for candidate in self.candidates_of(target)
            if self.runs(candidate, target) and (guess := self.guess(candidate, target)) is not None
        ]
        known = sorted((item for item in known if item[0] > 0), key=lambda item: (-item[0], item[1]))
        winner, rival = [*(candidate for *_, candidate in known), None, None][:2]
        return winner, rival

    def winner(self, target: Task) -> Candidate | None:
        """What the search would learn first, by dev alone; None: nothing, train the target as it is."""
        return self.finalists(target)[0]

    @property
    def stops(self) -> bool:
        """Whether hopeless runs are stopped early."""
        return self.options.halving and not self.options.exhaustive

    def looks(self, transfer: Transfer) -> dict[int, float | None]:
        """Epoch → dev measure below which this run is to be stopped there; empty: it runs undisturbed."""
        if not self.stops:
            return {}
        floors = self.floors(transfer)
        return dict.fromkeys(floors) if transfer.key in parts(self) else floors

    # --- what is known ---------------------------------------------------------------------------

    def guess(self, candidate: Candidate | None, target: Task) -> Guess | None:
        """What is believed of a candidate (None: of the baseline); None if it is set aside."""
        name = BASELINE if candidate is None else source_name(candidate)
        if self.guesses is not None:
            return self.guesses.get((name, target.name))
        if candidate is None:
            return Guess(0.0, NOISE, 0.0)
        gains = self.gains(candidate, target)
        if gains:
            return Guess(fmean(gains), NOISE, 0.0)
        return Guess(0.0, SPREAD, expected_improvement(0.0, SPREAD, 0.0))

    # --- the budget ------------------------------------------------------------------------------

    @cached_property
    def exhaustive_units(self) -> float:
        """Units of all baselines and pairs × recipes × seeds; features and controls excluded."""
        return sum(self.cost(transfer) for transfer in self.space.exhaustive())

    @property
    def purse(self) -> Purse:
        """The budget against what has been told."""
        return Purse(self.budget, self.cost, self.exhaustive_units, self.outcomes, self.other)

    def left(self) -> float:
        """What is left of the budget, in its own unit (units of cost for a share); inf when exhaustive."""
        return float("inf") if self.options.exhaustive else self.purse.left()

    @property
    def open_share(self) -> float:
        """The share of the budget that is not kept for confirmation, chains and learning together."""
        return 1 - self.options.confirm_share - self._chain_share - self._joint_share

    @property
    def _chain_share(self) -> float:
        return self.options.chain_share if self.options.chain > 1 else 0.0

    @property
    def _joint_share(self) -> float:
        return self.options.joint_share if self.options.joint else 0.0

    def _open(self) -> float:
        """What is left for single sources: all but what is kept for confirmation, chains and learning together."""
        return self._unconfirmed() - max(self._chain_rest(), 0.0) - max(self._joint_rest(), 0.0)

    def _unconfirmed(self) -> float:
        """What is left for everything but confirmation."""
        reserve = self.options.confirm_share * self.purse.total
        return self.purse.left() + self.purse.paid(self.candidate_runs(fresh=True)) - reserve

    def _chain_rest(self) -> float:
        """What chains have not spent of their share; 0 where none are wanted."""
        return self._chain_share * self.purse.total - self._paid(self.chained)

    def _joint_rest(self) -> float:
        """What learning together has not spent of its share; 0 where it is not wanted."""
        return self._joint_share * self.purse.total - self._paid(self.joined)

    def _paid(self, keys: set[str]) -> float:
        return self.purse.paid(self.outcomes[key] for key in sorted(keys) if key in self.outcomes)
