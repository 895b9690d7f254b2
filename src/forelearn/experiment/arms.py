"""The arms of a comparison of multitask training: as transfers before they run, and as what came of them.

The method that was asked for runs first, on every seed. What it has spent, in sample gradients, is what all others
may spend, and they are measured on dev no more often than it is: the best of more looks would be better by luck. As
controls the target alone at a constant and at a decaying learning rate, the method without auxiliary tasks (where that
is anything else), and the method with auxiliary tasks whose labels are dealt out anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forelearn.core.data import TaskData
from forelearn.core.multitask import Multitask
from forelearn.core.recipe import Recipe
from forelearn.core.run import Failure, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Source, Transfer
from forelearn.experiment.multitask_settings import common
from forelearn.experiment.prepare import Prepared
from forelearn.report.multitask_summary import Arm
from forelearn.tasks.random_labels import with_random_labels
from forelearn.training.multitask.history import Epoch, History, read_history
from forelearn.training.multitask.methods import differs_alone, multitask
from forelearn.training.multitask.single import Single

CONSTANT, DECAYING, ALONE, RANDOM = "single, constant", "single, decaying", "no auxiliary", "random labels"
"""Names of the controls."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a comparison is about. target: its data. seeds: of every arm. method: the one that was asked for.

    auxiliaries: data of the auxiliary tasks. compare: further methods. controls: whether there are any.
    """

    target: TaskData
    auxiliaries: tuple[TaskData, ...]
    encoder: Encoder
    recipe: Recipe
    seeds: tuple[int, ...]
    method: Multitask
    compare: tuple[Multitask, ...] = ()
    controls: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """An arm before it has run. transfers: one a seed."""

    name: str
    about: str
    control: bool
    transfers: tuple[Transfer, ...]

    @property
    def how(self) -> Multitask:
        """The method with its options."""
        assert self.transfers[0].multitask is not None
        return self.transfers[0].multitask


def first_arm(asked: Asked) -> Plan:
    """The method that was asked for."""
    names = ", ".join(data.task.name for data in asked.auxiliaries)
    about = f"{asked.target.task.name} with {names}" if names else f"{asked.target.task.name} alone"
    return _plan(asked, asked.method.method, about, asked.method, _tasks(asked.auxiliaries))


def other_arms(asked: Asked, compute: int, looks: int | None = None) -> tuple[Plan, ...]:
    """The controls, then what else was asked for, each with at most `compute` sample gradients.

    looks: how often the method was measured, where its own compute may have ended it early; None: as its recipe says.
    """
    if looks is not None and dict(asked.method.options).get("compute"):
        asked = replace(asked, recipe=replace(asked.recipe, epochs=min(asked.recipe.epochs, looks)))
    held = common(dict(asked.method.options))
    plans = []
    if asked.controls:
        for schedule, name in (("constant", CONSTANT), ("linear", DECAYING)):
            if asked.method.method == Single.name and held["schedule"] == schedule:
                continue  # it is the method itself
            how = multitask(Single.name, {**held, "schedule": schedule, "compute": compute})
            rate = "a constant learning rate" if schedule == "constant" else "a learning rate that falls to 0"
            plans.append(_plan(asked, name, f"the target alone, {rate}", how, (), control=True))
    if asked.controls and asked.auxiliaries:
        name = asked.method.method
        if differs_alone(name):
            how = multitask(name, {**dict(asked.method.options), "compute": compute})
            about = f"{name} without auxiliary tasks"
            plans.append(_plan(asked, ALONE, about, how, (), control=True))
        if name != Single.name:
            twins = _tasks([with_random_labels(data) for data in asked.auxiliaries])
            about = f"{name}, labels of the auxiliary tasks dealt out anew"
            how = multitask(name, {**dict(asked.method.options), "compute": compute})
            plans.append(_plan(asked, RANDOM, about, how, twins, control=True))
    for other in asked.compare:
        how = multitask(other.method, {**dict(other.options), "compute": compute})
        about = f"the same tasks by {other.method}"
        plans.append(_plan(asked, other.method, about, how, _tasks(asked.auxiliaries)))
    return tuple(plans)


def read_arm(prepared: Prepared, plan: Plan, compute: int | None = None) -> Arm:
    """What came of an arm, at no more than `compute` sample gradients a run; None: all of it."""
    runs: list[tuple[Transfer, History, Epoch, Epoch]] = []
    failed = []
    for transfer in plan.transfers:
        found = history_of(prepared, transfer)
        if isinstance(found, str):
            failed.append(f"seed {transfer.seed}: {found}")
            continue
        limit = found.epochs[-1].gradients if compute is None else compute
        kept = found.within(limit)
        if (
            kept.test is None
        ):  # no run of ours: the epoch that is kept was the best so far, and those are measured
            failed.append(f"seed {transfer.seed}: its best epoch was not measured on test")
            continue
        runs.append((transfer, found, kept, found.last(limit)))
    return Arm(
        plan.name,
        plan.about,
        plan.how.method,
        plan.how.options,
        tuple(source.name for source in plan.transfers[0].sources),
        plan.control,
        seeds=tuple(transfer.seed for transfer, *_ in runs),
        keys=tuple(transfer.key for transfer, *_ in runs),
        select=tuple(kept.select for _, _, kept, _ in runs),
        dev=tuple(kept.dev if kept.dev is not None else kept.select for _, _, kept, _ in runs),
        test=tuple(kept.test for _, _, kept, _ in runs if kept.test is not None),
        gradients=tuple(last.gradients for *_, last in runs),
        seconds=tuple(last.seconds for *_, last in runs),
        peak_bytes=tuple(history.peak_bytes for _, history, _, _ in runs),
        histories=tuple(history for _, history, _, _ in runs),
        failed=tuple(failed),
        units=tuple(last.units for *_, last in runs),
    )


def history_of(prepared: Prepared, transfer: Transfer) -> History | str:
    """What happened in a run; or, in words, why there is nothing to read."""
    outcome = prepared.runs.get(transfer.key)
    if outcome is None:
        return "it has not run"
    if not isinstance(outcome, Run):
        return outcome.reason
    folder = prepared.directory.whole("runs", transfer.key)
    history = None if folder is None else read_history(folder)
    if history is None or not history.epochs:
        return f"run {transfer.key} has no history that can be read; forget it by removing its folder"
    return history.under([transfer.target.name, *(source.name for source in transfer.sources)])


def missing(
    prepared: Prepared, plans: Sequence[Plan], *, again: bool, weights: bool
) -> Mapping[str, Transfer]:
    """What has to be trained of these arms, by key. again: failures, too. weights: runs whose weights are gone, too."""
    found = {}
    for transfer in (transfer for plan in plans for transfer in plan.transfers):
        outcome = prepared.runs.get(transfer.key)
        failed = isinstance(outcome, Failure)
        lost = isinstance(outcome, Run) and prepared.directory.whole("weights", transfer.key) is None
        if outcome is None or (again and failed) or (weights and lost):
            found[transfer.key] = transfer
    return found


def keeps_all(prepared: Prepared) -> bool:
    """Whether the weights of every arm are kept, or those of the method and of the best arm alone."""
    return prepared.study.settings.run.keep_weights == "all"


def most_looks(method: Arm) -> int | None:
    """How often a run of the method was measured, at most; None before it has run."""
    return max((len(history.epochs) for history in method.histories), default=None)


def spent(arm: Arm) -> int:
    """The most sample gradients that a run of an arm took to its end."""
    return max(history.epochs[-1].gradients for history in arm.histories)


def _tasks(data: Sequence[TaskData]) -> tuple[Task, ...]:
    return tuple(one.task for one in data)


def _plan(
    asked: Asked,
    name: str,
    about: str,
    how: Multitask,
    auxiliaries: Sequence[Task],
    *,
    control: bool = False,
) -> Plan:
    sources = tuple(Source(task, asked.recipe) for task in auxiliaries)
    transfers = tuple(
        Transfer(asked.target.task, asked.encoder, asked.recipe, seed, sources, "multitask", how)
        for seed in asked.seeds
    )
    return Plan(name, about, control, transfers)


def labels_of(plans: Sequence[Plan]) -> Mapping[str, tuple[str, int]]:
    """Key → (arm, seed) of every transfer."""
    return {transfer.key: (plan.name, transfer.seed) for plan in plans for transfer in plan.transfers}
