"""The training loop: AdamW, linear warm-up and decay, clipping; every step a function of (seed, step).

Order of examples, learning rate and dropout of a step follow from the seed and the step's number, so a loop
that is continued from a checkpoint does what an undisturbed one does. What makes it fast on a CPU, measured on
short messages with a 6 × 384 encoder, one thread, on a busy AMD machine: batches of like length (1.02 to 1.05
tokens computed for each real one, against 1.7 in batches drawn at random); bfloat16 products where the chip has
them (a step takes half as long as the 32-bit one); oneDNN's 32-bit products on AMD chips (`models.linear`, saves
a quarter of a step); cheap dropout (`models.dropout`, saves 6 to 14 % of a bfloat16 step, 1 to 5 % of a 32-bit
one); the words in use alone (`models.words`: it halves what AdamW goes through). One fused AdamW kernel, and no
mask where nothing is padded, come for nothing and were not measured alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from forelearn.core.keys import seed_from
from forelearn.core.recipe import Recipe
from forelearn.models.batch import Batch, batches
from forelearn.models.dropout import quick_dropout, reseed_dropout
from forelearn.models.heads import Items
from forelearn.models.linear import quick_linear
from forelearn.models.task_model import TaskModel
from forelearn.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from forelearn.training.precision import autocast, full_precision_logits, narrow
from forelearn.training.steps import Diverged, schedule

Report = Callable[[Mapping[str, float]], None]
"""Is given `step`, `steps`, `epoch` and `loss` as the loop goes on, and where it goes on from a checkpoint.

It may raise to stop the loop.
"""
AtEpoch = Callable[[int, Progress], bool]
"""Is given the number of whole epochs done, and the progress, in whose `rungs` it may note what it measures.

It may put the task_model into evaluation mode and draw random numbers, but must not touch its weights. True
ends the stage there.
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training, whole: what decides its outcome.

    key: names the outcome; a checkpoint of another key is not continued.
    seed: decides the order of examples and dropout.
    """

    key: str
    recipe: Recipe
    seed: int


def fit(
    task_model: TaskModel,
    items: Items,
    stage: Stage,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 60.0,
    report: Report | None = None,
    at_epoch: AtEpoch | None = None,
) -> Progress:
    """Train `task_model` in place and return how far it came: the losses of all steps.

    items: what is learned, with targets. checkpoint: folder in which the state is kept every
    `checkpoint_seconds`, and from which the loop goes on if it holds one of this stage. at_epoch: is called
    after every whole epoch but the last, before a checkpoint is made, so that an epoch that is behind a
    checkpoint has been looked at; it changes no weight of a stage that goes on.
    Raises `Diverged` if a loss or a gradient is not finite. The global random state is left as it is.
    """
    recipe, model = stage.recipe, task_model.model
    model.to(device)  # type: ignore[arg-type]
    model.train()
    optimiser = adamw(model, recipe)
    progress = Progress() if checkpoint is None else load_checkpoint(checkpoint, stage.key, model, optimiser)
    found = task_model.head.weights(items, recipe.positive_weight)
    weights = None if found is None else torch.from_numpy(found).to(device)
    an_epoch = -(-len(items) // recipe.batch_size)
    steps = an_epoch * recipe.epochs
    started = saved = time.monotonic()
    before = progress.seconds

    def say() -> None:
        if report is not None:
            epoch, loss = progress.step / an_epoch, progress.losses[-1]
            report({"step": progress.step, "steps": steps, "epoch": epoch, "loss": loss})

    if progress.step:
        say()  # where a killed run goes on
    with (
        random_state_kept(device),
        full_precision_logits(task_model, recipe.precision),
        quick_dropout(model) if device == "cpu" else nullcontext(),
        quick_linear(model, narrow=narrow(task_model, recipe.precision)),
    ):
        plan: list[NDArray[np.int64]] = []
        while progress.step < steps:
            epoch, index = divmod(progress.step, an_epoch)
            if not plan or index == 0:
                plan = batches(items.lengths, recipe.batch_size, seed_from("order", stage.seed, epoch))
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * schedule(progress.step, steps, recipe.warmup)
            reseed(seed_from("dropout", stage.seed, progress.step), device)
            rows = plan[index]
            batch = items.batch(rows, task_model.pad_id, device=device)
            targets = torch.from_numpy(task_model.head.targets(items, rows)).to(device)
            loss = take_step(task_model, batch, targets, weights, optimiser, recipe)
            progress.step += 1
            progress.losses.append(loss)
            ended = False
            if at_epoch is not None and index + 1 == an_epoch and progress.step < steps:
                ended = at_epoch(epoch + 1, progress)
                model.train()
            now = time.monotonic()
            progress.seconds = before + now - started
            say()
            if ended:
                break
            if checkpoint is not None and now - saved >= checkpoint_seconds and progress.step < steps:
                save_checkpoint(checkpoint, stage.key, model, optimiser, progress)
                saved = time.monotonic()
    model.train(False)
    return progress


def take_step(
    task_model: TaskModel,
    batch: Batch,
    targets: torch.Tensor,
    weights: torch.Tensor | None,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
) -> float:
    """One step on one batch; returns its loss. `Diverged` is raised before the weights are touched."""
    model = task_model.model
    with autocast(task_model, recipe.precision, targets.device.type):
        output = model(**batch)
    loss = task_model.head.loss(output, targets, weights)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
    value, size = torch.stack([loss.detach(), norm]).tolist()
    if not (math.isfinite(value) and math.isfinite(size)):
        raise Diverged(
            f"training diverged (loss {value}, gradient norm {size}) at rate {recipe.learning_rate:g}. "
            "Try a lower learning rate."
        )
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return float(value)


def adamw(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with one fused kernel; biases and norms (every vector) are not decayed."""
    decayed = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)


@contextmanager
def random_state_kept(device: str) -> Iterator[None]:
    """Whatever is drawn inside, the process's own random state is the same afterwards."""
    kind = device.split(":")[0]
    with torch.random.fork_rng(devices=[torch.device(device).index or 0] if kind == "cuda" else []):
        state = torch.mps.get_rng_state() if kind == "mps" else None
        try:
            yield
        finally:
            if state is not None:
                torch.mps.set_rng_state(state)


def reseed(seed: int, device: str) -> None:
    """Start every generator that a step on `device` draws from at `seed`."""
    reseed_dropout(seed)
    torch.default_generator.manual_seed(seed)
    kind = device.split(":")[0]
    if kind == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif kind == "mps":
        torch.mps.manual_seed(seed)
