"""What one does with a study, as functions: the commands are thin views of these.

Each opens the study anew; what has been done lies in the folder that it fills, and nothing is done twice.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from forelearn.core.errors import ForelearnError, InputError, Problem, did_you_mean
from forelearn.core.recipe import Precision
from forelearn.core.run import Cost, Failure, Outcome, Performance, Run
from forelearn.core.task import CORRELATIONS, Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.executors.base import Executor
from forelearn.executors.inline import Inline
from forelearn.executors.local import Local
from forelearn.experiment.answers import summarise
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.check import check
from forelearn.experiment.drive import (
    Display,
    Silent,
    drive,
    new_search,
    now,
    replay,
    run_transfers,
    stored,
    tell_finished,
)
from forelearn.experiment.earlier import FILE as PAIRS
from forelearn.experiment.earlier import save_pairs
from forelearn.experiment.feature_shelf import Noting, forget_broken
from forelearn.experiment.gains import run_noise
from forelearn.experiment.last_run import as_last_run, going_on, remember
from forelearn.experiment.opening import UNCHANGED, Options, at_least
from forelearn.experiment.prepare import Prepared, built, prepare
from forelearn.experiment.settings import LENET, RunSettings
from forelearn.experiment.study_cost import Estimate, affords_baselines, expected
from forelearn.report.page import page
from forelearn.report.summary import Summary
from forelearn.search.search import Search
from forelearn.search.space import LONGER, Space, source_name
from forelearn.store.file import write_page_or_json
from forelearn.training.device import resolve_device, resolve_precision

NOTHING: Mapping[str, float] = {}
SILENT = Silent()


def open_prepared(
    study: Path | str, options: Options = UNCHANGED, *, images: bool = False, build: bool = True
) -> Prepared:
    """Check a study and get it ready, as its file and `options` say. Raises InputError with every problem found.

    images: studies of images are accepted, too; what does not say so needs texts. build: see `prepare`.
    """
    opened, tasks = check(study, options).sound()
    if opened.settings.encoder == LENET and not images:
        fix = f"Images are trained jointly: forelearn train {study} --target … --with …"
        raise InputError(Problem(opened.path.name, "It is a study of images, and this needs texts.", fix))
    return prepare(opened, tasks, options, build=build)


def open_to_look(study: Path | str, options: Options) -> Prepared:
    """As `open_prepared`, for who trains nothing: a damaged built-in encoder, under which no run would be found,
    is refused; what runs builds it again.
    """
    prepared = open_prepared(study, options, build=False)
    if prepared.stand_in is not None and prepared.stand_in.damage:
        rule = f"is damaged, and all runs hang on it. {prepared.stand_in.damage}"
        raise InputError(
            Problem("the study's built-in encoder", rule, f"forelearn run {study} builds it again.")
        )
    return prepared


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def executor_for(prepared: Prepared) -> Executor:
    """Worker processes, or this process where one worker is enough."""
    run = prepared.study.settings.run
    workers = workers_of(run)
    return Local(workers, run.threads) if workers > 1 else Inline()


def workers_of(run: RunSettings) -> int:
    """How many runs go on at once: as the settings say, else as many as have cores for their threads, or one on a GPU.

    Raises InputError for a device that is not there.
    """
    return run.workers or (cores() // run.threads or 1 if resolve_device(run.device) == "cpu" else 1)


def search(
    study: Path | str,
    options: Options = UNCHANGED,
    *,
    exhaustive: bool = False,
    retry_failed: bool = False,
    display: Display = SILENT,
) -> Summary:
    """Run a study to the end of its budget and return its result; `results.json` and `report.html` hold it too.

    exhaustive: every pair on every seed, whatever the budget. retry_failed: forget failures first.
    What `options` leave open is as the file says, but for the precision of a study that was begun elsewhere
    (`last_run.going_on`); the other functions then look at this run unless told otherwise.
    Raises InputError if the study is refused, and ForelearnError if another process is running it or if
    nothing could be trained at all.
    """
    options, _ = going_on(study, replace(options, exhaustive=exhaustive or options.exhaustive))
    prepared = open_prepared(study, options, build=False)
    affords_baselines(prepared, new_search(prepared))
    with prepared.directory.lock(), executor_for(prepared) as executor:
        prepared = built(prepared)
        remember(prepared.study.out, replace(options, precision=_auto(prepared)))
        if retry_failed:
            for outcome in prepared.runs.all():
                if isinstance(outcome, Failure):
                    prepared.runs.forget(outcome.transfer.key)
            forget_broken(prepared.directory)
        state = new_search(prepared)
        beliefs = Beliefs(prepared, Noting(executor, prepared.directory), display)
        drive(prepared, state, executor, beliefs, display)
        if all(isinstance(outcome, Failure) for outcome in state.outcomes.values()):
            first = state.failures()[0]
            raise ForelearnError(f"Nothing could be trained. {first.transfer.label}: {first.reason}")
        summary = summarise(prepared, state, beliefs)
        beliefs.believed.drop_unused()
        for name in ("results.json", "report.html"):
            write_result(summary, prepared.study.out / name)
        save_pairs(
            beliefs.table(state, beliefs.columns(state)),
            prepared.study.out / PAIRS,
            study=prepared.study.settings.name,
            metric=summary.metric,
            noise=run_noise(state),
        )
        return summary


def _auto(prepared: Prepared) -> Precision | None:
    """What the precision `auto` means here; None where the study's file names the precision."""
    asks = "auto" in prepared.study.settings.recipe.precision
    return prepared.options.precision or resolve_precision(prepared.device) if asks else None


