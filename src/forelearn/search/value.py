"""What is believed of a candidate, as numbers: the search asks for them, an estimator makes them."""

from __future__ import annotations

import math
from dataclasses import dataclass

BASELINE = ""
"""Stands for the baseline where a source's name is expected: no transfer."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A belief about a gain, in units of the metric.

    mean, sd: of the gain. worth: what one more run of the candidate is expected to add to the gain of the
    target's final choice (at least 0).
    """

    mean: float
    sd: float
    worth: float

    @property
    def optimistic(self) -> float:
        """mean + sd / 2: what decides which untried pair comes first."""
        return self.mean + 0.5 * self.sd

    @property
    def hopeless(self) -> bool:
        """Whether a gain is two standard deviations off or more."""
        return self.mean + 2 * self.sd <= 0


def expected_improvement(mean: float, sd: float, best: float) -> float:
    """E[max(gain − best, 0)] for gain ~ Normal(mean, sd²). Never negative.

    Source: Mockus (1975), Jones et al. (1998). With mean = best it is sd / √(2π): 0.1 gives 0.0399.
    """
    if sd <= 0:
        return max(mean - best, 0.0)
    z = (mean - best) / sd
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    below = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    return max((mean - best) * below + sd * density, 0.0)
