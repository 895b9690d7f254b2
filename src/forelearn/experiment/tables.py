"""Rows of the result that need no verdict: tasks, baselines, performance against cost, what each stage cost."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean

from forelearn.core.keys import plain
from forelearn.core.run import Cost, Run
from forelearn.core.task import Task
from forelearn.experiment.prepare import Prepared
from forelearn.report.summary import BaselineRow, CostRow, Counts, CurvePoint, TaskRow
from forelearn.search.search import Search


def task_row(prepared: Prepared, task: Task) -> TaskRow:
    """A task with its sizes and positives."""
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
        thresholds=tuple(run.performance.threshold for run in runs),
        seeds=tuple(run.transfer.seed for run in runs),
        dev=tuple(run.dev() for run in runs),
        test=tuple(run.test() for run in runs),
        keys=tuple(run.transfer.key for run in runs),
        others={name: fmean(values) for name, values in others.items()},
    )


def curve(search: Search) -> list[CurvePoint]:
    """After each pair: what has been spent, and the mean test performance of what dev picks so far."""
    total = search.exhaustive_units
    means = {task.name: search.baselines(task) for task in search.space.targets}
    if not all(means.values()):
        return []
    pick = {name: (0.0, fmean(run.test() for run in runs)) for name, runs in means.items()}
    dev = {name: fmean(run.dev() for run in runs) for name, runs in means.items()}
    points = []
    spent, count = search.other, 0
    told = sorted(search.outcomes.values(), key=lambda outcome: bool(outcome.transfer.sources))
    for outcome in told:
        spent, count = spent + outcome.cost, count + 1
        transfer = outcome.transfer
        if transfer.sources and transfer.seed == search.space.first_seed and isinstance(outcome, Run):
            gain = outcome.dev() - dev[transfer.target.name]
            if gain > pick[transfer.target.name][0]:
                pick[transfer.target.name] = (gain, outcome.test())
        elif transfer.sources or (count < len(told) and not told[count].transfer.sources):
            continue
        mean = fmean(value for _, value in pick.values())
        points.append(CurvePoint(spent.units / total, spent.seconds, mean, count))
    return points


def costs(search: Search) -> list[CostRow]:
    """Runs, units and seconds of each stage; features have no runs."""
    stages: dict[str, list[Cost]] = {
        "baselines": [],
        "features": [search.other],
        "pairs": [],
        "confirmation": [],
    }
    for outcome in search.outcomes.values():
        transfer = outcome.transfer
        first = transfer.seed == search.space.first_seed or search.options.exhaustive
        stage = "baselines" if transfer.is_baseline else "pairs" if first else "confirmation"
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
    return CostRow("exhaustive", runs, units, units * search.seconds_per_unit())
