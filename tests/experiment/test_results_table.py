"""`results.csv` and `features.csv`: what is written is read, what is wrong is refused with its row."""

import csv
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.experiment.made_results import made_features, made_results

from forelearn.core.errors import InputError
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Failure, Performance, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Source, Transfer
from forelearn.estimators.features import Columns, join
from forelearn.experiment.evaluate import methods_for
from forelearn.experiment.features_table import read_features, write_features
from forelearn.experiment.held_out import EVERY, predictions, usable_sets
from forelearn.experiment.results_table import (
    DECIDING,
    deciding_of,
    metrics_of,
    of_one_kind,
    read_results,
    results_of,
    truth_of,
    write_results,
)

ENCODER, GRID = Encoder("e", "0"), (Recipe(learning_rate=1e-4, precision="bf16"), Recipe(learning_rate=1e-3))
A, B = (Task(name, "binary", "average_precision", name) for name in "ab")


def run(target: Task, recipe: Recipe, dev: float, *sources: Source, seed: int = 0) -> Run:
    measured = {"average_precision": dev, "f1": dev / 2}
    return Run(
        Transfer(target, ENCODER, recipe, seed, sources), Performance(measured, measured), Cost(7.0, 1.0), ""
    )


def test_what_is_written_reads_back_to_the_last_bit(tmp_path):
    rows = made_results()
    write_results(rows, tmp_path / "results.csv")
    assert sorted(read_results(tmp_path / "results.csv"), key=lambda row: row.key) == sorted(
        rows, key=lambda row: row.key
    )
    features = made_features()
    write_features(features, tmp_path / "features.csv")
    again = read_features(tmp_path / "features.csv")
    assert dict(zip(again.pairs, again.columns.rows.tolist())) == dict(
        zip(features.pairs, features.columns.rows.tolist())
    )
    assert again.costs["ansat"].units == pytest.approx(600.0)


