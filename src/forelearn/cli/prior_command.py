"""`forelearn prior`: expected gains before anything has run, from your own finished studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forelearn.cli.parameters import Json, no_folder, note, print_json

if TYPE_CHECKING:
    from forelearn.evaluation.calibration import Calibration


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(prior)


def prior(
    studies: Annotated[list[Path], typer.Argument(help="Studies with finished pairs.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Write the prior to this file, for rank --prior.", callback=no_folder
        ),
    ] = None,
    version: Annotated[int, typer.Option("--version", min=1, help="What the file calls itself.")] = 1,
    as_json: Json = False,
) -> None:
    """Fit what `rank` expects of gains on finished studies, and measure it on targets that are left out."""
    from forelearn.experiment.make_prior import make_prior, write_prior

    made = make_prior(studies, version=version)
    if output is not None:
        write_prior(made, output)
        note(f"Wrote {output}")
    if as_json:
        print_json(made.as_json())
        return
    found = made.prior
    print(f"Fitted on {made.runs} runs of {', '.join(made.studies)}.")
    print(f"A pair of which nothing is known gains {found.level:+.3f}; scale {found.scale:.3f}.")
    print(f"One standard deviation of the fused score moves a gain by {found.slope * found.scale:+.3f}.")
    print("On targets that were left out, with 90 % intervals over targets:")
    _show("fitted with the study's other targets, none of whose runs is told", made.alone)
    _show("the study's other targets had run", made.after_others)
    if made.other_studies is not None:
        print("On studies that were left out as a whole, nothing of which had run:")
        _show("all of them", made.other_studies)
        for name, found_there in made.by_study.items():
            _show(name, found_there)


def _show(when: str, found: Calibration) -> None:
    held, brier, base = found.coverage, found.brier, found.base_brier
    print(f"  {when}:")
    print(
        f"    {100 * found.level:.0f} % intervals held {100 * held.mean:.0f} % of {found.pairs} pairs "
        f"[{100 * held.low:.0f}, {100 * held.high:.0f}]"
    )
    print(
        f"    Brier score of P(gain > 0) {brier.mean:.3f} [{brier.low:.3f}, {brier.high:.3f}], "
        f"of the base rate {base.mean:.3f} [{base.low:.3f}, {base.high:.3f}]"
    )
