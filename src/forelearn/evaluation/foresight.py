"""What to do about a target before any of its transfers has run: a pure function of what is believed of the gains.

transfer: the expected gain's interval lies above 0 and reaches the smallest gain worth having, and the mean is above
that of every control that has run.
tied: so it does for several sources, and the leader's interval holds another's mean.
do not transfer: of no source is a gain worth having likelier than `DOUBT`.
not enough evidence: anything else.

The words and limits are those of `decision.py`, which decides on finished runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from forelearn.evaluation.decision import DOUBT, MARGIN, Kind


@dataclass(frozen=True, slots=True)
class Belief:
    """A source's expected gain, normal, in units of the metric. sd: of the true gain, run noise left out."""

    source: str
    mean: float
    sd: float

    def chance_above(self, value: float) -> float:
        """The probability of a gain above `value`."""
        return 1.0 - NormalDist(self.mean, max(self.sd, 1e-12)).cdf(value)

    def bounds(self, level: float) -> tuple[float, float]:
        """The interval that holds the gain with probability `level`."""
        half = NormalDist().inv_cdf(0.5 + level / 2) * self.sd
        return self.mean - half, self.mean + half


@dataclass(frozen=True, slots=True)
class Foresight:
    """The answer before training. source: the leader, or empty. tied: all that it cannot be told from, it first.

    chance: the probability that the leader gains anything at all; None without candidates.
    """

    kind: Kind
    source: str
    tied: tuple[str, ...]
    chance: float | None
    reason: str


def foresee(
    beliefs: Sequence[Belief],
    *,
    controls: Sequence[Belief] = (),
    level: float = 0.9,
    margin: float = MARGIN,
) -> Foresight:
    """Decide on what is believed of a target's sources.

    beliefs: of the sources that may be recommended, best ranked first: of equal means the first leads. controls: of
    the same compute without another task, as far as it has run; a source that is not above them is no transfer's gain.
    margin: the smallest gain worth having, in the metric's units.
    """
    if not beliefs:
        return Foresight("not enough evidence", "", (), None, "No source is left to recommend.")
    ordered = sorted(beliefs, key=lambda one: -round(one.mean, 9))
    possible = [one for one in ordered if one.chance_above(margin) > DOUBT]
    bar = max(controls, key=lambda one: one.mean, default=None)
    gaining = [one for one in possible if one.bounds(level)[0] > 0]
    helpful = [one for one in gaining if bar is None or one.mean > bar.mean]
    leader = (helpful or gaining or possible or ordered)[0]
    low, high = leader.bounds(level)
    chance = leader.chance_above(0.0)
    gain = f"{leader.mean:+.3f} [{low:+.3f}, {high:+.3f}]"
    if helpful:
        tied = tuple(one.source for one in helpful if one.mean >= low)
        if len(tied) == 1:
            reason = f"Learning {leader.source} first is expected to gain {gain}: the interval lies above 0."
            return Foresight("transfer", leader.source, (), chance, reason)
        reason = f"Each of {', '.join(tied)} is expected to help, {leader.source} by {gain}; which helps most is open."
        return Foresight("tied", leader.source, tied, chance, reason)
    if gaining and bar is not None:
        reason = (
            f"{leader.source} is expected to gain {gain}, but so is {bar.source}, without another task, "
            f"{bar.mean:+.3f}: it may be the compute that helps. Only training tells: `forelearn run`."
        )
        return Foresight("not enough evidence", leader.source, (), chance, reason)
    if possible:
        reason = (
            f"{leader.source} leads with an expected gain of {gain}, above 0 with probability {chance:.2f}: the "
            "interval holds 0. Only training tells: `forelearn run`."
        )
        return Foresight("not enough evidence", leader.source, (), chance, reason)
    reason = (
        f"{leader.source} leads with an expected gain of {gain}: of no source is a gain of {margin:.2f} or more "
        f"likelier than {100 * DOUBT:.0f} %. Train the target alone."
    )
    return Foresight("do not transfer", leader.source, (), chance, reason)
