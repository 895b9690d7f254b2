"""What a representation took: passes in examples, units in training's currency, seconds on the clock.

A unit is one token through one layer, forward and backward, as training counts it: three products of matrices
of a layer's size (forward; backward to the inputs; backward to the weights), a third of a unit each.
"""

from __future__ import annotations

from dataclasses import dataclass

from forelearn.core.run import Cost

FORWARD = 1 / 3
"""Units a token and layer of a forward pass."""

TO_INPUTS = 1 / 3
"""Units a token and layer of a backward pass to the inputs of the layers."""

TO_WEIGHTS = 1 / 3
"""Units a token and layer of a backward pass from there to the weights."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What was done.

    forward, backward: passes, counted in examples: an example read in several windows, or with several choices,
    counts once.
    units: tokens × layers, weighed as above; the same wherever it runs. seconds: measured wall time.
    """

    forward: int = 0
    backward: int = 0
    units: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Effort) -> Effort:
        return Effort(
            self.forward + other.forward,
            self.backward + other.backward,
            self.units + other.units,
            self.seconds + other.seconds,
        )

    @property
    def cost(self) -> Cost:
        """Units and seconds, as runs count them."""
        return Cost(self.units, self.seconds)
