"""Scores of the methods that a user names, for the sources of a target: from the store, or computed now.

What is read decides the file: data and finished runs (`estimates_data.py`), texts under the pretrained encoder
(`estimates_texts.py`), the target's rows under the sources' models (`estimates_rows.py`), gradients of every task's
own model (`estimates_vectors.py`). A method that does not apply says why in one line; a source that a method cannot
score is listed with the reason, never dropped. Not here: ANSAT (`attributions.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from forelearn.core.task import Task
from forelearn.estimators.methods import METHODS
from forelearn.executors.base import Executor
from forelearn.experiment.drive import Display
from forelearn.experiment.estimate_stock import Stock, Table
from forelearn.experiment.estimates_data import by_curves, by_data, by_luck, by_other_targets
from forelearn.experiment.estimates_rows import by_esm, by_rows
from forelearn.experiment.estimates_texts import by_texts
from forelearn.experiment.estimates_vectors import by_vectors
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.row_scores import BY_FEATURES, BY_PREDICTIONS
from forelearn.representations.effort import Effort
from forelearn.search.search import Search

__all__ = ["MADE", "Estimates", "Table"]

_Maker = Callable[[Stock, str, Task], Table]

_MAKERS: dict[str, _Maker] = {
    "random": by_luck,
    "static": by_other_targets,
    **dict.fromkeys(("size", "overlap", "words", "cooccurrence"), by_data),
    "curvegrad": by_curves,
    **dict.fromkeys(("textemb", "textemb_raw"), by_texts),
    **dict.fromkeys((*BY_FEATURES, *BY_PREDICTIONS), by_rows),
    "esm": by_esm,
    **dict.fromkeys(("taskemb", "grademb"), by_vectors),
}

MADE = tuple(name for name in METHODS if name in _MAKERS)
"""The methods whose scores are made here."""


@dataclass
class Estimates:
    """Scores of a study's sources.

    executor: computes what the store lacks; None takes only what is there.
    efforts: method → what it took, shared work counted once for each method that needs it.
    """

    prepared: Prepared
    search: Search
    executor: Executor | None
    display: Display
    efforts: dict[str, Effort] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stock = Stock(self.prepared, self.search, self.executor, self.display, self.efforts)

    @property
    def total(self) -> Effort:
        """What everything took, what several methods share counted once."""
        return self._stock.total

    @property
    def broken(self) -> dict[str, str]:
        """What could not be computed: key → why."""
        return self._stock.broken

    @property
    def new(self) -> set[str]:
        """The methods for which something was computed now; what the others needed was in the store."""
        return self._stock.new

    def table(self, method: str, target: Task) -> Table:
        """The scores of one method for every source of a target. ValueError for a method that is not made here."""
        if method not in _MAKERS:
            raise ValueError(f"`{method}` is not made here")
        refusal = METHODS[method].refusal(target.kind)
        if refusal is not None:
            return self._stock.refused(target, refusal)
        return _MAKERS[method](self._stock, method, target)
