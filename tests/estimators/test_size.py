import math

import pytest

from forelearn.estimators.size import source_size


def test_size_is_the_logarithm_of_the_rows():
    """ln 1 = 0; ln 1000 = 3 ln 10 = 6.9078."""
    assert source_size(1) == 0.0
    assert source_size(1000) == pytest.approx(3 * math.log(10))


def test_more_rows_score_higher():
    assert source_size(10) < source_size(11)


def test_a_source_without_rows_is_refused():
    with pytest.raises(ValueError, match="`rows` must be at least 1, got 0"):
        source_size(0)
