"""What a comparison of multitask training is about: from what a person asks for to data, method and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.multitask import Multitask, Scalar
from forelearn.core.recipe import Recipe
from forelearn.core.task import Task
from forelearn.experiment.arms import Asked, other_arms
from forelearn.experiment.auxiliaries import AUTO, Chosen, best_ranked, named
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.check import check
from forelearn.experiment.drive import Display, new_search, replay
from forelearn.experiment.last_run import as_last_run
from forelearn.experiment.multitask_settings import chosen_method
from forelearn.experiment.opening import Options, at_least
from forelearn.experiment.prepare import Prepared, built, prepare
from forelearn.training.multitask.learner import divided
from forelearn.training.multitask.methods import check_count, options_of
from forelearn.training.multitask.single import Single
from forelearn.training.multitask.train import check_head


@dataclass(frozen=True, slots=True)
class Request:
    """What to train. auxiliaries: names, or `auto`: the `top` best sources by `rank`; none: the method alone.

    method, given: None and no options take what the study's [multitask] says. seeds: how many, or which; None takes
    the study's. compare: further methods. controls: whether there are any. retry_failed: forget failures first.
    """

    auxiliaries: Sequence[str] | str = ()
    method: str | None = None
    given: Mapping[str, Scalar] | None = None
    top: int = 3
    seeds: int | Sequence[int] | None = None
    compare: Sequence[str] = ()
    controls: bool = True
    retry_failed: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A study that is ready, what is compared on it, and how the auxiliary tasks were found, in words."""

    prepared: Prepared
    asked: Asked
    chosen: str


def asked_of(
    study: Path | str,
    target: str,
    wanted: Request,
    options: Options,
    display: Display,
    *,
    build: bool = True,
) -> Question:
    """What a comparison is about. Raises InputError for a question that cannot be asked, before anything is written.

    build: whether what is asked is going to run, and needs its encoder. Options are as in the last run, where open.
    """
    options = as_last_run(study, options)
    opened, tasks = check(study, options).sound()
    section, given = opened.settings.multitask, wanted.given or {}
    method = chosen_method(section, wanted.method, given)
    compare = tuple(chosen_method(section, wanted.method, given, name) for name in _distinct(wanted.compare))
    if any(other.method == method.method for other in compare):
        fix = "Leave it out; options of its own are an arm of another call."
        raise InputError(Problem("--compare", f"`{method.method}` is the method that is compared.", fix))
    if target not in tasks:
        raise InputError(Problem(f"task `{target}`", "is not in the study.", did_you_mean(target, tasks)))
    check_head(tasks[target], options_of(method))
    seeds = _seeds(wanted.seeds, opened.settings.seed, opened.settings.search.seeds)
    for seed in seeds:
        divided(tasks[target], options_of(method).select, seed)  # refuses a dev that is too small
    chosen = Chosen((), "none")
    names = [wanted.auxiliaries] if isinstance(wanted.auxiliaries, str) else list(wanted.auxiliaries)
    if names:
        _no_single((method, *compare))
    if names == [AUTO] and AUTO not in tasks:
        _no_images(tasks[target])
        chosen = best_ranked(study, target, wanted.top, tasks, options, display)
    elif names:
        chosen = named(names, tasks[target], tasks)
    prepared = prepare(opened, tasks, options, build=False)
    asked = Asked(
        tasks[target],
        tuple(data for name, data in tasks.items() if name in chosen.names),  # their order asks nothing else
        prepared.space.encoder,
        _recipe(prepared, tasks[target].task),
        seeds,
        method,
        compare,
        wanted.controls,
    )
    other_arms(asked, 1)  # what an arm refuses is said now
    for one in (method, *compare):
        check_count(one, 1 + len(asked.auxiliaries))
    if build and prepared.stand_in is not None:
        with prepared.directory.lock():
            prepared = built(prepared)
        asked = replace(asked, encoder=prepared.space.encoder)
    leaks = [
        f"{name} holds rows of the target's test: {prepared.leaks[name, target]}"
        for name in chosen.names
        if (name, target) in prepared.leaks
    ]
    for line in leaks:
        display.say(line)
    return Question(prepared, asked, "; ".join([chosen.why, *leaks]))


def _seeds(wanted: int | Sequence[int] | None, seed: int, usual: int) -> tuple[int, ...]:
    """Run seeds: those that the search would draw, or those that are named."""
    if wanted is not None and not isinstance(wanted, int):
        if not wanted or len(set(wanted)) < len(wanted):
            got = ", ".join(map(str, wanted)) or "none"
            raise InputError(Problem("seeds", f"must be named, each once, got {got}.", "Name others."))
        return tuple(at_least(one, 0, "seeds") for one in wanted)
    count = at_least(usual if wanted is None else wanted, 1, "--seeds")
    return tuple(1000 * seed + index for index in range(count))


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _no_single(methods: Sequence[Multitask]) -> None:
    if any(one.method == Single.name for one in methods):
        fix = "Leave --with out, or name another method; the controls have the target alone."
        raise InputError(Problem(f"method `{Single.name}`", "learns no other task.", fix))


def _no_images(data: TaskData) -> None:
    if data.train.images:
        fix = "Name them: --with A,B,C."
        raise InputError(
            Problem("--with auto", f"`{data.task.name}` is of images, which no order reads.", fix)
        )


def _recipe(prepared: Prepared, task: Task) -> Recipe:
    """The dev-best recipe of the target where the study has chosen it, else the first of the grid."""
    recipes = prepared.space.recipes
    if len(recipes) == 1:
        return recipes[0]
    search = new_search(prepared)
    replay(prepared, search, Beliefs(prepared))
    return search.recipe(task) or recipes[0]
