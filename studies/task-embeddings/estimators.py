"""Which estimator earns its cost: the tables of the README, from results.csv and features.csv beside this file.

`python studies/task-embeddings/estimators.py` prints them; `readme.py` puts them into the README. Every order is judged
by `forelearn.evaluation.quality`: half of the seeds is for those who learn from runs, the other half judges, and the
best source that others are measured against is chosen on the seeds that do not value it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forelearn.core.scores import Scores
from forelearn.estimators.fusion import fuse
from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.orders import Method, column, source_effects
from forelearn.evaluation.quality import Quality, Verdict, evaluate
from forelearn.evaluation.table import Table, mean_known
from forelearn.evaluation.truth import Truth
from forelearn.experiment.evaluate import features_for, opened, results_for
from forelearn.experiment.evaluate_table import by_static
from forelearn.experiment.features_table import Features
from forelearn.experiment.replay import TableSearch
from forelearn.experiment.results_table import deciding_of, truth_of

HERE = Path(__file__).resolve().parent

CLASSES = {
    "sequence labelling": ("ATIS slots", "WNUT-17", "UD parts of speech"),
    "question answering": ("XQuAD first half", "XQuAD second half", "BoolQ"),
}
"""The classes of Vu et al.; every other task, the multiple choice too, is classification or regression."""

FUSED = {
    "textemb_raw + taskemb": ("textemb_raw", "taskemb"),
    "knn + textemb_raw": ("knn", "textemb_raw"),
    "leep + knn + textemb_raw": ("leep", "knn", "textemb_raw"),
    "logme + leep + textemb + esm": ("logme", "leep", "textemb", "esm"),
}
"""Fusions by reciprocal rank, beside the single scores and `prior`, the fusion of the free scores and ANSAT."""

FIGURES = (
    "regret@1",
    "regret@3",
    "regret@5",
    "ndcg",
    "weighted_tau",
    "rank_of_best",
    "lost@16.5",
    "lost@49.5",
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the tables rest on. seconds: method → what all pairs took of one core."""

    truth: Truth
    features: Features
    seconds: Mapping[str, float]


def measured(folder: Path = HERE) -> Measured:
    """The runs and features beside the study file."""
    study = opened(folder, str(folder / "no-store"))
    results, _ = results_for(study)
    metric, results = deciding_of(results, study.settings.metric)
    features = features_for(study)
    if features is None:
        raise SystemExit(f"{folder} has no features.csv: python make.py features")
    return Measured(
        truth_of(results, metric), features, {name: cost.seconds for name, cost in features.costs.items()}
    )


def class_of(task: str) -> str:
    """The class of a task, as Vu et al. divide them."""
    return next((name for name, tasks in CLASSES.items() if task in tasks), "classification or regression")


def scores_of(found: Measured) -> dict[str, Array]:
    """Method → its scores [T, S], NaN where it has none; fusions too."""
    truth, features = found.truth, found.features
    single = [
        name for name, places in features.columns.groups().items() if len(places) == 1 and name != "recipe"
    ]
    every = {name: features.grid(name, truth.targets, truth.sources) for name in single}
    scores = {name: values for name, values in every.items() if np.isfinite(values).any()}
    return scores | {
        name: fused(truth, [scores[part] for part in parts])
        for name, parts in FUSED.items()
        if set(parts) <= scores.keys()
    }


def fused(truth: Truth, parts: Sequence[Array]) -> Array:
    """Reciprocal rank fusion within each target; a source that a method cannot score has its middle rank."""
    found = np.full(truth.candidates.shape, np.nan)
    for row, target in enumerate(truth.targets):
        names = [name for name, open_ in zip(truth.sources, truth.candidates[row], strict=True) if open_]
        rankings = []
        for number, values in enumerate(parts):
            here = dict(zip(truth.sources, values[row].tolist(), strict=True))
            known = {name: here[name] for name in names if np.isfinite(here[name])}
            if known:
                failed = {name: "no score" for name in names if name not in known}
                rankings.append(Scores(target, str(number), known, failed))
        if rankings:
            both = fuse(rankings, unscored="middle").values
            found[row] = [both.get(name, np.nan) for name in truth.sources]
    return found


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


def judged(found: Measured, *, in_class: bool = False, replays: int = 10) -> Quality:
    """Every order on the table; forelearn's search is replayed on the whole of it."""
    table = table_of(found.truth, scores_of(found), in_class=in_class)
    methods = [
        Method("static", by_static, "the learning seeds of the other targets"),
        Method("source effects", source_effects, "single runs as it goes", chance=True, in_sequence=True),
        *(Method(name, column(name), "a score column") for name in table.scores),
    ]
    quality = evaluate(table, methods, draws=100)
    if in_class:
        return quality
    searched = evaluate(table, methods[:1], searches={"forelearn": TableSearch()}, draws=replays)
    ours = tuple(verdict for verdict in searched.verdicts if verdict.kind == "search")
    return replace(quality, verdicts=(*quality.verdicts, *ours))


def said(interval: Interval | None, digits: int = 1, *, signed: bool = False) -> str:
    """`mean [low, high]`, a dash where it is undefined."""
    if interval is None or not np.isfinite(interval.mean):
        return "–"
    sign = "+" if signed else ""
    return "{} [{}, {}]".format(
        *(f"{value:{sign}.{digits}f}" for value in (interval.mean, interval.low, interval.high))
    )


def lines(quality: Quality, found: Measured, figures: Sequence[str] = FIGURES) -> list[str]:
    """The table as Markdown, the least regret first; controls last."""

    def place(verdict: Verdict) -> tuple[bool, float]:
        regret = verdict.figures.get("regret@3", verdict.figures.get("lost@16.5"))
        return verdict.kind == "control", regret.mean if regret is not None else np.inf

    heads = [figure.replace("_", " ") for figure in figures]
    rows = [
        f"| method | {' | '.join(heads)} | regret@3 less random | less static | seconds |",
        "| --- |" + " ---: |" * (len(figures) + 3),
    ]
    for verdict in sorted(quality.verdicts, key=place):
        digits = {"ndcg": 2, "weighted_tau": 2}
        cells = [said(verdict.figures.get(figure), digits.get(figure, 1)) for figure in figures]
        for reference in ("random", "static"):
            apart = verdict.against.get(reference, {})
            cells.append(said(apart.get("regret@3"), signed=True))
        parts = FUSED.get(verdict.method, (verdict.method,))
        known = [found.seconds[part] for part in parts if part in found.seconds]
        cells.append(f"{sum(known):.0f}" if known else "–")
        rows.append(f"| {verdict.method} | {' | '.join(cells)} |")
    return rows


def main() -> None:
    """Print both tables."""
    warnings.simplefilter("ignore", RuntimeWarning)
    found = measured()
    for in_class in (False, True):
        print("\n".join(lines(judged(found, in_class=in_class), found)), end="\n\n")


if __name__ == "__main__":
    main()
