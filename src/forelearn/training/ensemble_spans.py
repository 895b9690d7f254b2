"""The span that several models that answer questions point at together.

The mean over the models of the logits that a token is the first, and the last, of the answer; then the best span of
these mean logits, found as one model finds its own (`models/heads/question_answering.py`). Since that rule takes the
highest sum of two logits, the span is the one with the highest score summed over the models, of all spans that are
tried: the twenty best first and the twenty best last tokens of each window.

Source: ours; the sum of logits is what Devlin et al. 2019 take for one model. A vote for each model's own best span
would lose the second best span on which all models agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.recipe import Precision
from forelearn.models.heads import Items
from forelearn.models.heads.base import Floats
from forelearn.models.heads.question_answering import QuestionAnswering
from forelearn.models.task_model import TaskModel
from forelearn.training.predict import predict_items


@dataclass(frozen=True, slots=True)
class _Logits(QuestionAnswering):
    """Reads the logits themselves, not the best span."""

    def read(self, output: Any, items: Items, rows: NDArray[np.int64]) -> list[Floats]:
        """Logits [t, 2] of each window's tokens to be the first and the last of the answer."""
        both = torch.stack([output.start_logits, output.end_logits], dim=-1).float().cpu().numpy()
        return [values[: items.tokens.lengths[row]] for row, values in zip(rows, both)]

    def join(self, found: Sequence[Floats], items: Items) -> Floats:
        """[tokens, 2] of all windows, one after another."""
        return np.concatenate(found) if found else np.zeros((0, 2), np.float32)


@dataclass(frozen=True, slots=True)
class _Output:
    """What a model gives for one window. Shape: [1, t] each."""

    start_logits: torch.Tensor
    end_logits: torch.Tensor


def token_logits(
    task_model: TaskModel, items: Items, *, precision: Precision = "fp32", device: str = "cpu"
) -> Floats:
    """[tokens, 2] logits of every token of every window, for a model that is on `device` already."""
    return predict_items(replace(task_model, head=_Logits()), items, precision=precision, device=device)


def best_spans(logits: NDArray[np.float64], items: Items) -> NDArray[np.float64]:
    """[n, 3] start and end of the best span in the characters of each context, and its score.

    logits: [tokens, 2], a mean of `token_logits`. items: the windows that they are of.
    """
    head = QuestionAnswering()
    found: list[Floats] = []
    for row in range(len(items)):
        own = logits[items.tokens.offsets[row] : items.tokens.offsets[row + 1]].astype(np.float32)
        start, end = (torch.from_numpy(own[None, :, side].copy()) for side in (0, 1))
        found += head.read(_Output(start, end), items, np.array([row], np.int64))
    return head.join(found, items).astype(np.float64)


def same_tokens(items: Items, other: Items) -> bool:
    """Whether two models read the same windows of the same tokens."""
    assert items.spots is not None
    assert other.spots is not None
    return np.array_equal(items.tokens.ids, other.tokens.ids) and np.array_equal(items.spots, other.spots)
