"""The training loop: AdamW, linear warm-up and decay, clipping; every step a function of (seed, step).

Order of examples, learning rate and dropout of a step follow from the seed and the step's number, so a loop
that is continued from a checkpoint does what an undisturbed one does. What makes it fast on a CPU, measured on
short messages with a 6 × 384 encoder, one thread, on a busy AMD machine: batches of like length (1.02 to 1.05
tokens computed for each real one, against 1.7 in batches drawn at random); bfloat16 products where the chip has
them (a step takes half as long as the 32-bit one); oneDNN's 32-bit products on AMD chips (`models.linear`, saves
a quarter of a step); cheap dropout (`models.dropout`, saves 6 to 14 % of a bfloat16 step, 1 to 5 % of a 32-bit
one). One fused AdamW kernel, and no mask where nothing is padded, come for nothing and were not measured alone.
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

from forelearn.core.errors import ForelearnError
from forelearn.core.keys import seed_from
from forelearn.core.recipe import PositiveWeight, Recipe
from forelearn.models.batch import Batch, Tokens, batches, collate
from forelearn.models.classifier import Classifier
from forelearn.models.dropout import quick_dropout, reseed_dropout
from forelearn.models.linear import quick_linear
from forelearn.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from forelearn.training.precision import autocast, full_precision_logits, narrow

Report = Callable[[Mapping[str, float]], None]
"""Is given `step`, `steps`, `epoch` and `loss` as the loop goes on. It may raise to stop the loop."""
AtEpoch = Callable[[int, Progress], bool]
"""Is given the number of whole epochs done, and the progress, in whose `rungs` it may note what it measures.

It may put the classifier into evaluation mode and draw random numbers, but must not touch its weights. True
ends the stage there.
"""


class Diverged(ForelearnError):
    """The loss or the gradient is no longer finite: the recipe does not suit the task."""


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
    classifier: Classifier,
    tokens: Tokens,
    labels: NDArray[np.int64],
    stage: Stage,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 60.0,
    report: Report | None = None,
    at_epoch: AtEpoch | None = None,
) -> Progress:
    """Train `classifier` in place and return how far it came: the losses of all steps.

    tokens: n examples. labels: [n] class indices. checkpoint: folder in which the state is kept every
    `checkpoint_seconds`, and from which the loop goes on if it holds one of this stage. at_epoch: is called
    after every whole epoch but the last, before a checkpoint is made, so that an epoch that is behind a
    checkpoint has been looked at; it changes no weight of a stage that goes on.
    Raises `Diverged` if a loss or a gradient is not finite. The global random state is left as it is.
    """
    recipe, model = stage.recipe, classifier.model
    model.to(device)  # type: ignore[arg-type]
    model.train()
    optimiser = adamw(model, recipe)
    progress = Progress() if checkpoint is None else load_checkpoint(checkpoint, stage.key, model, optimiser)
    weights = torch.from_numpy(class_weights(labels, len(classifier.labels), recipe.positive_weight)).to(
        device
    )
    targets = torch.from_numpy(labels).to(device)
    an_epoch = -(-len(tokens) // recipe.batch_size)
    steps = an_epoch * recipe.epochs
    started = saved = time.monotonic()
    before = progress.seconds
    with (
        _random_state_kept(device),
        full_precision_logits(classifier, recipe.precision),
        quick_dropout(model) if device == "cpu" else nullcontext(),
        quick_linear(model, narrow=narrow(classifier, recipe.precision)),
    ):
        plan: list[NDArray[np.int64]] = []
        while progress.step < steps:
            epoch, index = divmod(progress.step, an_epoch)
            if not plan or index == 0:
                plan = batches(tokens.lengths, recipe.batch_size, seed_from("order", stage.seed, epoch))
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * schedule(progress.step, steps, recipe.warmup)
            _reseed(seed_from("dropout", stage.seed, progress.step), device)
            batch = collate(tokens, plan[index], classifier.pad_id, device=device)
            loss = take_step(
                classifier,
                batch,
                targets[torch.from_numpy(plan[index]).to(device)],
                weights,
                optimiser,
                recipe,
            )
            progress.step += 1
            progress.losses.append(loss)
            ended = False
            if at_epoch is not None and index + 1 == an_epoch and progress.step < steps:
                ended = at_epoch(epoch + 1, progress)
                model.train()
            now = time.monotonic()
            progress.seconds = before + now - started
            if report is not None:
                report(
                    {"step": progress.step, "steps": steps, "epoch": progress.step / an_epoch, "loss": loss}
                )
            if ended:
                break
            if checkpoint is not None and now - saved >= checkpoint_seconds and progress.step < steps:
                save_checkpoint(checkpoint, stage.key, model, optimiser, progress)
                saved = time.monotonic()
    model.train(False)
    return progress


def take_step(
    classifier: Classifier,
    batch: Batch,
    targets: torch.Tensor,
    weights: torch.Tensor,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
) -> float:
    """One step on one batch; returns its loss. `Diverged` is raised before the weights are touched."""
    model = classifier.model
    with autocast(classifier, recipe.precision, targets.device.type):
        logits = model(**batch).logits
    loss = weighted_loss(logits.float(), targets, weights)
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


def weighted_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean over the batch of weight × cross-entropy. Shape: logits [b, C], targets [b], weights [C]; scalar.

    The mean is over examples, not over weights, so that a batch of one class keeps its weight.
    """
    losses = nn.functional.cross_entropy(logits, targets, reduction="none")
    return (losses * weights[targets]).mean()


def class_weights(labels: NDArray[np.int64], classes: int, rule: PositiveWeight) -> NDArray[np.float32]:
    """[C] loss weights: the positive class weighs 1, √(neg/pos) or neg/pos times the negative; 1 unless
    binary.

    They are scaled so that their mean over the examples is 1: the size of a step stays what the recipe says.
    """
    weights = np.ones(classes, dtype=np.float32)
    positive = int((labels == 1).sum())
    if classes != 2 or rule == "none" or positive in (0, len(labels)):
        return weights
    ratio = (len(labels) - positive) / positive
    weights[1] = ratio if rule == "balanced" else math.sqrt(ratio)
    weights /= weights[labels].mean(dtype=np.float64)
    return weights


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the peak learning rate at `step` (from 0): linear up over the first `warmup` of steps, linear
    down.

    The first step is above 0 and the last is too, so that no step is wasted.
    """
    rising = math.ceil(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)


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
def _random_state_kept(device: str) -> Iterator[None]:
    """Whatever is drawn inside, the process's own random state is the same afterwards."""
    kind = device.split(":")[0]
    with torch.random.fork_rng(devices=[torch.device(device).index or 0] if kind == "cuda" else []):
        state = torch.mps.get_rng_state() if kind == "mps" else None
        try:
            yield
        finally:
            if state is not None:
                torch.mps.set_rng_state(state)


def _reseed(seed: int, device: str) -> None:
    """Start every generator that a step on `device` draws from at `seed`."""
    reseed_dropout(seed)
    torch.default_generator.manual_seed(seed)
    kind = device.split(":")[0]
    if kind == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif kind == "mps":
        torch.mps.manual_seed(seed)
