"""Candidates of several sources, learned in turn or together: which of their runs comes next, from what purse.

They are formed when the search has nothing left to ask of single sources, out of those that have run and are expected
to gain, and stay as they are from then on (`chains.py`, `joint.py`). Their runs, and those of parts before them that
have not run yet, are paid from a purse of their own; a part that has run is not paid again, whatever it ran for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
from forelearn.search.space import Several, stages

if TYPE_CHECKING:
    from forelearn.search.search import Search


def gaining(search: Search, target: Task) -> list[Task]:
    """The sources that have run for a target and are expected to gain, the best first by posterior mean."""
    known = [
        (-guess.mean, source.name, source)
        for source in search.space.sources_of(target)
        if isinstance(source, Task)
        and search.gains(source, target)
        and (guess := search.guess(source, target)) is not None
        and guess.mean > 0
    ]
    return [source for *_, source in sorted(known, key=lambda item: item[:2])]


def wants_control(search: Search, candidate: Several, target: Task) -> bool:
    """Whether a candidate has run and is expected to gain, so that it has to be told from its control."""
    guess = search.guess(candidate, target)
    gains = bool(search.gains(candidate, target)) and guess is not None and guess.mean > 0
    return gains and search.space.controls


def next_runs(
    search: Search, formed: Mapping[str, Sequence[Several]], asked: Collection[str], left: float
) -> list[Transfer]:
    """The next runs of what was formed for each target, with all parts before them inside `left` (the budget's unit).

    First what has been begun; then candidates on the first seed, the most promising first; then what one more run of
    a candidate tells most about. At most a round, and at most one part of each candidate, the others follow.
    asked: keys of what has been asked for before.
    """
    offers = []
    for target in search.space.targets:
        for candidate in formed.get(target.name, ()):
            value = _value(search, candidate, target)
            transfer = search.next_seed(candidate, target)
            if value is None or transfer is None:
                continue
            runs = [stage for stage in stages(transfer) if stage.key not in search.outcomes]
            begun = any(stage.key in asked for stage in stages(transfer) if stage not in runs)
            tried = bool(search.pair_outcomes(candidate, target, fresh=False))
            worth = value / max(search.purse.prices(runs), 1e-12) if tried else value
            offers.append((not begun, tried, -worth, target.name, candidate.name, runs))
    wanted: dict[str, Transfer] = {}
    counted: set[str] = set()
    for *_, runs in sorted(offers, key=lambda offer: offer[:5]):
        price = search.purse.prices(stage for stage in runs if stage.key not in counted)
        if price > left + 1e-9 or len(wanted) == search.options.round:
            continue
        left -= price
        counted |= {stage.key for stage in runs}
        wanted[runs[0].key] = runs[0]
    return list(wanted.values())


def _value(search: Search, candidate: Several, target: Task) -> float | None:
    """What speaks for one more run of a candidate; None if nothing does."""
    guess = search.guess(candidate, target)
    if guess is None:
        return None
    if not search.pair_outcomes(candidate, target, fresh=False):
        return guess.optimistic if guess.mean + 2 * guess.sd > 0 else None
    return guess.worth if guess.worth >= search.options.least else None
