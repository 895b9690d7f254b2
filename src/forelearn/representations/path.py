"""The straight path from a baseline to an input, and what an engine must say of the points on it.

The path starts at the *output of the embedding block*: word, position and segment embeddings with their layer
norm. Baseline: the special tokens stay, every other token becomes padding, at the same positions and under
the input's own attention mask. (Feeding the path back through `inputs_embeds` would add positions and layer
norm a second time.)

F follows one class of a document along the whole path. In a binary task it is the positive class, whatever the
model predicts. Of three classes or more none is the positive one: there F follows the class c that the model
predicts at the input, where the path ends, and is by default

    F = logit[c] − logsumexp of the other logits,

the log-odds of c. Of two classes the same formula with c the positive class is logit[positive] − logit[negative],
so both are one reading, the log-odds of the class that is followed; only which class that is differs.

Differs from the paper, which has binary tasks alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import nn

from forelearn.core.errors import InputError, Problem
from forelearn.representations.words import Document

Function = Literal["difference", "logit", "probability"]
"""F: the log-odds (the default), the logit, or the probability of the class that is followed. The log-odds of two
classes are logit[positive] − logit[negative]."""

Precision = Literal["fp32", "bf16", "fp64"]
"""`bf16`: matrix products in bf16, everything else in fp32. `fp64`: for references and tests."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents padded to the longest of them.

    Shape: each [documents, tokens]. mask: True at real tokens; None if nothing is padded. types: None if
        there are none.
    """

    ids: torch.Tensor
    baseline: torch.Tensor
    mask: torch.Tensor | None
    types: torch.Tensor | None

    def pick(self, rows: torch.Tensor) -> Batch:
        """The documents at `rows`."""
        return Batch(
            ids=self.ids[rows],
            baseline=self.baseline[rows],
            mask=None if self.mask is None else self.mask[rows],
            types=None if self.types is None else self.types[rows],
        )


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the path of each document begins and ends.

    start, end: [documents, tokens, hidden], outputs of the embedding block at α = 0 and α = 1.
    followed: [documents] int64, the class that F follows; None where it is the positive one.
    """

    start: torch.Tensor
    end: torch.Tensor
    followed: torch.Tensor | None

    def pick(self, rows: torch.Tensor) -> Ends:
        """Those of the documents at `rows`."""
        followed = None if self.followed is None else self.followed[rows]
        return Ends(self.start[rows], self.end[rows], followed)


@dataclass(frozen=True, slots=True)
class Trace:
    """The classifier along the path, for a batch of documents at n points.

    values: [documents, n], F. states, gradients: one tensor a layer, [documents, n, tokens, hidden]: the
    layer's output h and ∂F/∂h. An engine may leave out tokens *behind* those it returns if their gradient is
    exactly 0.
    """

    values: torch.Tensor
    states: list[torch.Tensor]
    gradients: list[torch.Tensor]


ClassFunction = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
"""F of logits [..., outputs] and the class to follow, [...] int64; None follows the positive one."""


class Engine(Protocol):
    """Evaluates a classifier along the path."""

    layers: int
    device: torch.device

    def ends(self, batch: Batch) -> Ends:
        """Both ends of every document's path, and the class to follow along it."""

    def trace(self, batch: Batch, ends: Ends, places: Sequence[float]) -> Trace:
        """F, every layer's output and every layer's gradient at each α in `places`."""


def make_batch(documents: Sequence[Document], pad_id: int, device: torch.device) -> Batch:
    """Pad `documents` to the longest."""
    width = max(len(document) for document in documents)
    ids = np.full((len(documents), width), pad_id, np.int64)
    baseline = np.full_like(ids, pad_id)
    mask = np.zeros(ids.shape, bool)
    types = None if documents[0].types is None else np.zeros_like(ids)
    for row, document in enumerate(documents):
        length = len(document)
        ids[row, :length] = document.ids
        baseline[row, :length] = np.where(document.special, document.ids, pad_id)
        mask[row, :length] = True
        if types is not None and document.types is not None:
            types[row, :length] = document.types

    def move(array: np.ndarray[Any, Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    return Batch(
        ids=move(ids),
        baseline=move(baseline),
        mask=None if mask.all() else move(mask),
        types=None if types is None else move(types),
    )


def class_function(function: Function, outputs: int) -> ClassFunction:
    """F of a classifier with that many outputs.

    Of one output (the logit of the positive class) or two (the last is the positive one) the positive class is
    followed, and no class is to be given. Raises `InputError` for an unknown function.
    """
    if function not in ("difference", "logit", "probability"):
        raise InputError(
            Problem("conductance", f"`function` is {function}.", "Use difference, logit or probability.")
        )

    def odds(logits: torch.Tensor, followed: torch.Tensor | None) -> torch.Tensor:
        if followed is not None:
            return log_odds(logits, followed)
        return logits[..., 0] if outputs == 1 else logits[..., 1] - logits[..., 0]

    def logit(logits: torch.Tensor, followed: torch.Tensor | None) -> torch.Tensor:
        if followed is not None:
            return logits.gather(-1, followed[..., None])[..., 0]
        return logits[..., -1]

    if function == "difference":
        return odds
    if function == "logit":
        return logit
    # a probability is the logistic function of its log-odds
    return lambda logits, followed: torch.sigmoid(odds(logits, followed))


def log_odds(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """ln p/(1 − p) of a class: its logit − logsumexp of the others.

    Shape: logits [..., outputs], classes [...] int64 → [...].
    """
    own = classes[..., None]
    others = logits.scatter(-1, own, -torch.inf).logsumexp(-1)
    return logits.gather(-1, own)[..., 0] - others


def embedding_ends(encoder: nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """What the embedding block makes of the baseline and of the input, each [documents, tokens, hidden]."""
    block: nn.Module = encoder.embeddings  # type: ignore[assignment]
    known = inspect.signature(block.forward).parameters
    extra: dict[str, torch.Tensor] = {}
    if batch.types is not None and "token_type_ids" in known:
        extra["token_type_ids"] = batch.types
    if "mask" in known:
        extra["mask"] = torch.ones_like(batch.ids) if batch.mask is None else batch.mask.long()
    with torch.no_grad():
        # some families derive positions from which ids are padding; the baseline keeps the input's positions
        positions = _Replay()
        table = getattr(block, "position_embeddings", None)
        handle = table.register_forward_hook(positions) if isinstance(table, nn.Module) else None
        try:
            end = block(input_ids=batch.ids, **extra)
            positions.replay = True
            start = block(input_ids=batch.baseline, **extra)
        finally:
            if handle is not None:
                handle.remove()
    return start, end


def points_between(ends: Ends, places: Sequence[float]) -> torch.Tensor:
    """The path at `places`: [documents × points, tokens, hidden], a document's points one after another."""
    alpha = torch.tensor(places, dtype=ends.start.dtype, device=ends.start.device)[None, :, None, None]
    return torch.lerp(ends.start[:, None], ends.end[:, None], alpha).flatten(0, 1)


def apart(tensor: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """[documents × points, …] → [documents, points, …]."""
    return tensor.reshape(*shape, *tensor.shape[1:])


class _Replay:
    """A forward hook that records a module's output, then gives it again whatever the module is asked."""

    def __init__(self) -> None:
        self.replay = False
        self.output: torch.Tensor | None = None

    def __call__(self, module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        if not self.replay or self.output is None:
            self.output = output
        return self.output
