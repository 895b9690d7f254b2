"""A study as the command line opens it: the file, and what the options change."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from forelearn.core.budget import Budget
from forelearn.core.errors import InputError, Problem
from forelearn.core.recipe import Precision
from forelearn.experiment.settings import DEVICE, Settings
from forelearn.experiment.study import Study, load_study, study_file


@dataclass(frozen=True, slots=True)
class Options:
    """What a command may change in a study without editing its file. None changes nothing.

    out: the folder that the study fills. data_root: where its data lie. seed: of the study. device: `cpu`,
    `cuda`, `mps` or `auto`. limit: at most so many training rows a task (a quick look; another study, since
    every key changes). budget: as in the file. confirm: share of the budget kept for confirmation. workers:
    how many runs at once. exhaustive: every pair on every seed, whatever the budget. precision: what `auto` meant
    where the study was last run; None: what it means here.
    """

    out: str | None = None
    data_root: str | None = None
    seed: int | None = None
    device: str | None = None
    limit: int | None = None
    budget: str | None = None
    workers: int | None = None
    confirm: float | None = None
    exhaustive: bool | None = None
    precision: Precision | None = None


UNCHANGED = Options()
"""A study as its file says."""


def open_study(path: Path, options: Options = UNCHANGED) -> Study:
    """The study at `path` (the file, or the folder that holds study.toml) with `options` applied.

    Raises InputError for anything that is wrong with the file or the options.
    """
    study = load_study(
        path,
        data_root=None if options.data_root is None else Path(options.data_root),
        out=None if options.out is None else Path(options.out),
    )
    values = study.settings.model_dump(exclude_unset=True)  # what the file leaves unsaid stays unsaid
    for section in ("run", "search", "splits"):
        values.setdefault(section, {})
    if options.seed is not None:
        values["seed"] = at_least(options.seed, 0, "--seed")
    if options.device is not None:
        if re.fullmatch(DEVICE, options.device) is None:
            rule = f"`{options.device}` is no device."
            raise InputError(
                Problem("--device", rule, "Say auto, cpu, mps, cuda, or cuda:1 for the second GPU.")
            )
        values["run"]["device"] = options.device
    if options.workers is not None:
        values["run"]["workers"] = at_least(options.workers, 0, "--workers")
    if options.confirm is not None:
        if not 0 <= options.confirm < 1:
            rule = f"must be a share of the budget in [0, 1), got {options.confirm:g}."
            raise InputError(Problem("--confirm", rule, "Write 0.2 for 20 %, or 0 to skip confirmation."))
        values["search"]["confirm"] = options.confirm
    if options.limit is not None:
        values["splits"]["train_rows"] = at_least(options.limit, 2, "--limit")
    if options.budget is not None:
        try:
            values["search"]["budget"] = Budget.parse(options.budget)
        except ValueError as error:
            raise InputError(Problem("--budget", f"{error}.", "Correct the budget.")) from error
    try:
        return replace(study, settings=Settings.model_validate(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(Problem(f"option for {place}", f"{first['msg']}.", "Correct the option.")) from error


def at_least(value: int, least: int, option: str) -> int:
    """`value`. InputError, which names the option, if it is below `least`."""
    if value < least:
        raise InputError(Problem(option, f"must be at least {least}, got {value}.", "Raise it."))
    return value


def open_apart_from_data(path: Path, options: Options = UNCHANGED) -> Study:
    """The study for who reads no data, or does not know yet where they lie: wherever that is, it need not be there."""
    file = study_file(path)
    return open_study(path, replace(options, data_root=options.data_root or str(file.parent)))
