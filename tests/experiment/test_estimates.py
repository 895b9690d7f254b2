"""Scores of every method on a small study of mixed kinds, its features, and its evaluation."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.mixed_studies import mixed_study

import forelearn.cli
from forelearn.core.run import Run
from forelearn.core.task import Task
from forelearn.estimators.esm import fit_esm
from forelearn.estimators.methods import METHODS
from forelearn.evaluation.study_result import StudyEvaluation
from forelearn.executors.base import Executor
from forelearn.executors.inline import Inline
from forelearn.executors.local import Local
from forelearn.experiment.api import open_prepared, search
from forelearn.experiment.drive import Silent, new_search
from forelearn.experiment.estimate_stock import Stock
from forelearn.experiment.estimates import MADE, Estimates, Table
from forelearn.experiment.estimates_vectors import vectors_of
from forelearn.experiment.evaluate import evaluate_study, save_results
from forelearn.experiment.features_table import read_features, write_features
from forelearn.experiment.held_out import EVERY
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.results_table import DECIDING, read_results
from forelearn.experiment.row_scores import BY_FEATURES, BY_PREDICTIONS, HALVES
from forelearn.experiment.settings import READY
from forelearn.experiment.study_features import compute_features
from forelearn.models.task_model import load_model
from forelearn.report.study_json import study_rows
from forelearn.representations.grademb import grademb
from forelearn.tasks.synthetic_kinds import Sizes
from forelearn.tasks.synthetic_mixed import mixed_family

pytestmark = pytest.mark.slow

SPANS, CLASSES = "target-spans", "1-kin-multiclass"
GRADIENTS = ("taskemb", "grademb")
Tables = Mapping[tuple[str, str], Table]
"""(method, target) → scores."""


@dataclass(frozen=True)
class Made:
    """A study that has run in full, and the scores of every method for two of its targets."""

    path: Path
    prepared: Prepared
    tables: Tables
    efforts: Mapping[str, float]


def estimates(
    prepared: Prepared, executor: Executor | None = None, *, seeds: tuple[int, ...] = (0, 1)
) -> Estimates:
    """Estimates of a search that has been told the runs of these seeds."""
    told = new_search(prepared)
    for outcome in prepared.runs.all():
        if outcome.transfer.seed in seeds:
            told.tell(outcome)
    return Estimates(prepared, told, executor, Silent())


def targets(prepared: Prepared) -> list[Task]:
    return [task for task in prepared.space.targets if task.name in (SPANS, CLASSES)]


def tables(made: Estimates, names: Iterable[str] = MADE) -> Tables:
    return {(name, task.name): made.table(name, task) for name in names for task in targets(made.prepared)}


def plain(found: Table) -> dict[str, object]:
    """Scores without what a stopwatch says."""
    return {name: replace(one, seconds=0.0) for name, one in sorted(found.items())}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    family = mixed_family(
        0,
        target="spans",
        kin=("multiclass", "regression", "choice"),
        strangers=("answers", "binary"),
        random=(),
        target_rows=32,
        sizes=Sizes(train=32, dev=16, test=16),
    )
    folder = tmp_path_factory.mktemp("mixed")
    path = mixed_study(folder, family, epochs=2, search="controls = false")
    search(path, exhaustive=True)
    prepared = open_prepared(path)
    first = estimates(prepared, Inline())
    found = tables(first)
    return Made(path, prepared, found, {name: effort.units for name, effort in first.efforts.items()})


def test_every_method_gives_a_score_or_a_reason_for_every_source(made: Made) -> None:
    assert set(MADE) == set(METHODS) - {"ansat", "rrf"}
    for (method, target), found in made.tables.items():
        assert len(found) == 5, method
        assert target not in found
        for one in found.values():
            assert (one.value is None) == bool(one.reason), method
            assert "\n" not in one.reason
            assert one.value is None or math.isfinite(one.value)


def test_methods_that_apply_tell_sources_apart(made: Made) -> None:
    for method in (
        *BY_FEATURES,
        "esm",
        "textemb",
        "textemb_raw",
        "overlap",
        "curvegrad",
        *GRADIENTS,
        "static",
    ):
        values = {one.value for one in made.tables[method, CLASSES].values() if one.value is not None}
        assert len(values) > 1, method


def test_a_method_that_is_refused_for_a_kind_says_so_in_one_line(made: Made) -> None:
    for one in made.tables["words", SPANS].values():
        assert one.reason.startswith("words: not defined for sequence labelling: ")
    answers = next(task for task in made.prepared.space.targets if task.kind == "question_answering")
    said = {one.reason for one in estimates(made.prepared).table("logme", answers).values()}
    assert said == {METHODS["logme"].refusal("question_answering")}


def test_a_second_call_computes_nothing_and_says_the_same(made: Made) -> None:
    """Without an executor there is nobody who could."""
    again = tables(estimates(made.prepared))
    assert {key: plain(found) for key, found in again.items()} == {
        key: plain(found) for key, found in made.tables.items()
    }


def test_what_is_not_in_the_store_is_listed_with_a_reason(made: Made, tmp_path: Path) -> None:
    out = copied(made, tmp_path)
    shutil.rmtree(out / "features")
    found = tables(estimates(open_prepared(made.path, Options(out=str(out)))), ("logme", "taskemb", "esm"))
    reasons = {one.reason for table in found.values() for one in table.values()}
    assert all("has not been computed" in reason for reason in reasons)
    shutil.rmtree(out / "weights")
    bare = tables(estimates(open_prepared(made.path, Options(out=str(out)))), ("knn", "grademb"))
    reasons = {one.reason for table in bare.values() for one in table.values()}
    assert all("weights of its single-task model were not kept" in reason for reason in reasons)


def test_the_order_of_the_sources_changes_no_score(made: Made, tmp_path: Path) -> None:
    out = copied(made, tmp_path)
    head, *sections = made.path.read_text(encoding="utf-8").split("[[data]]")
    other = made.path.with_name("backwards.toml")
    other.write_text("[[data]]".join([head, *reversed(sections)]), encoding="utf-8")
    prepared = open_prepared(other, Options(out=str(out)))
    assert [task.name for task in prepared.space.sources] != [
        task.name for task in made.prepared.space.sources
    ]
    again = tables(estimates(prepared))
    assert {key: plain(found) for key, found in again.items()} == {
        key: plain(found) for key, found in made.tables.items()
    }


def test_the_number_of_workers_changes_no_score(made: Made, tmp_path: Path) -> None:
    out = copied(made, tmp_path)
    shutil.rmtree(out / "features")
    prepared = open_prepared(made.path, Options(out=str(out)))
    (task,) = (task for task in prepared.space.targets if task.name == CLASSES)
    names = ("logme", "leep", "grademb")
    with Local(2, 1) as workers:
        many = estimates(prepared, workers, seeds=(0,))
        found = {name: plain(many.table(name, task)) for name in names}
    alone = estimates(made.prepared, seeds=(0,))
    assert found == {name: plain(alone.table(name, task)) for name in names}


def test_a_score_has_as_many_halves_and_they_differ(made: Made) -> None:
    for method in (*BY_FEATURES, "textemb", "esm", *GRADIENTS):
        for one in made.tables[method, CLASSES].values():
            if one.value is not None:
                assert len(one.halves) == HALVES, method
                assert len(set(one.halves)) > 1, method


@pytest.mark.parametrize("method", ["logme", "esm", *GRADIENTS])
def test_two_seeds_of_single_task_models_are_averaged_and_halved_in_turn(
    made: Made, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, single = Stock.models, []
    for seed in (0, 1):
        monkeypatch.setattr(Stock, "models", lambda self, source, at=seed: models(self, source)[at : at + 1])
        single.append(tables(estimates(made.prepared), (method,))[method, CLASSES])
    assert plain(single[0]) != plain(single[1])
    for source, both in made.tables[method, CLASSES].items():
        first, second = single[0][source], single[1][source]
        assert first.value is not None
        assert second.value is not None
        assert both.value == pytest.approx((first.value + second.value) / 2)
        assert both.halves[0::2] == pytest.approx(first.halves[0::2])
        assert both.halves[1::2] == pytest.approx(second.halves[1::2])


def test_blocks_of_a_tasks_rows_average_to_the_vector_of_all_of_them(made: Made) -> None:
    """32 rows are six blocks of 6 or 5; weighed by that, their means are the mean over all."""
    (task,) = (task for task in targets(made.prepared) if task.name == CLASSES)
    stock = estimates(made.prepared)._stock
    (_, folder), *_ = stock.models(task)
    blocks = vectors_of(stock, "grademb", task)[0]
    assert blocks.examples.tolist() == [6, 6, 5, 5, 5, 5]
    whole = grademb(load_model(folder), made.prepared.tasks[CLASSES].train, max_length=48)
    assert blocks.mean()["gradient"] == pytest.approx(whole.vector, rel=1e-4, abs=1e-7)


def test_what_a_method_took_is_counted_once_whatever_the_number_of_calls(made: Made) -> None:
    twice = estimates(made.prepared)
    for _ in range(2):
        tables(twice)
    assert {name: effort.units for name, effort in twice.efforts.items()} == made.efforts
    assert not {"size", "random", "static", "curvegrad", "overlap"} & set(made.efforts)
    assert all(units > 0 for units in made.efforts.values())
    assert twice.efforts["grademb"].backward == twice.efforts["grademb"].forward == 6 * 2 * 32


def test_the_total_does_not_hang_on_which_method_asks_first(made: Made) -> None:
    """One reading gives features and predictions: it is paid whole, by whoever comes first, and once."""
    target = made.prepared.tasks[SPANS].task
    totals = []
    for order in (("logme", "leep"), ("leep", "logme"), ("logme",), ("leep",)):
        one = estimates(made.prepared)
        for method in order:
            one.table(method, target)
        totals.append((one.total.forward, one.total.units))
    assert len(set(totals)) == 1
    assert totals[0][0] > 0


def test_esm_says_why_where_the_rows_that_are_read_have_one_class(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = Stock.arrays

    def of_one_class(self: Stock, method: str, asked: Mapping[str, Any], what: str) -> Any:
        found = arrays(self, method, asked, what)
        return {
            name: {**one, "targets": np.zeros_like(one["targets"])} if "targets" in one else one
            for name, one in found.items()
        }

    monkeypatch.setattr(Stock, "arrays", of_one_class)
    found = estimates(made.prepared).table("esm", made.prepared.tasks[CLASSES].task)
    assert len(found) == 5
    assert {one.reason for one in found.values()} == {"ESM needs at least 2 classes, got 1"}


def test_esm_fits_the_map_of_a_source_once_for_all_targets_and_counts_its_seconds(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = []

    def counted(base: Any, tuned: Any) -> Any:
        fitted.append(base.shape)
        return fit_esm(base, tuned)

    clock = count(step=1000)  # each target's maps and scores take a thousand seconds of it
    monkeypatch.setattr("forelearn.experiment.estimates_rows.fit_esm", counted)
    stopwatch = SimpleNamespace(perf_counter=lambda: next(clock))
    monkeypatch.setattr("forelearn.experiment.estimates_rows.time", stopwatch)
    own = estimates(made.prepared)
    again = tables(own, ["esm"])
    assert all(plain(again["esm", name]) == plain(made.tables["esm", name]) for name in (SPANS, CLASSES))
    assert len(fitted) == 6 * 2  # every task is a source of one of the two targets, on two seeds
    took = own.efforts["esm"].seconds
    assert 2000 < took < 3000
    own.table("esm", targets(made.prepared)[0])
    assert own.efforts["esm"].seconds == took  # told once
    assert len(fitted) == 6 * 2


@pytest.fixture(scope="module")
def evaluated(made: Made) -> StudyEvaluation:
    """The study with its runs and features beside its file, as `forelearn evaluate` reads it."""
    features = compute_features(made.prepared, made.prepared.runs.all(), Inline())
    write_features(features, made.path.parent / "features.csv")
    save_results(made.path)
    return evaluate_study(made.path, draws=2)


def test_features_hold_a_column_for_every_method_that_a_study_can_compute(
    made: Made, evaluated: StudyEvaluation
) -> None:
    found = read_features(made.path.parent / "features.csv")
    assert {*METHODS} - {"random", "static", "rrf"} <= set(found.columns.names)
    assert set(made.efforts) <= set(found.costs)
    row = found.pairs.index((SPANS, CLASSES))
    first = tables(estimates(made.prepared, seeds=(0,)))
    for method in ("logme", "taskemb", "grademb", "esm", "leep", "curvegrad"):
        value = first[method, CLASSES][SPANS].value
        told = found.columns.rows[row, found.columns.names.index(method)]
        assert np.isnan(told) if value is None else told == value, method
    parts = [place for place, name in enumerate(found.columns.names) if name.startswith("ansat.target@")]
    mean = found.columns.rows[:, parts].mean(axis=1)
    assert found.columns.rows[:, found.columns.names.index("ansat")] == pytest.approx(mean, nan_ok=True)


def test_results_of_all_kinds_stand_in_one_table(made: Made, evaluated: StudyEvaluation) -> None:
    rows = read_results(made.path.parent / "results.csv")
    runs = [one for one in made.prepared.runs.all() if isinstance(one, Run)]
    assert len(rows) == len(runs) == 6 * 5 * 2 + 6 * 2
    own = {row.target: row.metric for row in rows}
    assert own == {task.name: task.metric for task in made.prepared.space.targets}
    assert len(set(own.values())) == 6
    by_key = {row.key: row for row in rows}
    for run in runs:
        assert by_key[run.transfer.key].test[run.transfer.target.metric] == pytest.approx(run.test())
        assert "pearson" not in by_key[run.transfer.key].dev or run.transfer.target.kind == "regression"


def test_targets_of_a_mixed_study_are_judged_by_their_own_metric(
    made: Made, evaluated: StudyEvaluation
) -> None:
    (metric,) = evaluated.metrics
    truth = metric.quality.truth
    assert truth.metric == DECIDING
    for run in made.prepared.runs.all():
        assert isinstance(run, Run)
        if not run.transfer.sources:
            row, seed = truth.targets.index(run.transfer.target.name), truth.seeds.index(run.transfer.seed)
            assert truth.test.baselines[row, seed] == pytest.approx(run.test())


def test_each_estimator_is_an_order_that_is_judged_and_printed(
    made: Made,
    evaluated: StudyEvaluation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    orders = {row["method"]: row for row in study_rows(evaluated) if row["kind"] == "order"}
    wanted = {*MADE} - {"cooccurrence"}  # one binary task alone: there is no pair to score
    assert wanted <= set(orders)
    assert orders["grademb"]["cost"]["features"] > 0
    assert orders["size"]["cost"]["features"] == 0
    assert orders["words"]["sees"] == "no run; scores sources of 2 of 6 targets"
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["forelearn", "evaluate", str(made.path), "--draws", "2"])
    with pytest.raises(SystemExit) as leaving:
        forelearn.cli.main()
    assert not leaving.value.code
    shown = capsys.readouterr().out
    assert "each target's own metric" in shown
    assert all(f" {name} " in shown for name in wanted)


def test_every_method_together_pays_for_shared_readings_once(evaluated: StudyEvaluation) -> None:
    costs = {row["method"]: row["cost"].get("features") for row in study_rows(evaluated) if "cost" in row}
    whole = costs[EVERY]
    assert whole < sum(costs[name] for name in (*BY_FEATURES, *BY_PREDICTIONS, "taskemb", "grademb", "esm"))
    assert whole > costs["taskemb"] + costs["grademb"] + costs["esm"] + costs["logme"]


def test_a_ready_encoder_gives_features_and_says_what_it_cannot_give(made: Made, tmp_path: Path) -> None:
    """The study's own encoder, as if somebody had tuned it: it has no head, no texts, no task."""
    ready = made.prepared.folders[made.prepared.space.encoder.digest]
    text = made.path.read_text(encoding="utf-8")
    other = made.path.with_name("ready.toml")
    sources = f'sources = ["{CLASSES}", "{READY}{ready}"]\n'
    other.write_text(text.replace("\n[tiny]", sources + "\n[tiny]", 1), encoding="utf-8")
    prepared = open_prepared(other, Options(out=str(copied(made, tmp_path))))
    (task,) = (task for task in prepared.space.targets if task.name == SPANS)
    found = estimates(prepared, Inline(), seeds=(0,))
    name = next(name for name in found.table("size", task) if name.startswith(READY))
    assert found.table("hscore", task)[name].value is not None
    for method in ("leep", "esm", "size", "curvegrad", *GRADIENTS):
        one = found.table(method, task)[name]
        assert one.value is None
        assert one.reason
        assert "\n" not in one.reason


def copied(made: Made, folder: Path) -> Path:
    """The study's store, to be changed."""
    return Path(shutil.copytree(made.prepared.study.out, folder / "out"))
