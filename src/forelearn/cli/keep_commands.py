"""Commands about what is kept: export, verify, gc."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from forelearn.cli.parameters import Json, LastData, Out, StudyArgument, StudyOption, note, print_json


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file."""
    for command in (export, verify, gc):
        app.command()(command)


def export(
    key: Annotated[str, typer.Argument(help="Key of a run, as `train`, `predict` and the pages print it.")],
    folder: Annotated[Path | None, typer.Argument(help="Where to put the Hugging Face folder.")] = None,
    study: StudyOption = Path("."),
    push_to_hub: Annotated[
        str | None, typer.Option("--push-to-hub", help="Repository id, OWNER/NAME.")
    ] = None,
    out: Out = None,
) -> None:
    """Hand out a trained model as an ordinary Hugging Face folder."""
    from forelearn.core.errors import InputError, Problem
    from forelearn.experiment.keeping import weights_of
    from forelearn.models.export import export as export_folder
    from forelearn.models.export import push, usage

    if folder is None and push_to_hub is None:
        raise InputError(
            Problem("export", "has nowhere to go.", "Name a FOLDER, or --push-to-hub OWNER/NAME.")
        )
    weights = weights_of(study, key, out)
    if folder is not None:
        export_folder(weights, folder)
        print(folder)
        note(f"Use it: {usage(folder)}")
    if push_to_hub is not None:
        print(push(weights, push_to_hub))


def verify(study: StudyArgument, out: Out = None, as_json: Json = False) -> None:
    """Compare every stored file with its hash; exit code 1 if anything is damaged."""
    from forelearn.core.keys import plain
    from forelearn.experiment.keeping import verify as verify_study

    problems, count = verify_study(study, out)
    if as_json:
        print_json({"folders": count, "problems": plain(problems)})
    else:
        for problem in problems:
            note(f"damaged: {problem}")
        print(f"{count} folders checked, {len(problems)} problems")
    if problems:
        sys.exit(1)


def gc(
    study: StudyArgument,
    out: Out = None,
    data: LastData = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove weights that no answer needs and what kills have left. Runs and their numbers stay.

    Weights that `forelearn train --source` made go too, where no answer needs them: export them first.
    """
    from forelearn.core.keys import plain
    from forelearn.experiment.keeping import gc as gc_study

    removals = gc_study(study, out, data, dry_run=dry_run)
    if as_json:
        print_json(plain(removals))
        return
    for removal in removals:
        print(f"{removal.size / 1e6:10.1f} MB  {removal.place}  ({removal.why})")
    verb = "would be freed" if dry_run else "freed"
    print(f"{sum(removal.size for removal in removals) / 1e6:.1f} MB {verb}")
