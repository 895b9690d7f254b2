"""The learning rate of a step, and what is raised when steps lead nowhere: by themselves, without a network."""

from __future__ import annotations

import math

from forelearn.core.errors import ForelearnError


class Diverged(ForelearnError):
    """The loss or the gradient is no longer finite: the recipe does not suit the task."""


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the peak learning rate at `step` (from 0): linear up over the first `warmup` of steps, linear
    down.

    The first step is above 0 and the last is too, so that no step is wasted.
    """
    rising = math.ceil(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)
