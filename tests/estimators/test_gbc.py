import math

import numpy as np
import pytest
from benchmarks import _literal as literal
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.estimators.rows import clusters

from forelearn.estimators.gbc import gbc


def test_of_two_classes_on_a_line_by_hand():
    """0, 2 and 4, 6: means 1 and 5, variances 1: D = 16 / 8 = 2, both orders: −2 e⁻² = −.270671."""
    assert gbc([[0.0], [2.0], [4.0], [6.0]], [0, 0, 1, 1]) == pytest.approx(-0.270671, abs=1e-6)


def test_of_unequal_variances_by_hand():
    """0, 2 and 3, 7: variances 1 and 4, between 2.5: D = 16 / (8 · 2.5) + ½ ln(2.5 / √4) = .911572."""
    assert gbc([[0.0], [2.0], [3.0], [7.0]], [0, 0, 1, 1]) == pytest.approx(-2 * math.exp(-0.911572))


@given(seed=st.integers(0, 10_000), shape=st.sampled_from([(40, 5), (60, 80), (20, 70)]))
@settings(max_examples=20, deadline=None)
def test_it_agrees_with_the_literal_form(seed, shape):
    features, labels = clusters(rows=shape[0], dimensions=shape[1], gap=0.5, seed=seed)
    assert gbc(features, labels) == pytest.approx(literal.gbc(features, labels), rel=1e-8)
    assert gbc(features, labels, components=2) == pytest.approx(literal.gbc(features, labels, 2), rel=1e-8)


def test_classes_that_are_alike_overlap_wholly_and_far_ones_not_at_all():
    """Three classes, six ordered pairs of coefficient 1."""
    assert gbc(np.full((6, 3), 0.1), [0, 0, 1, 1, 2, 2]) == pytest.approx(-6)
    assert gbc([[0.0], [0.1], [1e3], [1e3 + 0.1]], [0, 0, 1, 1]) == 0.0


def test_a_class_with_one_row_is_a_narrow_gaussian():
    """0, 2 and 3: variances 1 and 1e-4. D = 4 / (8 · .50005) + ½ ln(.50005 / .01)."""
    distance = 4 / (8 * 0.50005) + math.log(0.50005 / 0.01) / 2
    assert gbc([[0.0], [2.0], [3.0]], [0, 0, 1]) == pytest.approx(-2 * math.exp(-distance))


def test_no_component_and_no_floor_are_refused():
    for bad in ({"components": 0}, {"floor": 0.0}):
        with pytest.raises(ValueError, match="`components` must be at least 1 and `floor` above 0"):
            gbc([[0.0], [1.0]], [0, 1], **bad)
