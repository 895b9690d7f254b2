"""What to do about a target: a pure function of its candidates' gains.

transfer: the gain's interval lies above 0 and reaches the smallest gain worth having.
tied: several candidates do, and the leader's interval holds another's mean.
do not transfer: of no candidate is a gain worth having likelier than `DOUBT`.
not enough evidence: anything else, with the number of further seeds that would settle it.

The intervals are of each candidate for itself. A candidate that was picked *by* these gains is the luckiest
of many: decide on runs with fresh seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from forelearn.core.transfer import Mode
from forelearn.evaluation.gains import Gain

MARGIN = 0.01
"""The smallest gain worth having, in units of the metric: one point (a choice)."""

DOUBT = 0.2
"""A gain worth having with at most this probability is not waited for (a choice: one chance in five)."""

MOST_SEEDS = 100
"""Further seeds beyond which nobody would go on."""

Kind = Literal["transfer", "tied", "do not transfer", "not enough evidence"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Sources to learn before the target, in order, and what that gained; in the other mode together with it."""

    sources: tuple[str, ...]
    gain: Gain
    mode: Mode = "sequential"

    @property
    def label(self) -> str:
        """The sources' names, `A → B`."""
        return " → ".join(self.sources)

    @property
    def learning(self) -> str:
        """What is done with the sources: `Learning A → B first`, `Learning it with A + B (method)`."""
        return (
            f"Learning {self.label} first" if self.mode == "sequential" else f"Learning it with {self.label}"
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one target.

    sources: the leading candidate's; of several tied candidates the one with the largest mean. Empty without
    any.
    tied: the sources of the candidates that the leader cannot be told from; the leader's come first. Else
    empty.
    gain: the leader's; None without candidates.
    reason: one sentence. more_seeds: further seeds, of the leader and of its baseline, that would settle the
    question if mean and noise stay as they are; 0 if it is settled, None if 100 would not.
    """

    kind: Kind
    sources: tuple[str, ...]
    tied: tuple[tuple[str, ...], ...]
    gain: Gain | None
    reason: str
    more_seeds: int | None

    @property
    def more_runs(self) -> int | None:
        """Runs that `more_seeds` takes: the target's after the source, and its baseline's, for each seed.

        The source's own run is not counted: it is shared by all targets. None if no number settles it.
        """
        return None if self.more_seeds is None else 2 * self.more_seeds


def decide(candidates: Sequence[Candidate], *, margin: float = MARGIN) -> Decision:
    """Decide what to do about a target; the order of the candidates does not matter.

    candidates: of one target, with intervals at one level. margin: the smallest gain worth having, at least
    0, in units of the metric. A gain that is surely above 0 and surely below the margin is not worth a
    transfer.
    """
    if margin < 0:
        raise ValueError(f"`margin` must be at least 0, got {margin}")
    if not candidates:
        reason = "No transfer has finished for this target: there is nothing to decide on."
        return Decision("not enough evidence", (), (), None, reason, None)
    ordered = sorted(candidates, key=lambda candidate: (-candidate.gain.mean, candidate.sources))
    possible = [one for one in ordered if one.gain.chance_above(margin) > DOUBT]
    helpful = [one for one in possible if one.gain.low > 0]
    if helpful:
        return _transfer(helpful)
    if not possible:
        return _refuse(ordered[0], len(ordered), margin)
    return _undecided(possible[0], margin)


def seeds_to_settle(gain: Gain, *, margin: float = MARGIN) -> int | None:
    """Further seeds until the interval clears 0 or a gain worth having is unlikely; None if 100 are too few.

    Mean and noise are taken to stay as they are, so this is a guess of the size, not a promise. 1 where the
    noise is not known: nothing can be said before a second seed.
    """
    if not math.isfinite(gain.noise):
        return 1
    for more in range(MOST_SEEDS + 1):
        half = gain.half_width(more)
        if gain.mean - half > 0 or gain.chance_above(margin, more) <= DOUBT:
            return more
    return None


def _transfer(helpful: Sequence[Candidate]) -> Decision:
    leader = helpful[0]
    tied = tuple(one.sources for one in helpful if one.gain.mean >= leader.gain.low)
    if len(tied) == 1:
        reason = f"{leader.learning} gains {_words(leader.gain)}: the interval lies above 0."
        return Decision("transfer", leader.sources, (), leader.gain, reason, 0)
    rivals = ", ".join(one.label for one in helpful[1 : len(tied)])
    reason = (
        f"{leader.label} leads with {_words(leader.gain)}, but the interval holds the mean of {rivals}: "
        "each of them helps, and which helps most is open."
    )
    return Decision("tied", leader.sources, tied, leader.gain, reason, 0)


def _refuse(leader: Candidate, count: int, margin: float) -> Decision:
    gain = leader.gain
    why = f"a gain of {margin:.3f} or more, the smallest worth having, is unlikely"
    who = f"{leader.label}, the best of {count} candidates," if count > 1 else leader.label
    reason = f"{who} gains {_words(gain)}: {why}. Train the target alone."
    return Decision("do not transfer", leader.sources, (), gain, reason, 0)


def _undecided(leader: Candidate, margin: float) -> Decision:
    gain = leader.gain
    more = seeds_to_settle(gain, margin=margin)
    if not math.isfinite(gain.noise):
        reason = f"{leader.label} gains {_words(gain)}: one seed cannot tell how noisy a run is."
        return Decision("not enough evidence", leader.sources, (), gain, reason, more)
    settle = (
        f"even {MOST_SEEDS} further seeds would not settle it"
        if more is None
        else f"about {more} further seed{'' if more == 1 else 's'} would settle it"
    )
    reason = f"{leader.label} gains {_words(gain)}: the interval holds 0, and {settle}."
    return Decision("not enough evidence", leader.sources, (), gain, reason, more)


def _words(gain: Gain) -> str:
    seeds = f"{gain.seeds} seed{'' if gain.seeds == 1 else 's'}"
    return f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] over {seeds}"
