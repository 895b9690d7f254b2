import math

import numpy as np
import pytest
from benchmarks import _literal as literal
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.estimators.rows import clusters

from forelearn.estimators.transrate import transrate


def test_of_two_classes_on_two_axes_by_hand():
    """ε = ½. ZᵀZ / (4 · ½) = I: R = ½ ln 4. A class: ZᵀZ / (2 · ½) = diag(2, 0): ½ ln 3.
    ln 2 − ½ ln 3 = .143841.
    """
    rows = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    assert transrate(rows, [0, 0, 1, 1], epsilon=0.5) == pytest.approx(math.log(2) - math.log(3) / 2)


def test_a_class_is_not_centred_again():
    """Z = −1 −1 1 1, ε = 1: ½ ln 2 for all and for each class. Centred again a class would have rate 0."""
    assert transrate([[-1.0], [-1.0], [1.0], [1.0]], [0, 0, 1, 1], epsilon=1.0) == pytest.approx(0, abs=1e-12)


@given(seed=st.integers(0, 10_000), wide=st.booleans(), epsilon=st.sampled_from([1e-4, 1e-2, 1.0]))
@settings(max_examples=25, deadline=None)
def test_it_agrees_with_the_literal_form_and_is_never_negative(seed, wide, epsilon):
    features, labels = clusters(rows=24, dimensions=40 if wide else 5, seed=seed)
    labels[:3] = 7  # classes of unequal size
    score = transrate(features, labels, epsilon=epsilon)
    assert score == pytest.approx(literal.transrate(features, labels, epsilon), rel=1e-9, abs=1e-9)
    assert score >= 0


def test_features_and_precision_in_another_unit_score_the_same():
    features, labels = clusters()
    same = transrate(10 * features, labels, epsilon=1e-2)
    assert same == pytest.approx(transrate(features, labels, epsilon=1e-4))
    assert transrate(10 * features, labels) != pytest.approx(transrate(features, labels))


def test_constant_features_score_zero_and_a_precision_of_zero_is_refused():
    assert transrate(np.full((6, 3), 0.1), [0, 0, 0, 1, 1, 1]) == 0.0
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="`epsilon` must be above 0"):
            transrate([[0.0], [1.0]], [0, 1], epsilon=bad)
