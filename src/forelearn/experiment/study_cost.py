"""What a study will take, by the deterministic cost model, before it is run; a budget that is too small is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass

from forelearn.core.errors import InputError, Problem
from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
from forelearn.experiment.prepare import Prepared
from forelearn.search.search import Search


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a study will take. baselines: runs of single tasks, which a budget in time does not stop.

    units, affordable_pairs: what the budget pays for; None where it is in time and nothing has run yet. No pair where
    what is not kept for confirmation, chains and learning together does not pay for more than the baselines. Of an
    exhaustive run, whose budget is `exhaustive`: all that it asks for.
    seconds: from the pace of finished runs; None before the first, unless the budget says it.
    """

    budget: str
    tasks: int
    pairs: int
    baselines: int
    baseline_units: float
    affordable_pairs: int | None
    units: float | None
    exhaustive_units: float
    exhaustive_runs: int
    seconds: float | None


def expected(prepared: Prepared, state: Search) -> Estimate:
    """The cost of a study that has run as far as `state` knows."""
    space = state.space
    plans = _baselines(state)
    base = sum(map(prepared.cost, plans))
    mean = base / len(plans)
    pace = state.purse.seconds_per_unit()
    kind, amount = state.budget.kind, state.budget.amount
    pairs = sum(1 for _ in space.pairs())
    units: float | None
    affordable = None
    if state.options.exhaustive:
        runs = _candidates(state)
        units, affordable = base + sum(map(prepared.cost, runs)), len(runs)
    elif kind == "share":
        units = amount * state.exhaustive_units
    elif kind == "runs":
        units = base + max(amount - len(plans), 0) * mean
    else:
        units = amount / pace if pace else None
    if units is not None and affordable is None:
        affordable = _pairs(units, base, mean, state.open_share, pairs * space.seeds)
    return Estimate(
        budget=budget_of(state),
        tasks=len(space.tasks),
        pairs=pairs,
        baselines=len(plans),
        baseline_units=base,
        affordable_pairs=affordable,
        units=units,
        exhaustive_units=state.exhaustive_units,
        exhaustive_runs=sum(1 for _ in space.exhaustive()),
        seconds=units * pace if units and pace else _said(state),
    )


def budget_of(state: Search) -> str:
    """The budget in words; that of an exhaustive run is `exhaustive`."""
    return "exhaustive" if state.options.exhaustive else str(state.budget)


def _said(state: Search) -> float | None:
    """Seconds that the budget itself names."""
    in_time = state.budget.kind == "seconds" and not state.options.exhaustive
    return state.budget.amount if in_time else None


def _pairs(units: float, base: float, mean: float, share: float, most: int) -> int:
    """Runs beside the baselines that `units` pay for, of which `share` is open to pairs. base: of the baselines."""
    return 0 if units * share < base + mean else min(int((units - base) / mean), most)


def affords_baselines(prepared: Prepared, state: Search) -> None:
    """Refuse a budget that cannot pay for the single-task models, before anything is trained.

    A budget in time is taken as it is: what a run takes is not known before the first.
    """
    budget = state.budget
    if state.options.exhaustive or budget.kind == "seconds":
        return
    plans = _baselines(state)
    runs = len(plans)
    needed = runs + 1 if budget.kind == "runs" else sum(map(prepared.cost, plans)) / state.exhaustive_units
    if budget.amount < needed:
        said = f"{runs} runs, and one to try a source"
        if budget.kind != "runs":
            said = f"{math.ceil(1000 * needed) / 10} % of the exhaustive cost"
        told = prepared.options.budget is not None
        raise InputError(
            Problem(
                "--budget" if told else f"{prepared.study.path.name}, [search] budget",
                f"{budget} does not pay for the baselines of {len(state.space.tasks)} tasks, which take {said}.",
                "Raise it, or lower `seeds`, the recipes or the tasks.",
            )
        )


def _baselines(state: Search) -> list[Transfer]:
    """Every task alone at every recipe, and the targets (exhaustive: all) again on further seeds."""
    space = state.space
    everything = state.options.exhaustive
    further = len(space.run_seeds[1 : None if everything else state.options.baseline_seeds])
    again = space.tasks if everything else space.targets
    plans = [space.baseline(task, recipe, 0) for task in space.tasks for recipe in space.recipes]
    return plans + [space.baseline(task, space.recipes[0], 0) for task in again] * further


def _candidates(state: Search) -> list[Transfer]:
    """Every source and control of every target on every seed, at the first recipe."""
    space, recipe = state.space, state.space.recipes[0]
    return [
        space.pair(candidate, target, recipe if isinstance(candidate, Task) else None, recipe, seed)
        for seed in space.run_seeds
        for candidate, target in space.candidates()
    ]
