"""The command that judges orders of sources: on published or own tables, or on a study."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forelearn.cli.parameters import Json, Out, no_folder, note, print_json, refuse

if TYPE_CHECKING:
    from forelearn.evaluation.quality import Quality
    from forelearn.evaluation.study_result import StudyEvaluation
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
    out: Out = None,
    save: Annotated[
        bool, typer.Option("--save", help="Write the study's runs to results.csv beside its file.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the page to this file.", callback=no_folder)
    ] = None,
    as_json: Json = False,
) -> None:
    """How good is an order of sources? Judges scores, static, random and searches on target × source tables."""
    from forelearn.experiment.table_file import TableOptions
    from forelearn.store.file import write_file

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
    _refuse_mixed(output, out, tables, studies)
    if not studies:
        refuse({"--out": out is not None, "--save": save}, "goes with a study.", "Leave it out.")
    if not tables:
        of_tables = {
            "--columns": columns is not None,
            "--scores": scores is not None,
            "--where": where is not None,
            "--baseline": baseline != "auto",
            "--scale": scale != "auto",
            "--encoding": encoding != "utf-8",
        }
        refuse(of_tables, "goes with a table.", "Leave it out.")
    found = _judged(tables, options, draws=draws, seed=seed)
    evaluations = [_study(path, out=out, save=save, draws=draws, seed=seed) for path in studies]
    if output is not None:
        write_file(output, _page(found, evaluations))
        note(f"Wrote {output}")
    if as_json:
        from forelearn.report.evaluation_rows import as_json as rows_of
        from forelearn.report.study_json import study_rows

        rows = [row for quality in found for row in rows_of(quality)]
        print_json([*rows, *(row for evaluation in evaluations for row in study_rows(evaluation))])
    elif output is None:
        from forelearn.report.evaluation_terminal import show_quality
        from forelearn.report.study_terminal import show_study

        for quality in found:
            show_quality(quality)
        for evaluation in evaluations:
            show_study(evaluation)


def _page(found: list[Quality], evaluations: list[StudyEvaluation]) -> str:
    """The page of the tables, or of the one study."""
    from forelearn.report.evaluation_page import evaluation_page
    from forelearn.report.study_page import study_page

    return study_page(evaluations[0]) if evaluations else evaluation_page(found)


def _refuse_mixed(output: Path | None, out: str | None, tables: list[Path], studies: list[Path]) -> None:
    """Refuse one page of several things, and one folder of several studies."""
    from forelearn.core.errors import InputError, Problem

    if output is not None and studies and len(tables) + len(studies) > 1:
        rule = f"A page shows tables, or one study; got {len(tables)} tables and {len(studies)} studies."
        raise InputError(Problem("--output", rule, "Write a page for each study."))
    if out is not None and len(studies) > 1:
        rule = f"A folder is what one study fills; got {len(studies)} studies."
        raise InputError(Problem("--out", rule, "Judge them one by one."))


def _judged(paths: list[Path], options: TableOptions, *, draws: int, seed: int) -> list[Quality]:
    """Every table judged; the problems of all tables at once."""
    from forelearn.core.errors import InputError, Problem
    from forelearn.experiment.evaluate_table import evaluate_table

    found: list[Quality] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            with _shown(path.name) as progress:
                quality, warnings = evaluate_table(path, options, draws=draws, seed=seed, progress=progress)
        except InputError as error:
            problems += [problem for problem in error.problems if problem not in problems]
            continue
        for warning in warnings:
            note(f"warning: {warning}")
        found.append(quality)
    if problems:
        raise InputError(problems)
    return found


@contextmanager
def _shown(name: str) -> Iterator[Callable[[int, int], None]]:
    """A line on stderr with the search's replays, on a terminal alone."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f} replays of the search"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as progress:
        task = progress.add_task(name, total=1, visible=False)
        yield lambda done, of: progress.update(task, completed=done, total=of, visible=True)


def _is_study(path: Path) -> bool:
    return path.is_dir() or path.suffix == ".toml"


def _study(path: Path, *, out: str | None, save: bool, draws: int, seed: int) -> StudyEvaluation:
    """A study judged, and its runs written beside the study file if wanted."""
    from forelearn.experiment.evaluate import evaluate_study, save_results

    if save:
        note(f"Wrote {save_results(path, out=out)}")
    evaluation = evaluate_study(path, out=out, draws=draws, seed=seed)
    note(f"{evaluation.name}: {evaluation.runs} runs from {evaluation.origin}")
    return evaluation


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
