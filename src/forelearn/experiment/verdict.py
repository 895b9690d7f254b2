"""The answer for each target, from dev alone: what confirmation on fresh seeds says of the search's winner.

The winner and its rival were chosen on other seeds, so their intervals are free of the luck of being picked.
The runs' noise is that of the target's own replicates, shrunk to the noise of the other targets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from forelearn.core.run import Failure, Run
from forelearn.core.task import Task
from forelearn.evaluation.decision import MARGIN, Candidate, Decision, decide
from forelearn.evaluation.gains import Gain, Noise, own_noise, paired_gain, pooled_noise
from forelearn.search.record import NOISE
from forelearn.search.search import Search
from forelearn.search.space import LONGER, Chain, Together, mode_of, source_name
from forelearn.search.space import Candidate as Choice

Split = str
"""`dev` or `test`."""

_FURTHER = 2
"""Seeds that are asked for where the second of two candidates does well and the first does not."""


def measured(run: Run, split: Split) -> float:
    """The deciding measure of a run on `dev` or `test`."""
    return run.dev() if split == "dev" else run.test()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A candidate on fresh seeds beside the baseline on the same ones. runs, baselines: [n], by seed."""

    candidate: Choice
    target: Task
    runs: tuple[Run, ...]
    baselines: tuple[Run, ...]


class Confirmation:
    """What the fresh seeds say, with the noise that every interval rests on."""

    def __init__(self, search: Search, level: float) -> None:
        self.search = search
        self.level = level
        self._cells: dict[tuple[str, Split], list[list[float]]] = {}
        self._noise: dict[tuple[str, Split], Noise | None] = {}

    def of(self, candidate: Choice, target: Task) -> Confirmed | None:
        """The candidate's runs on fresh seeds; None if there are none."""
        alone = {run.transfer.seed: run for run in self.search.baselines(target, fresh=True)}
        runs = [run for run in self.search.runs(candidate, target, fresh=True) if run.transfer.seed in alone]
        if not runs:
            return None
        return Confirmed(candidate, target, tuple(runs), tuple(alone[run.transfer.seed] for run in runs))

    def gain(self, candidate: Choice, target: Task, split: Split = "dev") -> Gain | None:
        """The confirmed gain, from fresh seeds alone; None if it was not confirmed."""
        found = self.of(candidate, target)
        if found is None:
            return None
        first, second = ([measured(run, split) for run in runs] for runs in (found.runs, found.baselines))
        return paired_gain(first, second, noise=self.noise(target, split), level=self.level)

    def noise(self, target: Task, split: Split) -> Noise | None:
        """The noise of one run of a target: replicates on the search's seeds, shrunk to those of the other targets.

        Where replicates are all equal, in every target, it is as stated (`search.record.NOISE`): equal runs do not show
        that there is none.
        """
        key = (target.name, split)
        if key not in self._noise:
            others = [task for task in self.search.space.targets if task != target]
            theirs = [cell for task in others for cell in self.cells(task, split)]
            mine = self.cells(target, split)
            found = own_noise(mine, pooled_noise(theirs))
            self._noise[key] = Noise(NOISE**2) if found is None and (mine or theirs) else found
        return self._noise[key]

    def cells(self, target: Task, split: Split) -> list[list[float]]:
        """Performances of runs that differ in nothing but the seed; fresh baselines are left to the gains."""
        key = (target.name, split)
        if key not in self._cells:
            found = [[measured(run, split) for run in self.search.baselines(target)]]
            for candidate in self.search.candidates_of(target):
                found.append([measured(run, split) for run in self.search.runs(candidate, target)])
            self._cells[key] = [cell for cell in found if len(cell) > 1]
        return self._cells[key]


def verdict(confirmation: Confirmation, target: Task, *, margin: float = MARGIN) -> Decision:
    """What to do about a target."""
    search = confirmation.search
    if not search.baselines(target):
        return _open(_no_baseline(search, target))
    tried = [one for one in search.candidates_of(target) if search.gains(one, target)]
    winner, rival = search.finalists(target)
    if winner is None:
        return _nothing_gains(search, target, tried, margin)
    gain = confirmation.gain(winner, target)
    if gain is None:
        return _unconfirmed(search, target, winner)
    second = confirmation.gain(rival, target) if rival is not None else None
    first = Candidate((words(winner, target),), gain, mode_of(winner))
    decision = decide([first], margin=margin)
    source = not is_control(winner, target)
    control = rival is not None and is_control(rival, target)
    asks = not control or (source and decision.kind == "transfer")
    if rival is not None and second is not None and second.low > 0 and asks:
        difference = _difference(confirmation, winner, rival, target)
        decision = _beside(decision, first, Candidate((words(rival, target),), second), difference)
    if decision.kind == "transfer" and not source:
        what = "way of training" if isinstance(winner, Together) else "compute"
        reason = f"{first.label} gains {_gain(gain)}: the {what} helps, not another task."
        return replace(decision, kind="do not transfer", reason=f"On fresh seeds, {reason}")
    if decision.kind == "tied":
        return decision
    return replace(decision, reason=f"On fresh seeds, {_lower(decision.reason)}")


