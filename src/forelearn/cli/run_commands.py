"""Commands that do work: demo, check, init, run, ask, tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from forelearn.cli.parameters import (
    Budget,
    Confirm,
    Csv,
    Data,
    Device,
    Exhaustive,
    Json,
    LastBudget,
    LastData,
    LastLimit,
    LastSeed,
    Limit,
    Out,
    Seed,
    StudyArgument,
    Workers,
    as_last_run,
    note,
    print_json,
    refuse,
)


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    for command in (demo, init, check, run, ask, tell):
        app.command()(command)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the tasks, the study and the page.")] = Path(
        "demo-out"
    ),
    seed: Annotated[int, typer.Option("--seed", help="Which family of tasks.")] = 0,
    null: Annotated[bool, typer.Option("--null", help="A family in which nothing helps.")] = False,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Twelve generated tasks: which one to learn first for each? Under three minutes on two cores."""
    from forelearn.experiment.demo import write_demo

    study = write_demo(out, seed=seed, null=null)
    run(study, out=None, workers=workers, as_json=as_json)


def init(
    folder: Annotated[Path, typer.Argument(help="A folder of labelled files.")],
    force: Annotated[bool, typer.Option("--force", help="Write over an existing study.toml.")] = False,
) -> None:
    """Write a study file for a folder of labelled files; every guess is a line to edit."""
    from forelearn.core.errors import InputError, Problem
    from forelearn.experiment.guess import guess
    from forelearn.store.file import write_file

    found = guess(folder)
    path = folder / "study.toml"
    if path.exists() and not force:
        raise InputError(Problem(str(path), "exists already.", "Remove it, or add --force to write over it."))
    write_file(path, found.text)
    for line in found.notes:
        note(f"guessed: {line}")
    print(path)
    note(f"Look through it, then: forelearn check {path}")


def check(study: StudyArgument, data: Data = None, as_json: Json = False) -> None:
    """Everything that is wrong with a study and its data, at once. Nothing is written."""
    from forelearn.cli.balances import print_balances
    from forelearn.core.keys import plain
    from forelearn.experiment.check import check as check_study
    from forelearn.experiment.opening import Options

    checked = check_study(study, Options(data_root=data))
    errors = checked.errors
    if as_json:
        print_json(
            {"ok": not errors, "problems": plain(checked.problems), "tasks": plain(checked.balances())}
        )
    else:
        print_balances(checked.balances())
        for problem in checked.problems:
            note(f"{problem.level}: {problem}")
        if not errors:
            count = len(checked.warnings)
            note(
                f"{len(checked.tasks)} tasks, {count} warning{'' if count == 1 else 's'}. Nothing was written."
            )
    if errors:
        sys.exit(2)


