"""Which runs to give up early: asynchronous successive halving over epochs, the baseline one of the candidates.

Source: Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", Algorithm 2 (ASHA): at rungs
whose resources grow by a factor η, a candidate goes on if it is in the top 1/η of those that came there before
it; nobody waits for a rung to fill up.

Differs from the paper:
- A run is stopped for good, not paused and taken up again when others turn out worse. A killed study must ask
  the same questions again, and it cannot if a decision may be taken back.
- The target's baseline, as the mean over its seeds, is one of the candidates, and it is never stopped: it is
  what the others have to beat, and it is trained anyway.
- A candidate that keeps up with the baseline is not stopped, whatever its rank (see `floor`).

Not covered: a floor that knows how noisy a rung is; `slack` is where that would enter.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean


def rungs(epochs: int, eta: int = 2) -> tuple[int, ...]:
    """The numbers of whole epochs after which a run is looked at, ascending: epochs/η, epochs/η², … rounded.

    Each is at least 1 and below `epochs`: a run of one epoch is not looked at. eta: at least 2.
    """
    _check(eta)
    found = set()
    share = epochs / eta
    while share >= 0.5:
        found.add(round(share))
        share /= eta
    return tuple(sorted(rung for rung in found if 1 <= rung < epochs))


def floor(
    rivals: Sequence[float], baselines: Sequence[float], eta: int = 2, slack: float = 0.0
) -> float | None:
    """The dev measure below which a run is hopeless at a rung; None if it must not be stopped there.

    rivals: dev measures of earlier candidates of the same target at the same rung, stopped ones included.
    baselines: those of the target's baseline at that rung, one a seed; without any there is nothing to lose
    to, so nothing is stopped. slack: how far below the baseline is still no reason to stop (scale of the
    metric, at least 0).

    A run is hopeless if both hold, so the floor is the smaller of two bounds:

    - It lies below the baselines' mean − slack. Rank alone would stop half of a field that beats the baseline,
      among them sources that the noise of one rung put behind.
    - It is not in the top 1/η of its rivals, the baselines' mean and itself, nor level with them. The baseline
      alone would stop every source of a target for which all of them start slowly (the encoder has to leave
      what it learned before), the best one too.

    So a run level with the baseline is never stopped, and from 2η − 2 rivals on neither is the best candidate
    so far (before that the baseline takes the only place there is). The floor never falls when a rival or a
    baseline was better, or with a larger eta, and never rises with slack.
    """
    _check(eta)
    if not baselines:
        return None
    mean = fmean(baselines)
    field = sorted([*rivals, mean], reverse=True)
    places = max(1, (len(field) + 1) // eta)  # the run itself is one of those who are ranked
    return min(mean - slack, field[places - 1])


def _check(eta: int) -> None:
    if eta < 2:
        raise ValueError(f"`eta` must be at least 2, got {eta}: halving keeps one run in eta")
