"""The α-step: how much of each task's change serves the target, by descent on the target's dev loss.

Source: Kourdis et al., "αVIL: Learning to leverage auxiliary tasks for multitask learning", Algorithm 1, lines 8 to 10:
α minimises L_target(D_dev, θ + Σ α_i δ_i), from α = 1 by s steps of SGD.

The derivative by α_i is ⟨g, δ_i⟩, where g is the ordinary gradient of the dev loss at θ + Σ α_i δ_i: one backward pass
and one matrix-vector product, whatever the number of tasks. Nothing is differentiated through α.

Not in the paper: a mixture whose dev loss is not finite, or many times that of the first one, is stepped back from
(the last sound α is kept, the descent ends, and the event is recorded). If the first mixture is not sound, α stays
at 1, and whoever takes the mixture has to undo it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from forelearn.training.multitask.deltas import Deltas

EXPLODED = 10.0
"""A dev loss this many times the first one (plus 1) counts as exploded."""


@dataclass(frozen=True, slots=True)
class AlphaStep:
    """alpha: [T] what was found. slopes: [T] ⟨g, δ⟩ at α = 1; NaN where no step was taken. losses: the dev loss before
    each step, the first at α = 1. diverged: why the descent ended early; empty if it did not.
    """

    alpha: torch.Tensor
    slopes: torch.Tensor
    losses: tuple[float, ...]
    diverged: str = ""


def descend(
    gradient_at: Callable[[int], float],
    values: torch.Tensor,
    gradient: torch.Tensor,
    start: torch.Tensor,
    deltas: Deltas,
    count: int,
    *,
    steps: int,
    rate: float,
    momentum: float,
) -> AlphaStep:
    """α of `count` tasks after `steps` of SGD from 1; `values` is left somewhere on the way, not at the mixture.

    gradient_at: is given the number of the step, puts the gradient of the dev loss at `values` into `gradient`, and
    returns that loss. values, gradient: [P], the model's flat buffers. start: [P] θ.
    """
    alpha = torch.nn.Parameter(torch.ones(count, dtype=start.dtype, device=start.device))
    optimiser = torch.optim.SGD([alpha], lr=rate, momentum=momentum)
    sound = alpha.detach().clone()
    first = torch.full_like(sound, math.nan)
    losses: list[float] = []
    for step in range(steps):
        deltas.mix_into(values, start, alpha.detach())
        loss = gradient_at(step)
        if not math.isfinite(loss) or (losses and loss > EXPLODED * (abs(losses[0]) + 1)):
            return AlphaStep(sound, first, tuple(losses), f"dev loss {loss:.4g} at α-step {step + 1}")
        losses.append(loss)
        sound = alpha.detach().clone()
        alpha.grad = deltas.slopes(gradient)
        if step == 0:
            first = alpha.grad.clone()
        if not bool(torch.isfinite(alpha.grad).all()):
            return AlphaStep(sound, first, tuple(losses), f"⟨g, δ⟩ is not finite at α-step {step + 1}")
        optimiser.step()
    return AlphaStep(alpha.detach().clone(), first, tuple(losses))
