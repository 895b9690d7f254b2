"""What `run` was told on the command line, kept in the folder that it fills.

The file of a study says what is asked; `run --budget 2h` asks something else. Every other command then looks at what
was last run, unless it is told otherwise, and a tidy-up keeps what any of these runs needs. `run` itself takes the
file's settings for what it is not told.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import get_args

from forelearn.core.errors import InputError, Problem
from forelearn.core.recipe import Precision
from forelearn.experiment.opening import Options, open_apart_from_data, open_study
from forelearn.experiment.settings import Settings
from forelearn.store.directory import Directory
from forelearn.store.file import write_file
from forelearn.store.runs import Runs
from forelearn.training.device import resolve_device, resolve_precision

FILE = "options.json"
ASKING: dict[str, tuple[type, ...]] = {
    "budget": (str,),
    "seed": (int,),
    "limit": (int,),
    "confirm": (float, int),
    "exhaustive": (bool,),
    "device": (str,),
}
"""Options that change what is asked, hence which runs belong to a study; `device` decides the precision `auto`."""
NOTED = (*ASKING, "data_root", "precision")
"""What is noted of a run: beside what it was told, where its data lie and what `auto` meant where it ran."""


def remember(out: Path, options: Options) -> None:
    """Note in the study's folder that it is being run with `options`. The caller holds its lock.

    options.precision: what `auto` means here; None where the file names the precision.
    """
    told = Options(**{name: getattr(options, name) for name in NOTED})
    if told.data_root is not None:  # wherever the next command is given
        told = replace(told, data_root=str(Path(told.data_root).resolve()))
    runs = [*(one for one in remembered(out) if one != told), told]
    value = {"runs": [{name: getattr(one, name) for name in NOTED} for one in runs]}
    write_file(out / FILE, json.dumps(value, indent=1) + "\n")


def remembered(out: Path) -> tuple[Options, ...]:
    """What the runs of a study were told, each once, the last one last. InputError if the file is damaged.

    What was noted before precisions or places of data were, has none.
    """
    file = out / FILE
    try:
        runs = json.loads(file.read_text(encoding="utf-8"))["runs"]
        told = [
            {name: one[name] for name in ASKING}
            | {name: one.get(name) for name in ("data_root", "precision")}
            for one in runs
        ]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(file) from error
    for one in told:
        known = all(one[name] is None or isinstance(one[name], kinds) for name, kinds in ASKING.items())
        known = known and (one["data_root"] is None or isinstance(one["data_root"], str))
        if not known or one["precision"] not in (None, *get_args(Precision)):
            raise _damaged(file)
    return tuple(Options(**one) for one in told)


def as_last_run(study: Path | str, options: Options) -> Options:
    """`options`, and as last run what they leave open; a remembered device that is not here is left out.

    A study that cannot be opened leaves the options as they are: it is refused, with every problem, where it is
    checked.
    """
    try:
        out = open_apart_from_data(Path(study), options).out
    except InputError:
        return options
    runs = remembered(out)
    if not runs:
        return options
    last = runs[-1] if _is_here(runs[-1].device) else replace(runs[-1], device=None)
    return as_run(study, options, last)


def going_on(study: Path | str, options: Options) -> tuple[Options, str]:
    """`options` of a run of a study that began where `auto` meant another precision; what to say of it ("": nothing).

    What began in fp32 goes on in it, for every chip has it. What began in bf16 begins anew on a chip that is not made
    for it: its products take ten times as long there as those of fp32. A device or a precision that is asked for wins.
    """
    opened = open_study(Path(study), options)
    last = remembered(opened.out)
    if not last or last[-1].precision is None or options.precision is not None:
        return options, ""
    begun = last[-1].precision
    here = resolve_precision(opened.settings.run.device)
    if "auto" not in opened.settings.recipe.precision or here == begun:
        return options, ""
    runs = [one for one in Runs(Directory(opened.out)).all() if one.transfer.recipe.precision == begun]
    if not runs:
        return options, ""
    stored = f"1 run in {opened.out} is" if len(runs) == 1 else f"{len(runs)} runs in {opened.out} are"
    choice = '`precision = "{}"` in [recipe]'
    if begun == "fp32" and options.device is None:
        anew = f"{choice.format(here)} begins anew in what is faster here"
        return replace(options, precision=begun), f"{stored} in fp32, and the study goes on in it; {anew}"
    slowly = " (slowly)" if begun == "bf16" else ""
    goes_on = f"{choice.format(begun)} goes on with them{slowly}"
    return options, f"{stored} in {begun} and do not count in {here}, in which this machine trains; {goes_on}"


def as_run(study: Path | str, options: Options, told: Options) -> Options:
    """`options`, and as a run was told what they leave open.

    A budget that is given is not exhaustive. Device and precision are taken only where the file's is `auto`: `auto` is
    what it was in the run, on whatever chip that was, unless a device is asked for. Where that is known, a device that
    is not here is left out.
    """
    left = {name: getattr(told, name) for name in NOTED if getattr(options, name) is None}
    if options.budget is not None and options.exhaustive is None:
        left["exhaustive"] = False
    if "auto" not in _settings(study, options).recipe.precision:
        left.pop("device", None)
        left.pop("precision", None)
    elif options.device is not None:
        left.pop("precision", None)
    elif told.precision is not None and not _is_here(told.device):
        del left["device"]
    return replace(options, **left)


def in_words(study: Path | str, options: Options, others: Options) -> str:
    """The options that `others` adds to `options` and that change the study: `--budget 100% --seed 3`; "" if none."""
    said = []
    for name in ASKING:
        value = getattr(others, name)
        if value is None or value == getattr(options, name):
            continue
        if name == "exhaustive":
            said += ["--exhaustive"] if value else []
        elif _settings(study, replace(options, **{name: value})) != _settings(study, options):
            said.append(f"--{name} {value}")
    if others.data_root is not None and options.data_root is None:
        said.append(f"--data {shlex.quote(others.data_root)}")
    return " ".join(said)


def _settings(study: Path | str, options: Options) -> Settings:
    return open_apart_from_data(Path(study), options).settings


def _damaged(file: Path) -> InputError:
    fix = "Remove it: then commands look at the study as its file says."
    return InputError(Problem(str(file), "is not what `forelearn run` writes.", fix))


def _is_here(device: str | None) -> bool:
    try:
        return device is None or bool(resolve_device(device))
    except InputError:
        return False
