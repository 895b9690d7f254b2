"""What an estimator says of the sources of one target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Scores:
    """Guesses, never measurements: source name → score, higher is better.

    failed: source name → why it has no score. A failed source is listed, never dropped.
    """

    target: str
    estimator: str
    values: Mapping[str, float]
    failed: Mapping[str, str] = field(default_factory=dict)

    def order(self) -> list[str]:
        """Sources from best to worst; equal scores by name."""
        return sorted(self.values, key=lambda name: (-self.values[name], name))
