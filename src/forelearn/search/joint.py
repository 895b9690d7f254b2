"""Sources learned together with a target, as auxiliary tasks: which of them become candidates.

Source: none for the choice. That the sources that help most in turn also help most together is a presumption; the
candidate has to win on dev and to hold on fresh seeds as its sources do.

A target has one such candidate: the best of the sources that have *run* for it and are expected to gain, by the
posterior mean of their gains; one is enough. Its control is the method itself without auxiliary tasks (`alone`), for a
method may gain by how it trains: what the candidate gains more than that comes of the other tasks.

When one is formed, what it may spend and which of its runs comes next: `several.py`. Its epochs are not those of a
baseline, so no run of it is stopped early.

Not covered: sources that hurt when they are learned first and would help beside the target, ready encoders (they have
no rows), other sets of the same sources, and starting from a source that was learned first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from forelearn.core.task import Task
from forelearn.search.several import gaining, wants_control
from forelearn.search.space import Together

if TYPE_CHECKING:
    from forelearn.search.search import Search


def form_joint(search: Search) -> bool:
    """Make the sets of auxiliary tasks candidates for which the time has come; whether there are new ones.

    The best `options.joint_top` sources of each target, and the control once they have run and are expected to gain.
    """
    new = False
    for target in search.space.targets:
        found = _missing(search, target)
        if found is not None:
            search.joint[target.name] = (*search.joint.get(target.name, ()), found)
            new = True
    return new


def _missing(search: Search, target: Task) -> Together | None:
    """What is to be formed next for a target, or its control; None if neither is."""
    method = search.options.joint
    if method is None:
        return None
    have = search.joint.get(target.name, ())
    if not have:
        best = gaining(search, target)[: search.options.joint_top]
        return search.space.together(best, method) if best else None
    if len(have) > 1 or not wants_control(search, have[0], target):
        return None
    return search.space.together((), method)
