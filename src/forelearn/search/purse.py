"""What a search may still spend, in the unit of its budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from forelearn.core.budget import Budget
from forelearn.core.run import Cost, Outcome, Run
from forelearn.core.transfer import Transfer


@dataclass(frozen=True, slots=True)
class Purse:
    """A budget against what has been told.

    cost: deterministic units of a transfer's last stage. exhaustive_units: what trying everything takes.
    outcomes: key → what has run. other: what was spent besides runs (features).
    """

    budget: Budget
    cost: Callable[[Transfer], float]
    exhaustive_units: float
    outcomes: Mapping[str, Outcome]
    other: Cost

    @property
    def total(self) -> float:
        """The whole budget, in its own unit (units of cost for a share)."""
        return self.budget.amount * (self.exhaustive_units if self.budget.kind == "share" else 1.0)

    def spent(self) -> tuple[int, Cost]:
        """Runs (failed and stopped ones too) and cost so far, features included."""
        cost = self.other
        for outcome in self.outcomes.values():
            cost = cost + outcome.cost
        return len(self.outcomes), cost

    def left(self) -> float:
        """What is left, in the budget's unit."""
        count, cost = self.spent()
        return self.total - self._amount(count, cost)

    def paid(self, outcomes: Iterable[Outcome]) -> float:
        """What these runs took, in the budget's unit."""
        told = list(outcomes)
        return self._amount(len(told), sum((outcome.cost for outcome in told), Cost()))

    def price(self, transfer: Transfer) -> float:
        """What a transfer is expected to take, in the budget's unit."""
        if self.budget.kind == "runs":
            return 1.0
        units = self.cost(transfer)
        return units * self.seconds_per_unit() if self.budget.kind == "seconds" else units

    def prices(self, transfers: Iterable[Transfer]) -> float:
        """The price of those that have not been told, each once."""
        new = {one.key: one for one in transfers if one.key not in self.outcomes}
        return sum(self.price(transfer) for transfer in new.values())

    def affordable(self, bundles: Sequence[Sequence[Transfer]], left: float) -> list[Sequence[Transfer]]:
        """The longest beginning of `bundles` (whole ones only) that `left` pays for."""
        known = dict.fromkeys(self.outcomes)
        kept: list[Sequence[Transfer]] = []
        for bundle in bundles:
            new = {transfer.key: transfer for transfer in bundle if transfer.key not in known}
            left -= sum(self.price(transfer) for transfer in new.values())
            if left < -1e-9:
                break
            known |= dict.fromkeys(new)
            kept.append(bundle)
        return kept

    def seconds_per_unit(self) -> float:
        """The measured pace of the finished runs; 0 before the first."""
        runs = [outcome.cost for outcome in self.outcomes.values() if isinstance(outcome, Run)]
        units = sum(cost.units for cost in runs)
        return sum(cost.seconds for cost in runs) / units if units else 0.0

    def _amount(self, count: int, cost: Cost) -> float:
        if self.budget.kind == "runs":
            return float(count)
        return cost.seconds if self.budget.kind == "seconds" else cost.units
