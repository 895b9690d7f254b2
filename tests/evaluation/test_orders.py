"""Orders without training: what they may see, and a case of source effects by hand."""

import numpy as np
from tests.evaluation.tables import noisy, table_of

from forelearn.evaluation.orders import centred, seen, source_effects


def view_of(gains, learn=(0,), seed=0):
    return seen(table_of(gains), learn, np.random.default_rng(seed))


def test_centring_takes_an_easy_target_out():
    np.testing.assert_allclose(centred(np.array([[1.0, 3.0], [10.0, np.nan]])), [[-1.0, 1.0], [0.0, np.nan]])


def test_source_effects_visit_every_pair_once_and_targets_in_turns():
    scores = source_effects(view_of(noisy(5, 4)))
    assert sorted(-scores.ravel()) == list(range(20))
    rounds = (-scores // 5).astype(int)
    for row in rounds:
        assert sorted(row) == [0, 1, 2, 3]


def test_source_effects_find_the_source_that_helps_everybody():
    """40 targets, one source of four gains 1 everywhere. Whoever meets it first tells the others: nearly all
    try it first, where a random order has it at 2.5 in the mean."""
    gains = np.zeros((40, 4))
    gains[:, 2] = 1.0
    places = [np.argsort(np.argsort(-row))[2] + 1 for row in source_effects(view_of(gains))]
    assert np.mean(places) < 1.5


def test_source_effects_leave_out_what_cannot_be_tried():
    gains = np.array([[0.1, np.nan, 0.2], [0.3, 0.1, 0.2]])
    scores = source_effects(view_of(gains))
    assert np.isnan(scores).tolist() == [[False, True, False], [False, False, False]]


def test_source_effects_never_look_at_the_judging_seeds():
    gains = noisy(5, 4, 4)
    other = gains.copy()
    other[:, :, 2:] = 99.0
    first, second = view_of(gains, (0, 1)), view_of(other, (0, 1))
    np.testing.assert_array_equal(source_effects(first), source_effects(second))
