"""Which estimator earns its cost: the tables of the README, from the files beside this one.

`python studies/task-embeddings/estimators.py` prints them; `make.py readme` puts them into the README.

What a ranking is worth (`evaluation.quality`): regret is judged seed against seed, the best source that others are
measured against being chosen on the seed that does not value it; NDCG, τ and the place of the best source are judged on
the mean of both seeds, because scores see no run (`static`, which does, on one seed, with the other to learn from).
lived.py says what living through an order costs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from measured import (
    ALL_FUSED,
    OTHER,
    Array,
    Measured,
    class_of,
    measured,
    said,
    scores_of,
)

from forelearn.estimators.methods import METHODS
from forelearn.evaluation.intervals import Interval, bootstrap_mean
from forelearn.evaluation.orders import Method, Seen, column, seen
from forelearn.evaluation.quality import per_target
from forelearn.evaluation.table import Table, mean_known
from forelearn.experiment.evaluate_table import by_static
from forelearn.experiment.held_out import paid_once

REGRETS = ("regret@1", "regret@3", "regret@5")
RANKS = ("ndcg", "weighted_tau", "rank_of_best")
DIGITS = {"ndcg": 2, "weighted_tau": 2}
SEES_RUNS = ("static",)
SCORED = "scored"
REFERENCES = ("random", "size", "overlap", "static")
AGAINST = {"regret@1": ("random", "static", "no transfer"), "regret@3": REFERENCES, "ndcg": REFERENCES}
"""Figure → what every method is compared with in it."""

Draw = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table. figures: figure → interval over targets."""

    method: str
    figures: Mapping[str, Interval]


def table_of(found: Measured, scores: Mapping[str, Array], *, in_class: bool = False) -> Table:
    """The test gains over the mean baseline, as the judge of orders takes them.

    in_class: only sources of the target's own class are candidates.
    """
    truth = found.truth
    level = mean_known(truth.test.baselines, axis=1)[:, None]
    open_ = found.candidates(in_class=in_class)
    performances = np.where(open_[:, :, None], truth.test.pairs, np.nan)
    itself = []
    for row, target in enumerate(truth.targets):
        if target in truth.sources:
            place = truth.sources.index(target)
            performances[row, place] = truth.test.itself[row]
            itself.append((row, place))
    table = Table(
        "in class" if in_class else "all classes",
        truth.targets,
        truth.sources,
        performances - level[:, :, None],
        performances,
        tuple(map(str, truth.seeds)),
        level,
        np.repeat(truth.costs[:, None], len(truth.sources), axis=1),
        truth.costs,
        dict(scores),
        tuple(itself),
    )
    return table.with_seeds(found.seeds)


def averaged(table: Table) -> Table:
    """The same with one seed, the mean of all."""
    gains, performances = (
        mean_known(values, axis=2)[:, :, None] for values in (table.gains, table.performances)
    )
    return replace(table, gains=gains, performances=performances, seeds=("mean",))


def static_of(whole: Table) -> Callable[[Seen], Array]:
    """Static that learns from all sources and targets of `whole`, whatever are candidates in what it orders."""

    def order(view: Seen) -> Array:
        rows = [whole.targets.index(target) for target in view.table.targets]
        columns = [whole.sources.index(source) for source in view.table.sources]
        others = [row for row in range(len(whole.targets)) if row not in rows]
        learn = tuple(whole.seeds.index(seed) for seed in view.table.seeds)
        found = by_static(seen(whole.arranged([*rows, *others], columns), learn, view.rng))
        return found[: len(rows)]

    return order


def judged(found: Measured, *, in_class: bool = False, draws: int = 30) -> dict[str, Draw]:
    """Method → figure → [T]: regrets and ranks of every order, random and the controls among them.

    `SCORED`: 1 where the method scores a source of the target; where it scores none, its order is that of random.
    """
    scores = scores_of(found, in_class=in_class)
    table = table_of(found, scores, in_class=in_class)
    every = replace(found, truth=found.every or found.truth)
    methods = [
        Method("static", static_of(table_of(every, {})), "one seed of the other targets"),
        *(Method(name, column(name), "a score column") for name in scores),
    ]
    split = per_target(table, methods, draws=draws)
    whole = per_target(averaged(table), [one for one in methods if one.name not in SEES_RUNS], draws=draws)
    for name, row in split.items():
        if name in whole:
            row |= {figure: whole[name][figure] for figure in RANKS if figure in whole[name]}
        if name in scores:
            row[SCORED] = np.isfinite(scores[name]).any(axis=1).astype(float)
    return split


def rows_by_regret(draws: Mapping[str, Draw]) -> list[Row]:
    """The lines, the least regret@3 first, then the controls."""
    rows = [
        Row(
            name,
            {figure: bootstrap_mean(draw[figure]) for figure in (*REGRETS, *RANKS) if figure in draw},
        )
        for name, draw in draws.items()
    ]
    return by_least(rows, "regret@3")


