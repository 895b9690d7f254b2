"""grademb: which way a task pulls at the hidden states of its fine-tuned encoder; the gradient with its sign.

The simpler task embedding of a summary of Vu et al. 2020: the gradient of the loss with respect to the layers'
outputs, averaged. Here over an example's real tokens, over the layers, and over all examples, to one vector [H];
each example weighs the same, however long it is. Differs from the summary's code, which averages over the layers and
over the examples of one batch and keeps a row a token, [T, H], padding included (its comment says over layers and
tokens).

The loss is each example's own, minus its log likelihood with the true label, so that no batch has a say; an example
that is read in several items has the sum of their losses (see `gradients.py`). Gradients are found for layers' outputs
alone, never for weights: two thirds of the arithmetic of a step of training.

A gradient has a sign that TaskEmb's squares have not: classes that pull in opposite ways cancel, and at a minimum of
the training loss little is left but noise. Not covered: averages of lengths, which would not cancel.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.errors import InputError, Problem
from forelearn.representations.activations import Part
from forelearn.representations.effort import FORWARD, TO_INPUTS, Effort
from forelearn.representations.gradients import Gradient, items_of
from forelearn.representations.path import Precision
from forelearn.representations.reading import chance_order

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel

_PARTS: tuple[Part, ...] = ("layers",)


@dataclass(frozen=True, slots=True, eq=False)
class GradEmb:
    """vector: [H] float64. examples: how many were passed."""

    vector: NDArray[np.float64]
    examples: int
    effort: Effort


def grademb(
    task_model: TaskModel,
    examples: Examples,
    *,
    max_length: int,
    most: int = 500,
    seed: int = 0,
    precision: Precision = "fp32",
    device: str = "cpu",
) -> GradEmb:
    """grademb of a fine-tuned model on examples of the task that it was tuned on; any kind of task.

    most: examples, drawn by seed and content. The model is left as it is. Raises `InputError` if there are no examples,
    or the encoder is of an unknown form.
    """
    began = time.perf_counter()
    if not len(examples):
        raise InputError(Problem("grademb", "there are no examples.", "Give at least one."))
    picked = examples.pick(chance_order(examples.read(), seed)[:most].tolist())
    items = task_model.head.encode(task_model.tokenizer, picked, max_length)
    gradient = Gradient(
        task_model,
        items,
        parameters=False,
        activations=_PARTS,
        precision=precision,
        device=device,
    )
    vector = np.zeros(int(task_model.encoder.config.hidden_size))
    for found in gradient.of_groups(items_of(items)):
        pulls = [values.cpu().double().numpy() for values in found.activations.values()]
        vector += np.sum(pulls, axis=0) / (found.tokens * gradient.layers)
    units = (FORWARD + TO_INPUTS) * float(items.tokens.lengths.sum()) * gradient.layers
    effort = Effort(len(picked), len(picked), units, time.perf_counter() - began)
    return GradEmb(vector / len(picked), len(picked), effort)
