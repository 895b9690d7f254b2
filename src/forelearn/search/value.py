"""What trying a pair is worth: expected improvement over the best known choice, per unit of cost.

Source: expected improvement as in Mockus (1975) and Jones et al. (1998), for a normal belief about the gain.
The best known choice is never below "no transfer", whose gain is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guess:
    """A belief about a gain (same scale as the metric): mean and standard deviation, before it is tried."""

    mean: float
    sd: float


def expected_improvement(guess: Guess, best: float) -> float:
    """E[max(gain − best, 0)] for gain ~ Normal(mean, sd²). Never negative.

    With mean = best it is sd / √(2π): 0.1 gives 0.0399.
    """
    if guess.sd <= 0:
        return max(guess.mean - best, 0.0)
    z = (guess.mean - best) / guess.sd
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    below = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    return max((guess.mean - best) * below + guess.sd * density, 0.0)
