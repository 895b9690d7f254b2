"""Arguments and options that several commands share, and how they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from forelearn.experiment.opening import Options

StudyArgument = Annotated[Path, typer.Argument(help="A study file, or the folder that holds study.toml.")]
StudyOption = Annotated[
    Path, typer.Option("--study", help="A study file, or the folder that holds study.toml.")
]
Out = Annotated[
    str | None, typer.Option("--out", help="Folder the study fills. [default: out beside the file]")
]
Data = Annotated[
    str | None, typer.Option("--data", help="Folder the data lie in. [default: as the file says]")
]
LastData = Annotated[
    str | None, typer.Option("--data", help="Folder the data lie in. [default: as last run]")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of the study. [default: as the file says]")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Limit = Annotated[int | None, typer.Option("--limit", help="Training rows a task at most: a quick look.")]
Budget = Annotated[str | None, typer.Option("--budget", help='"120 runs", "2h", or "16.5%".')]
LastSeed = Annotated[int | None, typer.Option("--seed", help="Seed of the study. [default: as last run]")]
LastLimit = Annotated[
    int | None, typer.Option("--limit", help="Training rows a task at most. [default: as last run]")
]
LastBudget = Annotated[
    str | None, typer.Option("--budget", help='"120 runs", "2h", or "16.5%". [default: as last run]')
]
Confirm = Annotated[
    float | None,
    typer.Option("--confirm", help="Share of the budget kept for confirmation on fresh seeds; 0 skips it."),
]
Workers = Annotated[int | None, typer.Option("--workers", help="Runs at once. [default: one a core]")]


def _one_form(context: typer.Context, given: bool) -> bool:
    """Refuse `--json` beside `--csv`: the one that is read second finds the first among the parameters."""
    if given and (context.params.get("as_json") or context.params.get("as_csv")):
        from forelearn.core.errors import InputError, Problem

        raise InputError(Problem("--csv", "cannot stand beside --json.", "Leave one of them out."))
    return given


def no_folder(path: Path | None) -> Path | None:
    """Refuse a folder where a file is to be written, before any work is done for it."""
    if path is not None and path.is_dir():
        from forelearn.core.errors import InputError, Problem

        raise InputError(
            Problem("--output", f"`{path}` is a folder.", f"Name a file in it: {path / 'page.html'}.")
        )
    return path


Json = Annotated[bool, typer.Option("--json", help="Print JSON.", callback=_one_form)]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.", callback=_one_form)]
Exhaustive = Annotated[
    bool,
    typer.Option("--exhaustive", help="Every pair on every seed, whatever the budget: the ground truth."),
]


def refuse(given: Mapping[str, bool], rule: str, fix: str) -> None:
    """Refuse the options that are given where nothing would come of them. given: option → whether it is."""
    from forelearn.core.errors import InputError, Problem

    if problems := [Problem(option, rule, fix) for option, is_given in given.items() if is_given]:
        raise InputError(problems)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def as_last_run(study: Path, options: Options) -> Options:
    """`options`, and as last run what they leave open; a line on stderr where that is not as the file says."""
    from forelearn.experiment.last_run import as_last_run as filled
    from forelearn.experiment.last_run import in_words

    asked = filled(study, options)
    said = in_words(study, options, asked)
    if said:
        note(f"as last run: {said}")
    return asked


def note(text: str) -> None:
    """A line for the person, on stderr, if anybody reads it: what the command does goes on without."""
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)
