"""Which estimator earns its cost: the tables of the README, from the files beside this one.

`python studies/task-embeddings/estimators.py` prints them; `make.py readme` puts them into the README.

Two kinds of figures. What a ranking is worth (`evaluation.quality`): regret is judged seed against seed, the best
source that others are measured against being chosen on the seed that does not value it; NDCG, τ and the place of the
best source are judged on the mean of both seeds, because scores see no run (`static`, which does, on one seed, with the
other to learn from). What living through an order costs (`evaluation.study_quality`): sources are tried on dev, on one
seed, the best on dev is kept, and test is read on the other seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from measured import FUSED, OTHER, Array, Measured, class_of, measured, said, scores_of

from forelearn.estimators.methods import METHODS
from forelearn.evaluation.budget import SHARES
from forelearn.evaluation.hierarchical import mean_over
from forelearn.evaluation.intervals import Interval, bootstrap_mean
from forelearn.evaluation.lived import judged as judged_picks
from forelearn.evaluation.lived import split_at
from forelearn.evaluation.orders import Method, Seen, column, seen
from forelearn.evaluation.quality import per_target
from forelearn.evaluation.study_cells import StudyMethod
from forelearn.evaluation.study_quality import evaluate_truth
from forelearn.evaluation.table import Table, mean_known
from forelearn.evaluation.truth import Truth
from forelearn.experiment.evaluate import methods_for
from forelearn.experiment.evaluate_table import by_static
from forelearn.experiment.held_out import paid_once
from forelearn.experiment.replay import TableSearch

REGRETS = ("regret@1", "regret@3", "regret@5")
RANKS = ("ndcg", "weighted_tau", "rank_of_best")
LOST = ("lost@16.5", "lost@49.5")
DIGITS = {"ndcg": 2, "weighted_tau": 2}
SEES_RUNS = ("static",)

Draw = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table. figures, less_random, less_static: figure → interval over targets."""

    method: str
    figures: Mapping[str, Interval]
    less_random: Interval | None = None
    less_static: Interval | None = None


