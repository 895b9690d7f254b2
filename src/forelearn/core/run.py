"""What came of a transfer: a run or a failure. Both are values, both are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from forelearn.core.keys import plain
from forelearn.core.transfer import Transfer


@dataclass(frozen=True, slots=True)
class Performance:
    """What was measured on the target; metric name → value in [0, 1], higher is better.

    threshold: the probability from which a text counted as positive (NaN-free; 0.5 for multiclass).
    by_group: test measures of each group (event); empty if the task has no groups.
    """

    dev: Mapping[str, float]
    test: Mapping[str, float]
    threshold: float = 0.5
    by_group: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a piece of work took.

    units: tokens × epochs × layers, the deterministic cost that orders and budgets.
    seconds: measured wall time; reported beside the units, decides nothing but a budget in seconds.
    """

    units: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.units + other.units, self.seconds + other.seconds)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished transfer. `cost` is of its last stage alone; `made` is when, ISO 8601 UTC.

    by: `forelearn`, or who trained it elsewhere and told us.
    """

    transfer: Transfer
    performance: Performance
    cost: Cost
    made: str
    by: str = "forelearn"

    def dev(self) -> float:
        """The deciding measure on dev."""
        return self.performance.dev[self.transfer.target.metric]

    def test(self) -> float:
        """The reported measure on test."""
        return self.performance.test[self.transfer.target.metric]


@dataclass(frozen=True, slots=True)
class Failure:
    """A transfer that was tried and did not finish, and why."""

    transfer: Transfer
    reason: str
    cost: Cost
    made: str


Outcome = Run | Failure


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """A dict of plain values that `outcome_from_json` reads back."""
    return {
        "type": "run" if isinstance(outcome, Run) else "failure",
        **plain(outcome),
        "transfer": outcome.transfer.as_json(),
    }


def outcome_from_json(value: Mapping[str, Any]) -> Outcome:
    """The run or failure that `outcome_as_json` wrote."""
    transfer = Transfer.from_json(value["transfer"])
    cost = Cost(**value["cost"])
    if value["type"] == "failure":
        return Failure(transfer, value["reason"], cost, value["made"])
    return Run(transfer, Performance(**value["performance"]), cost, value["made"], value["by"])
