"""A made world for the tests of the search: gains are known, runs cost what we say."""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

from forelearn.core.budget import Budget
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Failure, Outcome, Performance, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.experiment.gains import guesses, posterior
from forelearn.search.search import Guesses, Options, Search
from forelearn.search.space import Space

NAMES = ["a", "b", "c", "d"]
TASKS = tuple(Task(name, "binary", "average_precision", name * 8) for name in NAMES)
GAIN = {(s, t): 0.02 * (NAMES.index(s) - NAMES.index(t)) for s in NAMES for t in NAMES}
"""d helps everybody and nobody helps d; `B → B` and training longer gain nothing."""


def space(**changes: object) -> Space:
    return replace(Space(TASKS, TASKS, Encoder("e", "0"), (Recipe(),), seeds=3), **changes)  # type: ignore[arg-type]


OPTIONS = Options()


def search_of(amount: float, kind: str = "runs", *, options: Options = OPTIONS, **changes: object) -> Search:
    return Search(space(**changes), Budget(kind, amount), cost_of, options)  # type: ignore[arg-type]


def cost_of(transfer: Transfer) -> float:
    return 10.0 if transfer.is_baseline else 11.0


def run(transfer: Transfer, dev: float, test: float | None = None) -> Run:
    cost = Cost(units=cost_of(transfer), seconds=2 * cost_of(transfer))
    measured = {"average_precision": dev}
    return Run(
        transfer,
        Performance(measured, measured if test is None else {"average_precision": test}),
        cost,
        "now",
    )


def outcome(transfer: Transfer, *, noise: float = 0.0, failing: Iterable[str] = ()) -> Outcome:
    if transfer.label in failing:
        return Failure(transfer, "made to fail", Cost(cost_of(transfer), 2 * cost_of(transfer)), "now")
    gain = sum(GAIN[source.name, transfer.target.name] for source in transfer.sources if source.task)
    return run(transfer, 0.5 + gain + noise * random.Random(transfer.key).gauss(0, 1))


Believe = Callable[[Search], Callable[[], Guesses] | None]


def model(search: Search) -> Callable[[], Guesses]:
    """The beliefs of a study."""
    return lambda: guesses(posterior(search))


def means(_: Search) -> None:
    """No beliefs: the search makes do with the means of what has run."""


def finish(
    search: Search,
    believe: Believe = model,
    *,
    make: Callable[[Transfer], Outcome] | None = None,
    **how: object,
) -> list[tuple[str, list[Transfer]]]:
    """Until the search is done; (stage, transfers) of every round."""
    rounds: list[tuple[str, list[Transfer]]] = []
    while batch := search.ask(believe(search)):
        rounds.append((search.stage, batch))
        for transfer in batch:
            search.tell(make(transfer) if make else outcome(transfer, **how))  # type: ignore[arg-type]
    return rounds
