"""What the studies of multitask training share: plans that run in slices, and what a run would have kept earlier.

The record of a study is its `results.csv`: a run that has a row there is not made again, whichever machine made it.
The store, which is larger and stays on one machine, is needed for the pages alone.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from record import keys, read_rows, write_lines, write_rows
from safetensors.numpy import load_file

from forelearn.core.run import Outcome, Run
from forelearn.core.transfer import Transfer
from forelearn.experiment.api import executor_for
from forelearn.experiment.arms import Plan, read_arm
from forelearn.experiment.drive import Silent, run_transfers
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.together import compared, write_comparison
from forelearn.report.multitask_words import over_seeds
from forelearn.store.gc import collect
from forelearn.training.ensemble import Member, mean_probabilities
from forelearn.training.multitask.history import Epoch, History, read_history

HEADER = (
    "arm", "target", "seed", "epochs", "dev", "test", "gradients", "dev_matched", "test_matched", "gradients_matched",
    "seconds", "peak_mb", "precision", "key",
)  # fmt: skip
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Planned:
    """One run of a study. epochs: of the equal-epochs table; None keeps the whole run. control: at equal compute, one
    that the method has to beat.
    """

    arm: str
    transfer: Transfer
    epochs: int | None = None
    control: bool = False


def asked(description: str | None, here: Path, seeds: int) -> argparse.Namespace:
    """The command line of a study in the folder `here`: what, minutes, seeds, out, workers."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--out", default=str(here / "out"))
    parser.add_argument("--workers", type=int, default=None)
    return parser.parse_args()


class Record:
    """Every finished run of a study: a row of `results.csv` by key, and test predictions where they are kept."""

    def __init__(self, here: Path, *, predictions: bool = False) -> None:
        """here: the study's folder. predictions: whether `predictions.csv` is kept there, too."""
        self._file = here / "results.csv"
        self._predicted = here / "predictions.csv" if predictions else None
        self._rows = read_rows(self._file)
        self._lines: dict[str, list[str]] = {}
        if self._predicted is not None and self._predicted.is_file():
            with self._predicted.open(newline="", encoding="utf-8") as file:
                self._lines = {line[0]: line[1:] for line in csv.reader(file)}

    def row(self, plan: Planned) -> Row | None:
        """What the run of a plan measured, whatever precision it was computed in; None if it has not run."""
        found = [self._rows[key] for key in keys(plan.transfer) if key in self._rows]
        return {**found[0], "arm": plan.arm} if found else None

    def rows(self, plans: Iterable[Planned]) -> list[Row]:
        """Those of the finished runs, in the order of the plans."""
        return [row for plan in plans if (row := self.row(plan)) is not None]

    def probabilities(self, plan: Planned, classes: int) -> NDArray[np.float64] | None:
        """Test probabilities [n, classes] of the run of a plan, at its own best snapshot; None if not kept."""
        for key in keys(plan.transfer):
            if key in self._lines:
                given = np.array(self._lines[key], dtype=np.float64).reshape(-1, classes - 1)
                return np.hstack([1 - given.sum(axis=1, keepdims=True), given])
        return None

    def add(self, prepared: Prepared, plans: Iterable[Planned], compute: Mapping[str, int]) -> None:
        """Take up what has run of these plans in the store, and write the files. compute: see `measured`."""
        for plan in plans:
            key, found = plan.transfer.key, history(prepared, plan.transfer)
            if found is None or key in self._rows:
                continue
            self._rows[key] = measured(plan, found, compute[plan.transfer.target.name])
            folder = prepared.directory.whole("runs", key)
            if self._predicted is not None and folder is not None:
                self._lines[key] = _line(prepared, plan, folder)
        if self._predicted is not None:  # before the rows: what has a row is not taken up again
            write_lines(self._predicted, ([key, *line] for key, line in self._lines.items()))
        write_rows(self._file, HEADER, self._rows.values())


def _line(prepared: Prepared, plan: Planned, folder: Path) -> list[str]:
    """Probabilities of a run's test rows, row by row, of all classes but the first."""
    task = plan.transfer.target
    predicted = load_file(folder / "predictions.safetensors")["test_logits"]
    found = mean_probabilities([Member("", task.kind, prepared.tasks[task.name].labels, predicted)])
    return [f"{value:.4f}".lstrip("0") for value in found[:, 1:].ravel()]


def run(
    prepared: Prepared,
    plans: Sequence[Planned],
    minutes: float,
    record: Record,
    compute: Mapping[str, int],
) -> None:
    """Run what has no row in the record, in the order of the plans, until the time is up. No model stays.

    What is under way then goes on from its checkpoint the next time. compute: sample gradients by target.
    """
    record.add(prepared, plans, compute)
    missing = [plan for plan in plans if record.row(plan) is None]
    left = {plan.transfer.key: plan for plan in missing}
    noting = _Noting(prepared, left, record, compute, time.monotonic() + 60 * minutes)
    with prepared.directory.lock(), executor_for(prepared) as executor:
        collect(prepared.directory, keep=())
        try:
            noting.look_at_the_clock()
            run_transfers(prepared, [plan.transfer for plan in missing], executor, noting)
        except _TimeIsUp:
            print("the time is up", flush=True)


