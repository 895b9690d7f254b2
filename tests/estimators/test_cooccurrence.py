import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import matthews_corrcoef

from forelearn.estimators.cooccurrence import label_cooccurrence, phi

LABELS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=40)


def test_phi_of_a_table_counted_by_hand():
    """n = 8; 3 carry both, 4 the source's, 4 the target's: (8 · 3 − 4 · 4) / √(4 · 4 · 4 · 4) = 8 / 16 =
    .5.
    """
    source = [1, 1, 1, 1, 0, 0, 0, 0]
    target = [1, 1, 1, 0, 1, 0, 0, 0]
    assert phi(source, target, fewest=2) == pytest.approx(0.5)


@given(LABELS)
@settings(max_examples=80)
def test_phi_is_pearsons_correlation_and_symmetric(pairs):
    a, b = np.array(pairs).T
    value = phi(a, b, fewest=2)
    if len(set(a)) < 2 or len(set(b)) < 2:
        assert math.isnan(value)
        return
    assert value == pytest.approx(matthews_corrcoef(a, b))
    assert value == phi(b, a, fewest=2)
    assert value == pytest.approx(phi(a[::-1], b[::-1], fewest=2))
    assert phi(a, 1 - b, fewest=2) == pytest.approx(-value)
    assert phi(a, a, fewest=2) == pytest.approx(1)


def test_labels_are_joined_by_document():
    """Shared documents b, c, d: source 1, 0, 1 and target 1, 0, 1."""
    value = label_cooccurrence(
        ["a", "b", "c", "d"], [0, 1, 0, 1], ["d", "c", "b", "e"], [1, 0, 1, 1], fewest=3
    )
    assert value == pytest.approx(1)


def test_too_few_shared_documents_have_no_score():
    assert math.isnan(label_cooccurrence(["a", "b"], [0, 1], ["a", "b"], [0, 1]))
    assert math.isnan(label_cooccurrence(["a"], [0], ["b"], [1], fewest=1))
    assert math.isnan(phi([], [], fewest=0))


def test_bad_labels_and_repeated_documents_are_refused():
    with pytest.raises(ValueError, match="0 or 1"):
        phi([0, 2], [0, 1])
    with pytest.raises(ValueError, match="one length"):
        phi([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match="unique"):
        label_cooccurrence(["a", "a"], [0, 1], ["a"], [0])


def test_labels_that_agree_more_score_higher():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 400)
    scores = [
        phi(np.where(rng.random(400) < noise, 1 - target, target), target) for noise in (0.4, 0.25, 0.1)
    ]
    assert scores == sorted(scores)
