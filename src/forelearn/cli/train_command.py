"""`forelearn train`: one transfer of a study; or a target together with auxiliary tasks, beside its controls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forelearn.cli.parameters import (
    Device,
    Json,
    LastData,
    Out,
    StudyArgument,
    as_last_run,
    no_folder,
    note,
    print_json,
    refuse,
)

if TYPE_CHECKING:
    from forelearn.experiment.opening import Options
    from forelearn.experiment.question import Request
    from forelearn.experiment.together_cost import Expected
    from forelearn.report.multitask_summary import Comparison


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(train)


def train(
    study: StudyArgument,
    target: Annotated[str, typer.Option("--target", help="The task to train.")],
    source: Annotated[
        str | None, typer.Option("--source", help="What to learn first: A, encoder@NAME, or A->B.")
    ] = None,
    auxiliaries: Annotated[
        list[str] | None,
        typer.Option("--with", help="Auxiliary tasks to train it together with: A,B,C, or auto. May repeat."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method", help="How they are trained together. [default: the study's, else alpha-vil-robust]"
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="NAME=VALUE: an option of the method; repeat for more."),
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", help="With --with auto: how many tasks. [default: 3]")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="With --with: on how many. [default: the study's]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--run-seed", help="Seed of the one run; with --with, of every arm's.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", help="Further methods beside it: multitask,diw.")
    ] = None,
    no_controls: Annotated[
        bool, typer.Option("--no-controls", help="With --with: train the method alone; no verdict.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --with: try failed runs again.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --with: say what it would cost; train nothing.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="With --with: the page, or JSON for a name in .json.",
            callback=no_folder,
        ),
    ] = None,
    out: Out = None,
    data: LastData = None,
    device: Device = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="With --with: runs at once. [default: one a core]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train one transfer of a study; or a target together with auxiliary tasks, and say whether that was worth it."""
    from forelearn.experiment.opening import Options

    together = {
        "--option": bool(option),
        "--top": top is not None,
        "--seeds": seeds is not None,
        "--compare": compare is not None,
        "--no-controls": no_controls,
        "--retry-failed": retry_failed,
        "--dry-run": dry_run,
        "--output": output is not None,
        "--workers": workers is not None,
    }
    _check_options(source, auxiliaries, method, seeds, seed, top, together)
    options = as_last_run(study, Options(out=out, data_root=data, device=device, workers=workers))
    if auxiliaries is None and method is None:
        _train_one(study, target, source, seed, options, as_json=as_json)
        return
    from forelearn.experiment.multitask_settings import read_given
    from forelearn.experiment.question import Request

    wanted = Request(
        auxiliaries=tuple(auxiliaries or ()),
        method=method,
        given=read_given(option or []),
        top=3 if top is None else top,
        seeds=seeds if seed is None else (seed,),
        compare=tuple(name.strip() for name in (compare or "").split(",") if name.strip()),
        controls=not no_controls,
        retry_failed=retry_failed,
    )
    if dry_run:
        _expect(study, target, wanted, options, as_json=as_json)
    else:
        _train_together(study, target, wanted, options, output, as_json=as_json)


def _check_options(
    source: str | None,
    auxiliaries: list[str] | None,
    method: str | None,
    seeds: int | None,
    seed: int | None,
    top: int | None,
    together: dict[str, bool],
) -> None:
    """Refuse what does not go together, before the study is read."""
    from forelearn.core.errors import InputError, Problem

    if source is not None and (auxiliaries is not None or method is not None):
        other = "--with" if auxiliaries is not None else "--method"
        rule = (
            f"cannot stand beside {other}: a source is learned before the target, auxiliary tasks beside it."
        )
        raise InputError(Problem("--source", rule, "Leave one of them out."))
    if seeds is not None and seed is not None:
        raise InputError(Problem("--seeds", "cannot stand beside --run-seed.", "Leave one of them out."))
    if seed is not None and seed < 0:
        raise InputError(Problem("--run-seed", f"must be at least 0, got {seed}.", "Raise it."))
    if top is not None and [name.strip() for name in auxiliaries or ()] != ["auto"]:
        raise InputError(Problem("--top", "goes with --with auto alone.", "Leave it out."))
    if auxiliaries is None and method is None:
        refuse(together, "goes with --with or --method.", "Add --with A,B, or leave it out.")


def _train_one(
    study: Path, target: str, source: str | None, seed: int | None, options: Options, *, as_json: bool
) -> None:
    from forelearn.cli.display import Live
    from forelearn.core.errors import ForelearnError
    from forelearn.core.run import Run, outcome_as_json
    from forelearn.experiment import api
    from forelearn.report.wording import metric_name

    with Live() as display:
        outcome, weights = api.train(study, target, source, seed=seed, options=options, display=display)
    if not isinstance(outcome, Run):
        raise ForelearnError(f"{outcome.transfer.label} was not trained to its end: {outcome.reason}")
    if as_json:
        print_json({**outcome_as_json(outcome), "weights": weights and str(weights)})
        return
    metric = metric_name(outcome.transfer.target.metric)
    print(f"{outcome.transfer.label}: {metric} {outcome.dev():.4f} on dev, {outcome.test():.4f} on test")
    print(f"Weights: {weights}")


def _train_together(
    study: Path, target: str, wanted: Request, options: Options, output: Path | None, *, as_json: bool
) -> None:
    from forelearn.cli.together_display import LiveTogether
    from forelearn.experiment.opening import open_study
    from forelearn.experiment.together import page_of, train_together
    from forelearn.report.multitask_terminal import show_comparison

    with LiveTogether() as display:
        comparison = train_together(study, target, wanted, options, output=output, display=display)
    out = open_study(study, options).out
    page = output or page_of(out, target)
    if as_json:
        print_json(comparison.as_json())
        note(f"Wrote {page}")
        return
    show_comparison(comparison)
    _weights(comparison, out)
    print(f"{'Data' if page.suffix == '.json' else 'Page'}: {page}")


def _weights(comparison: Comparison, out: Path) -> None:
    """Where the models are, and how they are used together."""
    from forelearn.store.directory import Directory

    directory = Directory(out)
    print(f"Weights, in {out / 'weights'}; forelearn predict averages those of an arm:")
    for arm in comparison.arms:
        for seed, key in zip(arm.seeds, arm.keys, strict=True):
            if directory.whole("weights", key) is not None:
                print(f"  {key}  {arm.name}, seed {seed}")


def _expect(study: Path, target: str, wanted: Request, options: Options, *, as_json: bool) -> None:
    from forelearn.cli.together_display import LiveTogether
    from forelearn.experiment.together_cost import expect_together

    with LiveTogether() as display:
        expected = expect_together(study, target, wanted, options, display=display)
    if as_json:
        print_json(expected.as_json())
    else:
        _show_expected(expected)


def _show_expected(expected: Expected) -> None:
    from forelearn.report.wording import duration, units

    wide = max(len(name) for name, _, _ in expected.arms)
    for name, runs, missing in expected.arms:
        print(f"{name:<{wide}}  {runs} run{'' if runs == 1 else 's'}, {missing} missing")
    seconds = "unknown before the first run"
    if expected.seconds is not None:
        seconds = f"about {duration(expected.seconds)}, on one worker"
    print(f"auxiliary tasks: {expected.chosen}")
    print(f"missing: {expected.missing} of {expected.runs} runs, {units(expected.units)} units of training")
    print(f"time: {seconds}")