def run(
    study: StudyArgument,
    budget: Budget = None,
    out: Out = None,
    data: Data = None,
    seed: Seed = None,
    device: Device = None,
    limit: Limit = None,
    workers: Workers = None,
    confirm: Confirm = None,
    exhaustive: Exhaustive = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try failed runs and features again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would cost; train nothing.")
    ] = False,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Search for the best source of every target inside the budget. Start it again to go on where it was.

    What it is not told is as the study file says. Other commands then look at this run unless told otherwise.
    """
    from forelearn.experiment.opening import Options

    options = Options(
        out=out,
        data_root=data,
        seed=seed,
        device=device,
        limit=limit,
        budget=budget,
        workers=workers,
        confirm=confirm,
        exhaustive=exhaustive or None,
    )
    from forelearn.experiment.last_run import going_on

    options, of_precision = going_on(study, options)
    if of_precision:
        note(of_precision)
    if dry_run:
        refuse({"--csv": as_csv}, "cannot stand beside --dry-run.", "Leave it out, or say --json.")
        _dry_run(study, options, as_json=as_json)
        return
    from forelearn.cli.display import Live
    from forelearn.experiment import api
    from forelearn.experiment.last_run import as_last_run as last_run
    from forelearn.experiment.last_run import in_words
    from forelearn.experiment.opening import open_study
    from forelearn.report.tables import csv_text
    from forelearn.report.terminal import show

    opened = open_study(study, options)
    other = in_words(study, options, last_run(study, options))
    if other:
        note(f"this run leaves out what the last one was told: {other}")
    with Live(api.workers_of(opened.settings.run)) as display:
        summary = api.search(study, options, retry_failed=retry_failed, display=display)
    folder = opened.out
    if as_json:
        print_json(summary.as_json())
    elif as_csv:
        print(csv_text(summary), end="")
    else:
        show(summary)
        print(f"\nPage: {folder / 'report.html'}\nData: {folder / 'results.json'}")


def _dry_run(study: Path, options: object, *, as_json: bool) -> None:
    from forelearn.core.keys import plain
    from forelearn.experiment import api
    from forelearn.experiment.opening import Options

    assert isinstance(options, Options)
    plan = api.estimate(study, options)
    exhaustive = bool(options.exhaustive)
    if as_json:
        print_json(plain(plan))
        return
    unknown = "not known before the first run"
    share = unknown
    if exhaustive:
        share = "every pair on every seed"
    elif plan.units is not None:
        share = f"{100 * plan.units / plan.exhaustive_units:.1f} % of trying everything"
    pairs = unknown
    if plan.affordable_pairs is not None:
        pairs = f"about {plan.affordable_pairs} runs, controls and confirmation included"
    if exhaustive:
        pairs = f"{plan.affordable_pairs} runs, controls included"
    beyond = ""
    if plan.units is not None and plan.units < plan.baseline_units:
        beyond = ", more than the budget pays for; a budget in time does not stop them"
    seconds = unknown if plan.seconds is None else f"about {plan.seconds / 60:.0f} min, on one worker"
    print(
        f"{plan.tasks} tasks, {plan.pairs} pairs\n"
        f"budget:      {plan.budget} ({share})\n"
        f"baselines:   {plan.baselines} runs{beyond}\n"
        f"pairs:       {pairs}\n"
        f"exhaustive:  {plan.exhaustive_runs} runs\n"
        f"time:        {seconds}"
    )


def ask(
    study: StudyArgument,
    out: Out = None,
    data: LastData = None,
    budget: LastBudget = None,
    seed: LastSeed = None,
    limit: LastLimit = None,
    as_json: Json = False,
) -> None:
    """What the search wants run next, for people who train elsewhere. `tell` it what came of it."""
    from forelearn.experiment import api
    from forelearn.experiment.opening import Options

    options = Options(out=out, data_root=data, budget=budget, seed=seed, limit=limit)
    wanted = api.ask(study, as_last_run(study, options))
    if as_json:
        print_json([{**transfer.as_json(), "label": transfer.label} for transfer in wanted])
        return
    for transfer in wanted:
        print(f"{transfer.key}  {transfer.label}  seed {transfer.seed}")
    if not wanted:
        note("The search is done: forelearn report shows its answers.")


def tell(
    study: StudyArgument,
    key: Annotated[str, typer.Option("--key", help="Key of the transfer, as `ask` printed it.")],
    dev: Annotated[
        list[str] | None,
        typer.Option("--dev", help="METRIC=VALUE on dev, in [0, 1] ([-1, 1] of a correlation); may repeat."),
    ] = None,
    test: Annotated[
        list[str] | None, typer.Option("--test", help="METRIC=VALUE on test, in the same range; may repeat.")
    ] = None,
    failed: Annotated[
        str | None, typer.Option("--failed", help="Why it failed, in place of its measures.")
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", help="What it took.")] = 0.0,
    by: Annotated[str, typer.Option("--by", help="Who trained it.")] = "told",
    out: Out = None,
    data: LastData = None,
    budget: LastBudget = None,
    seed: LastSeed = None,
    limit: LastLimit = None,
) -> None:
    """Record a transfer that was trained elsewhere, or that failed there."""
    from forelearn.experiment import api
    from forelearn.experiment.opening import Options

    options = Options(out=out, data_root=data, budget=budget, seed=seed, limit=limit)
    told = api.tell(
        study,
        key,
        dev=_measures("--dev", dev or []),
        test=_measures("--test", test or []),
        failed=failed,
        seconds=seconds,
        by=by,
        options=as_last_run(study, options),
    )
    print(f"{key}  {told.transfer.label}  recorded{'' if failed is None else ' as failed'}")


def _measures(option: str, given: list[str]) -> dict[str, float]:
    from forelearn.core.errors import InputError, Problem

    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            fix = "Write it as average_precision=0.41."
            raise InputError(Problem(option, f"is METRIC=VALUE, got `{text}`.", fix)) from None
    return found
