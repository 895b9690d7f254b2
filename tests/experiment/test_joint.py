"""Sources together with a target, through a whole study on the tiny encoder: in store and result, after a kill."""

import json
from pathlib import Path

import pytest
from tests.families import small_study, without_costs

from forelearn.core.errors import InputError
from forelearn.core.run import Cost, Performance, Run
from forelearn.core.transfer import Transfer
from forelearn.experiment import api
from forelearn.experiment.answers import summarise
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import kept_weights, new_search
from forelearn.experiment.explain import explain_key
from forelearn.experiment.opening import Options
from forelearn.experiment.results_table import results_of
from forelearn.experiment.status import status
from forelearn.experiment.study import load_study
from forelearn.models.task_model import load_model

pytestmark = pytest.mark.slow

ONE = Options(workers=1)
JOINT = 'joint = "alpha-vil"\njoint_share = 0.2\nhalving = false'
OPTIONS = '[multitask]\nmethod = "alpha-vil"\nalpha_steps = 2\n'


def study_with_joint(folder: Path, *, budget: str, confirm: float = 0.1, seeds: int = 1) -> Path:
    study = small_study(folder, budget=budget, seeds=seeds, more=OPTIONS)
    text = study.read_text(encoding="utf-8").replace("confirm = 0.4", f"confirm = {confirm}\n{JOINT}")
    study.write_text(text, encoding="utf-8")
    return study


def joint_rows(result: dict) -> list[dict]:
    return [row for row in (*result["pairs"], *result["controls"]) if row["mode"] == "multitask"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, dict]:
    study = study_with_joint(tmp_path_factory.mktemp("joint"), budget="36 runs")
    return study, api.search(study, ONE).as_json()


def test_it_has_run_and_stands_in_store_and_result_with_its_tasks_and_its_options(finished):
    study, result = finished
    prepared = api.open_prepared(study, ONE)
    tried = [row for row in joint_rows(result) if row["obtained"]]
    assert any(row["auxiliaries"] for row in tried)
    for row in tried:
        names = " + ".join(row["auxiliaries"]) or "alone"
        assert row["source"] == f"{names} (alpha-vil)"
        run = prepared.runs.get(row["keys"][0])
        assert isinstance(run, Run)
        assert (run.transfer.target.name, run.transfer.mode) == (row["target"], "multitask")
        assert [source.name for source in run.transfer.sources] == row["auxiliaries"]
        assert run.transfer.multitask.option("alpha_steps") == 2


def test_it_spends_no_more_than_its_share_and_the_page_shows_it(finished):
    study, result = finished
    spent = {row["stage"]: row["runs"] for row in result["costs"]}
    assert 0 < spent["joint"] <= 0.2 * 36
    assert sum(spent.values()) <= 36
    page = (study.parent / "out" / "report.html").read_text(encoding="utf-8")
    assert 'id="joint"' in page
    assert "Sources together with the target" in page


def test_a_second_start_trains_nothing_and_ends_the_same(finished):
    study, result = finished
    runs = study.parent / "out" / "runs"
    before = {folder.name: folder.stat().st_mtime_ns for folder in runs.iterdir()}
    assert without_costs(api.search(study, ONE).as_json()) == without_costs(result)
    assert {folder.name: folder.stat().st_mtime_ns for folder in runs.iterdir()} == before
    assert without_costs(api.report(study, ONE).as_json()) == without_costs(result)
    assert status(study, ONE).stage == "done"


def test_it_is_explained_by_key_and_by_name_with_what_it_can_and_cannot_show(finished):
    study, result = finished
    row = next(row for row in joint_rows(result) if row["obtained"] and row["auxiliaries"])
    found = explain_key(study, f"{row['source']}->{row['target']}", ONE)
    assert found == explain_key(study, row["keys"][0], ONE)
    said = found.text()
    assert f"learned together with {', '.join(row['auxiliaries'])} by alpha-vil" in said
    assert "alpha_steps=2" in said
    assert "No shared terms" in said
    assert f'explain "{row["auxiliaries"][0]}->{row["target"]}" --study STUDY' in said
    assert found.terms == ()
    assert (Path(found.folder) / "multitask.json").is_file()


def test_it_is_no_row_of_the_table_of_pairs(finished):
    study, _ = finished
    prepared = api.open_prepared(study, ONE)
    outcomes = prepared.runs.all()
    alone = [one for one in outcomes if one.transfer.mode == "sequential"]
    assert len(alone) < len(outcomes)
    assert results_of(outcomes, prepared.space.recipes) == results_of(alone, prepared.space.recipes)


