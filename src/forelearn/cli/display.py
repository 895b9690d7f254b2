"""What a person sees while a study runs, on stderr: one live line on a terminal; off it, lines now and then.

Off a terminal: a line at the start of a stage, one a minute at most while runs end, and every failure.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from forelearn.cli.parameters import note
from forelearn.core.run import Failure, Outcome, Run, Stopped
from forelearn.core.transfer import Transfer
from forelearn.experiment.status import STAGES
from forelearn.search.search import Search

_EVERY = 60.0
"""Seconds between two lines off a terminal, at least."""


class Unheard(Console):
    """A console on stderr that goes silent where nobody reads it any more: what is running goes on."""

    def __init__(self) -> None:
        super().__init__(stderr=True)

    def on_broken_pipe(self) -> None:
        """Nothing more is written."""
        self.quiet = True


class Live:
    """A rich progress line: stage, runs done of those the budget allows, the current run, time left."""

    def __init__(self, workers: int = 1) -> None:
        self.console = Unheard()
        self.workers = workers
        self.done = 0
        self.failed = 0
        self.on = sys.stderr.isatty()
        self._names: dict[str, str] = {}
        self._stage = self._left = ""
        self._total = 0
        self._said = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[stage]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[left]}"),
            TextColumn("[dim]{task.fields[current]}"),
            console=self.console,
            disable=not self.on,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            note("interrupted: what has run is kept; start again to go on")

    def plan(self, stage: str, transfers: Sequence[Transfer], search: Search | None) -> None:
        """A round is about to run. Of one that no search asks for only its own runs are counted."""
        self._names = {transfer.key: transfer.label for transfer in transfers}
        done, total, left = (
            (0, len(transfers), "") if search is None else self._expect(len(transfers), search)
        )
        self.done = done
        new, self._stage, self._left, self._total = STAGES[stage] != self._stage, STAGES[stage], left, total
        if new:
            self._line("")
        self._show(completed=done, total=total, current="")

    def _expect(self, wanted: int, search: Search) -> tuple[int, int, str]:
        """Runs that are done, all that the budget pays for, and the time left in words. wanted: of this round."""
        done, cost = search.purse.spent()
        total, left = done + wanted, ""
        pace = search.purse.seconds_per_unit()
        if pace and search.left() < float("inf"):
            seconds = {
                "runs": search.left() * (cost.seconds / max(done, 1)),
                "seconds": search.left(),
                "share": search.left() * pace,
            }[search.budget.kind]
            mean = cost.seconds / max(done, 1)
            total = max(total, done + int(seconds / mean) if mean else total)
            left = f"≤ {_span(max(seconds, 0.0) / self.workers)} left"
        return done, total, left

    def _show(self, **what: Any) -> None:
        """Bring the live line up to date. What begins before any round is planned has a line without a count."""
        count = f"{self.done}/{self._total} runs" if self._total else ""
        what = {"stage": self._stage, "left": self._left, "count": count, **what}
        if self._task is None:
            self._task = self._progress.add_task("", **{"total": None, "current": "", **what})
        else:
            self._progress.update(self._task, **what)

    def step(self, key: str, state: Mapping[str, Any]) -> None:
        """A job reports how far it is; one of several tasks says which task, and now and then a whole epoch."""
        if "step" in state:
            name = self._names.get(key, "") + (f", {state['task']}" if "task" in state else "")
            loss = f", loss {state['loss']:.3f}" if "loss" in state else ""
            at = f": step {state['step']}/{state['steps']}{loss}"
            self._show(current=name[: 60 - len(at)] + at)

    def end(self, label: str, outcome: Outcome) -> None:
        """A transfer has run or failed."""
        self.done += 1
        if isinstance(outcome, Failure):
            self.failed += 1
            self.console.print(
                f"failed: {label}: {outcome.reason}", style="red", markup=False, highlight=False
            )
        said = f"{label}: {outcome.dev():.3f} on dev" if isinstance(outcome, Run) else ""
        if self._total and time.monotonic() - self._said > _EVERY:
            self._line(f"; {said}" if said else "")
        if isinstance(outcome, Stopped):
            said = f"{label}: {outcome.reason}"
        self._show(completed=self.done, **({"current": said[:60]} if said else {}))

    def say(self, text: str) -> None:
        """One line on what is being done."""
        self._show(current=text[:60])

    def _line(self, last: str) -> None:
        """How far it is, off a terminal. last: what has just ended."""
        self._said = time.monotonic()
        if not self.on:
            left = f", {self._left}" if self._left else ""
            note(f"{self._stage}: {self.done} of {self._total} runs{left}{last}")


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
