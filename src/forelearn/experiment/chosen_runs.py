"""Which trained runs of a task predict together: those that are named, or all seeds of what is best on dev.

Without names the outcomes of the task are grouped by everything but their seed (recipe, sources, mode, method), and the
group with the highest mean of the deciding measure on dev is taken. A group of one seed counts only where no group has
two: the best of many single runs is mostly luck. Test labels choose nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.core.run import Run
from forelearn.core.task import Task
from forelearn.experiment.again import again, train_command, without_weights
from forelearn.experiment.drive import all_stored
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.run_keys import full_key


@dataclass(frozen=True, slots=True)
class Chosen:
    """runs: by seed, or in the order in which they were named. folders: of their weights. why: in one sentence.

    notes: what is missing, for people.
    """

    runs: tuple[Run, ...]
    folders: tuple[Path, ...]
    why: str
    notes: tuple[str, ...] = ()


def chosen_runs(prepared: Prepared, task: Task, keys: Sequence[str] = ()) -> Chosen:
    """The runs that predict `task`. keys: of runs in the study's store; none: the best on dev, all seeds.

    Raises InputError for a key that is no run of the task, and where weights are missing, with the command that
    trains them again.
    """
    runs = [outcome for outcome in all_stored(prepared) if isinstance(outcome, Run)]
    own = {
        run.transfer.key: run
        for run in runs
        if run.transfer.target.digest == task.digest and run.transfer.target.kind == task.kind
    }
    return _named(prepared, task, keys, own) if keys else _best(prepared, task, own.values())


def _named(prepared: Prepared, task: Task, given: Sequence[str], own: dict[str, Run]) -> Chosen:
    known = [outcome.transfer.key for outcome in prepared.runs.all()]
    problems: list[Problem] = []
    keys = []
    for key in given:
        try:
            keys.append(full_key(key, known))
        except InputError as error:
            problems += error.problems
    problems = [*_unfit(prepared, task, keys, own), *problems]
    if problems:
        raise InputError(problems)
    found = [own[key] for key in dict.fromkeys(keys)]
    missing = [run for run in found if _weights(prepared, run) is None]
    if missing:
        raise InputError([without_weights(prepared.study, prepared.options, run) for run in missing])
    return _chosen(prepared, found, "the runs that were named")


def _unfit(prepared: Prepared, task: Task, keys: Sequence[str], own: dict[str, Run]) -> Iterator[Problem]:
    """Keys that are no finished run of the task."""
    for key in dict.fromkeys(keys):
        if key in own:
            continue
        outcome = prepared.runs.get(key)
        assert outcome is not None
        if outcome.transfer.target.digest != task.digest:
            rule = f"is of {outcome.transfer.target.name}, not of {task.name}."
            yield Problem(f"run `{key}`", rule, "Name a run of the task.")
        else:
            assert not isinstance(outcome, Run)
            yield without_weights(prepared.study, prepared.options, outcome)


def _best(prepared: Prepared, task: Task, own: Iterable[Run]) -> Chosen:
    metric = task.metric
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in own:
        if run.transfer.encoder.digest == prepared.space.encoder.digest and metric in run.performance.dev:
            groups[replace(run.transfer, seed=0).key].append(run)
    if not groups:
        fix = f"Train it first: {train_command(prepared.study, prepared.options, None, task)}"
        raise InputError(Problem(f"task `{task.name}`", "has no finished run in the study's store.", fix))
    compared = [group for group in groups.values() if len(group) > 1] or list(groups.values())
    best = max(compared, key=lambda group: (_dev(group, metric), len(group), group[0].transfer.key))
    best.sort(key=lambda run: run.transfer.seed)
    standing = [run for run in best if _weights(prepared, run) is not None]
    if not standing:
        raise InputError([without_weights(prepared.study, prepared.options, run) for run in best])
    seeds = ", ".join(str(run.transfer.seed) for run in best)
    why = (
        f"{best[0].transfer.label} has the highest mean {metric} on dev, {_dev(best, metric):.4f} "
        f"(seed{'s' if len(best) > 1 else ''} {seeds}), of {len(compared)} that were compared"
    )
    notes = [
        f"left out: {run.transfer.label}, seed {run.transfer.seed}: its weights were not kept. "
        f"{again(prepared.study, prepared.options, run.transfer)}"
        for run in best
        if run not in standing
    ]
    if len(best) == 1:
        notes.append(
            "one seed alone: another one joins the ensemble after forelearn train … --run-seed"
            f" {best[0].transfer.seed + 1}"
        )
    return _chosen(prepared, standing, why, notes)


def _dev(group: Sequence[Run], metric: str) -> float:
    """Mean over the seeds."""
    return sum(run.performance.dev[metric] for run in group) / len(group)


def _chosen(prepared: Prepared, runs: Sequence[Run], why: str, notes: Sequence[str] = ()) -> Chosen:
    folders = [folder for run in runs if (folder := _weights(prepared, run)) is not None]
    return Chosen(tuple(runs), tuple(folders), why, tuple(notes))


def _weights(prepared: Prepared, run: Run) -> Path | None:
    return prepared.directory.whole("weights", run.transfer.key)
