"""Several sources in turn: which chains become candidates.

Source: Vu et al. 2020, "Exploring and Predicting Transferability across NLP Tasks", as a summary of it has it: the
top-k sources of a target are learned in turn, then the target.

Differs from the source:
- The sources are the best of those that have *run* for the target, by the posterior mean of their gains, and each
  is expected to gain; there they are the k most similar by their task embeddings, untried.
- The best one comes last, directly before the target: what was learned last is forgotten least. There the most
  similar one comes first.
- A chain is one more candidate beside its sources: it has to win on dev and to hold on fresh seeds as they do.

A chain has a control of as many stages, its last source learned again and again (`B → B → target`): what it gains
more than that comes of the other sources, not of the compute. `B → B` is B's own control, so it has often run.

When one is formed, what it may spend and which of its runs comes next: `several.py`.

Not covered: ready encoders in a chain (what was learned before one would be lost), other orders of the same
sources, and a part `A → B` that was stopped as hopeless *for B*: another source takes the place of A.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from forelearn.core.task import Task
from forelearn.search.several import gaining, wants_control
from forelearn.search.space import Chain, stages

if TYPE_CHECKING:
    from forelearn.search.search import Search


def form_chains(search: Search) -> bool:
    """Make the chains candidates for which the time has come; whether there are new ones.

    One for each length up to `options.chain` and target, and its control once the chain itself has run and is
    expected to gain.
    """
    new = False
    for target in search.space.targets:
        for length in range(2, search.options.chain + 1):
            found = _missing(search, target, length)
            if found is not None:
                search.chains[target.name] = (*search.chains.get(target.name, ()), found)
                new = True
    return new


def parts(search: Search) -> set[str]:
    """Keys of everything that chains start from, on the search's seeds: it is not to be stopped."""
    return {
        stage.key
        for target in search.space.targets
        for chain in search.chains.get(target.name, ())
        for seed in search.space.run_seeds
        if (transfer := search.plan(chain, target, seed, check_prefix=False)) is not None
        for stage in stages(transfer)[:-1]
    }


def _missing(search: Search, target: Task, length: int) -> Chain | None:
    """The chain of this length that is to be formed next for a target, or its control; None if neither is."""
    have = [chain for chain in search.chains.get(target.name, ()) if len(chain.sources) == length]
    if not have:
        return _best(search, target, length)
    if len(have) > 1 or not wants_control(search, have[0], target):
        return None
    return search.space.chain([have[0].last] * length)


def _best(search: Search, target: Task, length: int) -> Chain | None:
    """The best sources of a target in turn, the best one last; None if too few are expected to gain."""
    best = gaining(search, target)
    for first in best[length - 1 :]:
        chain = search.space.chain([first, *best[: length - 1][::-1]])
        transfer = search.plan(chain, target, search.space.first_seed, check_prefix=False)
        if transfer is not None and search.given_up(transfer) is None:
            return chain
    return None
