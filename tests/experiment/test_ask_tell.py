"""`ask` and `tell`: a study whose transfers are trained elsewhere."""

import pytest
from tests.families import small_study

from forelearn.core.errors import InputError
from forelearn.core.run import Cost
from forelearn.experiment import api
from forelearn.experiment.opening import Options

pytestmark = pytest.mark.slow

ONE = Options(workers=1)


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
