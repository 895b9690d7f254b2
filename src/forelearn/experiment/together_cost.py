"""What a comparison of multitask training will take, before it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forelearn.core.keys import plain
from forelearn.core.run import Run
from forelearn.experiment.api import SILENT
from forelearn.experiment.arms import first_arm, keeps_all, missing, most_looks, other_arms, read_arm, spent
from forelearn.experiment.drive import Display
from forelearn.experiment.opening import UNCHANGED, Options
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.question import Request, asked_of


@dataclass(frozen=True, slots=True)
class Expected:
    """What a comparison will take. arms: (name, runs, runs that will be trained).

    The method may yet spend more on a seed that has not run: its controls then run again, which is not counted.
    units: of what is missing, all arms taken to cost what the method does. seconds: by the pace of finished runs;
    None before the first.
    """

    arms: tuple[tuple[str, int, int], ...]
    runs: int
    missing: int
    units: float
    seconds: float | None
    chosen: str

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        found: dict[str, object] = plain(self)
        return found


def expect_together(
    study: Path | str,
    target: str,
    wanted: Request,
    options: Options = UNCHANGED,
    *,
    display: Display = SILENT,
) -> Expected:
    """The cost of `train_together`, by the deterministic cost model. Trains nothing."""
    question = asked_of(study, target, wanted, options, display, build=False)
    prepared, asked = question.prepared, question.asked
    first = first_arm(asked)
    method = read_arm(prepared, first)
    others = other_arms(asked, spent(method) if method.seeds else 1, most_looks(method))
    rows = []
    for plan in (first, *others):
        weights = plan is first or keeps_all(prepared)
        left = missing(prepared, [plan], again=wanted.retry_failed, weights=weights)
        rows.append((plan.name, len(plan.transfers), len(left)))
    count = sum(left for _, _, left in rows)
    units = count * prepared.cost(first.transfers[0])
    pace = _pace(prepared)
    return Expected(
        tuple(rows),
        sum(runs for _, runs, _ in rows),
        count,
        units,
        None if pace is None else pace * units,
        question.chosen,
    )


def _pace(prepared: Prepared) -> float | None:
    """Seconds a unit of finished runs: of multitask ones if there are any."""
    runs = [outcome for outcome in prepared.runs.all() if isinstance(outcome, Run)]
    runs = [run for run in runs if run.transfer.multitask] or runs
    units = sum(run.cost.units for run in runs)
    return sum(run.cost.seconds for run in runs) / units if units else None