def _beside(decision: Decision, first: Candidate, rival: Candidate, difference: Gain | None) -> Decision:
    """The decision about the winner where the rival surely gains. difference: winner − rival, None if unknown."""
    ours, theirs = f"{first.label} gains {_gain(first.gain)}", f"{rival.label} {_gain(rival.gain)}"
    if decision.kind == "transfer" and (difference is None or difference.low <= 0):
        open_ = "which of the two helps more is open"
        if difference is not None and difference.high < 0:
            open_ = f"there {rival.label} helps more, which the search had second"
        reason = f"{ours} and {theirs} on fresh seeds: {open_}."
        return Decision("tied", first.sources, (first.sources, rival.sources), first.gain, reason, 0)
    if decision.kind == "do not transfer":
        luck = f"{_FURTHER} further seeds tell whether that is luck"
        reason = f"{ours}, but {theirs}, which the search had second: {luck}."
        return Decision("not enough evidence", first.sources, (), first.gain, reason, _FURTHER)
    return decision


def _no_baseline(search: Search, target: Task) -> str:
    """Why there is nothing to gain over."""
    failed = next(
        (
            one.reason
            for one in search.failures()
            if one.transfer.is_baseline and one.transfer.target == target
        ),
        None,
    )
    if failed is None:
        return "Its baseline has not run."
    return f"The target alone could not be trained: {failed.rstrip('.')}."


def words(candidate: Choice, target: Task) -> str:
    """A candidate's name; that of `B → B` says so."""
    name = source_name(candidate)
    return f"{name} itself" if isinstance(candidate, Task) and name == target.name else name


def is_control(candidate: Choice, target: Task) -> bool:
    """Whether a candidate spends the compute of a transfer on the target alone."""
    if isinstance(candidate, Chain | Together):
        return candidate.is_control
    return candidate == LONGER or (isinstance(candidate, Task) and candidate.name == target.name)


def _difference(confirmation: Confirmation, winner: Choice, rival: Choice, target: Task) -> Gain | None:
    """Winner − rival on the fresh seeds that both have run on."""
    first, second = confirmation.of(winner, target), confirmation.of(rival, target)
    if first is None or second is None:
        return None
    others = {run.transfer.seed: run.dev() for run in second.runs}
    both = [(run.dev(), others[run.transfer.seed]) for run in first.runs if run.transfer.seed in others]
    if not both:
        return None
    noise = confirmation.noise(target, "dev")
    return paired_gain([a for a, _ in both], [b for _, b in both], noise=noise, level=confirmation.level)


def _nothing_gains(search: Search, target: Task, tried: Sequence[Choice], margin: float) -> Decision:
    if not tried:
        failed = (
            " Every candidate failed."
            if any(search.pair_outcomes(one, target) for one in search.candidates_of(target))
            else ""
        )
        return _open(f"No source has been tried for it.{failed}")
    known = [(guess, one) for one in tried if (guess := search.guess(one, target)) is not None]
    hopes = [
        one
        for one in (None, *search.candidates_of(target))  # None: the baseline, which all gains are over
        if (guess := search.guess(one, target)) is not None
        and guess.worth > margin / 4
        and (one is None or one in tried or search.next_seed(one, target) is not None)
    ]
    if not known:
        return _open("Every candidate that was tried has been set aside.")
    guess, best = max(known, key=lambda item: (item[0].mean, source_name(item[1])))
    said = f"None of the {len(tried)} candidates tried is expected to gain; the best, {words(best, target)}, "
    said += f"{guess.mean:+.3f} ± {guess.sd:.3f} on dev."
    if hopes:
        more = f" {len(hopes)} further run{'s' if len(hopes) > 1 else ''} could still change that."
        return Decision("not enough evidence", (), (), None, said + more, len(hopes))
    return Decision("do not transfer", (words(best, target),), (), None, said, 0)


def _unconfirmed(search: Search, target: Task, winner: Choice) -> Decision:
    guess = search.guess(winner, target)
    assert guess is not None
    name = words(winner, target)
    said = f"{name} is expected to gain {guess.mean:+.3f} ± {guess.sd:.3f}, by the runs that chose it; "
    if search.options.exhaustive:
        said += "an exhaustive run confirms nothing on fresh seeds."
    elif not search.options.confirm_share:
        said += "it was not confirmed on fresh seeds (`confirm` is 0)."
    elif search.stage != "done":
        said += "it has not been confirmed on fresh seeds yet."
    elif failed := _failed_fresh(search, target, winner):
        said += f"its runs on fresh seeds failed ({failed.rstrip('.')}); `--retry-failed` tries them again."
    else:
        said += "the budget left nothing to confirm it on fresh seeds."
    return Decision("not enough evidence", (name,), (), None, said, 2)


def _failed_fresh(search: Search, target: Task, winner: Choice) -> str | None:
    """Why a run of a target's confirmation failed; None if none did."""
    for number in range(search.options.confirm_seeds):
        for transfer in search.confirmation(target, winner, None, search.space.fresh_seed(number)):
            outcome = search.outcomes.get(transfer.key)
            if isinstance(outcome, Failure):
                return outcome.reason
    return None


def _open(reason: str) -> Decision:
    return Decision("not enough evidence", (), (), None, reason, None)


def _gain(gain: Gain) -> str:
    if not math.isfinite(gain.low):
        return f"{gain.mean:+.3f}"
    return f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


def _lower(reason: str) -> str:
    return reason.replace("Learning ", "learning ", 1)
