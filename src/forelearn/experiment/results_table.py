"""`results.csv`: every run of a study, long form, one row a run. It may still be growing: what is missing is missing.

`source` is empty for a baseline, the target's own name for the control `encoder → B → B`, and `train longer` for
the control that trains the target alone for twice the epochs. Further columns: seed, recipe of the source and of
the target, `metric`, by which the target is decided, threshold, units and seconds of the last stage, key, and
`dev_NAME`, `test_NAME` for every metric; a cell is empty where a kind of task does not have it. Tables without the
column `metric` are read too: of one metric, which the study names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from forelearn.core.errors import InputError, Problem
from forelearn.core.recipe import Recipe
from forelearn.core.run import Outcome, Run
from forelearn.core.task import Task
from forelearn.evaluation.truth import Array, Side, Truth
from forelearn.experiment.csv_file import cell, number_of, read_csv, write_csv
from forelearn.search.space import LONGER

FILE = "results.csv"
_HEAD = ("target", "source", "seed", "source_recipe", "recipe")
_METRIC = "metric"
_TAIL = ("threshold", "units", "seconds", "key")


DECIDING = "deciding"
"""Each target's own deciding metric, as if it were one."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run, as a row. dev, test: metric → value. metric: which decides for the target; empty if not known."""

    target: str
    source: str
    seed: int
    source_recipe: str
    recipe: str
    dev: Mapping[str, float]
    test: Mapping[str, float]
    threshold: float
    units: float
    seconds: float
    key: str
    metric: str = ""


def of_one_kind(outcomes: Iterable[Outcome]) -> list[Run]:
    """The finished runs of the encoder and the data that were trained last: one encoder, and one data set a name.

    A folder that was filled twice (with `--limit`, or before a label was mended) holds runs of both under one name.
    """
    runs = [one for one in outcomes if isinstance(one, Run)]
    encoder = ""
    digests: dict[str, str] = {}
    for run in sorted(runs, key=lambda run: (run.made, run.transfer.key)):
        encoder = run.transfer.encoder.digest
        for task in _tasks(run):
            digests[task.name] = task.digest
    return [
        run
        for run in runs
        if run.transfer.encoder.digest == encoder
        and all(digests[task.name] == task.digest for task in _tasks(run))
    ]


def _tasks(run: Run) -> list[Task]:
    sources = [source.task for source in run.transfer.sources if source.task is not None]
    return [run.transfer.target, *sources]


def results_of(outcomes: Iterable[Outcome], grid: Sequence[Recipe]) -> list[Result]:
    """The finished runs that belong to the study's truth, by target, source and seed.

    grid: the study's recipes. A task's runs are those at the recipe that its search keeps, the one with the best
    dev measure of the task alone on the first seed; of one recipe there is nothing to choose. Failures and stopped
    runs have no measure and no row. Of several encoders, or data sets under one name, the last counts (`of_one_kind`).
    """
    only = len(grid) == 1
    known = [one.precision for one in grid]
    grid = [
        replace(recipe, precision=value)
        for recipe in grid
        for value in dict.fromkeys(["fp32", "bf16", *known])
    ]
    runs = [
        one
        for one in of_one_kind(outcomes)
        if one.transfer.mode == "sequential" and len(one.transfer.sources) < 2
    ]
    alone = [one for one in runs if not one.transfer.sources and one.transfer.recipe in grid]
    first = min((one.transfer.seed for one in alone), default=0)
    best: dict[str, Run] = {}
    for run in sorted(alone, key=lambda run: grid.index(run.transfer.recipe)):
        name = run.transfer.target.name
        if run.transfer.seed == first and (name not in best or run.dev() > best[name].dev()):
            best[name] = run
    recipes = {name: run.transfer.recipe for name, run in best.items()}
    if only:
        for one in runs:
            if one.transfer.recipe in grid:
                recipes.setdefault(one.transfer.target.name, one.transfer.recipe)
    found = [row for run in runs if (row := _result(run, recipes)) is not None]
    return sorted(found, key=lambda row: (row.target, row.source, row.seed, row.key))


def _result(run: Run, recipes: Mapping[str, Recipe]) -> Result | None:
    transfer = run.transfer
    name, recipe = transfer.target.name, recipes.get(transfer.target.name)
    if recipe is None:
        return None
    source, source_recipe = "", ""
    if transfer.sources:
        first = transfer.sources[0]
        source = first.name
        if first.recipe is not None:
            if first.recipe != recipes.get(source):
                return None
            source_recipe = _said(first.recipe)
    elif transfer.recipe == replace(recipe, epochs=2 * recipe.epochs):
        source = LONGER
    if transfer.recipe != recipe and source != LONGER:
        return None
    measured = run.performance
    return Result(
        name,
        source,
        transfer.seed,
        source_recipe,
        _said(transfer.recipe),
        measured.dev,
        measured.test,
        measured.threshold,
        run.cost.units,
        run.cost.seconds,
        transfer.key,
        transfer.target.metric,
    )


def _said(recipe: Recipe) -> str:
    return f"{recipe.learning_rate:g}, {recipe.epochs} epochs, batch {recipe.batch_size}"


