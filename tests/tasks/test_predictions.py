"""Predictions as CSV and JSON lines, against lines written by hand."""

from __future__ import annotations

import csv
import io
import json

import pytest

from forelearn.core.errors import InputError
from forelearn.tasks.predictions import Predicted, as_csv, as_jsonl, renamed

BINARY = Predicted("binary", ("no", "yes"), ("0", "a 7"), ("yes", "no"), ((0.25, 0.75), (0.9, 0.1)))
CHOICE = Predicted("multiple_choice", (), ("0",), (1,), ((0.125, 0.875),))
NUMBER = Predicted("regression", (), ("0", "1"), (0.5, -1.25))
TAGS = Predicted("sequence_labelling", ("O", "B-x"), ("0",), (("O", "B-x"),), ((0.75, 0.5),))
ANSWER = Predicted("question_answering", (), ("q1",), ('the "sea"',), spans=((4, 13, 7.5),))


def test_csv_of_every_kind_by_hand():
    assert as_csv(BINARY) == (
        "id,prediction,probability of no,probability of yes\n"
        "0,yes,0.250000,0.750000\n"
        "a 7,no,0.900000,0.100000\n"
    )
    assert as_csv(CHOICE) == "id,prediction,probability of 0,probability of 1\n0,1,0.125000,0.875000\n"
    assert as_csv(NUMBER) == "id,prediction\n0,0.5\n1,-1.25\n"
    assert as_csv(TAGS) == "id,prediction,probability\n0,O B-x,0.750000 0.500000\n"
    assert as_csv(ANSWER) == 'id,prediction,start,end,score\nq1,"the ""sea""",4,13,7.5\n'


def test_json_lines_of_every_kind_by_hand():
    assert as_jsonl(BINARY).splitlines() == [
        '{"id": 0, "prediction": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}',
        '{"id": "a 7", "prediction": "no", "probabilities": {"no": 0.9, "yes": 0.1}}',
    ]
    assert as_jsonl(CHOICE) == '{"id": 0, "prediction": 1, "probabilities": {"0": 0.125, "1": 0.875}}\n'
    assert as_jsonl(NUMBER) == '{"id": 0, "prediction": 0.5}\n{"id": 1, "prediction": -1.25}\n'
    assert as_jsonl(TAGS) == '{"id": 0, "prediction": ["O", "B-x"], "probabilities": [0.75, 0.5]}\n'
    assert json.loads(as_jsonl(ANSWER)) == {
        "id": "q1",
        "prediction": 'the "sea"',
        "start": 4,
        "end": 13,
        "score": 7.5,
    }


def test_a_line_end_in_an_answer_ends_no_row():
    odd = Predicted("question_answering", (), ("0",), ("two\nlines, one",), spans=((0, 9, 1.0),))
    assert len(as_jsonl(odd).splitlines()) == 1
    assert list(csv.reader(io.StringIO(as_csv(odd))))[1][1] == "two\nlines, one"


def test_a_carriage_return_is_quoted_and_no_line_ends_in_one():
    odd = Predicted("question_answering", (), ("0",), ("old\rmac",), spans=((0, 7, 1.0),))
    text = as_csv(odd)
    assert text == 'id,prediction,start,end,score\n0,"old\rmac",0,7,1.0\n'
    assert list(csv.reader(io.StringIO(text, newline="")))[1][1] == "old\rmac"


def test_an_id_with_a_leading_zero_stays_a_text():
    one = Predicted("regression", (), ("007",), (1.0,))
    assert json.loads(as_jsonl(one))["id"] == "007"


def test_labels_are_renamed_in_predictions_and_probabilities():
    found = renamed(BINARY, {"yes": "1", "no": "0"})
    assert found.said == ("1", "0")
    assert found.columns == ("0", "1")
    assert renamed(TAGS, {"O": "out"}).said == (("out", "B-x"),)
    assert renamed(BINARY, {}) == BINARY


@pytest.mark.parametrize(
    ("predicted", "names", "said"),
    [
        (BINARY, {"yess": "1"}, "Did you mean `yes`"),
        (NUMBER, {"yes": "1"}, "has no labels"),
        (BINARY, {"yes": "no"}, "two labels one name"),
    ],
)
def test_names_for_labels_that_are_not_there_are_refused(predicted, names, said):
    with pytest.raises(InputError, match=said):
        renamed(predicted, names)
