"""`forelearn predict`: predictions for rows without labels, as a table or as a GLUE or SuperGLUE submission."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forelearn.cli.parameters import Device, Json, LastData, Out, StudyArgument, as_last_run, note, print_json


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(predict)


def predict(
    study: StudyArgument,
    task: Annotated[str, typer.Option("--task", help="The task to predict.")],
    file: Annotated[Path, typer.Option("--file", help="Rows with the task's columns; no labels needed.")],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="File to write; for a benchmark, a folder that is there will do."
        ),
    ],
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY", help="Runs of the task. [default: all seeds of what is best on dev]"),
    ] = None,
    form: Annotated[str, typer.Option("--as", help="csv, jsonl, glue or superglue.")] = "csv",
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels", help="LABEL=VALUE: what to write for a label of the model; repeat for more."
        ),
    ] = None,
    out: Out = None,
    data: LastData = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Predict rows without labels with one run or the mean of several; write a table or a submission."""
    from forelearn.experiment.opening import Options
    from forelearn.experiment.predict import predict as predict_file

    found = predict_file(
        study,
        task,
        file,
        output,
        form=form,
        keys=keys or (),
        labels=_mapping(labels or []),
        options=as_last_run(study, Options(out=out, data_root=data, device=device)),
    )
    if as_json:
        print_json(found.as_json())
        return
    for line in found.notes:
        note(line)
    runs = found.chosen.runs
    note(f"{len(found.predicted)} rows, {len(runs)} run{'s' if len(runs) > 1 else ''}: {found.chosen.why}")
    for run in runs:
        note(f"  {run.transfer.key}  {run.transfer.label}  seed {run.transfer.seed}")
    for label, value in found.values.items():
        if label != str(value):
            note(f"{label} is written as {value}")
    print(found.path)


def _mapping(given: list[str]) -> dict[str, str]:
    """LABEL=VALUE; the last `=` parts them."""
    from forelearn.core.errors import InputError, Problem

    found = {}
    for text in given:
        label, sign, value = text.rpartition("=")
        if not sign or not label.strip() or not value.strip():
            fix = 'Write it as --labels "not 1=0".'
            raise InputError(Problem("--labels", f"is LABEL=VALUE, got `{text}`.", fix))
        found[label.strip()] = value.strip()
    return found