def metrics_of(results: Sequence[Result]) -> tuple[str, ...]:
    """The metrics that every run has on dev and on test, sorted."""
    if not results:
        return ()
    return tuple(sorted(set.intersection(*({*row.dev} & {*row.test} for row in results))))


def deciding_of(results: Sequence[Result], named: str | None) -> tuple[str, list[Result]]:
    """The metric that decides, and the results with it.

    Where targets differ in theirs it is `DECIDING`, measured by each one's own; else the one that the study names,
    or theirs. named: by the study, for all targets whose kind has it.
    """
    own = {row.metric for row in results if row.metric}
    if len(own) < 2:
        return named or next(iter(own), "average_precision"), list(results)

    def with_own(row: Result, side: Mapping[str, float]) -> Mapping[str, float]:
        return {**side, DECIDING: side[row.metric]} if row.metric in side else side

    return DECIDING, [
        replace(row, dev=with_own(row, row.dev), test=with_own(row, row.test)) for row in results
    ]


def write_results(results: Sequence[Result], path: Path) -> None:
    """Write the table in one step, sorted, floats as they read back to the last bit."""
    names = sorted({name for row in results for name in (*row.dev, *row.test)})
    header = [*_HEAD, _METRIC, *(f"{side}_{name}" for side in ("dev", "test") for name in names), *_TAIL]
    rows = [
        [
            row.target,
            row.source,
            str(row.seed),
            row.source_recipe,
            row.recipe,
            row.metric,
            *(cell(side.get(name, np.nan)) for side in (row.dev, row.test) for name in names),
            *map(cell, (row.threshold, row.units, row.seconds)),
            row.key,
        ]
        for row in sorted(results, key=lambda row: (row.target, row.source, row.seed, row.key))
    ]
    write_csv(path, header, rows)


def read_results(path: Path) -> list[Result]:
    """The rows that `write_results` wrote, in any order. Raises InputError for a file that is none.

    A run that stands twice (one target, source and seed) is refused: one of the two would be lost in silence.
    """
    fix = "Write it again from the study's store: `forelearn evaluate STUDY --out STORE --save`."
    header, rows = read_csv(path, needed=(*_HEAD, *_TAIL), fix=fix)
    found: dict[tuple[str, str, int], Result] = {}
    for row in rows:
        measured = {
            side: {
                name.removeprefix(f"{side}_"): value
                for name in header
                if name.startswith(f"{side}_") and not np.isnan(value := number_of(path, row, name))
            }
            for side in ("dev", "test")
        }
        text = row.values
        if not text["seed"].isdecimal():
            rule = f"`{text['seed']}` is no seed."
            raise InputError(Problem(f"{path}, row {row.number}", rule, "A seed is a whole number from 0."))
        result = Result(
            text["target"],
            text["source"],
            int(text["seed"]),
            text["source_recipe"],
            text["recipe"],
            measured["dev"],
            measured["test"],
            threshold=number_of(path, row, "threshold"),
            units=number_of(path, row, "units"),
            seconds=number_of(path, row, "seconds"),
            key=text["key"],
            metric=text.get(_METRIC, ""),
        )
        place = (result.target, result.source, result.seed)
        if place in found:
            rule = (
                f"{result.source or 'the baseline'} → {result.target} with seed {result.seed} stands twice."
            )
            raise InputError(Problem(f"{path}, row {row.number}", rule, "Remove one of the two rows."))
        found[place] = result
    return sorted(found.values(), key=lambda row: (row.target, row.source, row.seed, row.key))


def truth_of(results: Sequence[Result], metric: str) -> Truth:
    """What was measured in one metric, as arrays; NaN where a run is missing.

    Tasks that have run alone and after nothing are sources only, where any task has run after another.
    """
    targets = tuple(sorted({row.target for row in results if row.source} or {row.target for row in results}))
    results = [row for row in results if row.target in targets]
    sources = tuple(sorted({row.source for row in results} - {"", LONGER}))
    seeds = tuple(sorted({row.seed for row in results}))
    t, s, r = ({name: place for place, name in enumerate(names)} for names in (targets, sources, seeds))
    shapes = {
        "pairs": (len(t), len(s), len(r)),
        **dict.fromkeys(("baselines", "itself", "longer"), (len(t), len(r))),
    }
    sides: dict[str, dict[str, Array]] = {
        side: {name: np.full(shape, np.nan) for name, shape in shapes.items()} for side in ("dev", "test")
    }
    units: dict[str, list[float]] = {}
    for row in results:
        kind = {"": "baselines", LONGER: "longer", row.target: "itself"}.get(row.source, "pairs")
        place = (
            (t[row.target], r[row.seed]) if kind != "pairs" else (t[row.target], s[row.source], r[row.seed])
        )
        for side, values in (("dev", row.dev), ("test", row.test)):
            sides[side][kind][place] = values.get(metric, np.nan)
        units.setdefault(row.target if kind != "longer" else LONGER + row.target, []).append(row.units)
    costs = np.array([np.mean(units[name]) for name in targets])
    return Truth(metric, targets, sources, seeds, Side(**sides["dev"]), Side(**sides["test"]), costs)
