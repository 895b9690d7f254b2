"""What every head offers: from examples to items with targets, from outputs to a loss and to predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from forelearn.core.data import Examples
from forelearn.core.recipe import PositiveWeight
from forelearn.core.task import Kind
from forelearn.models.batch import Batch, Tokens, collate

Floats = NDArray[np.float32]

IGNORE = -100
"""A target that no loss counts: tokens between the words of a sequence."""


@dataclass(frozen=True, slots=True)
class Items:
    """What a batch is made of: examples, or pieces of them (windows of a long context, parts of a sequence).

    tokens: the sequences; `width` of them an item, one item after another.
    example: [m] which example each item belongs to, not decreasing.
    targets: one an item ([m] or [m, 2]), or one a token ([tokens], ragged as the tokens are).
    spots: [tokens, 2] where in the context each token stands, in characters; (−1, −1) outside; or None.
    """

    tokens: Tokens
    example: NDArray[np.int64]
    targets: NDArray[Any]
    width: int = 1
    spots: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.example)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[m] tokens of the longest sequence of each item."""
        return self.tokens.lengths.reshape(-1, self.width).max(axis=1) if len(self) else self.tokens.lengths

    def batch(self, rows: NDArray[np.int64], pad_id: int, *, device: str = "cpu") -> Batch:
        """Arguments of a model for the items `rows`. Shape: [b, longest], or [b, width, longest]."""
        if self.width == 1:
            return collate(self.tokens, rows, pad_id, device=device)
        sequences = (rows[:, None] * self.width + np.arange(self.width)).ravel()
        flat = collate(self.tokens, sequences, pad_id, device=device)
        return {name: values.view(len(rows), self.width, -1) for name, values in flat.items()}


def labelled(tokens: Tokens, targets: NDArray[Any], width: int = 1) -> Items:
    """Items that are whole examples."""
    return Items(tokens, np.arange(len(tokens) // width), targets, width)


class Head(ABC):
    """A kind of task as a model learns it.

    auto: the class of transformers whose head it is. pipeline: the hub's name of what it does.
    spans: its predictions are places in a text, not logits.
    """

    auto: ClassVar[Any]
    pipeline: ClassVar[str]
    spans: ClassVar[bool] = False

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """The kind of task."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What the outputs of the last layer are called in the saved configuration."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names by index; empty for kinds without."""
        return ()

    @abstractmethod
    def encode(self, tokenizer: PreTrainedTokenizerBase, examples: Examples, max_length: int) -> Items:
        """The items of examples, each sequence of at most `max_length` tokens, special ones included."""

    def targets(self, items: Items, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The targets of a batch. Shape: [b, …]."""
        return np.asarray(items.targets[rows])

    @abstractmethod
    def losses(self, output: Any, targets: torch.Tensor) -> torch.Tensor:
        """The loss of each item: minus the log likelihood of its targets. Shape: [b]."""

    def loss(self, output: Any, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        """What a step of training lessens, a mean over the batch. weights: from `weights`. Scalar."""
        return self.losses(output, targets).mean()

    def counted(self, items: Items, rows: NDArray[np.int64]) -> float:
        """What `loss` is a mean over in a batch of these items: their number."""
        return float(len(rows))

    def weights(self, items: Items, rule: PositiveWeight) -> NDArray[np.float32] | None:
        """[C] loss weights of the classes; None where there are no classes to weigh."""
        return None

    @abstractmethod
    def read(self, output: Any, items: Items, rows: NDArray[np.int64]) -> list[Floats]:
        """What the output of a batch says of each of its items: one array an item."""

    def join(self, found: Sequence[Floats], items: Items) -> Floats:
        """From what `read` found of every item to predictions of examples. Shape: [n, …]."""
        return np.stack(found)

    def check(self, model: Any, where: str) -> None:  # noqa: B027 (most heads fit every model)
        """Raise InputError if this head cannot be finished on the model from `where`, before anything is trained."""

    def finish(self, model: Any) -> None:  # noqa: B027 (most heads have nothing to do)
        """Make the model's outputs what they stand for, once it is trained."""