def test_what_a_kill_leaves_behind_is_asked_for_and_ends_at_the_same_numbers(finished):
    """As if it had been killed in its first run: that and all that follow are gone; what is asked for is JSON."""
    study, result = finished
    prepared = api.open_prepared(study, ONE)
    outcomes = prepared.runs.all()
    joint = [one.transfer for one in outcomes if one.transfer.mode == "multitask"]
    fresh = [one.transfer for one in outcomes if prepared.space.is_fresh(one.transfer.seed)]
    for transfer in (*joint, *fresh):
        prepared.runs.forget(transfer.key)
        prepared.directory.remove("weights", transfer.key)
    assert status(study, ONE).stage == "joint"
    wanted = api.ask(study, ONE)
    assert {one.key for one in wanted} <= {one.key for one in joint}
    for one in wanted:
        told = json.loads(json.dumps(one.as_json()))
        assert told["multitask"]["method"] == "alpha-vil"
        assert Transfer.from_json(told) == one
    assert without_costs(api.search(study, ONE).as_json()) == without_costs(result)


def test_what_helps_most_is_the_answer_with_its_weights_kept(tmp_path):
    """Told, not trained: every source gains .1, two together .3, the controls nothing."""
    prepared = api.open_prepared(study_with_joint(tmp_path, budget="110 runs", confirm=0.35, seeds=2), ONE)
    search, beliefs = new_search(prepared), Beliefs(prepared)
    while wanted := search.ask(lambda: beliefs(search)):
        for transfer in wanted:
            gain = _gain(transfer) + int(transfer.key[:4], 16) / 2**23
            measured = {"average_precision": 0.5 + gain}
            search.tell(Run(transfer, Performance(measured, measured), Cost(prepared.cost(transfer)), "now"))
    result = summarise(prepared, search, beliefs).as_json()
    advised = [answer for answer in result["answers"] if answer["decision"] in ("transfer", "tied")]
    assert advised
    rows = {row["source"]: row for row in joint_rows(result)}
    for answer in advised:
        assert answer["mode"] == "multitask"
        assert len(rows[answer["sources"][0]]["auxiliaries"]) == 2
        assert answer["gain"]["mean"] == pytest.approx(0.3, abs=0.02)
        if answer["decision"] == "transfer":
            assert "learning it with " in answer["reason"]
    fresh = {one.transfer.key for one in search.candidate_runs(fresh=True) if one.transfer.multitask}
    assert fresh
    assert fresh <= kept_weights(search)


def test_where_the_method_alone_helps_as_much_the_answer_says_so(tmp_path):
    """The method alone gains .3, with other tasks .28: it is no other task that helps."""
    prepared = api.open_prepared(study_with_joint(tmp_path, budget="110 runs", confirm=0.35, seeds=2), ONE)
    search, beliefs = new_search(prepared), Beliefs(prepared)
    while wanted := search.ask(lambda: beliefs(search)):
        for transfer in wanted:
            gain = (0.28 if transfer.sources else 0.4) if transfer.multitask else _gain(transfer)
            measured = {"average_precision": 0.5 + gain + int(transfer.key[:4], 16) / 2**23}
            search.tell(Run(transfer, Performance(measured, measured), Cost(prepared.cost(transfer)), "now"))
    answers = [one for one in summarise(prepared, search, beliefs).answers if one.gain is not None]
    assert answers
    won = [one for one in answers if one.sources == ("alone (alpha-vil)",)]
    assert won
    assert {one.decision for one in won} == {"do not transfer"}
    assert all("the way of training helps, not another task" in one.reason for one in won)


def test_a_trained_model_loads_as_an_ordinary_folder(finished):
    study, result = finished
    prepared = api.open_prepared(study, ONE)
    keys = [key for row in joint_rows(result) for key in row["keys"]]
    kept = [folder for key in keys if (folder := prepared.directory.whole("weights", key)) is not None]
    transfer = prepared.runs.get(keys[0]).transfer
    if not kept:  # none of them is a finalist of the study: it is trained again
        api.run_transfers(prepared, [transfer], api.Inline(), api.SILENT)
        kept = [prepared.directory.whole("weights", transfer.key)]
    assert load_model(kept[0]) is not None


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('joint = "alpha"', "There is no method `alpha`"),
        ('joint = "single"', "learns no other task"),
        ('joint = "alpha-vil"\njoint_top = 0', "joint_top"),
        ('joint = "alpha-vil"\njoint_share = 0.8', "confirm = 0.4 and joint_share = 0.8 leave nothing"),
        (
            'joint = "alpha-vil"\njoint_share = 0.3\nchain = 2\nchain_share = 0.3',
            "confirm = 0.4 and chain_share = 0.3 and joint_share = 0.3 leave nothing",
        ),
    ],
)
def test_what_cannot_be_learned_together_is_refused(tmp_path, line, rule):
    study = small_study(tmp_path)
    study.write_text(study.read_text().replace("confirm = 0.4", f"confirm = 0.4\n{line}"))
    with pytest.raises(InputError, match=rule):
        load_study(study)


def _gain(transfer: Transfer) -> float:
    names = {source.name for source in transfer.sources if source.name != transfer.target.name}
    return 0.1 * len(names) + (0.1 if len(names) > 1 else 0.0)