def report(
    study: Path | str,
    options: Options = UNCHANGED,
    *,
    output: Path | str | None = None,
    exhaustive: bool = False,
) -> Summary:
    """The result of a study as far as it has run, as it was last run. Trains nothing.

    exhaustive: as if it had been run so. output: also write the page (or, for a name that ends in `.json`, the
    result as JSON) to this file.
    """
    prepared, state, beliefs = standing(study, replace(options, exhaustive=exhaustive or options.exhaustive))
    tell_finished(prepared, state, beliefs)
    summary = summarise(prepared, state, beliefs)
    if output is not None:
        write_result(summary, Path(output))
    return summary


def write_result(summary: Summary, path: Path) -> None:
    """Write the page, or JSON where the name ends in `.json`, in one step: a half-written file is never seen."""
    write_page_or_json(path, lambda: page(summary), summary.as_json)


def standing(
    study: Path | str, options: Options = UNCHANGED, *, last: bool = True
) -> tuple[Prepared, Search, Beliefs]:
    """A study as the store has it: the search has been told everything that has run. Nothing is written.

    Raises InputError for a built-in encoder that is damaged: no run would be found.

    last: what `options` leave open is as in the last run, else as the file says.
    """
    prepared = open_to_look(study, as_last_run(study, options) if last else options)
    state = new_search(prepared)
    beliefs = Beliefs(prepared)
    replay(prepared, state, beliefs)
    if any(outcome.transfer.is_baseline for outcome in state.outcomes.values()) and state.stage != "grid":
        beliefs.get_ready(state)
    return prepared, state, beliefs


def estimate(study: Path | str, options: Options = UNCHANGED) -> Estimate:
    """The cost of running a study with `options`, by the deterministic cost model. Trains nothing.

    Raises InputError for what `search` refuses.
    """
    prepared, state, _ = standing(study, going_on(study, options)[0], last=False)
    affords_baselines(prepared, state)
    return expected(prepared, state)


def ask(study: Path | str, options: Options = UNCHANGED) -> list[Transfer]:
    """The transfers that the search wants next, for people who train elsewhere; empty when it is done.

    The built-in encoder is built for it: its digest is in the transfers' keys.
    """
    prepared, state, beliefs = standing(study, options)
    if prepared.stand_in is not None:
        with prepared.directory.lock():
            prepared = built(prepared)
        state, beliefs = new_search(prepared), Beliefs(prepared)
    return replay(prepared, state, beliefs)


def tell(
    study: Path | str,
    key: str,
    *,
    dev: Mapping[str, float] = NOTHING,
    test: Mapping[str, float] = NOTHING,
    failed: str | None = None,
    threshold: float = 0.5,
    seconds: float = 0.0,
    by: str = "told",
    options: Options = UNCHANGED,
) -> Outcome:
    """Record a transfer that was trained elsewhere, or that failed there, so that it is not asked for again.

    key: of a transfer that `ask` proposes. dev, test: metric → value in [0, 1], of correlations in [−1, 1]; the
    deciding metric is among them. failed: why there are none; such a run costs as much as one that has finished.
    seconds: that it took. Raises InputError for an unknown key, a missing metric, a value out of range, or measures
    of a run that failed.
    """
    prepared, state, beliefs = standing(study, options)
    wanted = {transfer.key: transfer for transfer in replay(prepared, state, beliefs)}
    if key not in wanted:
        fix = did_you_mean(key, wanted) or "The search asks for nothing more."
        raise InputError(Problem(f"key {key}", "is not among the transfers that the search asks for.", fix))
    transfer = wanted[key]
    cost = Cost(prepared.cost(transfer), seconds)
    problems = []
    if not (math.isfinite(seconds) and seconds >= 0):
        problems.append(
            Problem(f"seconds of {key}", f"must be at least 0, got {seconds}.", "Give what it took.")
        )
    if failed is not None and not failed.strip():
        problems.append(Problem(f"key {key}", "has failed for no reason.", "Say why, in a few words."))
    if failed is not None and (dev or test):
        rule = "has measures and has failed."
        problems.append(Problem(f"key {key}", rule, "Give either its measures or why it failed."))
    for split, values in (("dev", dev), ("test", test)) if failed is None else ():
        if transfer.target.metric not in values:
            rule = f"has no `{transfer.target.metric}`, the metric that decides."
            problems.append(
                Problem(f"{split} of {key}", rule, f"Give {split} {transfer.target.metric}=VALUE.")
            )
        problems += [
            Problem(
                f"{split} of {key}",
                f"`{name}` must lie in [{-1 if name in CORRELATIONS else 0}, 1], got {value}.",
                "Give a share, not percent.",
            )
            for name, value in values.items()
            if not (-1 if name in CORRELATIONS else 0) <= value <= 1
        ]
    if problems:
        raise InputError(problems)
    outcome: Outcome = (
        Run(transfer, Performance(dict(dev), dict(test), threshold), cost, now(), by)
        if failed is None
        else Failure(transfer, failed.strip(), cost, now())
    )
    with prepared.directory.lock():
        if isinstance(prepared.runs.get(key), Run):
            raise InputError(Problem(f"key {key}", "has been recorded meanwhile.", "Ask for what is left."))
        prepared.runs.put(outcome)
    return outcome


