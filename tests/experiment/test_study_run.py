"""A whole study on a small synthetic family, through the functions that the commands call."""

import json
import math
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from tests.cli.test_commands import call
from tests.families import small_study, without_costs

from forelearn.core.errors import ForelearnError, InputError
from forelearn.core.run import Cost, Failure, Run
from forelearn.experiment import api
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import new_search, replay
from forelearn.experiment.opening import Options
from forelearn.experiment.rank import rank

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


def test_a_failed_run_is_counted_and_not_fatal(tmp_path, monkeypatch):
    study = small_study(tmp_path, budget="90%")
    from forelearn.experiment import jobs

    real = jobs.train_job

    def failing(place, transfer, start, rungs=None, *, report):
        if transfer["sources"] and transfer["target"]["name"] == "02-birch":
            raise ForelearnError("made to fail")
        return real(place, transfer, start, report=report)

    monkeypatch.setattr(jobs, "train_job", failing)
    result = api.search(study, ONE).as_json()
    assert result["failures"]
    assert all("made to fail" in failure["reason"] for failure in result["failures"])
    answer = next(item for item in result["answers"] if item["target"] == "02-birch")
    assert answer["decision"] == "not enough evidence"
    monkeypatch.setattr(jobs, "train_job", real)
    healed = api.search(study, ONE, retry_failed=True).as_json()
    assert not healed["failures"]


def failing_at(step: int, steps: int, seconds: float):
    """A job that reports `step` of `steps`, and fails after some seconds."""

    def job(place, transfer, start, rungs=None, *, report):
        if step:
            report({"step": step, "steps": steps, "epoch": step / steps, "loss": 1.0})
        time.sleep(seconds)
        raise ForelearnError("made to fail")

    return job


@pytest.mark.parametrize(("step", "share"), [(3, 0.25), (12, 1.0), (0, 1.0)])
def test_a_failure_costs_its_seconds_and_its_units_up_to_where_it_failed(tmp_path, monkeypatch, step, share):
    """Twelve steps; without a report nothing is known, and all of them count."""
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    monkeypatch.setattr(jobs, "train_job", failing_at(step, 12, 0.05))
    failure, _ = api.train(study, "01-amber", options=ONE)
    prepared = api.open_prepared(study, ONE)
    assert isinstance(failure, Failure)
    assert failure.cost.units == pytest.approx(share * prepared.cost(failure.transfer))
    assert 0.05 <= failure.cost.seconds < 30
    assert prepared.runs.get(failure.transfer.key) == failure


def test_what_failures_have_spent_is_gone_and_a_second_start_asks_nothing_new(tmp_path, monkeypatch):
    """Every transfer of 02-birch fails at its last step; the same share of the whole cost is kept to."""
    from forelearn.experiment import jobs

    study = small_study(tmp_path, budget="90%")
    real, failing = jobs.train_job, failing_at(12, 12, 0.0)

    def job(place, transfer, start, rungs=None, *, report):
        fails = transfer["sources"] and transfer["target"]["name"] == "02-birch"
        return (failing if fails else real)(place, transfer, start, report=report)

    monkeypatch.setattr(jobs, "train_job", job)
    first = api.search(study, ONE)
    failures = api.open_prepared(study, ONE).runs.all()
    failed = sum(one.cost.units for one in failures if isinstance(one, Failure))
    units = sum(row.units for row in first.costs)
    assert failed > 0
    assert failed < units <= 0.9 * first.exhaustive.units + 1e-6

    def never(place, transfer, start, rungs=None, *, report):
        raise AssertionError("asked again")

    monkeypatch.setattr(jobs, "train_job", never)
    assert without_costs(api.search(study, ONE).as_json()) == without_costs(first.as_json())


def test_a_transfer_whose_source_part_cannot_be_trained_costs_nothing(tmp_path, monkeypatch):
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    failure, _ = api.train(study, "01-amber", "02-birch", options=ONE)
    assert isinstance(failure, Failure)
    assert failure.reason == "its source part, 02-birch, could not be trained: made to fail"
    assert failure.cost == Cost()