def by_least(rows: Sequence[Row], figure: str) -> list[Row]:
    """The rows that say anything, the least of a figure first, those without it last."""
    told = (row for row in rows if any(np.isfinite(one.mean) for one in row.figures.values()))
    return sorted(told, key=lambda row: row.figures[figure].mean if figure in row.figures else np.inf)


def cost_of(method: str, found: Measured) -> str:
    """What a method's scores of all pairs cost, in per cent of trying every pair once, `m` included in that.

    `m` where it reads single-task models, which come on top; a dash where it is not known.
    """
    alone, whole = found.costs
    if method == "static":
        return f"{100 * (1 - alone / whole):.0f} + m"
    if method not in METHODS and method not in ALL_FUSED:
        return "–"
    parts = ALL_FUSED.get(method, (method,))
    models = any(METHODS[part].reads_models for part in parts)
    known = [part for part in parts if part in found.features.costs]
    units = sum(found.features.costs[part].units for part in paid_once(known, found.features))
    return f"{100 * units / whole:.1f}".removesuffix(".0") + " + m" * models


def lines(rows: Sequence[Row], found: Measured, figures: Sequence[str] = (*REGRETS, *RANKS)) -> list[str]:
    """The table as Markdown."""
    shown = [figure for figure in figures if any(figure in row.figures for row in rows)]
    text = [
        f"| method | {' | '.join(figure.replace('_', ' ') for figure in shown)} | cost, % |",
        "| --- |" + " ---: |" * (len(shown) + 1),
    ]
    for row in rows:
        cells = [
            said(row.figures.get(figure), DIGITS.get(figure, 1), signed=" less " in figure)
            for figure in shown
        ]
        text.append(f"| {row.method} | {' | '.join(cells)} | {cost_of(row.method, found)} |")
    return text


def paired(draws: Mapping[str, Draw]) -> list[str]:
    """Every method against the references, target by target."""
    compared = [(figure, one) for figure, many in AGAINST.items() for one in many if one in draws]
    text = [
        f"| method | {' | '.join(f'{figure} less {one}' for figure, one in compared)} |",
        "| --- |" + " ---: |" * len(compared),
    ]
    for row in rows_by_regret(draws):
        draw = draws[row.method]
        cells = [
            said(bootstrap_mean(draw[figure] - draws[one][figure]), DIGITS.get(figure, 1), signed=True)
            if row.method != one and figure in draw
            else "–"
            for figure, one in compared
        ]
        if any(cell != "–" for cell in cells):
            text.append(f"| {row.method} | {' | '.join(cells)} |")
    return text


def all_classes(found: Measured, draws: Mapping[str, Draw]) -> list[str]:
    """Every order, every candidate. draws: what `judged` says of them."""
    return lines(rows_by_regret(draws), found)


def above_chance(found: Measured) -> list[str]:
    """The same for targets that learn something alone."""
    chosen = found.at_targets(found.above_chance())
    return lines(rows_by_regret(judged(chosen)), chosen)


def in_class(found: Measured) -> list[str]:
    """Classification and regression: sources of the same class alone. found: all that has run."""
    of_class = [target for target in found.truth.targets if class_of(target) == OTHER]
    chosen = found.at_targets(of_class).whole(in_class=True)
    return lines(rows_by_regret(judged(chosen, in_class=True)), chosen)


def small_classes(found: Measured) -> list[str]:
    """The place of the best of two sources, in the classes that have three tasks each; 1.5 is chance.

    found: all that has run.
    """
    small = [target for target in found.truth.targets if class_of(target) != OTHER]
    chosen = found.at_targets(small).whole(in_class=True)
    targets = chosen.truth.targets
    classes = list(dict.fromkeys(map(class_of, targets)))
    text = [f"| rank of the best of two | {' | '.join(classes)} |", "| --- |" + " ---: |" * len(classes)]
    for name, draw in judged(chosen, in_class=True).items():
        if "rank_of_best" not in draw:
            continue
        cells = []
        for one in classes:
            values = [
                value
                for value, target in zip(draw["rank_of_best"], targets, strict=True)
                if class_of(target) == one
            ]
            cells.append(", ".join(f"{value:.1f}" for value in values if np.isfinite(value)) or "–")
        text.append(f"| {name} | {' | '.join(cells)} |")
    return text


def main() -> None:
    """Print all tables."""
    warnings.simplefilter("ignore", RuntimeWarning)
    everything = measured()
    found = everything.whole()
    draws = judged(found)
    for table in (
        all_classes(found, draws),
        paired(draws),
        above_chance(found),
        in_class(everything),
        small_classes(everything),
    ):
        print("\n".join(table), end="\n\n")


if __name__ == "__main__":
    main()
