import dataclasses
import json
import math
import subprocess
import sys

import pytest
from tests.report.fake import fake_summary

from forelearn.core.errors import InputError
from forelearn.report.summary import BaselineRow, Interval, PairRow, Summary


def test_a_summary_comes_back_from_json_as_it_was():
    summary = fake_summary()
    assert Summary.from_json(json.loads(json.dumps(summary.as_json(), allow_nan=False))) == summary


def test_an_interval_without_ends_comes_back_from_json_without_them():
    """Of one seed: JSON has no infinity."""
    summary = fake_summary()
    answer = dataclasses.replace(summary.answers[0], gain=Interval(0.1, -math.inf, math.inf))
    endless = dataclasses.replace(summary, answers=(answer,))
    said = json.loads(json.dumps(endless.as_json(), allow_nan=False))
    assert said["answers"][0]["gain"] == {"mean": 0.1, "low": None, "high": None}
    assert Summary.from_json(said) == endless


def test_a_feature_that_is_not_a_number_becomes_none():
    pair = PairRow("A", "B", "run", features={"overlap": math.nan, "size": 2.0}, ansat=(math.nan, 1.0))
    summary = dataclasses.replace(fake_summary(), pairs=(pair,))
    back = Summary.from_json(json.loads(json.dumps(summary.as_json(), allow_nan=False)))
    assert back.pairs[0].features == {"overlap": None, "size": 2.0}
    assert back.pairs[0].ansat == (None, 1.0)


def test_means_of_a_baseline_are_over_its_seeds():
    """Mean of 0.25 and 0.75 is 0.5; mean of 0.5 and 1.0 is 0.75."""
    row = BaselineRow("A", {}, (0.5, 0.5), (0, 1), (0.25, 0.75), (0.5, 1.0), ("k0", "k1"))
    assert (row.mean_dev, row.mean_test) == (0.5, 0.75)


def test_a_missing_field_is_named_with_its_place():
    value = fake_summary().as_json()
    del value["answers"][3]["baseline"]
    with pytest.raises(InputError, match=r"summary\.answers\[3\]: `baseline` is missing"):
        Summary.from_json(value)


def test_an_unknown_field_is_refused_with_the_nearest_known_one():
    value = fake_summary().as_json()
    value["pairs"][0]["predictd"] = None
    with pytest.raises(InputError, match="Did you mean `predicted`"):
        Summary.from_json(value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": "high"}, r"summary\.level: must be a number, got 'high'"),
        ({"level": True}, r"summary\.level: must be a number"),
        ({"notes": "one"}, r"summary\.notes: must be a list"),
        ({"answers": [7]}, r"summary\.answers\[0\]: must be an object"),
        ({"settings": []}, r"summary\.settings: must be an object"),
        ({"study": None}, r"summary\.study: must be a text"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(change, message):
    with pytest.raises(InputError, match=message):
        Summary.from_json(fake_summary().as_json() | change)


def test_a_decision_outside_the_four_is_refused():
    value = fake_summary().as_json()
    value["answers"][0]["decision"] = "maybe"
    with pytest.raises(InputError, match="do not transfer"):
        Summary.from_json(value)


def test_the_views_load_no_heavy_package_until_they_are_used():
    code = (
        "import sys, forelearn.report.page, forelearn.report.terminal, forelearn.report.tables\n"
        "heavy = {'torch', 'transformers', 'numpy', 'pandas', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'{heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
