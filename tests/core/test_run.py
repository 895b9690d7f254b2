"""Outcomes as values and as JSON."""

import json
from dataclasses import replace

import pytest

from forelearn.core.recipe import Recipe
from forelearn.core.run import (
    Cost,
    Failure,
    Performance,
    Run,
    Stopped,
    outcome_as_json,
    outcome_from_json,
)
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer

TASK = Task("flood", "binary", "average_precision", "d1")
TRANSFER = Transfer(TASK, Encoder("tiny", "e1"), Recipe(epochs=4), 0)
MEASURES = {"average_precision": 1 / 3}
RUN = Run(TRANSFER, Performance(MEASURES, MEASURES, rungs={1: 0.1, 2: 1 / 7}), Cost(4.0, 1.5), "now")
STOPPED = Stopped(TRANSFER, 1, 0.31, 0.4021, Cost(1.0, 0.5), "now")


@pytest.mark.parametrize("outcome", [RUN, Failure(TRANSFER, "no memory", Cost(), "now"), STOPPED])
def test_an_outcome_reads_back_from_its_json(outcome):
    text = json.dumps(outcome_as_json(outcome))
    assert outcome_from_json(json.loads(text)) == outcome


def test_epochs_are_strings_in_json_and_whole_numbers_again_when_read():
    value = json.loads(json.dumps(outcome_as_json(RUN)))
    assert value["performance"]["rungs"] == {"1": 0.1, "2": 1 / 7}
    run = outcome_from_json(value)
    assert isinstance(run, Run)
    assert run.performance.rungs == {1: 0.1, 2: 1 / 7}


def test_a_run_that_was_stored_before_there_were_rungs_still_reads():
    value = outcome_as_json(RUN)
    del value["performance"]["rungs"]
    assert outcome_from_json(value) == replace(RUN, performance=replace(RUN.performance, rungs={}))


def test_why_a_run_was_stopped_is_one_sentence():
    assert STOPPED.reason == "stopped after epoch 1 of 4: dev 0.310, below 0.402"


def test_an_outcome_of_an_unknown_type_is_not_taken_for_a_run():
    with pytest.raises(KeyError, match="paused"):
        outcome_from_json(outcome_as_json(RUN) | {"type": "paused"})
