"""Classification: one of C labels for a text or a pair of texts. Cross-entropy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase

from forelearn.core.data import Examples
from forelearn.core.recipe import PositiveWeight
from forelearn.core.task import Kind
from forelearn.models.batch import tokenize
from forelearn.models.heads.base import Floats, Head, Items, labelled


@dataclass(frozen=True, slots=True)
class Classification(Head):
    """classes: label names by index; for a binary task (negative, positive)."""

    classes: tuple[str, ...]

    auto: ClassVar[Any] = AutoModelForSequenceClassification
    pipeline: ClassVar[str] = "text-classification"

    @property
    def kind(self) -> Kind:
        """By the number of labels."""
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def names(self) -> tuple[str, ...]:
        """The labels."""
        return self.classes

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels."""
        return self.classes

    def encode(self, tokenizer: PreTrainedTokenizerBase, examples: Examples, max_length: int) -> Items:
        """An item an example. Targets: [n] label indices."""
        tokens = tokenize(tokenizer, examples.texts, examples.pairs, max_length)
        return labelled(tokens, np.asarray(examples.labels, dtype=np.int64))

    def losses(self, output: Any, targets: torch.Tensor) -> torch.Tensor:
        """Cross-entropy. Shape: [b]."""
        return nn.functional.cross_entropy(output.logits.float(), targets, reduction="none")

    def loss(self, output: Any, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        """Mean over the batch of weight × cross-entropy."""
        assert weights is not None
        return weighted_loss(output.logits.float(), targets, weights)

    def weights(self, items: Items, rule: PositiveWeight) -> NDArray[np.float32]:
        """[C] by the recipe's rule."""
        return class_weights(items.targets, len(self.classes), rule)

    def read(self, output: Any, items: Items, rows: NDArray[np.int64]) -> list[Floats]:
        """Logits [C] of each item."""
        return list(output.logits.float().cpu().numpy())


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
