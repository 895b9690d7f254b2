"""Regression: a number for a text or a pair of texts. Squared error on standardised numbers.

While it learns, the last layer gives standardised numbers (mean 0, standard deviation 1 on the training
examples), so that a recipe suits any scale; when it has learned, scale and mean are folded into that layer, and
the saved folder gives numbers of the task's own scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from forelearn.core.data import Examples
from forelearn.core.errors import InputError, Problem
from forelearn.core.task import Kind
from forelearn.models.batch import tokenize
from forelearn.models.heads.base import Floats, Head, Items, labelled


@dataclass(frozen=True, slots=True)
class Regression(Head):
    """mean, spread: of the training values, in the task's own scale."""

    mean: float = 0.0
    spread: float = 1.0

    auto: ClassVar[Any] = AutoModelForSequenceClassification
    pipeline: ClassVar[str] = "text-classification"

    @staticmethod
    def of(values: Sequence[float]) -> Regression:
        """The head for training values; a constant keeps its own scale."""
        return Regression(float(np.mean(values)), float(np.std(values)) or 1.0)

    @property
    def kind(self) -> Kind:
        """Regression."""
        return "regression"

    @property
    def names(self) -> tuple[str, ...]:
        """One output."""
        return ("value",)

    def encode(self, tokenizer: PreTrainedTokenizerBase, examples: Examples, max_length: int) -> Items:
        """An item an example. Targets: [n] standardised values."""
        tokens = tokenize(tokenizer, examples.texts, examples.pairs, max_length)
        values = (np.asarray(examples.values, dtype=np.float64) - self.mean) / self.spread
        return labelled(tokens, values.astype(np.float32))

    def losses(self, output: Any, targets: torch.Tensor) -> torch.Tensor:
        """Squared error: minus the log likelihood under a normal noise of variance ½, up to a constant."""
        return nn.functional.mse_loss(output.logits.float().squeeze(-1), targets, reduction="none")

    def read(self, output: Any, items: Items, rows: NDArray[np.int64]) -> list[Floats]:
        """The value [1] of each item, standardised until `finish`."""
        return list(output.logits.float().cpu().numpy())

    def check(self, model: Any, where: str) -> None:
        """The mean of the values is kept in the last layer's bias."""
        if _last(model).bias is None:
            rule = f"is of a family ({model.config.model_type}) whose regression head has no bias to hold a mean."
            raise InputError(Problem(f"encoder {where}", rule, "Choose an encoder of another family."))

    def finish(self, model: Any) -> None:
        """Fold scale and mean into the last layer."""
        last = _last(model)
        with torch.no_grad():
            last.weight.mul_(self.spread)
            last.bias.mul_(self.spread).add_(self.mean)


def _last(model: Any) -> nn.Linear:
    """The layer that gives the value."""
    inside = f"{model.base_model_prefix}."
    return [
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and not name.startswith(inside)
    ][-1]
