import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from forelearn.estimators.nce import nce

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), min_size=2, max_size=40)


def test_of_four_rows_by_hand():
    """y = 0 0 1 1, z = 0 0 0 1: ½ ln(2/3) + ¼ ln(1/3) + ¼ ln 1 = −.477386."""
    assert nce([0, 0, 0, 1], [0, 0, 1, 1]) == pytest.approx(-0.477386, abs=1e-6)


@given(PAIRS)
@settings(max_examples=60)
def test_it_is_mutual_information_less_the_entropy_of_the_targets(pairs):
    source, targets = np.array(pairs).T
    if len(set(targets)) < 2:
        with pytest.raises(ValueError, match="at least 2 classes"):
            nce(source, targets)
        return
    value = nce(source, targets)
    sizes = np.unique(targets, return_counts=True)[1]
    assert value == pytest.approx(mutual_info_score(source, targets) - entropy(sizes), abs=1e-12)
    assert nce(-7 * source, 3 * targets) == pytest.approx(value, abs=1e-12)
    assert nce(source[::-1], targets[::-1]) == pytest.approx(value, abs=1e-12)


def test_labels_that_say_everything_score_zero_and_one_label_says_nothing():
    targets = [0, 1, 2, 0, 1, 2]
    assert nce([5, 4, 9, 5, 4, 9], targets) == 0.0
    assert nce([1] * 6, targets) == pytest.approx(-math.log(3))


def test_values_and_misaligned_labels_are_refused():
    with pytest.raises(ValueError, match="classes alone"):
        nce([0, 1], [0.5, 1.5])
    with pytest.raises(ValueError, match="classes alone"):
        nce([[0.1, 0.9], [0.5, 0.5]], [0, 1])
    with pytest.raises(ValueError, match="aligned with 3 rows"):
        nce([0, 1, 1], [0, 1])
    with pytest.raises(ValueError, match="at least"):
        nce(np.zeros(0, int), np.zeros(0, int))