def train(
    study: Path | str,
    target: str,
    source: str | None = None,
    *,
    seed: int | None = None,
    options: Options = UNCHANGED,
    display: Display = SILENT,
) -> tuple[Outcome, Path | None]:
    """Train one transfer of a study (its source part first, if need be), keep its weights, and return both.

    What has run and has its weights is not trained again. A failure is of this try, whatever the store holds of an
    earlier one; there are no weights then.

    source: a task's name, `encoder@NAME`, or tasks in turn, `A->B`; the target's own name and `train longer` are its
    controls; None trains the target alone. The dev-best recipes are used where the study has chosen them, else the
    first of the grid.
    """
    prepared, state, _ = standing(study, options)
    task = find_task(prepared, target)
    _planned(prepared.space, state, task, source, seed)  # what it refuses is said before anything is written
    with prepared.directory.lock(), Inline() as executor:
        prepared = built(prepared)
        transfer = _planned(prepared.space, state, task, source, seed)
        weights = prepared.directory.whole("weights", transfer.key)
        if weights is not None and isinstance(known := stored(prepared, transfer), Run):
            return known, weights
        display.plan("train", [transfer], None)
        # what is trained alone may become a search's baseline, which others are stopped by
        first = transfer
        while first.prefix is not None:
            first = first.prefix
        looks = {first.key: state.looks(first)} if first.is_baseline else {}
        (outcome,) = run_transfers(prepared, [transfer], executor, display, looks)
    return outcome, prepared.directory.whole("weights", transfer.key)


def _planned(space: Space, state: Search, task: Task, source: str | None, seed: int | None) -> Transfer:
    recipe = state.recipe(task) or space.recipes[0]
    run_seed = space.first_seed if seed is None else at_least(seed, 0, "seed")
    if source is None:
        return space.baseline(task, recipe, run_seed)
    if source == LONGER and LONGER not in {source_name(one) for one in space.sources_of(task)}:
        return space.pair(LONGER, task, None, recipe, run_seed)
    chosen = _sources(space, source, task)
    recipes = [state.recipe(one) or space.recipes[0] for one in chosen if isinstance(one, Task)]
    if len(chosen) > 1:
        chain = space.chain([one for one in chosen if isinstance(one, Task)])
        return space.through(chain, recipes, task, recipe, run_seed)
    return space.pair(chosen[0], task, recipes[0] if recipes else None, recipe, run_seed)


def _sources(space: Space, source: str, target: Task) -> list[Task | Encoder]:
    """What `A` or `A->B` names. InputError for what is no source of the target."""
    known: dict[str, Task | Encoder] = {
        source_name(item): item for item in (target, *space.sources_of(target))
    }
    names = [name.strip() for name in source.split("->")]
    if len(names) > 1:
        known = {name: item for name, item in known.items() if isinstance(item, Task) and item != target}
    for name in names:
        if name not in known:
            rule = f"is no {'task' if len(names) > 1 else 'source'} to learn before {target.name}."
            parts = [part.strip() for part in name.split(",")]
            fix = did_you_mean(name, known)
            if len(parts) > 1 and all(part in known for part in parts):
                fix = f"In turn: {'->'.join(parts)}. Together with {target.name}: --with {','.join(parts)}."
            raise InputError(Problem(f"source `{name}`", rule, fix))
    return [known[name] for name in names]


def find_task(prepared: Prepared, name: str) -> Task:
    """The task called `name`. Raises InputError, with the nearest name, if there is none."""
    if name not in prepared.tasks:
        raise InputError(
            Problem(f"task `{name}`", "is not in the study.", did_you_mean(name, prepared.tasks))
        )
    return prepared.tasks[name].task
