"""How far a study is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forelearn.core.keys import plain
from forelearn.core.run import Stopped
from forelearn.experiment.opening import Options
from forelearn.store.directory import SHELVES

STAGES = {
    "train": "training",
    "grid": "single tasks",
    "replicates": "single tasks, second seed",
    "explore": "trying sources",
    "refine": "weighing the best",
    "chain": "learning sources in turn",
    "joint": "learning sources together with targets",
    "confirm": "confirming on fresh seeds",
    "done": "done",
}


@dataclass(frozen=True, slots=True)
class Status:
    """Runs and cost so far, what is next, what failed. left: in the budget's unit; None without end.

    runs: failed and stopped ones too. stopped: those that were given up at a rung. together: in the store besides,
    of `forelearn train --with`, which the search neither pays for nor reads.
    """

    study: str
    stage: str
    runs: int
    failed: tuple[str, ...]
    seconds: float
    units: float
    share: float
    budget: str
    left: float | None
    next: tuple[str, ...]
    bytes: int
    stopped: int = 0
    together: int = 0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        value: dict[str, Any] = plain(self)
        return value

    def text(self) -> str:
        """For people."""
        lines = [
            f"{self.study}: {STAGES[self.stage]}",
            f"runs     {self.runs} ({len(self.failed)} failed, {self.stopped} stopped early), "
            f"{self.seconds / 60:.1f} min of training",
            f"budget   {self.budget}; {100 * self.share:.1f} % of the exhaustive cost is spent",
            f"disk     {self.bytes / 1e6:.1f} MB",
        ]
        if self.together:
            runs = f"{self.together} run{'' if self.together == 1 else 's'}"
            lines.append(f"besides  {runs} of `forelearn train --with`, outside search and budget")
        lines += [f"failed   {line}" for line in self.failed]
        if self.next:
            more = f" and {len(self.next) - 4} more" if len(self.next) > 4 else ""
            lines.append(f"next     {'; '.join(self.next[:4])}{more}")
        return "\n".join(lines)


def status(study: Path, options: Options) -> Status:
    """The state of a study from its store. Trains nothing."""
    from forelearn.experiment.api import standing
    from forelearn.experiment.drive import replay, tell_finished
    from forelearn.experiment.study_cost import budget_of

    prepared, search, beliefs = standing(study, options)
    following = replay(prepared, search, beliefs)
    tell_finished(prepared, search, beliefs)
    count, cost = search.purse.spent()
    left = search.left()
    directory = prepared.directory
    size = sum(directory.size(shelf, key) for shelf in SHELVES for key in directory.keys(shelf))
    return Status(
        study=prepared.study.settings.name,
        stage=search.stage,
        runs=count,
        failed=tuple(
            f"{item.transfer.label} ({item.transfer.key}): {item.reason}" for item in search.failures()
        ),
        seconds=cost.seconds,
        units=cost.units,
        share=cost.units / search.exhaustive_units,
        budget=budget_of(search),
        left=None if left == float("inf") else left,
        next=tuple(f"{transfer.label} (seed {transfer.seed})" for transfer in following),
        bytes=size,
        stopped=sum(isinstance(outcome, Stopped) for outcome in search.outcomes.values()),
        together=sum(
            outcome.transfer.multitask is not None and outcome.transfer.key not in search.outcomes
            for outcome in prepared.runs.all()
        ),
    )