def table_of(truth: Truth, scores: Mapping[str, Array], *, in_class: bool = False) -> Table:
    """The test gains over the mean baseline, as the judge of orders takes them.

    in_class: only sources of the target's own class are candidates, and only targets that have two of them or more.
    """
    level = mean_known(truth.test.baselines, axis=1)[:, None]
    performances = truth.test.pairs.copy()
    itself = []
    for row, target in enumerate(truth.targets):
        if target in truth.sources:
            place = truth.sources.index(target)
            performances[row, place] = truth.test.itself[row]
            itself.append((row, place))
        if in_class:
            other = [class_of(source) != class_of(target) for source in truth.sources]
            performances[row, other] = np.nan
    found = Table(
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
    ran = np.isfinite(truth.test.pairs).any(axis=(0, 1))
    kept = found.with_seeds(np.flatnonzero(ran).tolist())
    enough = [row for row in range(len(truth.targets)) if kept.candidates[row].sum() >= 2]
    kept = replace(kept, itself=tuple(place for place in kept.itself if place[0] in enough))
    return kept.arranged(enough, range(len(kept.sources)))


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
    """Method → figure → [T]: regrets and ranks of every order, random and the controls among them."""
    scores = scores_of(found)
    table = table_of(found.truth, scores, in_class=in_class)
    methods = [
        Method("static", static_of(table_of(found.truth, {})), "one seed of the other targets"),
        *(Method(name, column(name), "a score column") for name in scores),
    ]
    split = per_target(table, methods, draws=draws)
    whole = per_target(averaged(table), [one for one in methods if one.name not in SEES_RUNS], draws=draws)
    for name, row in split.items():
        if name in whole:
            row |= {figure: whole[name][figure] for figure in RANKS if figure in whole[name]}
    return split


def lived(found: Measured, *, draws: int = 50, replays: int = 3) -> dict[str, dict[str, Interval]]:
    """Method → `lost@…`: every order, predictors, controls and forelearn's search, tried on dev, read on test."""
    truth, scores = found.truth, scores_of(found)
    fusions = [
        StudyMethod(Method(name, lambda view, name=name: scores[name], "no run"))
        for name in FUSED
        if name in scores
    ]
    quality = evaluate_truth(truth, [*methods_for(truth, found.features), *fusions], draws=draws)
    lost = {
        verdict.method: {name: verdict.figures[name] for name in LOST if name in verdict.figures}
        for verdict in quality.verdicts
    }
    for name, used in (("forelearn", ()), ("forelearn with `prior`", ("prior",))):
        if set(used) <= scores.keys():
            lost[name] = searched(truth, {one: scores[one] for one in used}, replays)
    return lost


def searched(truth: Truth, scores: Mapping[str, Array], replays: int) -> dict[str, Interval]:
    """forelearn's search on dev of one seed, its picks judged on test of the other: `lost@…`."""
    search = TableSearch(scores=tuple(scores))
    found: dict[float, list[Array]] = {share: [] for share in SHARES}
    for place in truth.search_seeds:
        split = split_at(truth, place)
        view = replace(split.view, scores=dict(scores))
        answers = [search(view, number) for number in range(replays)]
        for share, values in found.items():
            points = [100.0 * judged_picks(answer.picks[share], split)[0] for answer in answers]
            values.append(mean_known(np.stack(points), axis=0))
    return {
        f"lost@{100 * share:g}": mean_over(np.stack(values, axis=1))
        for share, values in found.items()
        if values
    }


def rows_of(draws: Mapping[str, Draw], lost: Mapping[str, Mapping[str, Interval]] | None = None) -> list[Row]:
    """The lines, the least regret@3 first; what is only lived through, then the controls."""
    rows = []
    for name, draw in draws.items():
        figures = {figure: bootstrap_mean(draw[figure]) for figure in (*REGRETS, *RANKS) if figure in draw}
        apart = {
            reference: bootstrap_mean(draw["regret@3"] - draws[reference]["regret@3"])
            for reference in ("random", "static")
            if "regret@3" in draw and name not in (reference, "random")
        }
        figures |= (lost or {}).get(name, {})
        rows.append(Row(name, figures, apart.get("random"), apart.get("static")))
    rows += [Row(name, figures) for name, figures in (lost or {}).items() if name not in draws and figures]

    def place(row: Row) -> tuple[int, float]:
        if "regret@3" in row.figures:
            return 0, row.figures["regret@3"].mean
        return 1, row.figures["lost@16.5"].mean if "lost@16.5" in row.figures else np.inf

    told = (row for row in rows if any(np.isfinite(one.mean) for one in row.figures.values()))
    return sorted(told, key=place)


def seconds_of(method: str, found: Measured) -> str:
    """What a method's scores of all pairs took, and `m` where it reads single-task models, which come on top."""
    if method == "static":
        return f"{found.pairs:.0f}"
    parts = FUSED.get(method, ("ansat", "textemb") if method == "prior" else (method,))
    known = [part for part in parts if part in found.features.costs]
    if not known:
        return "0" if all(part in METHODS for part in parts) else "–"
    models = any(METHODS[part].reads_models for part in known)
    return f"{sum(found.seconds[part] for part in paid_once(known, found.features)):.0f}" + " + m" * models


def lines(
    rows: Sequence[Row], found: Measured, figures: Sequence[str] = (*REGRETS, *RANKS, *LOST)
) -> list[str]:
    """The table as Markdown."""
    heads = [figure.replace("_", " ") for figure in figures]
    text = [
        f"| method | {' | '.join(heads)} | regret@3 less random | less static | seconds |",
        "| --- |" + " ---: |" * (len(figures) + 3),
    ]
    for row in rows:
        cells = [said(row.figures.get(figure), DIGITS.get(figure, 1)) for figure in figures]
        cells += [said(one, signed=True) for one in (row.less_random, row.less_static)]
        text.append(f"| {row.method} | {' | '.join(cells)} | {seconds_of(row.method, found)} |")
    return text


def all_classes(found: Measured, draws: Mapping[str, Draw]) -> list[str]:
    """Every order, every candidate. draws: what `judged` says of them."""
    return lines(rows_of(draws, lived(found)), found)


def above_chance(found: Measured) -> list[str]:
    """The same for targets that learn something alone."""
    chosen = found.at_targets(found.above_chance())
    return lines(rows_of(judged(chosen)), chosen, (*REGRETS, *RANKS))


def in_class(found: Measured) -> list[str]:
    """Classification and regression: sources of the same class alone."""
    of_class = [target for target in found.truth.targets if class_of(target) == OTHER]
    chosen = found.at_targets(of_class)
    return lines(rows_of(judged(chosen, in_class=True)), chosen, (*REGRETS, *RANKS))


def small_classes(found: Measured) -> list[str]:
    """The place of the best of two sources, in the classes that have three tasks each; 1.5 is chance."""
    draws = judged(found, in_class=True)
    targets = table_of(found.truth, {}, in_class=True).targets
    classes = [name for name in dict.fromkeys(map(class_of, targets)) if name != OTHER]
    text = [f"| rank of the best of two | {' | '.join(classes)} |", "| --- |" + " ---: |" * len(classes)]
    for name, draw in draws.items():
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
    found = measured()
    for table in (
        all_classes(found, judged(found)),
        *(f(found) for f in (above_chance, in_class, small_classes)),
    ):
        print("\n".join(table), end="\n\n")


if __name__ == "__main__":
    main()
