"""Commands that look: rank, report, status, explain."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from forelearn.cli.parameters import (
    Csv,
    Device,
    Exhaustive,
    Json,
    LastBudget,
    LastData,
    LastLimit,
    LastSeed,
    Out,
    StudyArgument,
    StudyOption,
    as_last_run,
    no_folder,
    note,
    print_json,
    refuse,
)
from forelearn.core.errors import InputError, Problem


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    for command in (rank, report, status, explain):
        app.command()(command)


def rank(
    study: Annotated[
        Path | None, typer.Argument(help="A study, or a file with the target task (with --sources).")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="The target task of the study.")] = None,
    sources: Annotated[
        Path | None, typer.Option("--sources", help="Folder of source tasks, a file each.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="With --sources: hub id or folder.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Methods to fuse, with commas: logme,textemb. `--by list` shows all."),
    ] = None,
    attributions: Annotated[
        bool,
        typer.Option("--attributions", help="Train each task alone and compare what the models look at."),
    ] = False,
    allow_leaks: Annotated[
        bool,
        typer.Option("--allow-leaks", help="Recommend sources that hold rows of the target's test, too."),
    ] = False,
    prior: Annotated[
        Path | None, typer.Option("--prior", help="Expected gains before any run, in place of the shipped.")
    ] = None,
    cards: Annotated[
        str | None,
        typer.Option(
            "--cards", help="Rank the cards of this library (folder or URI) instead of the sources."
        ),
    ] = None,
    out: Out = None,
    data: LastData = None,
    device: Device = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Order the sources of a target by what is known before any pair is trained, and say whether to transfer."""
    if by == "list":
        from forelearn.report.methods_terminal import show_methods

        show_methods()
        return
    if study is None:
        fix = "Name one: forelearn rank STUDY --target T; or TARGET.csv with --sources FOLDER."
        raise InputError(Problem("rank", "needs a study, or a file with the target task.", fix))
    methods = [name.strip() for name in by.split(",")] if by else []
    if cards is not None:
        of_sources = {
            "--sources": sources is not None,
            "--encoder": encoder is not None,
            "--attributions": attributions,
            "--allow-leaks": allow_leaks,
            "--prior": prior is not None,
            "--csv": as_csv,
        }
        refuse(of_sources, "cannot stand beside --cards.", "Leave one of them out.")
        _rank_cards(study, target, cards, methods, out=out, data=data, device=device, as_json=as_json)
        return
    if sources is None:
        fix = "Add --sources FOLDER, or leave it out: a study names its encoder."
        refuse({"--encoder": encoder is not None}, "goes with --sources.", fix)
    from forelearn.cli.display import Live
    from forelearn.experiment.opening import Options
    from forelearn.experiment.rank import rank as rank_sources
    from forelearn.experiment.rank import study_from_files
    from forelearn.report.ranking import ranking_csv
    from forelearn.report.ranking_terminal import show_ranking

    with ExitStack() as stack:
        if sources is not None:
            guessed = study_from_files(study, sources, encoder=encoder, out=out, target=target)
            study, target, out = stack.enter_context(guessed)
            if encoder is None:
                note("encoder: tiny, made of these texts; --encoder names a pretrained one")
        options = as_last_run(study, Options(out=out, data_root=data, device=device))
        display = stack.enter_context(Live())
        ranking = rank_sources(
            study,
            target,
            options,
            by=methods,
            attributions=attributions,
            allow_leaks=allow_leaks,
            prior=prior,
            display=display,
        )
    if as_json:
        print_json(ranking.as_json())
    elif as_csv:
        print(ranking_csv(ranking), end="")
    else:
        show_ranking(ranking)


def _rank_cards(
    study: Path,
    target: str | None,
    library: str,
    by: list[str],
    *,
    out: str | None,
    data: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """`rank --cards`: a target of a study against a library; nothing is trained, no source's encoder is loaded."""
    from forelearn.cards.rank import BY
    from forelearn.core.keys import plain
    from forelearn.experiment.cards import rank_library
    from forelearn.experiment.opening import Options
    from forelearn.report.cards_terminal import show_card_ranking

    if target is None:
        raise InputError(Problem("--target", "must be named with --cards.", "Add --target NAME."))
    options = as_last_run(study, Options(out=out, data_root=data, device=device))
    found = rank_library(study, target, library, by=by or BY, options=options)
    if as_json:
        print_json({**plain(found.ranking), "notes": list(found.notes), "warning": found.warning})
    else:
        show_card_ranking(found.ranking, found.notes, warning=found.warning)


def report(
    study: StudyArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the page to this file.", callback=no_folder)
    ] = None,
    out: Out = None,
    data: LastData = None,
    budget: LastBudget = None,
    seed: LastSeed = None,
    limit: LastLimit = None,
    exhaustive: Exhaustive = False,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """The answers of a study as far as it has run, and as it was last run. Trains nothing.

    Without options a table of answers; -o writes the page, --csv prints a row a pair, --json everything.
    """
    from forelearn.experiment import api
    from forelearn.experiment.opening import Options
    from forelearn.report.tables import csv_text
    from forelearn.report.terminal import show

    options = Options(
        out=out, data_root=data, budget=budget, seed=seed, limit=limit, exhaustive=exhaustive or None
    )
    summary = api.report(study, as_last_run(study, options), output=output)
    if output is not None:
        note(f"Wrote {output}")
    if as_json:
        print_json(summary.as_json())
    elif as_csv:
        print(csv_text(summary), end="")
    elif output is None:
        show(summary)


def status(
    study: StudyArgument,
    out: Out = None,
    data: LastData = None,
    budget: LastBudget = None,
    seed: LastSeed = None,
    limit: LastLimit = None,
    as_json: Json = False,
) -> None:
    """How far a study is: runs, cost, failures, what comes next."""
    from forelearn.experiment.opening import Options
    from forelearn.experiment.status import status as status_of

    options = Options(out=out, data_root=data, budget=budget, seed=seed, limit=limit)
    found = status_of(study, as_last_run(study, options))
    if as_json:
        print_json(found.as_json())
    else:
        print(found.text())


def explain(
    key: Annotated[str, typer.Argument(help="Key of a run, or `SOURCE->TARGET`.")],
    study: StudyOption = Path("."),
    out: Out = None,
    data: LastData = None,
    budget: LastBudget = None,
    seed: LastSeed = None,
    limit: LastLimit = None,
    as_json: Json = False,
) -> None:
    """Where a number comes from: the run's chain, recipe, measures, cost, and the terms that both tasks share."""
    from forelearn.experiment.explain import explain_key
    from forelearn.experiment.opening import Options

    options = Options(out=out, data_root=data, budget=budget, seed=seed, limit=limit)
    found = explain_key(study, key, as_last_run(study, options))
    if as_json:
        print_json(found.as_json())
    else:
        print(found.text())
