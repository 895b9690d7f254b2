"""What came of a transfer: a run, a failure, or a run that was stopped. All are values, all are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from forelearn.core.keys import plain
from forelearn.core.transfer import Transfer


@dataclass(frozen=True, slots=True)
class Performance:
    """What was measured on the target; metric name → value in [0, 1], higher is better.

    threshold: the probability from which a text counted as positive (NaN-free; 0.5 for multiclass).
    by_group: test measures of each group (event); empty if the task has no groups.
    rungs: epoch → the deciding measure on dev when that many epochs were done; empty if nobody looked.
    """

    dev: Mapping[str, float]
    test: Mapping[str, float]
    threshold: float = 0.5
    by_group: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    rungs: Mapping[int, float] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Stopped:
    """A transfer that was given up at a rung: its dev measure lay below the floor (`search/halving.py`).

    epoch: whole epochs done. dev: the deciding measure then. floor: what it had to reach.
    cost: of the epochs that were done. It left no weights and was not measured on test.
    """

    transfer: Transfer
    epoch: int
    dev: float
    floor: float
    cost: Cost
    made: str

    @property
    def reason(self) -> str:
        """Why, for people."""
        epochs = self.transfer.recipe.epochs
        return f"stopped after epoch {self.epoch} of {epochs}: dev {self.dev:.3f}, below {self.floor:.3f}"


Outcome = Run | Failure | Stopped


def as_asked(outcome: Outcome, asked: Transfer) -> Outcome | None:
    """What a stored outcome says of the transfer with its key as it is asked for now; None: nothing.

    A key holds no names, and no metric where that chooses no snapshot: a study that was renamed, or decides by another
    metric, finds its runs. What was looked at on the way was measured by the metric of then, and is left out.
    """
    stored = outcome.transfer
    if stored.target.metric != asked.target.metric:
        if isinstance(outcome, Stopped):
            return None
        if isinstance(outcome, Run):
            measured = outcome.performance
            if asked.target.metric not in measured.dev or asked.target.metric not in measured.test:
                reason = (
                    f"it was recorded without `{asked.target.metric}`, which decides now; remove the folder of run "
                    f"{asked.key} to have it asked for again"
                )
                return Failure(asked, reason, outcome.cost, outcome.made)
            outcome = replace(outcome, performance=replace(measured, rungs={}))
    return replace(outcome, transfer=asked)


_TYPES: dict[type[Outcome], str] = {Run: "run", Failure: "failure", Stopped: "stopped"}


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """A dict of plain values that `outcome_from_json` reads back."""
    return {
        "type": _TYPES[type(outcome)],
        **plain(outcome),
        "transfer": outcome.transfer.as_json(),
    }


def outcome_from_json(value: Mapping[str, Any]) -> Outcome:
    """The outcome that `outcome_as_json` wrote. Raises KeyError for a type that it does not write."""
    transfer, cost, made = Transfer.from_json(value["transfer"]), Cost(**value["cost"]), value["made"]
    match value["type"]:
        case "run":
            return Run(transfer, _performance(value["performance"]), cost, made, value["by"])
        case "failure":
            return Failure(transfer, value["reason"], cost, made)
        case "stopped":
            return Stopped(transfer, value["epoch"], value["dev"], value["floor"], cost, made)
        case other:
            raise KeyError(other)


def _performance(value: Mapping[str, Any]) -> Performance:
    rungs = {int(epoch): dev for epoch, dev in value.get("rungs", {}).items()}
    return Performance(**{**value, "rungs": rungs})
