"""[multitask]: by which method `forelearn train --with` trains, and what it is told; the command may say otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from pydantic import ConfigDict

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.multitask import Multitask, Scalar
from forelearn.experiment.section import Section

DEFAULT = "alpha-vil-robust"
"""What `python -m benchmarks.auxiliaries` speaks for, see `docs/multitask.md`."""


class MultitaskSettings(Section):
    """[multitask]: method, and any option of it by its name (`training.multitask.options`)."""

    model_config = ConfigDict(extra="allow")

    method: str = DEFAULT

    @property
    def options(self) -> dict[str, Any]:
        """What the section says beside the method."""
        return dict(self.model_extra or {})


def multitask_problems(section: MultitaskSettings, where: str) -> Iterator[Problem]:
    """What the method refuses, named by section and key. Loads torch, unless the section is as if left out."""
    if section == MultitaskSettings():
        return
    from forelearn.training.multitask.methods import METHODS

    if ":" not in section.method and section.method not in METHODS:
        said = f"There is no method `{section.method}`."
        yield Problem(f"{where}, [multitask] method", said, did_you_mean(section.method, METHODS))
        return
    given = {name: value for name, value in section.options.items() if isinstance(value, Scalar)}
    for name in section.options.keys() - given.keys():
        place, rule = f"{where}, [multitask] {name}", "is one value, a text, a number, or true or false."
        yield Problem(place, f"`{name}` {rule}", "Correct it.")
    together = _refused(section.method, given)
    if not together:
        return
    alone = {name: _refused(section.method, {name: value}) for name, value in given.items()}
    if ":" in section.method or not any(
        alone.values()
    ):  # one needs another, or a library has its own reasons
        place = f"{where}, [multitask]"
        yield from (
            Problem(place, f"`{section.method}`, {one.where}: {one.what}", one.fix) for one in together
        )
        return
    for name, problems in alone.items():
        place = f"{where}, [multitask] {name}"
        yield from (Problem(place, f"`{name}` {one.what}", one.fix) for one in problems)


def _refused(method: str, options: Mapping[str, Scalar]) -> tuple[Problem, ...]:
    from forelearn.training.multitask.methods import multitask

    try:
        multitask(method, options)
    except InputError as error:
        return error.problems
    return ()


def chosen_method(
    section: MultitaskSettings, method: str | None, given: Mapping[str, Scalar], arm: str = ""
) -> Multitask:
    """The method that was asked for, or the section's, with its options.

    given: go over those of the section. Of the section's options those that every method has hold for another
    method, too. arm: of a further method beside the one that was asked for; of `given`, too, it takes only those.
    Raises InputError for a method or an option that is not known.
    """
    from forelearn.training.multitask.methods import multitask

    name = method or section.method
    held = section.options if name == section.method else common(section.options)
    if arm:
        return multitask(arm, common({**held, **given}))
    return multitask(name, {**held, **given})


def common(options: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Those of `options` that every method has."""
    from forelearn.training.multitask.options import Options

    names = {field.name for field in fields(Options)}
    return {name: value for name, value in options.items() if name in names}


def read_given(given: list[str]) -> dict[str, Scalar]:
    """Options as a command line has them, NAME=VALUE. Raises InputError for another form, or a name given twice."""
    found: dict[str, Scalar] = {}
    for text in given:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign or not name or not value.strip():
            raise InputError(
                Problem("--option", f"is NAME=VALUE, got `{text}`.", "Write it as --option share=0.25.")
            )
        if name in found:
            raise InputError(Problem("--option", f"`{name}` stands twice.", "Say it once."))
        found[name] = value.strip()
    return found
