"""Features of every pair of a study, computed from its tasks and its single-task models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, pstdev

import numpy as np

from forelearn.core.budget import Budget
from forelearn.core.run import Cost, Outcome, Run
from forelearn.estimators.features import ansat_columns, column, f1_columns, join, recipe_columns
from forelearn.estimators.fusion import fuse
from forelearn.executors.base import Executor
from forelearn.experiment.attributions import affordable, embed, read_documents
from forelearn.experiment.drive import Display, Silent
from forelearn.experiment.estimates import MADE, Estimates
from forelearn.experiment.features_table import Features, Pair
from forelearn.experiment.free import FREE, free_scores, scores_of
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.settings import FEATURES
from forelearn.representations.ansat import THRESHOLDS
from forelearn.search.search import Search
from forelearn.search.space import source_name

WITHOUT = ("random", "static")
"""Methods that are no features: they order without them, and `evaluate` makes them from the runs."""

DOCUMENTS = 96
"""How many documents every model reads unless said otherwise: eight a task for twelve tasks [choice]."""


def compute_features(
    prepared: Prepared,
    outcomes: Iterable[Outcome],
    executor: Executor | None,
    *,
    documents: int = DOCUMENTS,
    display: Display | None = None,
) -> Features:
    """Every feature of every pair; what the store lacks is computed by `executor`, or left out without one.

    A method that does not apply to a pair, or has no score for it, is NaN. What a method cost is that of all targets.

    outcomes: the runs of the study, of which baselines on the first seed are read; they must have kept their
    weights for ANSAT and for all that reads single-task models. documents: how many each model reads for ANSAT at
    most, whatever share of a budget the study grants.
    """
    shown = display or Silent()
    search = Search(prepared.space, Budget("share", 1.0), prepared.cost)
    for outcome in outcomes:
        if outcome.transfer.is_baseline and outcome.transfer.seed == prepared.space.first_seed:
            search.tell(outcome)
    embedded = embed(prepared, executor, shown)
    if embedded.failed:
        shown.say(embedded.failed)
    scores = free_scores(prepared.tasks, prepared.space, embedded.vectors)
    read, why = read_documents(_granting(prepared, search, documents), search, executor, shown)
    if why:
        shown.say(why)
    pairs = [(source_name(source), target.name) for source, target in prepared.space.pairs()]
    values = np.full((len(pairs), 3, len(THRESHOLDS)), np.nan)
    if read is not None:
        for row, pair in enumerate(pairs):
            if set(pair) <= set(read.ansat.models):
                values[row] = read.ansat.pair(*pair)
        scores["ansat"] = {pair: float(np.mean(row[1])) for pair, row in zip(pairs, values, strict=True)}
    further, efforts = _further(Estimates(prepared, search, executor, shown), [*scores, *WITHOUT])
    recipes = {task.name: search.recipe(task) for task in prepared.space.tasks}
    alone = {}
    for task in prepared.space.tasks:
        recipe = recipes[task.name] or prepared.space.recipes[0]
        first = search.outcomes.get(prepared.space.baseline(task, recipe, prepared.space.first_seed).key)
        alone[task.name] = first.dev() if isinstance(first, Run) else math.nan
    prior = _prior({**scores, **further}, [target.name for target in prepared.space.targets])
    costs = {"textemb": embedded.cost, "ansat": Cost() if read is None else read.cost, **efforts}
    default = prepared.space.recipes[0]
    columns = join(
        f1_columns(
            [alone.get(source, math.nan) for source, _ in pairs], [alone[target] for _, target in pairs]
        ),
        ansat_columns(values, THRESHOLDS),
        *(column(name, [scores[name][pair] for pair in pairs]) for name in FREE),
        column("ansat", [scores.get("ansat", {}).get(pair, math.nan) for pair in pairs]),
        *(column(name, [found.get(pair, math.nan) for pair in pairs]) for name, found in further.items()),
        column("prior", [prior.get(pair, math.nan) for pair in pairs]),
        recipe_columns(
            [recipes.get(source) for source, _ in pairs], [recipes[target] or default for _, target in pairs]
        ),
    )
    return Features(tuple(pairs), columns, costs)


def _further(
    estimates: Estimates, known: Sequence[str]
) -> tuple[dict[str, dict[Pair, float]], dict[str, Cost]]:
    """Method → pair → score of all methods but those that are known; and what each took, of those that cost."""
    found: dict[str, dict[Pair, float]] = {}
    for name in (name for name in MADE if name not in known):
        tables = {target.name: estimates.table(name, target) for target in estimates.prepared.space.targets}
        found[name] = {
            (source, target): one.value
            for target, table in tables.items()
            for source, one in table.items()
            if one.value is not None
        }
    return found, {name: effort.cost for name, effort in estimates.efforts.items()}


def _granting(prepared: Prepared, search: Search, documents: int) -> Prepared:
    """The study with a share for conductance that pays for this many documents."""
    settings = prepared.study.settings

    def with_share(share: float) -> Prepared:
        conductance = settings.conductance.model_copy(update={"share": share})
        changed = settings.model_copy(update={"conductance": conductance})
        return replace(prepared, study=replace(prepared.study, settings=changed))

    most = affordable(with_share(1000.0), search)
    return with_share(1000.0 * (documents + 0.5) / most) if most else prepared


def _prior(scores: Mapping[str, Mapping[Pair, float]], targets: Iterable[str]) -> dict[Pair, float]:
    """The fusion of the default features, standardised within each target: what a search of the study starts from."""
    found: dict[Pair, float] = {}
    wanted: dict[str, Mapping[Pair, float]] = {name: scores[name] for name in FEATURES if name in scores}
    for target in targets:
        rankings = scores_of(wanted, target, {**FREE, "ansat": "no attributions"})
        fused = fuse(rankings, unscored="middle").values if rankings else {}
        if fused:
            mean, sd = fmean(fused.values()), pstdev(fused.values())
            found |= {
                (source, target): (value - mean) / sd if sd > 0 else 0.0 for source, value in fused.items()
            }
    return found