def test_training_that_fails_is_said_to_have_failed_whatever_the_store_holds(tmp_path, monkeypatch, capsys):
    """A stored run without weights, which stays as it is; then a failure, which a later one replaces."""
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    arguments = ("train", study, "--target", "01-amber")
    run, _ = api.train(study, "01-amber", options=ONE)
    prepared = api.open_prepared(study, ONE)
    prepared.directory.remove("weights", run.transfer.key)
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    code, out, err = call(monkeypatch, capsys, *arguments)
    assert (code, out) == (1, "")
    assert "was not trained to its end: made to fail" in err
    assert prepared.runs.get(run.transfer.key) == run

    def later(place, transfer, start, rungs=None, *, report):
        raise ForelearnError("made to fail otherwise")

    assert call(monkeypatch, capsys, *arguments, "--run-seed", 1)[0] == 1
    monkeypatch.setattr(jobs, "train_job", later)
    code, _, err = call(monkeypatch, capsys, *arguments, "--run-seed", 1)
    assert code == 1
    assert "made to fail otherwise" in err
    (failure,) = [one for one in prepared.runs.all() if isinstance(one, Failure)]
    assert failure.reason == "made to fail otherwise"


def test_a_part_that_cannot_be_trained_again_says_why_in_what_starts_from_it(tmp_path, monkeypatch):
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    part, _ = api.train(study, "02-birch", options=ONE)
    prepared = api.open_prepared(study, ONE)
    prepared.directory.remove("weights", part.transfer.key)
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    failure, _ = api.train(study, "01-amber", "02-birch", options=ONE)
    assert failure.reason == "its source part, 02-birch, could not be trained: made to fail"
    assert prepared.runs.get(part.transfer.key) == part


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("textemb_job", "TextEmb of 01-amber failed: no memory"),
        ("conductance_job", "conductance of 01-amber failed: no memory; attributions and ANSAT are left out"),
    ],
)
def test_a_feature_that_cannot_be_computed_is_left_out_with_the_reason(job, said, tmp_path, monkeypatch):
    from forelearn.experiment import jobs

    def failing(*given, report):
        raise ForelearnError("no memory")

    monkeypatch.setattr(jobs, job, failing)
    result = api.search(small_study(tmp_path, tasks=2, seeds=1, budget="8 runs"), ONE)
    assert said in result.notes


def test_a_failure_that_is_forgotten_while_somebody_looks_is_read_once(tmp_path):
    """The round is as it was when it was read: whole, or with a gap."""
    study = small_study(tmp_path, tasks=2)
    first = api.ask(study, ONE)[0]
    api.tell(study, first.key, failed="lost", options=ONE)
    prepared = api.open_prepared(study, ONE)
    reads: list[str] = []
    real = prepared.runs.get

    def forgetting(key):
        reads.append(key)
        outcome = real(key)
        prepared.runs.forget(key)
        return outcome

    for other in api.ask(study, ONE):
        measured = {"average_precision": 0.5}
        api.tell(study, other.key, dev=measured, test=measured, options=ONE)
        if other.seed != first.seed:
            break
    prepared.runs.get = forgetting
    search = new_search(prepared)
    replay(prepared, search, Beliefs(prepared))
    assert first.key in search.outcomes
    assert len(reads) == len(set(reads))


def test_where_every_run_fails_the_study_fails_with_the_first_reason(tmp_path, monkeypatch):
    study = small_study(tmp_path)
    from forelearn.experiment import jobs

    def failing(place, transfer, start, rungs=None, *, report):
        raise ForelearnError("no luck")

    monkeypatch.setattr(jobs, "train_job", failing)
    with pytest.raises(ForelearnError, match=r"Nothing could be trained.*no luck"):
        api.search(study, ONE)


def test_a_budget_below_the_baselines_is_refused_before_anything_is_trained(tmp_path):
    study = small_study(tmp_path, budget="5 runs")
    with pytest.raises(InputError, match="does not pay for the baselines"):
        api.search(study, ONE)
    assert not (study.parent / "out" / "runs").exists()


