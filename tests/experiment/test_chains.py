"""Several sources in turn, through a whole study on the tiny encoder: in the store, in the result, after a kill."""

from pathlib import Path

import pytest
from tests.families import small_study, without_costs

from forelearn.core.errors import InputError
from forelearn.core.run import Cost, Performance, Run
from forelearn.core.transfer import Transfer
from forelearn.experiment import api
from forelearn.experiment.answers import summarise
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import new_search
from forelearn.experiment.explain import explain_key
from forelearn.experiment.opening import Options
from forelearn.experiment.status import status

pytestmark = pytest.mark.slow

ONE = Options(workers=1)
CHAINS = "chain = 2\nchain_share = 0.3\nhalving = false"


def study_with_chains(folder: Path, *, budget: str, confirm: float = 0.1, seeds: int = 1) -> Path:
    study = small_study(folder, budget=budget, seeds=seeds)
    text = study.read_text(encoding="utf-8").replace("confirm = 0.4", f"confirm = {confirm}\n{CHAINS}")
    study.write_text(text, encoding="utf-8")
    return study


def chain_rows(result: dict) -> list[dict]:
    return [row for row in (*result["pairs"], *result["controls"]) if row["chain"]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, dict]:
    study = study_with_chains(tmp_path_factory.mktemp("chains"), budget="36 runs")
    return study, api.search(study, ONE).as_json()


def test_a_chain_has_run_and_stands_in_store_and_result_with_its_sources_in_order(finished):
    study, result = finished
    prepared = api.open_prepared(study, ONE)
    tried = [row for row in chain_rows(result) if row["obtained"]]
    assert tried
    for row in tried:
        assert row["source"] == " → ".join(row["chain"])
        run = prepared.runs.get(row["keys"][0])
        assert isinstance(run, Run)
        assert [source.name for source in run.transfer.sources] == row["chain"]
        assert run.transfer.label == f"{row['source']} → {row['target']}"
        part = prepared.runs.get(run.transfer.prefix.key)
        assert isinstance(part, Run)
        assert part.transfer.target.name == row["chain"][-1]


def test_chains_spend_no_more_than_their_share_and_the_page_shows_them(finished):
    study, result = finished
    spent = {row["stage"]: row["runs"] for row in result["costs"]}
    assert 0 < spent["chains"] <= 0.3 * 36
    assert sum(spent.values()) <= 36
    assert "Several sources in turn" in (study.parent / "out" / "report.html").read_text(encoding="utf-8")


def test_a_second_start_trains_nothing_and_ends_the_same(finished):
    study, result = finished
    runs = study.parent / "out" / "runs"
    before = {folder.name: folder.stat().st_mtime_ns for folder in runs.iterdir()}
    assert without_costs(api.search(study, ONE).as_json()) == without_costs(result)
    assert {folder.name: folder.stat().st_mtime_ns for folder in runs.iterdir()} == before
    assert without_costs(api.report(study, ONE).as_json()) == without_costs(result)
    assert status(study, ONE).stage == "done"


def test_a_chain_is_explained_and_trained_by_its_names(finished):
    """The very run of the search, its parts listed in the order of learning."""
    study, result = finished
    row = next(row for row in chain_rows(result) if row["obtained"])
    found = explain_key(study, "->".join([*row["chain"], row["target"]]), ONE)
    assert found.outcome.transfer.key == row["keys"][0]
    assert [len(part.transfer.sources) for part in found.chain] == [0, 1]
    outcome, weights = api.train(study, row["target"], " -> ".join(row["chain"]), options=ONE)
    assert outcome == found.outcome
    assert weights is not None
    with pytest.raises(InputError, match=r"nobody.*is no task to learn before"):
        api.train(study, row["target"], f"{row['chain'][0]}->nobody", options=ONE)


def test_what_a_kill_leaves_behind_ends_at_the_same_numbers(finished):
    """As if it had been killed in the first chain: its run and all that follow are gone, and its part's weights."""
    study, result = finished
    prepared = api.open_prepared(study, ONE)
    outcomes = prepared.runs.all()
    chained = [one.transfer for one in outcomes if len(one.transfer.sources) > 1]
    fresh = [one.transfer for one in outcomes if prepared.space.is_fresh(one.transfer.seed)]
    for transfer in (*chained, *fresh):
        prepared.runs.forget(transfer.key)
        prepared.directory.remove("weights", transfer.key)
    for transfer in chained:
        prepared.directory.remove("weights", transfer.prefix.key)
    assert status(study, ONE).stage == "chain"
    assert without_costs(api.search(study, ONE).as_json()) == without_costs(result)


def test_a_chain_that_helps_most_is_the_answer_with_its_parts_on_the_same_fresh_seeds(tmp_path):
    """Told, not trained: every source gains .1, two sources in turn .3, the controls nothing."""
    prepared = api.open_prepared(study_with_chains(tmp_path, budget="110 runs", confirm=0.35, seeds=2), ONE)
    search, beliefs = new_search(prepared), Beliefs(prepared)
    while wanted := search.ask(lambda: beliefs(search)):
        for transfer in wanted:
            gain = _gain(transfer) + int(transfer.key[:4], 16) / 2**23
            measured = {"average_precision": 0.5 + gain}
            search.tell(Run(transfer, Performance(measured, measured), Cost(prepared.cost(transfer)), "now"))
    result = summarise(prepared, search, beliefs).as_json()
    advised = [answer for answer in result["answers"] if answer["decision"] in ("transfer", "tied")]
    assert advised
    names = {row["source"]: row["chain"] for row in chain_rows(result)}
    for answer in advised:
        assert len(names[answer["sources"][0]]) == 2
        assert answer["gain"]["mean"] == pytest.approx(0.3, abs=0.02)
    fresh = [one.transfer for one in search.candidate_runs(fresh=True)]
    keys = {transfer.key for transfer in fresh}
    confirmed = [transfer for transfer in fresh if len(transfer.sources) == 2]
    assert confirmed
    assert all(transfer.prefix.key in keys and transfer.prefix.prefix.key in keys for transfer in confirmed)


def _gain(transfer: Transfer) -> float:
    names = [source.name for source in transfer.sources if source.name != transfer.target.name]
    return 0.1 * len(set(names)) + (0.1 if len(set(names)) > 1 else 0.0)
