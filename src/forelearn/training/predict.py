"""Predictions of a trained model on examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.recipe import Precision
from forelearn.models.batch import reading_batches
from forelearn.models.heads import Items
from forelearn.models.linear import quick_linear
from forelearn.training.precision import autocast, full_precision_logits, narrow

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel

_BATCH = 64
"""Sequences at once."""


def predict(
    task_model: TaskModel,
    examples: Examples,
    *,
    max_length: int = 128,
    precision: Precision = "fp32",
    device: str = "cpu",
) -> NDArray[np.float32]:
    """Predictions in the order of the examples; the model is left in evaluation mode on `device`.

    Shape, by kind: logits [n, C]; regression [n, 1]; multiple choice [n, k]; sequence labelling [words, C], all
    words of all examples; question answering [n, 3]: start and end in the context's characters, and the score.
    """
    items = task_model.head.encode(task_model.tokenizer, examples, max_length)
    task_model.model.to(device)  # type: ignore[arg-type]
    return predict_items(task_model, items, precision=precision, device=device)


def predict_items(
    task_model: TaskModel, items: Items, *, precision: Precision = "fp32", device: str = "cpu"
) -> NDArray[np.float32]:
    """Predictions as `predict` gives them, for a model that is on `device` already."""
    found: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(items)
    task_model.model.train(False)
    with (
        torch.inference_mode(),
        quick_linear(task_model.model, narrow=narrow(task_model, precision)),
        full_precision_logits(task_model, precision),
        autocast(task_model, precision, device),
    ):
        for rows in reading_batches(items.lengths, width=items.width, rows=_BATCH, device=device):
            output = task_model.model(**items.batch(rows, task_model.pad_id, device=device))
            for row, values in zip(rows, task_model.head.read(output, items, rows)):
                found[row] = values
    return task_model.head.join(found, items)