def test_the_file_does_not_depend_on_the_order_of_the_runs(tmp_path):
    rows = made_results()
    write_results(rows, tmp_path / "one.csv")
    random.Random(0).shuffle(rows)
    write_results(rows, tmp_path / "other.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


def test_the_dev_best_recipe_on_the_first_seed_makes_the_truth_and_controls_are_told_apart():
    """A keeps the second recipe (.6 > .5), B the first. Of A's runs those at the second count; the pair B → A is at
    both kept recipes; `train longer` has twice the epochs; a failure has no row."""
    first, second = GRID
    outcomes = [
        run(A, first, 0.5),
        run(A, second, 0.6),
        run(A, second, 0.9, seed=1),
        run(B, first, 0.4),
        run(B, second, 0.3),
        run(A, second, 0.7, Source(B, first)),
        run(A, second, 0.8, Source(B, second)),
        run(A, second, 0.65, Source(A, second)),
        run(A, replace(second, epochs=6), 0.66),
        Failure(run(B, first, 0.0, seed=1).transfer, "diverged", Cost(), ""),
    ]
    found = {
        (row.target, row.source, row.seed): row.dev["average_precision"] for row in results_of(outcomes, GRID)
    }
    assert found == {
        ("a", "", 0): 0.6,
        ("a", "", 1): 0.9,
        ("a", "a", 0): 0.65,
        ("a", "b", 0): 0.7,
        ("a", "train longer", 0): 0.66,
        ("b", "", 0): 0.4,
    }


def test_of_two_data_sets_of_one_name_or_two_encoders_those_count_that_were_trained_last():
    """First with fewer rows, then whole; before both, with another encoder. b is the same throughout."""
    recipe = GRID[0]
    fewer = replace(A, digest="a of 300 rows")
    runs = [
        run(fewer, recipe, 0.5),
        run(B, recipe, 0.4),
        run(B, recipe, 0.5, Source(fewer, recipe)),
        run(A, recipe, 0.6),
        run(B, recipe, 0.7, Source(A, recipe)),
    ]
    stored = [replace(one, made=f"2026-01-0{day}") for day, one in enumerate(runs, 2)]
    old = replace(
        stored[0], transfer=replace(stored[0].transfer, encoder=Encoder("f", "1")), made="2026-01-01"
    )
    found = [
        (row.target, row.source, row.dev["average_precision"]) for row in results_of([old, *stored], GRID)
    ]
    assert found == [("a", "", 0.6), ("b", "", 0.4), ("b", "a", 0.7)]
    assert len(of_one_kind([old, *stored])) == 3
    assert of_one_kind([]) == []


def test_of_one_recipe_a_pair_counts_though_its_target_has_not_run_alone():
    """The store of one machine of several: b's baseline ran elsewhere. Other recipes never count."""
    only, other = GRID
    outcomes = [
        run(A, only, 0.5),
        run(B, only, 0.7, Source(A, only)),
        run(B, other, 0.9, Source(A, other)),
    ]
    found = [(row.target, row.source) for row in results_of(outcomes, [only])]
    assert found == [("a", ""), ("b", "a")]
    assert [(row.target, row.source) for row in results_of(outcomes, GRID)] == [("a", "")]


def test_a_truth_has_holes_where_runs_are_missing():
    rows = [row for row in made_results() if (row.target, row.source, row.seed) != ("a", "b", 2)]
    truth = truth_of(rows, "f1")
    assert np.isnan(truth.test.pairs[0, truth.sources.index("b"), 2])
    assert truth.search_seeds == (0, 1, 2)
    assert np.isnan(truth.test.pairs[0, truth.sources.index("a")]).all()
    assert np.isfinite(truth.test.itself[:, :3]).all()
    assert truth.seeds == (0, 1, 2, 3, 4)
    assert truth.costs.tolist() == [100.0] * 6
    assert metrics_of(rows) == ("accuracy", "average_precision", "f1")


def test_a_task_that_has_only_run_alone_is_a_source_and_no_target():
    rows = [row for row in made_results() if row.target == "a" or not row.source]
    truth = truth_of(rows, "f1")
    assert truth.targets == ("a",)
    assert len(truth.sources) == 6
    assert truth.search_seeds == (0, 1, 2)
    alone = truth_of([row for row in rows if not row.source], "f1")
    assert len(alone.targets) == 6


def test_what_decides_is_each_targets_own_metric_where_targets_differ():
    """A is decided by its F1 .4, B by a correlation that lies below 0; accuracy is all that both have."""
    rows = [
        replace(made_results()[0], target=target, metric=metric, dev=dev, test=dev)
        for target, metric, dev in (
            ("a", "f1", {"f1": 0.4, "accuracy": 0.7}),
            ("b", "pearson", {"pearson": -0.3, "accuracy": 0.1}),
        )
    ]
    assert metrics_of(rows) == ("accuracy",)
    metric, found = deciding_of(rows, "accuracy")
    assert metric == DECIDING
    assert [row.test[DECIDING] for row in found] == [0.4, -0.3]
    assert truth_of(found, metric).dev.baselines[:, 0].tolist() == [0.4, -0.3]


def test_one_metric_decides_where_targets_share_it_and_the_study_may_name_another():
    rows = made_results()
    assert deciding_of(rows, None) == ("average_precision", rows)
    own = [replace(row, metric="f1") for row in rows]
    assert deciding_of(own, None) == ("f1", own)
    assert deciding_of(own, "average_precision") == ("average_precision", own)


def test_measures_that_a_kind_does_not_have_are_empty_cells(tmp_path):
    first, second = made_results()[:2]
    rows = [
        replace(first, target="a", metric="f1", dev={"f1": 0.5}, test={"f1": 0.25}),
        replace(second, target="b", metric="pearson", dev={"pearson": -0.5}, test={"pearson": -0.125}),
    ]
    write_results(rows, tmp_path / "results.csv")
    assert read_results(tmp_path / "results.csv") == rows
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        assert [row["test_pearson"] for row in csv.DictReader(file)] == ["", "-0.125"]


def test_tables_of_before_can_be_read():
    """Neither the metric of each target nor a column for every method stands in them."""
    study = Path(__file__).parents[2] / "studies" / "inductive-transfer"
    rows = read_results(study / "results.csv")
    features = read_features(study / "features.csv")
    assert deciding_of(rows, None)[0] == "average_precision"
    assert len(features.pairs) == len(features.columns.rows) > 100
    assert {"cooccurrence", "textemb", "prior", "ansat.both@0.05"} <= set(features.columns.names)


@pytest.mark.slow
def test_a_mean_beside_its_parts_is_an_order_and_tells_no_predictor_anything():
    features, results = made_features(), made_results()
    mean = Columns(("ansat", "logme"), np.arange(2.0 * len(features.pairs)).reshape(-1, 2))
    both = replace(features, columns=join(features.columns, mean))
    truth = truth_of(results, "f1")
    named = {one.name: one for one in usable_sets(both)}
    for name in ("ANSAT", "F1+ANSAT"):
        before, after = (predictions(truth, truth.dev, table, named[name]) for table in (features, both))
        assert np.array_equal(before, after, equal_nan=True)
    assert {one.method.name for one in methods_for(truth, both)} >= {"ansat", "logme", "size", EVERY}
    assert EVERY not in {one.name for one in usable_sets(features)}


def test_a_method_that_scores_no_pair_is_no_order():
    features = made_features()
    empty = Columns(("logme",), np.full((len(features.pairs), 1), np.nan))
    known = replace(features, columns=join(features.columns, empty))
    assert "logme" not in {one.method.name for one in methods_for(truth_of(made_results(), "f1"), known)}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("target,source", "aim,source", "no column `target`"),
        ("\na,,0,", "\na,,0,x,", "row 2"),
        ("\na,,0,", "\na,,one,", "no seed"),
        ("\na,,1,", "\na,,0,", "stands twice"),
        (",100.0,", ",inf,", "no finite number"),
        (",100.0,", ",many,", "no finite number"),
    ],
)
def test_a_broken_table_is_refused_with_its_place(tmp_path, old, new, said):
    file = tmp_path / "results.csv"
    write_results(made_results(), file)
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=said):
        read_results(file)
