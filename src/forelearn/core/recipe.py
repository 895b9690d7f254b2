"""The hyperparameters that change the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["fp32", "bf16"]
PositiveWeight = Literal["none", "sqrt", "balanced"]
Threshold = Literal["0.5", "dev"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one stage (an encoder on a task) is trained.

    learning_rate: peak of the linear warm-up and decay, AdamW.
    epochs: passes over the training examples.
    batch_size: examples a step.
    warmup: share of all steps with a rising rate, in [0, 1).
    weight_decay: AdamW's, on everything but biases and layer norms.
    max_length: tokens an example is cut to, special tokens included.
    precision: `bf16` trains under autocast with 32-bit weights; resolved before any key is made.
    positive_weight: loss weight of the positive class: 1, √(neg/pos) or neg/pos (binary only).
    threshold: probability from which a text counts as positive: 0.5, or the best F1 on dev (binary only).
    clip_norm: largest norm of the gradient.
    """

    learning_rate: float = 5e-5
    epochs: int = 3
    batch_size: int = 32
    warmup: float = 0.1
    weight_decay: float = 0.01
    max_length: int = 128
    precision: Precision = "fp32"
    positive_weight: PositiveWeight = "none"
    threshold: Threshold = "0.5"
    clip_norm: float = 1.0
