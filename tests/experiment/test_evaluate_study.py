"""`forelearn evaluate STUDY` on a made-up study whose answers are known."""

import json
import math
import random
import sys
from dataclasses import replace

import pytest
from tests.experiment.made_results import NAMES, STUDY, made_results, made_study

import forelearn.cli
from forelearn.core.errors import InputError
from forelearn.experiment.evaluate import evaluate_study
from forelearn.experiment.features_table import read_features
from forelearn.experiment.held_out import predictions, usable_sets
from forelearn.experiment.results_table import read_results, truth_of
from forelearn.report.study_json import study_rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return made_study(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def rows(study):
    found = study_rows(evaluate_study(study, draws=20))
    return {(row["metric"], row["method"]): row for row in found}


def figure(rows, method, name, metric="average_precision"):
    return rows[metric, method]["figures"][name]["mean"]


def test_there_is_one_object_a_method_and_metric_and_the_deciding_metric_is_first(rows):
    metrics = [metric for metric, _ in rows]
    assert metrics[0] == "average_precision"
    assert set(metrics) == {"average_precision", "f1"}
    wanted = {
        "random",
        "source effects",
        "static",
        "size",
        "overlap",
        "F1",
        "ANSAT",
        "F1+ANSAT",
        "no transfer",
    }
    assert wanted | {"another seed", "B → B", "train longer", "everything", "no model", "noise floor"} <= {
        method for _, method in rows
    }


def test_an_order_that_knows_loses_nothing_and_its_opposite_loses_what_is_between(rows):
    """At 49.5 % (18 of 36 runs: 6 baselines, 2 sources a target) `size` has f, or e for f itself; noise 1 point.
    `overlap` has tried a and b only, which harm, and stays: it loses 7 points for a to e, 5 for f."""
    assert figure(rows, "size", "lost@49.5") == pytest.approx(0.0, abs=0.3)
    assert figure(rows, "overlap", "lost@49.5") == pytest.approx((5 * 5 + 3) / 6, abs=1.0)
    assert figure(rows, "no transfer", "lost_share@49.5") == pytest.approx(1.0, abs=0.05)
    assert (
        figure(rows, "size", "lost@49.5")
        < figure(rows, "random", "lost@49.5")
        < figure(rows, "overlap", "lost@49.5")
    )


def test_features_and_confirmation_are_paid_out_of_the_same_budget(rows):
    """16.5 % of 36 runs are 5.94, less than six baselines; all paid, nothing at all is left to try."""
    assert figure(rows, "F1", "tried@49.5") > figure(rows, "ANSAT", "counted_tried@49.5")
    assert rows["f1", "ANSAT"]["cost"]["features"] == pytest.approx(6 / 36)
    assert figure(rows, "ANSAT", "counted_tried@16.5") == 0


def test_shifting_a_metric_moves_no_loss(rows):
    """F1 is average precision less .1 in every run."""
    for method in ("random", "static", "size", "everything"):
        assert figure(rows, method, "lost@49.5", "f1") == pytest.approx(figure(rows, method, "lost@49.5"))


def test_permuting_the_rows_of_the_file_changes_nothing(study, tmp_path, rows):
    other = made_study(tmp_path / "other")
    for name in ("results.csv", "features.csv"):
        head, *lines = (study / name).read_text().splitlines()
        random.Random(1).shuffle(lines)
        (other / name).write_text("\n".join([head, *lines]) + "\n")
    again = study_rows(evaluate_study(other, draws=20, metrics=["f1"]))
    assert json.dumps(again) == json.dumps([row for (metric, _), row in rows.items() if metric == "f1"])


def test_a_prediction_never_sees_the_target_it_is_for(study):
    """Changing every transfer to `a`, and every one that starts from it, moves no prediction for `a`."""
    truth = truth_of(read_results(study / "results.csv"), "f1")
    features = read_features(study / "features.csv")
    row, column = truth.targets.index("a"), truth.sources.index("a")
    pairs = truth.dev.pairs.copy()
    pairs[row] = 0.9
    pairs[:, column] = 0.1
    other = replace(truth, dev=replace(truth.dev, pairs=pairs))
    for wanted in usable_sets(features):
        before, after = (predictions(one, one.dev, features, wanted)[row] for one in (truth, other))
        assert before[1:].tolist() == after[1:].tolist()
        assert math.isnan(before[column])


def test_a_growing_table_is_judged_as_far_as_it_goes(tmp_path):
    rows = [row for row in made_results(seeds=2) if row.seed == 0 or row.source == "" or row.target < "d"]
    found = study_rows(evaluate_study(made_study(tmp_path, rows), draws=2, metrics=["f1"]))
    by_name = {row["method"]: row for row in found}
    assert by_name["random"]["figures"]["lost@49.5"]["targets"] >= 3
    assert study_rows(
        evaluate_study(made_study(tmp_path / "one", made_results(seeds=1)), draws=2, metrics=["f1"])
    )


def test_without_runs_or_metric_the_study_is_refused(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    with pytest.raises(InputError, match="beside it holds a pair"):
        evaluate_study(tmp_path)
    made_study(tmp_path)
    with pytest.raises(InputError, match="not recall"):
        evaluate_study(tmp_path, metrics=["recall"])
    with pytest.raises(InputError, match="--seed: must be at least 0, got -1"):
        evaluate_study(tmp_path, seed=-1)


def test_a_pair_or_a_column_that_stands_twice_in_the_features_is_refused(tmp_path):
    file = made_study(tmp_path) / "features.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(InputError, match=rf"row {len(lines) + 1}: the pair . → . stands twice"):
        read_features(file)
    file.write_text("\n".join(line + "," + line.split(",")[2] for line in lines) + "\n")
    name = lines[0].split(",")[2]
    with pytest.raises(InputError, match=f": has the column `{name}` twice. Correct it, or remove it"):
        read_features(file)


def test_without_features_the_orders_that_need_none_are_judged(tmp_path):
    folder = made_study(tmp_path)
    (folder / "features.csv").unlink()
    names = {row["method"] for row in study_rows(evaluate_study(folder, draws=2, metrics=["f1"]))}
    assert {"random", "static", "no transfer"} <= names
    assert "ANSAT" not in names


def test_the_command_prints_json_and_writes_one_page(study, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.html"
    arguments = ["forelearn", "evaluate", str(study), "--draws", "2", "--json", "-o", str(page)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as leaving:
        forelearn.cli.main()
    assert not leaving.value.code
    assert {row["metric"] for row in json.loads(capsys.readouterr().out)} == {"average_precision", "f1"}
    text = page.read_text()
    assert "<script" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert text.index("Before any claim") < text.index("what a budget buys")
    assert all(name in text for name in NAMES)
