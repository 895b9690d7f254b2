"""The command that judges orders of sources: on published or own tables, or on a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forelearn.cli.parameters import Json, note, print_json, write_beside

if TYPE_CHECKING:
    from forelearn.evaluation.quality import Quality
    from forelearn.experiment.table_file import TableOptions


def add_to(app: typer.Typer) -> None:
    """Register the command of this file."""
    app.command()(evaluate)


def evaluate(
    paths: Annotated[
        list[Path], typer.Argument(help="Target × source tables (CSV, TSV), or studies.", metavar="PATH...")
    ],
    scores: Annotated[
        str | None,
        typer.Option("--scores", help="Score columns, NAME,NAME. [default: those that begin with score_]"),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="Names of the columns: target=task,source=from,performance=f1."),
    ] = None,
    where: Annotated[
        str | None, typer.Option("--where", help="Read only rows with COLUMN=VALUE,COLUMN=VALUE.")
    ] = None,
    baseline: Annotated[
        str,
        typer.Option(
            "--baseline",
            help="auto (a baseline column, or rows whose source is empty or `baseline`), diagonal, none, or the "
            "source that stands for no transfer.",
        ),
    ] = "auto",
    scale: Annotated[str, typer.Option("--scale", help="auto, fraction or percent.")] = "auto",
    encoding: Annotated[str, typer.Option("--encoding", help="Of the file, for example latin-1.")] = "utf-8",
    seed: Annotated[int, typer.Option("--seed", help="Seed of splits, shuffles and intervals.")] = 0,
    draws: Annotated[int, typer.Option("--draws", help="Splits of the seeds, and random orders.")] = 100,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the page to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How good is an order of sources? Judges scores, static, random and searches on target × source tables."""
    from forelearn.experiment.table_file import TableOptions

    options = TableOptions(
        columns=_pairs("--columns", columns),
        scores=None if scores is None else tuple(part.strip() for part in scores.split(",") if part.strip()),
        where=_pairs("--where", where),
        baseline=baseline,
        scale=scale,
        encoding=encoding,
    )
    tables = [path for path in paths if not _is_study(path)]
    studies = [path for path in paths if _is_study(path)]
    found = _judged(tables, options, draws=draws, seed=seed)
    rows = [row for path in studies for row in _study(path)]
    if output is not None:
        from forelearn.report.evaluation_page import evaluation_page

        write_beside(output, evaluation_page(found))
        note(f"Wrote {output}")
    if as_json:
        from forelearn.report.evaluation_rows import as_json as rows_of

        print_json([*(row for quality in found for row in rows_of(quality)), *rows])
    elif output is None:
        from forelearn.report.evaluation_terminal import show_quality

        for quality in found:
            show_quality(quality)


def _judged(paths: list[Path], options: TableOptions, *, draws: int, seed: int) -> list[Quality]:
    """Every table judged; the problems of all tables at once."""
    from forelearn.core.errors import InputError, Problem
    from forelearn.experiment.evaluate_table import evaluate_table

    found: list[Quality] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            quality, warnings = evaluate_table(path, options, draws=draws, seed=seed)
        except InputError as error:
            problems += [problem for problem in error.problems if problem not in problems]
            continue
        for warning in warnings:
            note(f"warning: {warning}")
        found.append(quality)
    if problems:
        raise InputError(problems)
    return found


def _is_study(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".toml"


def _study(path: Path) -> list[dict[str, Any]]:
    """The rows of a study, as `as_json` gives them for tables."""
    from importlib import import_module

    from forelearn.core.errors import InputError, Problem

    try:
        module = import_module("forelearn.experiment.evaluate")
    except ModuleNotFoundError as missing:
        fix = (
            "Write `forelearn report STUDY --csv` to a file and evaluate that with --columns gain=gain_test."
        )
        raise InputError(Problem(str(path), "A study cannot be evaluated yet.", fix)) from missing
    rows: list[dict[str, Any]] = module.evaluate_study(path)
    return rows


def _pairs(option: str, text: str | None) -> dict[str, str]:
    from forelearn.core.errors import InputError, Problem

    found: dict[str, str] = {}
    for part in (text or "").split(","):
        name, equals, value = part.partition("=")
        if part.strip() and not (equals and name.strip()):
            raise InputError(Problem(option, f"is NAME=VALUE, got `{part}`.", "Put commas between several."))
        if part.strip():
            found[name.strip()] = value.strip()
    return found