def test_ask_and_tell_walk_through_a_whole_study_without_training(tmp_path):
    study = small_study(tmp_path)
    rounds = 0
    while wanted := api.ask(study, ONE):
        rounds += 1
        assert rounds < 30
        for transfer in wanted:
            other = any(source.name != transfer.target.name for source in transfer.sources)
            value = 0.5 + 0.1 * other  # every other task helps, the controls do not
            measured = {"average_precision": value}
            api.tell(study, transfer.key, dev=measured, test=measured, seconds=1.0, options=ONE)
    result = api.report(study, ONE)
    assert any(answer.decision in ("transfer", "tied") for answer in result.answers)
    assert all(row.test[0] == 0.5 for row in result.baselines)


def test_tell_refuses_an_unknown_key_a_missing_metric_and_percent(tmp_path):
    study = small_study(tmp_path)
    key = api.ask(study, ONE)[0].key
    with pytest.raises(InputError, match="not among the transfers"):
        api.tell(study, "nope", dev={"average_precision": 0.5}, test={"average_precision": 0.5})
    with pytest.raises(InputError, match="metric that decides"):
        api.tell(study, key, dev={"f1": 0.5}, test={"average_precision": 0.5}, options=ONE)
    with pytest.raises(InputError, match=r"must lie in \[0, 1\]"):
        api.tell(study, key, dev={"average_precision": 50}, test={"average_precision": 0.5}, options=ONE)


def test_a_failure_elsewhere_is_told_counted_and_not_asked_for_again(tmp_path):
    """Whatever is learned before 02-birch, fails on the cluster; the search goes on to its end without it."""
    study = small_study(tmp_path, budget="90%")
    failed: dict[str, str] = {}
    while wanted := api.ask(study, ONE):
        assert not failed.keys() & {transfer.key for transfer in wanted}
        for transfer in wanted:
            if transfer.sources and transfer.target.name == "02-birch":
                outcome = api.tell(study, transfer.key, failed=" node lost ", seconds=7.0, options=ONE)
                assert outcome.reason == "node lost"
                assert outcome.cost == Cost(api.open_prepared(study, ONE).cost(transfer), 7.0)
                failed[transfer.key] = transfer.label
            else:
                measured = {"average_precision": 0.5 + 0.1 * bool(transfer.sources)}
                api.tell(study, transfer.key, dev=measured, test=measured, seconds=1.0, options=ONE)
    assert failed
    result = api.report(study, ONE)
    assert {row.key: row.label for row in result.failures} == failed
    assert sum(row.units for row in result.costs) <= 0.9 * result.exhaustive.units + 1e-6
    assert sum(row.seconds for row in result.costs) == 7 * len(failed) + sum(
        row.runs for row in result.costs
    ) - len(failed)


def test_tell_refuses_a_failure_without_reason_with_measures_or_in_no_time(tmp_path):
    study = small_study(tmp_path)
    key = api.ask(study, ONE)[0].key
    with pytest.raises(InputError, match="for no reason"):
        api.tell(study, key, failed=" ", options=ONE)
    with pytest.raises(InputError, match="has measures and has failed"):
        api.tell(study, key, failed="lost", dev={"average_precision": 0.5}, options=ONE)
    with pytest.raises(InputError, match="at least 0"):
        api.tell(study, key, failed="lost", seconds=-1.0, options=ONE)
    assert not (study.parent / "out" / "runs").exists()


def test_rank_trains_nothing_and_lists_every_source(tmp_path):
    study = small_study(tmp_path)
    ranking = rank(study, "01-amber", ONE)
    assert ranking.rows[0].rank == 1
    assert [row.rank for row in ranking.rows] == sorted(row.rank for row in ranking.rows)
    assert len(ranking.rows) == 3
    assert not (study.parent / "out" / "runs").exists()
    assert any("--attributions" in note for note in ranking.notes)


def test_rank_with_attributions_trains_single_tasks_alone(tmp_path):
    study = small_study(tmp_path)
    ranking = rank(study, "01-amber", ONE, attributions=True)
    outcomes = api.open_prepared(study, ONE).runs.all()
    assert all(outcome.transfer.is_baseline for outcome in outcomes)
    assert "ansat" in ranking.estimators


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
