"""What a search may spend, in one declared unit: runs, seconds, or a share of the exhaustive cost."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

BudgetKind = Literal["runs", "seconds", "share"]

_SECONDS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_TEXT = re.compile(r"([+-]?[\w.]*\d[\w.]*?|nan|[+-]?inf)\s*(runs?|[a-z]+|%)", re.IGNORECASE)
_FORMS = 'write "120 runs", "2h", "90m", "3600s" or "16.5%"'


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount of one kind.

    kind: `runs` (finished or failed), `seconds` (measured wall time) or `share` (of the exhaustive cost).
    amount: above 0 and finite; whole for runs; a fraction in (0, 1] for a share.
    """

    kind: BudgetKind
    amount: float

    def __post_init__(self) -> None:
        if self.kind not in ("runs", "seconds", "share"):
            raise ValueError(f"a budget is in runs, seconds or a share, got {self.kind!r}")
        if not (math.isfinite(self.amount) and self.amount > 0):
            raise ValueError(f"a budget must be above 0 and finite, got {self.amount:g}")
        if self.kind == "runs" and self.amount != int(self.amount):
            raise ValueError(f"a budget in runs must be a whole number, got {self.amount:g}")
        if self.kind == "share" and self.amount > 1:
            raise ValueError(f"a budget cannot exceed 100% of the exhaustive cost, got {self.amount:.4%}")

    @staticmethod
    def parse(text: str) -> Budget:
        """The budget that `text` says: `120 runs`, `2h`, `90m`, `3600s`, `16.5%`; ValueError if none."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"`{text}` is not a budget: {_FORMS}")
        try:
            number = float(match[1])
        except ValueError:
            raise ValueError(f"`{text}` is not a budget: {_FORMS}") from None
        unit = match[2].lower()
        if unit in ("run", "runs"):
            return Budget("runs", number)
        if unit == "%":
            return Budget("share", number / 100)
        if unit not in _SECONDS:
            raise ValueError(f"`{unit}` is not a unit of a budget: {_FORMS}")
        return Budget("seconds", number * _SECONDS[unit])

    def __str__(self) -> str:
        if self.kind == "runs":
            return f"{self.amount:.0f} run{'' if self.amount == 1 else 's'}"
        if self.kind == "share":
            return f"{100 * self.amount:.10g}%"
        for unit, seconds in (("h", 3600.0), ("m", 60.0)):
            if self.amount >= seconds and (self.amount / seconds * 10).is_integer():
                return f"{self.amount / seconds:g}{unit}"
        return f"{self.amount:.10g}s"
