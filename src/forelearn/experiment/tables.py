"""Rows of the result that need no verdict: tasks, baselines, performance against cost, what each stage cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean

from forelearn.core.keys import plain
from forelearn.core.run import Cost, Run
from forelearn.core.task import Task
from forelearn.experiment.prepare import Prepared
from forelearn.report.summary import BaselineRow, CostRow, Counts, CurvePoint, Obtained, PairRow, TaskRow
from forelearn.search.search import Search


def task_row(prepared: Prepared, task: Task) -> TaskRow:
    """A task with its sizes; positives of a binary one."""
    data = prepared.tasks[task.name]
    parts = (data.train, data.dev, data.test)
    return TaskRow(
        name=task.name,
        kind=task.kind,
        labels=data.labels,
        metric=task.metric,
        rows=Counts(*(len(part) for part in parts)),
        positives=Counts(*(part.positives() for part in parts)) if task.kind == "binary" else None,
        groups=len({group for part in parts for group in part.groups}),
        digest=task.digest,
        choices=len(data.train.choices[0]) if data.train.choices else 0,
    )


def baseline_row(search: Search, task: Task) -> BaselineRow | None:
    """A task alone at its dev-best recipe, a value a seed; None if it has not run."""
    runs = search.baselines(task)
    if not runs:
        return None
    others: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for name, value in run.performance.test.items():
            if name != task.metric:
                others[name].append(value)
    return BaselineRow(
        task=task.name,
        recipe=plain(runs[0].transfer.recipe),
        thresholds=tuple(run.performance.threshold for run in runs) if task.kind == "binary" else (),
        seeds=tuple(run.transfer.seed for run in runs),
        dev=tuple(run.dev() for run in runs),
        test=tuple(run.test() for run in runs),
        keys=tuple(run.transfer.key for run in runs),
        others={name: fmean(values) for name, values in others.items()},
    )


def another_seed(search: Search, task: Task) -> PairRow | None:
    """The control that trains the target twice and keeps the better run on dev: its mean gain over one run.

    None with fewer than two baseline seeds. Over all pairs of seeds, so no interval.
    """
    runs = search.baselines(task)
    if len(runs) < 2:
        return None
    kept = [max(pair, key=lambda run: run.dev()) for pair in combinations(runs, 2)]
    dev = fmean(run.dev() for run in kept) - fmean(run.dev() for run in runs)
    test = fmean(run.test() for run in kept) - fmean(run.test() for run in runs)
    seeds = tuple(run.transfer.seed for run in runs)
    return PairRow("another seed", task.name, "run", obtained=Obtained(dev, test, seeds))


def curve(search: Search) -> list[CurvePoint]:
    """After each candidate's run: what has been spent, and the mean test performance of what dev picks so far.

    Runs on fresh seeds are left out: they choose nothing.
    """
    total = search.exhaustive_units
    alone = {task.name: search.baselines(task) for task in search.space.targets}
    if not all(alone.values()):
        return []
    dev = {name: fmean(run.dev() for run in runs) for name, runs in alone.items()}
    seen: dict[str, dict[str, list[Run]]] = {name: {} for name in alone}
    points = []
    spent, count = search.other, 0
    chosen = [one for one in search.outcomes.values() if not search.space.is_fresh(one.transfer.seed)]
    told = sorted(chosen, key=lambda outcome: search.is_candidate(outcome.transfer))
    for outcome in told:
        spent, count = spent + outcome.cost, count + 1
        transfer, name = outcome.transfer, outcome.transfer.target.name
        if search.is_candidate(transfer) and isinstance(outcome, Run) and name in seen:
            seen[name].setdefault(transfer.label, []).append(outcome)
        elif count < len(told) and not search.is_candidate(told[count].transfer):
            continue
        points.append(CurvePoint(spent.units / total, spent.seconds, _picked(alone, dev, seen), count))
    return points


def _picked(
    alone: Mapping[str, Sequence[Run]], dev: Mapping[str, float], seen: Mapping[str, Mapping[str, list[Run]]]
) -> float:
    """Mean over targets of the test performance of the candidate with the best mean on dev, or of none."""
    values = []
    for name, runs in alone.items():
        best = max(seen[name].values(), key=lambda made: fmean(run.dev() for run in made), default=None)
        if best is None or fmean(run.dev() for run in best) <= dev[name]:
            best = list(runs)
        values.append(fmean(run.test() for run in best))
    return fmean(values)


def costs(search: Search) -> list[CostRow]:
    """Runs, units and seconds of each stage; features have no runs. Several sources have rows where wanted."""
    stages: dict[str, list[Cost]] = {
        "baselines": [],
        "features": [search.other],
        "pairs": [],
        **({"chains": []} if search.options.chain > 1 else {}),
        **({"joint": []} if search.options.joint else {}),
        "confirmation": [],
    }
    for outcome in search.outcomes.values():
        transfer = outcome.transfer
        fresh = search.space.is_fresh(transfer.seed)
        stage = "confirmation" if fresh else "pairs" if search.is_candidate(transfer) else "baselines"
        if transfer.key in search.chained:
            stage = "chains"
        if transfer.key in search.joined:
            stage = "joint"
        stages[stage].append(outcome.cost)
    return [
        CostRow(
            stage,  # type: ignore[arg-type]
            0 if stage == "features" else len(costs),
            sum(cost.units for cost in costs),
            sum(cost.seconds for cost in costs),
        )
        for stage, costs in stages.items()
    ]


def exhaustive(search: Search) -> CostRow:
    """What trying everything would cost at the measured pace."""
    units = search.exhaustive_units
    runs = sum(1 for _ in search.space.exhaustive())
    return CostRow("exhaustive", runs, units, units * search.purse.seconds_per_unit())