class _TimeIsUp(Exception):
    """Ends a slice between two runs."""


@dataclass(frozen=True, slots=True)
class _Noting(Silent):
    """Takes each run into the record as it ends, and ends the slice when its time is up. left: key → plan."""

    prepared: Prepared
    left: dict[str, Planned]
    record: Record
    compute: Mapping[str, int]
    until: float

    def end(self, label: str, outcome: Outcome) -> None:
        """A run has ended: a row of it, and its model goes."""
        key = outcome.transfer.key
        plan = self.left.pop(key)
        self.record.add(self.prepared, [plan], self.compute)
        self.prepared.directory.remove("weights", key)
        took = f"{plan.arm}, seed {outcome.transfer.seed}, {outcome.cost.seconds:.0f} s"
        print(f"{len(self.left)} left ({label}: {took})", flush=True)
        self.look_at_the_clock()

    def look_at_the_clock(self) -> None:
        """Raise when the time is up."""
        if time.monotonic() >= self.until:
            raise _TimeIsUp


def history(prepared: Prepared, transfer: Transfer) -> History | None:
    """What happened in a finished run; None if it has not finished."""
    folder = prepared.directory.whole("runs", transfer.key)
    if folder is None or not isinstance(prepared.runs.get(transfer.key), Run):
        return None
    return read_history(folder)


def within_epochs(found: History, epochs: int | None) -> Epoch:
    """The epoch whose snapshot would have been kept after so many epochs."""
    return max(first_epochs(found, epochs), key=lambda epoch: (epoch.select, -epoch.number))


def first_epochs(found: History, epochs: int | None) -> list[Epoch]:
    """Those of the first so many epochs that were measured; None: all."""
    return [epoch for epoch in found.epochs if epochs is None or epoch.number < epochs]


def measured(plan: Planned, found: History, compute: int) -> Row:
    """The row of a finished run: at equal epochs, and at equal compute (sample gradients)."""
    equal, matched = within_epochs(found, plan.epochs), found.within(compute)
    assert equal.test is not None  # what is the best so far is measured on test
    assert matched.test is not None
    last = first_epochs(found, plan.epochs)[-1]
    values = (
        plan.arm,
        plan.transfer.target.name,
        plan.transfer.seed,
        last.number + 1,
        f"{equal.dev if equal.dev is not None else equal.select:.6f}",
        f"{equal.test:.6f}",
        last.gradients,
        f"{matched.dev if matched.dev is not None else matched.select:.6f}",
        f"{matched.test:.6f}",
        found.last(compute).gradients,
        f"{last.seconds:.0f}",
        f"{found.peak_bytes / 1e6:.0f}",
        plan.transfer.recipe.precision,
        plan.transfer.key,
    )
    return dict(zip(HEADER, map(str, values)))


def write_page(
    prepared: Prepared, plans: Sequence[Planned], target: str, compute: int, file: Path, *, first: str
) -> None:
    """The page of one target: the arm `first` beside all others, with the curves of every task; nothing without runs.

    compute: sample gradients that all arms are held to.
    """
    mine = [plan for plan in plans if plan.transfer.target.name == target]
    names = sorted(dict.fromkeys(plan.arm for plan in mine), key=lambda name: name != first)
    arms = []
    for name in names:
        transfers = tuple(plan.transfer for plan in mine if plan.arm == name)
        done = tuple(one for one in transfers if history(prepared, one) is not None)
        if done:
            control = any(plan.control for plan in mine if plan.arm == name)
            arms.append(read_arm(prepared, Plan(name, done[0].label, control, done), compute))
    if not arms or arms[0].name != first:
        return
    found = compared(
        prepared,
        prepared.tasks[target].task,
        arms[0].auxiliaries,
        arms,
        recipe=mine[0].transfer.recipe,
        compute=compute,
        chosen="named by the study",
    )
    write_comparison(found, file)


def said(values: Sequence[float], digits: int = 1, *, signed: bool = False, level: float = 0.9) -> str:
    """`mean [low, high]` over seeds by Student's t; the mean alone with one seed, or if all are equal."""
    if not values:
        return "—"
    sign = "+" if signed else ""
    mean = f"{fmean(values):{sign}.{digits}f}"
    found = over_seeds(values, level)
    return mean if found is None else f"{mean} [{found.low:{sign}.{digits}f}, {found.high:{sign}.{digits}f}]"


def between(text: str, name: str, lines: Sequence[str]) -> str:
    """`text` with the lines between the marks of `name` replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    return "\n".join([before + begin, "", *lines, "", end]) + after
