"""Targets drawn from what a model says, as the theoretical Fisher information asks for."""

from __future__ import annotations

from typing import Any

import torch

from forelearn.core.task import Kind
from forelearn.models.heads.base import IGNORE

SPREAD = 0.5**0.5
"""Of a value around the model's: squared error is minus the log likelihood under a normal noise of variance ½."""


def drawn_targets(kind: Kind, output: Any, targets: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Targets of the form of `targets`, drawn from the model's own distribution.

    A class, a choice, a tag for every word, a value, or a start and an end, each by itself. chance: on the CPU.
    """
    match kind:
        case "regression":
            values = output.logits.detach().squeeze(-1)
            noise = torch.randn(values.shape, generator=chance, dtype=torch.float64)
            near: torch.Tensor = values + SPREAD * noise.to(values)
            return near.to(targets.dtype)
        case "question_answering":
            sides = [_draw(logits, chance) for logits in (output.start_logits, output.end_logits)]
            return torch.cat([torch.stack(sides, dim=1).to(targets), targets[:, 2:]], dim=1)
        case "sequence_labelling":
            drawn = _draw(output.logits.flatten(0, 1), chance).view(targets.shape).to(targets)
            return torch.where(targets == IGNORE, targets, drawn)
        case _:
            return _draw(output.logits, chance).to(targets)


def _draw(logits: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """[b] an index each, with the softmax's probability. Shape: logits [b, C]."""
    shares = logits.detach().cpu().double().softmax(-1)
    return torch.multinomial(shares, 1, generator=chance).squeeze(1)
