"""A multitask transfer from data to a run: its target's best snapshot as a folder, and what happened beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Run
from forelearn.core.transfer import Transfer
from forelearn.training.card import write_card
from forelearn.training.device import resolve_device
from forelearn.training.judge import performance
from forelearn.training.learnable import check_data, part_problem
from forelearn.training.multitask.fit import fit_together
from forelearn.training.multitask.history import write_history
from forelearn.training.multitask.images import ImageLearner
from forelearn.training.multitask.learner import TARGET, Learner
from forelearn.training.multitask.ledger import Ledger, forget_peak
from forelearn.training.multitask.method import Surroundings
from forelearn.training.multitask.methods import new_method, options_of
from forelearn.training.multitask.options import Options
from forelearn.training.multitask.text import TextLearner

MEMORY = 4e9
"""Bytes that the changes of all tasks may take in memory before they are kept on disk."""


def new_learner(
    tasks: Sequence[TaskData],
    start: Path,
    recipe: Recipe,
    options: Options,
    seed: int,
    ledger: Ledger,
    *,
    device: str,
) -> Learner:
    """The learner of what the tasks read: images, or texts by the encoder in the folder `start`.

    Raises InputError for tasks of both kinds, images of several sizes, or a head that images do not have.
    """
    shapes = {data.train.image_shape if data.train.images else None for data in tasks}
    if len(shapes) > 1:
        raise InputError(
            Problem(
                f"task `{tasks[TARGET].task.name}`",
                "its auxiliary tasks read other things (texts and images, or images of another size).",
                "Choose auxiliary tasks of its own kind.",
            )
        )
    if shapes == {None}:
        return TextLearner(tasks, start, recipe, options, seed, ledger, device=device)
    check_head(tasks[TARGET], options)
    return ImageLearner(tasks, recipe, options, seed, ledger, device=device)


def check_head(target: TaskData, options: Options) -> None:
    """Refuse a head of texts for a target of images."""
    if target.train.images and options.head != "auto":
        rule = "is of texts: a network for images has one linear layer a task."
        raise InputError(Problem(f"option `head`, `{options.head}`", rule, 'Leave it out, or say "auto".'))


def train_together(
    transfer: Transfer,
    tasks: Sequence[TaskData],
    start: Path,
    *,
    weights: Path,
    files: Path,
    checkpoint: Path,
    device: str = "auto",
    report: Callable[[Mapping[str, Any]], None] | None = None,
    checkpoint_seconds: float = 60.0,
    memory: float = MEMORY,
) -> Run:
    """Train a multitask transfer and measure its target.

    tasks: the target, then the auxiliary tasks in the order of `transfer.sources`. start: folder of the encoder.
    weights: where the target's trained model goes. files: where predictions and history go. checkpoint: folder that
    gets the state while it runs, and changes that do not fit into memory; a second call with it continues, and the
    caller drops it once it has the run where no kill can take it.
    Raises InputError for data that cannot be learned or measured, and `Diverged`.
    """
    assert transfer.multitask is not None
    check_data(tasks[TARGET])
    problems = [part_problem(data, "train", data.train) for data in tasks[TARGET + 1 :]]
    if any(problems):
        raise InputError([problem for problem in problems if problem])
    device = resolve_device(device)
    plan, recipe, data = transfer.multitask, transfer.recipe, tasks[TARGET]
    ledger = Ledger()
    forget_peak(device)
    learner = new_learner(tasks, start, recipe, options_of(plan), transfer.seed, ledger, device=device)
    method = new_method(
        plan, learner, Surroundings(recipe.epochs, checkpoint, memory, report or (lambda state: None))
    )
    history = fit_together(
        method,
        key=transfer.key,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
    )
    with learner.session():
        found = {name: learner.predictions(TARGET, name) for name in ("dev", "test")}
    outcome = Run(
        transfer,
        performance(data, found["dev"], found["test"], rule=recipe.threshold),
        Cost(ledger.units, ledger.stop_watch()),
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    save_file(
        {f"{name}_{learner.what}": values for name, values in found.items()},
        files / "predictions.safetensors",
    )
    write_history(history, files)
    learner.save(weights)
    write_card(weights, outcome, data, pipeline=learner.pipeline)
    return outcome
