"""What a person sees while a target is trained together with others: a live view on a terminal, a line a run off it.

All of it is on stderr. Several runs may go at once: each has a line; the table is of the run that ended an epoch last.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from forelearn.cli.display import Unheard
from forelearn.cli.parameters import note
from forelearn.core.run import Outcome, Run
from forelearn.core.transfer import Transfer
from forelearn.report.markup import visible
from forelearn.report.multitask_words import figure
from forelearn.report.wording import duration, number
from forelearn.search.search import Search

_OFTEN = 8
"""Pictures a second."""


@dataclass(slots=True)
class _Going:
    """A run that is under way. epoch: as it was reported, as plain values. best: the measure on dev so far."""

    arm: str
    seed: int
    number: int = 0
    epochs: int = 0
    task: str = ""
    step: int = 0
    steps: int = 0
    loss: float | None = None
    epoch: Mapping[str, Any] = field(default_factory=dict)
    best: float | None = None
    best_number: int = 0

    def line(self) -> str:
        """`alpha-vil, seed 0: epoch 3/20, B step 4/16, loss 0.412`."""
        said = f"{self.arm}, seed {self.seed}"
        if self.epochs:
            said += f": epoch {min(self.number + 1, self.epochs)}/{self.epochs}"
        if self.steps:
            said += (
                f"{',' if self.epochs else ':'} {visible(self.task)} step {self.step}/{self.steps}".replace(
                    "  ", " "
                )
            )
        return said + (f", loss {self.loss:.3f}" if self.loss is not None else "")


class LiveTogether:
    """Runs done of all that are asked for; what each is at; the tasks of the last epoch; events as lines above.

    Off a terminal a line a run.
    """

    def __init__(self) -> None:
        self.console = Unheard()
        self.on = sys.stderr.isatty()
        self._names: dict[str, tuple[str, int]] = {}
        self._going: dict[str, _Going] = {}
        self._shown: _Going | None = None
        self._later = 0
        self._done = 0
        self._said = ""
        self._began = time.monotonic()
        self._live = Live(
            console=self.console, get_renderable=self.picture, refresh_per_second=_OFTEN, transient=True
        )

    def __enter__(self) -> Self:
        if self.on:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.on:
            self._live.stop()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            note("interrupted: what has run is kept; start again to go on")

    def plan(self, stage: str, transfers: Sequence[Transfer], search: Search | None) -> None:
        """A round of single tasks is about to run, which `rank` reads."""
        self.begin({transfer.key: (transfer.label, transfer.seed) for transfer in transfers}, 0)

    def begin(self, names: Mapping[str, tuple[str, int]], later: int) -> None:
        """These runs are about to start: key → (arm, seed). later: how many more will follow them."""
        self._names |= names
        self._later = later
        self._said = ""

    def step(self, key: str, state: Mapping[str, Any]) -> None:
        """A run reports a step of an epoch, or an epoch."""
        going = self._going.setdefault(key, _Going(*self._names.get(key, (key, 0))))
        if "epoch" in state and "step" not in state:
            going.number, going.epochs = state["epoch"], state["epochs"]
            going.step = going.steps = 0
            going.task, going.loss = "", None
        if "of" in state:
            going.epoch = state["of"]
            select = going.epoch["select"]
            if going.best is None or select > going.best:
                going.best, going.best_number = select, going.number
            self._shown = going
            for event in going.epoch["events"]:
                self._print(f"{going.arm}, seed {going.seed}, epoch {going.number}: {visible(event)}")
        elif "step" in state:
            going.task, going.step, going.steps = state.get("task", ""), state["step"], state["steps"]
            going.loss = state.get("loss")

    def end(self, label: str, outcome: Outcome) -> None:
        """A run has ended, or failed."""
        key = outcome.transfer.key
        self._done += 1
        gone = self._going.pop(key, None)
        if gone is not None and gone is self._shown:
            self._shown = next(iter(self._going.values()), None)
        arm, seed = self._names.get(key, (label, outcome.transfer.seed))
        if isinstance(outcome, Run):
            said = f"{arm}, seed {seed}: {outcome.dev():.3f} on dev, {duration(outcome.cost.seconds)}"
            self._print(said, "dim")
            if not self.on:
                note(f"{self._done} of {self._all} runs; {said}")
        else:
            said = f"failed: {arm}, seed {seed}: {visible(outcome.reason)}"
            self.console.print(said, style="red", markup=False, highlight=False)

    @property
    def _all(self) -> int:
        """How many runs are done, going, or to come, as far as is known."""
        return len(self._names) + self._later

    def say(self, text: str) -> None:
        """One line on what is being done."""
        self._said = visible(text)

    def picture(self) -> RenderableType:
        """What is shown now."""
        took = duration(time.monotonic() - self._began)
        head = f"{self._done}/{self._all} runs, {took}" if self._names else took
        parts: list[RenderableType] = [Text(f"{head}{f'  {self._said}' if self._said else ''}", style="bold")]
        parts += [Text(going.line(), overflow="ellipsis", no_wrap=True) for going in self._going.values()]
        if self._shown is not None and self._shown.epoch:
            parts += [epoch_table(self._shown.epoch), Text(self._after(self._shown), style="dim")]
        return Group(*parts)

    @staticmethod
    def _after(going: _Going) -> str:
        """The target's dev loss before and after the epoch, its measure, the best so far."""
        epoch = going.epoch
        loss = ""
        if epoch["before"] is not None and epoch["after"] is not None:
            loss = f"dev loss {epoch['before']:.4f} → {epoch['after']:.4f}; "
        best = f"best {number(going.best)} after epoch {going.best_number}"
        return f"{going.arm}, seed {going.seed}, epoch {going.number}: {loss}dev {number(epoch['select'])}, {best}"

    def _print(self, text: str, style: str = "") -> None:
        if self.on:
            self.console.print(Text(text, style=style))


def epoch_table(epoch: Mapping[str, Any]) -> Table:
    """The tasks of an epoch: weight, α, ⟨g, δ⟩, ‖δ‖, training loss; what the method does not have is left out."""
    columns = {
        "weight": "weight",
        "alpha": "α",
        "slope": "⟨g, δ⟩",
        "length": "‖δ‖",
        "loss": "loss",
    }
    tasks: Mapping[str, Mapping[str, float | None]] = epoch["tasks"]
    there = [name for name in columns if any(task[name] is not None for task in tasks.values())]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("task", overflow="ellipsis", max_width=30, no_wrap=True)
    for name in there:
        table.add_column(columns[name], justify="right", no_wrap=True)
    for title, task in tasks.items():
        table.add_row(Text(visible(title)), *[figure(task[name]) for name in there])
    return table
