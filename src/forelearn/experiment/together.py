"""Train a target together with auxiliary tasks, its controls beside it, and say whether that was worth it.

What has run lies in the study's store: a second call with the same question trains what is missing and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Protocol

from forelearn.core.errors import ForelearnError
from forelearn.core.keys import plain
from forelearn.core.recipe import Recipe
from forelearn.core.run import Failure
from forelearn.core.task import Task
from forelearn.executors.base import Executor
from forelearn.experiment.api import executor_for
from forelearn.experiment.arms import (
    Plan,
    first_arm,
    keeps_all,
    labels_of,
    missing,
    most_looks,
    other_arms,
    read_arm,
    spent,
)
from forelearn.experiment.drive import Display, Silent, run_transfers
from forelearn.experiment.opening import UNCHANGED, Options
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.question import Request, asked_of
from forelearn.experiment.worth import auxiliary, difference, verdict
from forelearn.report.multitask_summary import Arm, Comparison
from forelearn.store.file import write_page_or_json


class Watcher(Display, Protocol):
    """What a person sees while a comparison runs."""

    def begin(self, names: Mapping[str, tuple[str, int]], later: int) -> None:
        """These runs are about to start: key → (arm, seed). later: how many more will follow them."""


@dataclass(frozen=True, slots=True)
class Unwatched(Silent):
    """Shows nothing."""

    def begin(self, names: Mapping[str, tuple[str, int]], later: int) -> None:
        """Nothing."""


UNWATCHED = Unwatched()


def train_together(
    study: Path | str,
    target: str,
    wanted: Request,
    options: Options = UNCHANGED,
    *,
    output: Path | str | None = None,
    display: Watcher = UNWATCHED,
) -> Comparison:
    """Train `target` with auxiliary tasks on every seed, then its controls at the same compute, and compare them.

    output: the page, or JSON where the name ends in `.json`; None writes `multitask-TARGET.html` into the study's
    folder. Raises InputError for a question that cannot be asked, before anything is written, and ForelearnError if
    another process is running the study or no run of the method came to its end.
    """
    question = asked_of(study, target, wanted, options, display)
    prepared, asked = question.prepared, question.asked
    with prepared.directory.lock(), executor_for(prepared) as executor:
        first = first_arm(asked)
        far = read_arm(prepared, first)
        others = other_arms(
            asked, spent(far) if far.seeds else 1, most_looks(far)
        )  # as far as their compute is known
        later = len(missing(prepared, others, again=wanted.retry_failed, weights=keeps_all(prepared)))
        _run(prepared, [first], executor, display, again=wanted.retry_failed, weights=True, later=later)
        method = read_arm(prepared, first)
        if not method.seeds:
            raise ForelearnError(f"{first.transfers[0].label} was not trained to its end: {method.failed[0]}")
        compute = spent(method)
        others = other_arms(asked, compute, most_looks(method))
        _run(prepared, others, executor, display, again=wanted.retry_failed, weights=keeps_all(prepared))
        arms = [read_arm(prepared, plan, compute) for plan in (first, *others)]
        _drop_weights(prepared, (first, *others), arms)
        comparison = compared(
            prepared,
            asked.target.task,
            [data.task.name for data in asked.auxiliaries],
            arms,
            recipe=asked.recipe,
            compute=compute,
            chosen=question.chosen,
        )
        write_comparison(comparison, Path(output) if output else page_of(prepared.study.out, target))
        return comparison


def page_of(out: Path, target: str) -> Path:
    """Where the page of a target lies unless another place is named."""
    name = target.encode()[:200].decode(errors="ignore")  # file systems count 255 bytes
    return out / f"multitask-{name}.html"


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the page, or JSON where the name ends in `.json`, in one step: a half-written file is never seen."""
    from forelearn.report.multitask_page import multitask_page

    write_page_or_json(path, lambda: multitask_page(comparison), comparison.as_json)


def _run(
    prepared: Prepared,
    plans: Sequence[Plan],
    executor: Executor,
    display: Watcher,
    *,
    again: bool,
    weights: bool,
    later: int = 0,
) -> None:
    """Train what is missing. again, weights: see `missing`. later: how many runs will follow, as far as is known."""
    wanted = missing(prepared, plans, again=again, weights=weights)
    for key in wanted:
        if isinstance(prepared.runs.get(key), Failure):
            prepared.runs.forget(key)
    if wanted:
        names = labels_of(plans)
        display.begin({key: names[key] for key in wanted}, later)
        run_transfers(prepared, list(wanted.values()), executor, display)


def _drop_weights(prepared: Prepared, plans: Sequence[Plan], arms: Sequence[Arm]) -> None:
    """Keep the weights of the method, and of the arm that is best on dev; all of them if the study says so."""
    if keeps_all(prepared):
        return
    best = max((arm for arm in arms if arm.select), key=lambda arm: fmean(arm.select))
    kept = {
        transfer.key
        for plan in plans
        if plan.name in (plans[0].name, best.name)
        for transfer in plan.transfers
    }
    for plan in plans:
        for transfer in plan.transfers:
            if transfer.key not in kept:
                prepared.directory.remove("weights", transfer.key)


def compared(
    prepared: Prepared,
    target: Task,
    auxiliaries: Sequence[str],
    arms: Sequence[Arm],
    *,
    recipe: Recipe,
    compute: int,
    chosen: str,
) -> Comparison:
    """The comparison of arms that have run; the method is the first. Its fields: see `Comparison`."""
    settings = prepared.study.settings
    level = settings.search.level
    differences = tuple(difference(arms[0], arm, level) for arm in arms[1:])
    found = verdict(arms[0], differences, level)
    return Comparison(
        study=settings.name,
        target=target.name,
        metric=target.metric,
        encoder=prepared.space.encoder.name,
        auxiliaries=tuple(auxiliaries),
        chosen=chosen,
        recipe=plain(recipe),
        compute=compute,
        level=level,
        arms=tuple(arms),
        differences=differences,
        tasks=tuple(auxiliary(arms[0], name) for name in auxiliaries),
        worth=found.worth,
        reason=found.reason,
        rests_on=found.rests_on,
    )
