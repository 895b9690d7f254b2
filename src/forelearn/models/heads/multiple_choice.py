"""Multiple choice: which of k texts fits a first one. Each is read as a pair; cross-entropy over the k scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoModelForMultipleChoice, PreTrainedTokenizerBase

from forelearn.core.data import Examples
from forelearn.core.task import Kind
from forelearn.models.batch import tokenize
from forelearn.models.heads.base import Floats, Head, Items, labelled


@dataclass(frozen=True, slots=True)
class MultipleChoice(Head):
    """Every example has the same number of choices."""

    auto: ClassVar[Any] = AutoModelForMultipleChoice
    pipeline: ClassVar[str] = "multiple-choice"

    @property
    def kind(self) -> Kind:
        """Multiple choice."""
        return "multiple_choice"

    @property
    def names(self) -> tuple[str, ...]:
        """One output a choice."""
        return ("fits",)

    def encode(self, tokenizer: PreTrainedTokenizerBase, examples: Examples, max_length: int) -> Items:
        """An item an example, of k sequences. Targets: [n] the right choice."""
        width = len(examples.choices[0]) if examples.choices else 1
        first = [text for text, options in zip(examples.texts, examples.choices) for _ in options]
        second = [option for options in examples.choices for option in options]
        tokens = tokenize(tokenizer, first, second, max_length)
        return labelled(tokens, np.asarray(examples.labels, dtype=np.int64), width)

    def losses(self, output: Any, targets: torch.Tensor) -> torch.Tensor:
        """Cross-entropy over the choices. Shape: [b]."""
        return nn.functional.cross_entropy(output.logits.float(), targets, reduction="none")

    def read(self, output: Any, items: Items, rows: NDArray[np.int64]) -> list[Floats]:
        """Scores [k] of each item's choices."""
        return list(output.logits.float().cpu().numpy())
