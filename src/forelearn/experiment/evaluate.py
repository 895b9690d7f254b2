"""`forelearn evaluate STUDY`: what a study's runs say of orders of sources, of predictors, and of luck.

The runs come from the study's store if it holds any, else from `results.csv` beside the study file; features come
from `features.csv` beside it. Nothing is trained and no data are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from forelearn.core.errors import InputError, Problem
from forelearn.core.run import Cost, Outcome, Run
from forelearn.estimators.features import Columns
from forelearn.estimators.methods import METHODS
from forelearn.evaluation.errors_at import ErrorCurve, error_curve, floor_curve, no_model_curve
from forelearn.evaluation.orders import Method, Seen, source_effects
from forelearn.evaluation.study_cells import StudyMethod
from forelearn.evaluation.study_quality import evaluate_truth
from forelearn.evaluation.study_result import InMetric, StudyEvaluation
from forelearn.evaluation.table import Array, mean_known
from forelearn.evaluation.truth import Truth
from forelearn.evaluation.winners import winners
from forelearn.experiment.evaluate_table import by_static
from forelearn.experiment.features_table import FILE as FEATURES
from forelearn.experiment.features_table import Features, read_features
from forelearn.experiment.held_out import predictions, usable_sets
from forelearn.experiment.results_table import FILE as RESULTS
from forelearn.experiment.results_table import (
    Result,
    deciding_of,
    metrics_of,
    of_one_kind,
    read_results,
    results_of,
    truth_of,
    write_results,
)
from forelearn.experiment.study import Study, read_study, read_text, study_file
from forelearn.search.space import LONGER
from forelearn.store.directory import Directory
from forelearn.store.runs import Runs

JUDGED = ("average_precision", "f1")
"""Metrics that are judged, after the one that decides."""
FREE = ("cooccurrence", "textemb", "words", "overlap", "size")
ORDERS = (*FREE, *(name for name in METHODS if name not in (*FREE, "random", "static")), "prior")
"""Feature columns that are orders of their own, as they are listed; a table need not have all of them."""


def evaluate_study(
    path: Path, *, out: str | None = None, draws: int = 100, seed: int = 0, metrics: Sequence[str] = ()
) -> StudyEvaluation:
    """Judge a study. out: its store, as in `forelearn run`. metrics: which to judge; by default the deciding one,
    average precision and F1, as far as they were measured in every run. Where targets have different deciding
    metrics, `DECIDING` stands for each target's own.

    Raises InputError if the study cannot be read, has no runs, or too few to judge anything.
    """
    if draws < 2:
        raise InputError(Problem("--draws", f"must be at least 2, got {draws}.", "The default is 100."))
    if seed < 0:
        raise InputError(Problem("--seed", f"must be at least 0, got {seed}.", "The default is 0."))
    study = opened(path, out)
    results, origin = results_for(study)
    deciding, results = deciding_of(results, study.settings.metric)
    known = metrics_of(results)
    wanted = list(dict.fromkeys(metrics or (deciding, *JUDGED)))
    judged = [name for name in wanted if name in known]
    if not judged:
        rule = f"measures {', '.join(known) or 'nothing'} in every run, but not {wanted[0]}."
        raise InputError(Problem(origin, rule, "Run the study's pairs first."))
    features = features_for(study)
    truths = {name: truth_of(results, name) for name in known}
    found = tuple(in_metric(truths[name], features, draws=draws, seed=seed) for name in judged)
    return StudyEvaluation(
        study.settings.name,
        origin,
        len(results),
        sum(row.seconds for row in results),
        _exhaustive_seconds(results),
        None if features is None else dict(features.costs),
        found,
        truths,
        tuple(section.name for section in study.settings.data if section.name),
    )


def save_results(path: Path, *, out: str | None = None) -> Path:
    """Write the runs in the study's store to `results.csv` beside its file, and return that file.

    Raises InputError if the store holds no pair: a table is never replaced by nothing.
    """
    study = opened(path, out)
    results = results_of(Runs(Directory(study.out)).all(), study.settings.grid())
    if not _has_pairs(results):
        fix = "Name the store that holds the runs with --out."
        raise InputError(Problem(str(study.out), "The store holds no pair of this study.", fix))
    file = study.folder / RESULTS
    write_results(results, file)
    return file


def _has_pairs(results: Sequence[Result]) -> bool:
    return any(row.source not in ("", LONGER, row.target) for row in results)


def _exhaustive_seconds(results: Sequence[Result]) -> float:
    """Of one run of every pair and one baseline a target, from the mean measured time of a run."""
    shown = [row for row in results if row.source != LONGER]
    cells = {(row.target, row.source) for row in shown if row.source != row.target}
    return len(cells) * sum(row.seconds for row in shown) / max(1, len(shown))


def opened(path: Path, out: str | None) -> Study:
    """The study as far as its runs need it: neither its data nor its encoder must be there.

    Raises InputError for anything else that is wrong with the file.
    """
    file = study_file(path)
    chosen = None if out is None else Path(out)
    study, problems = read_study(read_text(file), path=file, data_root=file.parent, out=chosen)
    wrong = [one for one in problems if not one.where.endswith((", encoder", ", sources"))]
    if wrong or study is None:
        raise InputError(wrong or problems)
    return study


def results_for(study: Study) -> tuple[list[Result], str]:
    """The runs of a study and where they come from: its store, or `results.csv` beside the file."""
    outcomes = Runs(Directory(study.out)).all()
    results = results_of(outcomes, study.settings.grid())
    if _has_pairs(results):
        return results, f"{study.out}{_left_out(outcomes)}"
    file = study.folder / RESULTS
    if file.is_file():
        return read_results(file), str(file)
    fix = "Run it first (`forelearn run STUDY --exhaustive` for the ground truth), or name its store with --out."
    raise InputError(
        Problem(str(study.path), f"Neither its store nor a {RESULTS} beside it holds a pair.", fix)
    )


def _left_out(outcomes: Sequence[Outcome]) -> str:
    """How many runs of other data or another encoder are not counted; empty for none."""
    finished = [one for one in outcomes if isinstance(one, Run)]
    others = len(finished) - len(of_one_kind(finished))
    return f", without {others} of other data or another encoder under the same names" if others else ""


def features_for(study: Study) -> Features | None:
    """The features beside the study file; None if there are none."""
    file = study.folder / FEATURES
    return read_features(file) if file.is_file() else None


def in_metric(truth: Truth, features: Features | None, *, draws: int = 100, seed: int = 0) -> InMetric:
    """Judge everything in one metric."""
    known = features or Features((), Columns((), np.empty((0, 0))), {})
    methods = methods_for(truth, known)
    return InMetric(
        evaluate_truth(truth, methods, draws=draws, seed=seed),
        tuple(_errors(truth, known, seed=seed)),
        winners(truth),
    )


def methods_for(truth: Truth, features: Features) -> list[StudyMethod]:
    """Every order that the features allow, source effects and static first."""
    others = "all pairs of the other targets on the search's seed"
    pairs = float((truth.candidates.sum(axis=1) * truth.costs).sum() + truth.costs.sum())

    def share(names: Sequence[str]) -> float:
        return sum(features.costs.get(name, Cost()).units for name in names) / pairs

    found = [
        StudyMethod(
            Method("source effects", source_effects, "runs as it goes", chance=True, in_sequence=True)
        ),
        StudyMethod(Method("static", by_static, others)),
    ]
    for name in (name for name in ORDERS if name in features.columns.names):
        values = features.grid(name, truth.targets, truth.sources)
        scored = int(np.isfinite(values).any(axis=1).sum())
        if scored:
            some = f"; scores sources of {scored} of {len(values)} targets" if scored < len(values) else ""
            costly = ("ansat", "textemb") if name == "prior" else (name,)
            found.append(StudyMethod(Method(name, _always(values), f"no run{some}"), share(costly)))
    for wanted in usable_sets(features) if features.pairs else ():
        by_seed = {
            str(truth.seeds[place]): predictions(truth, truth.dev, features, wanted, seeds=[place])
            for place in truth.search_seeds
        }
        method = Method(wanted.name, _of_seed(by_seed), others)
        found.append(StudyMethod(method, share(wanted.costly)))
    return found


def _errors(truth: Truth, features: Features, *, seed: int) -> list[ErrorCurve]:
    """RMSE@K on test, as the paper's figure 1: nothing is chosen by it."""
    level = mean_known(truth.test.baselines, axis=1)[:, None]
    found = [no_model_curve(truth, seed=seed), floor_curve(truth, seed=seed)]
    for wanted in usable_sets(features) if features.pairs else ():
        guess = predictions(truth, truth.test, features, wanted)
        performance = guess if wanted.form == "performance" else guess + level
        found.append(error_curve(wanted.name, wanted.form, performance, truth, seed=seed))
    return found


def _always(values: Array) -> Callable[[Seen], Array]:
    return lambda view: values


def _of_seed(by_seed: dict[str, Array]) -> Callable[[Seen], Array]:
    return lambda view: by_seed[view.table.seeds[0]]
