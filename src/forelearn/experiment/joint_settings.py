"""How the search learns sources together with a target, from `[search] joint` and the options of `[multitask]`."""

from __future__ import annotations

from collections.abc import Iterator

from forelearn.core.errors import InputError, Problem
from forelearn.core.multitask import Multitask
from forelearn.experiment.multitask_settings import chosen_method
from forelearn.experiment.settings import Settings


def joint_method(settings: Settings) -> Multitask | None:
    """The method with its options; None where the study does not ask for one.

    The options of `[multitask]` are taken where they are of the same method; of another one's, those that every
    method has.
    """
    name = settings.search.joint
    return chosen_method(settings.multitask, name, {}) if name else None


def joint_problems(settings: Settings, where: str) -> Iterator[Problem]:
    """What is wrong with the name of the method. Loads torch, unless there is none."""
    name = settings.search.joint
    if not name:
        return
    from forelearn.training.multitask.methods import METHODS
    from forelearn.training.multitask.single import Single

    place = f"{where}, [search] joint"
    try:
        joint_method(settings)
    except InputError as error:
        if name == settings.multitask.method and name in METHODS:
            return  # its options stand in [multitask], where they are refused
        known = ":" in name  # one of a library, which has its own reasons
        for problem in error.problems:
            said = f"`{name}`, {problem.where}: {problem.what}" if known else f"There is no method `{name}`."
            yield Problem(place, said, problem.fix)
    else:
        if name == Single.name:
            yield Problem(place, f"`{name}` learns no other task.", "Name another method, or leave it out.")
