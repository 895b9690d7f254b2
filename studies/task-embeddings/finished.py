"""What has run of the study, on whichever machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from record import keys, read_rows

from forelearn.core.run import Run
from forelearn.core.transfer import Transfer
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.results_table import Result, read_results


@dataclass(frozen=True, slots=True)
class Finished:
    """dev: in the target's own measure. units: of the last stage."""

    dev: float
    units: float


class Record:
    """What has run: the rows of results.csv and further.csv, and whatever a store has beyond them."""

    def __init__(self, results: Path, further: Path) -> None:
        self._known: dict[str, Finished] = {}
        self.keep(read_results(results) if results.is_file() else [])
        self.further = read_rows(further)
        for key, row in self.further.items():
            self._known[key] = Finished(float(row["dev"]), float(row["last_units"]))

    def keep(self, results: Sequence[Result]) -> None:
        """Take these for the rows of results.csv."""
        self.results = list(results)
        self._known |= {row.key: _finished(row) for row in results if row.metric in row.dev}

    def find(self, prepared: Prepared, transfer: Transfer) -> Finished | None:
        """What a transfer measured, in whatever precision it was computed; None if it has not run or has failed."""
        for key in keys(transfer):
            if key in self._known:
                return self._known[key]
        run = prepared.runs.get(transfer.key)
        if not isinstance(run, Run):
            return None
        return Finished(run.dev(), run.cost.units)

    def is_missing(self, prepared: Prepared, transfer: Transfer) -> bool:
        """Whether it has neither run nor failed."""
        return self.find(prepared, transfer) is None and prepared.runs.get(transfer.key) is None


def _finished(row: Result) -> Finished:
    return Finished(row.dev[row.metric], row.units)
