"""A whole study on a small synthetic family, through the functions that the commands call."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from tests.families import small_study, without_costs

from forelearn.core.errors import InputError
from forelearn.core.run import Run
from forelearn.experiment import api, beliefs
from forelearn.experiment.drive import new_search
from forelearn.experiment.explain import explain_key
from forelearn.experiment.opening import Options
from forelearn.experiment.rank import rank

pytestmark = pytest.mark.slow

ONE = Options(workers=1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, dict]:
    study = small_study(tmp_path_factory.mktemp("finished"))
    return study, api.search(study, ONE).as_json()


def test_a_study_ends_with_an_answer_for_every_target(finished):
    _, result = finished
    assert len(result["answers"]) == 4
    assert {answer["decision"] for answer in result["answers"]} <= {
        "transfer",
        "tied",
        "do not transfer",
        "not enough evidence",
    }
    assert all(answer["reason"] for answer in result["answers"])
    assert [row["stage"] for row in result["costs"]] == ["baselines", "features", "pairs", "confirmation"]


def test_rank_repeats_what_a_finished_search_has_answered(finished):
    study, result = finished
    for answer in result["answers"]:
        advice = rank(study, answer["target"], ONE).advice
        assert advice.decision == answer["decision"]
        assert advice.reason.endswith(answer["reason"])
        assert "control" in advice.basis


def test_the_budget_pays_for_features_too(finished):
    _, result = finished
    units = sum(row["units"] for row in result["costs"])
    assert units <= 0.9 * result["exhaustive"]["units"] + 1e-6
    assert next(row for row in result["costs"] if row["stage"] == "features")["units"] > 0


def test_every_number_can_be_traced_to_runs_by_key(finished):
    study, result = finished
    prepared = api.open_prepared(study, ONE)
    for row in result["baselines"]:
        for key, value in zip(row["keys"], row["test"]):
            run = prepared.runs.get(key)
            assert isinstance(run, Run)
            assert run.test() == value
    tried = [row for row in result["pairs"] if row["obtained"]]
    assert tried
    for row in [*tried, *(row for row in result["controls"] if row["keys"])]:
        if not row["obtained"]:
            continue
        runs = [prepared.runs.get(key) for key in row["keys"]]
        mine = [run.test() for run in runs if run.transfer.seed in row["obtained"]["seeds"]]
        baseline = next(item for item in result["baselines"] if item["task"] == row["target"])
        assert len(mine) == len(row["obtained"]["seeds"]) > 0
        expected = fmean(mine) - fmean(baseline["test"])
        assert row["obtained"]["test"] == pytest.approx(expected)


def test_the_reported_gain_is_of_seeds_on_which_no_pair_was_tried(finished):
    study, result = finished
    prepared = api.open_prepared(study, ONE)
    judged = [row for row in result["pairs"] if row["confirmed"]]
    assert judged
    for row in judged:
        runs = {prepared.runs.get(key).transfer.seed: prepared.runs.get(key) for key in row["keys"]}
        fresh = {seed: run for seed, run in runs.items() if prepared.space.is_fresh(seed)}
        assert fresh
        assert set(row["obtained"]["seeds"]).isdisjoint(fresh)
        plain = [
            prepared.runs.get(prepared.space.baseline(run.transfer.target, run.transfer.recipe, seed).key)
            for seed, run in fresh.items()
        ]
        gains = [run.test() - alone.test() for run, alone in zip(fresh.values(), plain)]
        assert row["confirmed"]["mean"] == pytest.approx(fmean(gains))


def test_a_second_start_trains_nothing_and_ends_the_same(finished):
    study, result = finished
    runs = study.parent / "out" / "runs"
    before = {folder.name: folder.stat().st_mtime_ns for folder in runs.iterdir()}
    again = api.search(study, ONE).as_json()
    assert {folder.name: folder.stat().st_mtime_ns for folder in runs.iterdir()} == before
    assert without_costs(again) == without_costs(result)


def test_the_number_of_workers_changes_no_number(finished, tmp_path):
    _, result = finished
    study = small_study(tmp_path)
    two = api.search(study, Options(workers=2)).as_json()
    first, second = without_costs(result), without_costs(two)
    assert first["settings"].pop("run")["workers"] == 1
    assert second["settings"].pop("run")["workers"] == 2
    assert first == second


def test_report_without_running_equals_the_result_of_the_run(finished):
    study, result = finished
    assert without_costs(api.report(study, ONE).as_json()) == without_costs(result)


def test_only_weights_that_an_answer_needs_are_kept(finished):
    study, result = finished
    kept = {folder.name for folder in (study.parent / "out" / "weights").iterdir()}
    baselines = {key for row in result["baselines"] for key in row["keys"]}
    winners = {key for row in result["pairs"] if row["confirmed"] for key in row["keys"]}
    assert baselines | winners <= kept
    assert len(kept) < len(list((study.parent / "out" / "runs").iterdir()))


def test_a_source_part_whose_weights_are_gone_is_trained_again_to_the_same_run(finished, tmp_path):
    study = small_study(tmp_path)
    options = Options(workers=1)
    outcome, weights = api.train(study, "01-amber", options=options)
    source = next(name for name in api.open_prepared(study).tasks if name != "01-amber")
    prepared = api.open_prepared(study, options)
    first, _ = api.train(study, "01-amber", source, options=options)
    prepared.directory.remove("weights", first.transfer.prefix.key)
    prepared.runs.forget(first.transfer.key)
    prepared.directory.remove("weights", first.transfer.key)
    again, _ = api.train(study, "01-amber", source, options=options)
    assert again.performance == first.performance
    assert weights is not None
    assert outcome.transfer.is_baseline


def test_a_budget_below_the_baselines_is_refused_before_anything_is_trained(tmp_path):
    study = small_study(tmp_path, budget="5 runs")
    with pytest.raises(InputError, match="does not pay for the baselines"):
        api.search(study, ONE)
    assert not (study.parent / "out" / "runs").exists()


def test_rank_trains_nothing_and_lists_every_source(tmp_path):
    study = small_study(tmp_path)
    ranking = rank(study, "01-amber", ONE)
    assert ranking.rows[0].rank == 1
    assert [row.rank for row in ranking.rows] == sorted(row.rank for row in ranking.rows)
    assert len(ranking.rows) == 3
    assert not (study.parent / "out" / "runs").exists()
    assert any("--by parc" in note for note in ranking.notes)


def test_rank_with_attributions_trains_single_tasks_alone(tmp_path):
    study = small_study(tmp_path)
    ranking = rank(study, "01-amber", ONE, attributions=True)
    outcomes = api.open_prepared(study, ONE).runs.all()
    assert all(outcome.transfer.is_baseline for outcome in outcomes)
    assert "ansat" in ranking.estimators


def test_attributions_join_methods_that_are_named_and_are_not_computed_where_the_study_leaves_them_out(
    tmp_path, monkeypatch
):
    study = small_study(tmp_path)
    text = study.read_text(encoding="utf-8").replace("[search]", '[search]\nfeatures = ["size"]')
    study.write_text(text, encoding="utf-8")
    monkeypatch.setattr(beliefs, "read_documents", lambda *given: pytest.fail("conductance was asked for"))
    prepared = api.open_prepared(study, ONE)
    found = beliefs.Beliefs(prepared)
    found.get_ready(new_search(prepared))
    assert found.read is None
    monkeypatch.undo()
    ranking = rank(study, "01-amber", ONE, by=["size"], attributions=True)
    assert set(ranking.estimators) == {"size", "ansat"}
    assert "ansat" in rank(study, "01-amber", ONE, attributions=True).estimators


def test_one_target_says_what_it_falls_back_to(tmp_path):
    study = small_study(tmp_path, budget="90%")
    text = study.read_text(encoding="utf-8").replace(
        'encoder = "tiny"\n', 'encoder = "tiny"\ntargets = ["01-amber"]\n'
    )
    study.write_text(text, encoding="utf-8")
    result = api.search(study, ONE)
    assert [answer.target for answer in result.answers] == ["01-amber"]
    assert any("too few to fit the predictor" in note for note in result.notes)


def test_a_fine_tuned_encoder_is_a_source_that_costs_nothing(tmp_path):
    study = small_study(tmp_path / "first")
    _, weights = api.train(study, "02-birch", options=ONE)
    other = small_study(tmp_path / "second", budget="80%")
    name = f"encoder@{weights}"
    names = [json.dumps(item) for item in (*api.open_prepared(other, ONE).tasks, name)]
    text = other.read_text(encoding="utf-8").replace(
        'encoder = "tiny"\n', f'encoder = "tiny"\nsources = [{", ".join(names)}]\n'
    )
    other.write_text(text, encoding="utf-8")
    outcome, _ = api.train(other, "01-amber", name, options=ONE)
    assert isinstance(outcome, Run)
    assert outcome.transfer.prefix is None
    assert outcome.transfer.key != replace(outcome.transfer, sources=()).key
    assert not math.isnan(outcome.test())


def test_a_prediction_never_saw_the_run_that_it_is_compared_with(tmp_path):
    """Two worlds that differ in the outcome of the last pair alone show the same prediction for it."""

    def walk(folder: Path, last: str | None) -> tuple[list[str], dict]:
        study = small_study(folder, budget="100%")
        tried = []
        while wanted := api.ask(study, ONE):
            for transfer in wanted:
                value = 0.5 + int(transfer.key[:4], 16) / 2**18
                if transfer.sources and transfer.seed == 0:
                    tried.append(transfer.label)
                    value += 0.3 * (transfer.label == last)
                measured = {"average_precision": value}
                api.tell(study, transfer.key, dev=measured, test=measured, options=ONE)
        result = api.report(study, ONE)
        rows = (*result.pairs, *result.controls)
        return tried, {f"{row.source} → {row.target}": row for row in rows}

    tried, first = walk(tmp_path / "first", None)
    again, second = walk(tmp_path / "second", tried[-1])
    assert again[: len(tried)] == tried  # what comes after it may be others
    assert first[tried[-1]].predicted is not None
    assert first[tried[-1]].predicted == second[tried[-1]].predicted
    assert first[tried[-1]].obtained != second[tried[-1]].obtained
    assert first[tried[0]].predicted == second[tried[0]].predicted


def test_explaining_a_pair_that_has_not_run_names_the_command_that_runs_it(finished, tmp_path):
    study, _ = finished
    shutil.copytree(study.parent, tmp_path / "copy")
    copy = tmp_path / "copy" / "study.toml"
    prepared = api.open_prepared(copy)
    pair = next(
        run.transfer
        for run in prepared.runs.all()
        if run.transfer.sources and run.transfer.seed == prepared.space.first_seed
    )
    prepared.runs.forget(pair.key)
    source, target = pair.sources[0].name, pair.target.name
    with pytest.raises(InputError, match="has not run yet") as refused:
        explain_key(copy, f"{source}->{target}", Options())
    assert f"forelearn train {copy} --target {target} --source {source}" in str(refused.value)
