"""Learn a source, keep its encoder, learn the target: one stage of such a chain, from a folder to a folder.

Phang et al. 2018 call it intermediate-task training. A stage starts from an encoder (or from the encoder of
the task_model that the stage before it left) and ends as a Hugging Face folder with a model card, beside its
predictions and its loss curve. A stage that is not worth its end can be stopped at a whole epoch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from forelearn.core.data import TaskData
from forelearn.core.keys import digest, seed_from
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Run, Stopped
from forelearn.core.transfer import Transfer
from forelearn.models.heads import Items, head_for
from forelearn.models.task_model import TaskModel, new_model, save_model
from forelearn.models.words import narrow_words, widen_words
from forelearn.training.card import write_card
from forelearn.training.checkpoint import Progress
from forelearn.training.cost import units
from forelearn.training.device import resolve_device
from forelearn.training.judge import dev_measures, performance
from forelearn.training.learnable import check_data
from forelearn.training.loop import Report, Stage, fit
from forelearn.training.predict import predict_items
from forelearn.training.steps import Diverged


def train(
    transfer: Transfer,
    data: TaskData,
    start: Path,
    *,
    weights: Path,
    files: Path,
    checkpoint: Path,
    device: str = "auto",
    report: Report | None = None,
    checkpoint_seconds: float = 60.0,
    rungs: Mapping[int, float | None] | None = None,
) -> Run | Stopped:
    """Train the last stage of `transfer` on `data`, from the folder `start`, and measure it.

    start: the transfer's encoder for a baseline, or the trained folder of `transfer.prefix`; only its
    encoder is kept. weights: gets the Hugging Face folder and its card. files: gets
    `predictions.safetensors` (`dev_logits` and `test_logits`, float32, shaped as `predict` says, of a regression
    in standard deviations from the mean of train; for question answering `dev_spans` and `test_spans`) and
    `curve.json`. Both folders must exist. checkpoint: folder that gets the state while it runs. Called again with
    it after a kill, training goes on from there and ends the same; the caller drops it once it has the outcome
    where no kill can take it.

    rungs: number of epochs → the deciding measure on dev below which the run is given up when they are done;
    None only measures. Looking changes no weight. A stopped run costs its share of the epochs; it leaves
    `weights` empty and, in `files`, the curve alone.
    Raises `Diverged` if the loss is not finite, `InputError` if the data cannot be measured or learned, and
    ValueError for a rung that is no epoch before the last.
    """
    began = time.monotonic()
    check_data(data)
    recipe = transfer.recipe
    floors = dict(rungs or {})
    if not all(0 < epoch < recipe.epochs for epoch in floors):
        raise ValueError(f"a rung is an epoch from 1 to {recipe.epochs - 1}, got {sorted(floors)}")
    device = resolve_device(device)
    seed = stage_seed(transfer)
    head = head_for(data)
    task_model = new_model(start, head, seed=seed_from("head", seed))
    items = {
        name: head.encode(task_model.tokenizer, data.split(name), recipe.max_length)
        for name in ("train", "dev", "test")
    }
    narrow_words(task_model, [its.tokens for its in items.values()])
    watch = _Watch(task_model, items["dev"], data, transfer, device, floors)
    progress = fit(
        task_model,
        items["train"],
        # floors decide the outcome too: a checkpoint that was made under others is not continued
        Stage(digest([transfer.key, floors]) if floors else transfer.key, recipe, seed),
        device=device,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
        report=report,
        at_epoch=watch.is_below_floor if floors else None,
    )
    an_epoch = -(-len(items["train"]) // recipe.batch_size)
    _write_curve(files / "curve.json", progress.losses, an_epoch)
    epochs = progress.step // an_epoch
    finished = epochs == recipe.epochs
    found = {
        name: _predicted(task_model, items[name], recipe, device) for name in ("dev", "test") if finished
    }
    cost = Cost(
        units(items["train"].tokens.lengths, recipe.max_length, epochs, task_model.shape().layers),
        progress.earlier_seconds + time.monotonic() - began,
    )
    made = datetime.now(UTC).isoformat(timespec="seconds")
    outcome: Run | Stopped
    if finished:
        measured = performance(data, found["dev"], found["test"], rule=recipe.threshold)
        outcome = Run(transfer, replace(measured, rungs=progress.rungs), cost, made)
        what = "spans" if head.spans else "logits"
        save_file(
            {f"{name}_{what}": values for name, values in found.items()}, files / "predictions.safetensors"
        )
        task_model.model.to("cpu")  # type: ignore[arg-type]
        widen_words(task_model)
        head.finish(task_model.model)
        save_model(task_model, weights)
        write_card(weights, outcome, data, pipeline=head.pipeline)
    else:
        floor = floors[epochs]
        assert floor is not None
        outcome = Stopped(transfer, epochs, progress.rungs[epochs], floor, cost, made)
    return outcome


@dataclass(frozen=True, slots=True)
class _Watch:
    """Looks at a run in training: how it does on dev at its rungs, and whether that is below the floor."""

    task_model: TaskModel
    items: Items
    data: TaskData
    transfer: Transfer
    device: str
    floors: Mapping[int, float | None]

    def is_below_floor(self, epoch: int, progress: Progress) -> bool:
        """Note the deciding measure in `progress` if `epoch` is a rung; True if the run is to be stopped."""
        if epoch not in self.floors:
            return False
        recipe, floor = self.transfer.recipe, self.floors[epoch]
        found = _predicted(self.task_model, self.items, recipe, self.device)
        dev = dev_measures(self.data, found, rule=recipe.threshold)[self.transfer.target.metric]
        progress.rungs[epoch] = dev
        return floor is not None and dev < floor


def stage_seed(transfer: Transfer) -> int:
    """The seed of the last stage, from seed and depth: the second stage of `B → B` is no replay."""
    return seed_from("stage", transfer.seed, len(transfer.sources))


def _predicted(task_model: TaskModel, items: Items, recipe: Recipe, device: str) -> NDArray[np.float32]:
    """Predictions. Raises `Diverged` if one of them is not finite."""
    found = predict_items(task_model, items, precision=recipe.precision, device=device)
    if not np.isfinite(found).all():
        raise Diverged("the trained model predicts numbers that are not finite. Try a lower learning rate.")
    return found


def _write_curve(file: Path, losses: Sequence[float], an_epoch: int) -> None:
    """an_epoch: steps of one."""
    curve = [
        {"step": step, "epoch": round(step / an_epoch, 6), "loss": loss}
        for step, loss in enumerate(losses, start=1)
    ]
    file.write_text(json.dumps(curve), encoding="utf-8")
