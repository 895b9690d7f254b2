"""Several sources in turn: which chains become candidates, and which of their runs comes next.

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

A chain is formed when the search has nothing left to ask of single sources, and stays as it is from then on. Its
runs, and those of its parts that have not run yet, are paid from a purse of their own; a part that has run is
not paid again, whatever it ran for.

Not covered: ready encoders in a chain (what was learned before one would be lost), other orders of the same
sources, and a part `A → B` that was stopped as hopeless *for B*: another source takes the place of A.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
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


def next_runs(search: Search, left: float) -> list[Transfer]:
    """The next runs of chains, each with all its parts before it inside `left` (in the unit of the budget).

    First what has been begun; then chains on the first seed, the most promising first; then what one more run
    of a chain tells most about. At most a round, and at most one part of each chain, the others follow.
    """
    offers = []
    for target in search.space.targets:
        for chain in search.chains.get(target.name, ()):
            value = _value(search, chain, target)
            transfer = search.next_seed(chain, target)
            if value is None or transfer is None:
                continue
            runs = [stage for stage in stages(transfer) if stage.key not in search.outcomes]
            begun = any(stage.key in search.chained for stage in stages(transfer) if stage not in runs)
            tried = bool(search.pair_outcomes(chain, target, fresh=False))
            worth = value / max(search.purse.prices(runs), 1e-12) if tried else value
            offers.append((not begun, tried, -worth, target.name, chain.name, runs))
    asked: dict[str, Transfer] = {}
    counted: set[str] = set()
    for *_, runs in sorted(offers, key=lambda offer: offer[:5]):
        price = search.purse.prices(stage for stage in runs if stage.key not in counted)
        if price > left + 1e-9 or len(asked) == search.options.round:
            continue
        left -= price
        counted |= {stage.key for stage in runs}
        asked[runs[0].key] = runs[0]
    return list(asked.values())


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
    chain = have[0]
    guess = search.guess(chain, target)
    wanted = search.gains(chain, target) and guess is not None and guess.mean > 0
    if len(have) > 1 or not search.space.controls or not wanted:
        return None
    return search.space.chain([chain.last] * length)


def _best(search: Search, target: Task, length: int) -> Chain | None:
    """The best sources of a target in turn, the best one last; None if too few are expected to gain."""
    known = [
        (-guess.mean, source.name, source)
        for source in search.space.sources_of(target)
        if isinstance(source, Task)
        and search.gains(source, target)
        and (guess := search.guess(source, target)) is not None
        and guess.mean > 0
    ]
    best = [source for *_, source in sorted(known, key=lambda item: item[:2])]
    for first in best[length - 1 :]:
        chain = search.space.chain([first, *best[: length - 1][::-1]])
        transfer = search.plan(chain, target, search.space.first_seed, check_prefix=False)
        if transfer is not None and search.given_up(transfer) is None:
            return chain
    return None


def _value(search: Search, chain: Chain, target: Task) -> float | None:
    """What speaks for one more run of a chain; None if nothing does."""
    guess = search.guess(chain, target)
    if guess is None:
        return None
    if not search.pair_outcomes(chain, target, fresh=False):
        return guess.optimistic if guess.mean + 2 * guess.sd > 0 else None
    return guess.worth if guess.worth >= search.options.least else None
