"""A warm start: pairs of an earlier study, under the columns of this one."""

import math

import numpy as np
import pytest
from tests.families import small_study

from forelearn.core.errors import InputError
from forelearn.estimators.features import FeatureTable
from forelearn.experiment import api
from forelearn.experiment.earlier import FILE, joined, load_noise, load_pairs, save_pairs
from forelearn.experiment.opening import Options

pytestmark = pytest.mark.slow


def table() -> FeatureTable:
    rows = np.array([[1.0, math.nan], [2.0, 3.0]])
    return FeatureTable(("size", "ansat.x"), rows, ("t", "u"), ("s", "s"), np.array([0.1, -0.2]))


def test_pairs_come_back_under_the_columns_of_the_later_study(tmp_path):
    """Columns are found by name; one that the earlier study did not have is NaN; names carry the study."""
    save_pairs(table(), tmp_path / FILE, study="old", metric="f1")
    back = load_pairs(tmp_path, ("ansat.x", "new", "size"), metric="f1")
    np.testing.assert_array_equal(back.rows, [[math.nan, math.nan, 1.0], [3.0, math.nan, 2.0]])
    assert back.groups == ("old:t", "old:u")
    assert back.sources == ("old:s", "old:s")
    np.testing.assert_array_equal(back.gains, [0.1, -0.2])
    assert len(joined(back, back)) == 4


@pytest.mark.parametrize(
    "text", ["", "{}", '{"columns": ["a"], "pairs": [{}], "study": "x", "metric": "f1"}']
)
def test_a_damaged_file_is_refused_with_its_name(text, tmp_path):
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"pairs\.json"):
        load_pairs(tmp_path, ("a",), metric="f1")


def test_a_missing_folder_and_another_metric_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_pairs(tmp_path / "none", ("a",), metric="f1")
    save_pairs(table(), tmp_path / FILE, study="old", metric="f1")
    with pytest.raises(InputError, match="gains of f1"):
        load_pairs(tmp_path, ("size",), metric="average_precision")


def test_the_noise_of_a_run_comes_back_and_a_study_without_replicates_has_none(tmp_path):
    assert load_noise(tmp_path) is None
    save_pairs(table(), tmp_path / FILE, study="old", metric="f1")
    assert load_noise(tmp_path) is None
    save_pairs(table(), tmp_path / FILE, study="old", metric="f1", noise=0.03)
    assert load_noise(tmp_path) == 0.03


def test_a_warm_start_fits_the_predictor_before_the_first_pair(tmp_path):
    one = Options(workers=1)
    api.search(small_study(tmp_path / "first", tasks=6, budget="70%"), one)
    second = small_study(tmp_path / "second")
    text = second.read_text(encoding="utf-8").replace(
        "round = 3", f'round = 3\nwarm_start = ["{tmp_path / "first" / "out"}"]'
    )
    second.write_text(text, encoding="utf-8")
    result = api.search(second, one)
    assert not any("too few to fit" in note for note in result.notes)
    assert all(row.predicted is not None for row in result.pairs)
