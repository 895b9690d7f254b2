import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score
from sklearn.model_selection import LeaveOneGroupOut, LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from tests.estimators.rows import clusters, slope

from forelearn.estimators.knn import BLOCK, knn

LINE = np.array([[0.0], [1.0], [2.0], [10.0], [11.5]])


def test_votes_on_a_line_by_hand():
    """0, 1, 2 are A; 10 and 11.5 are B. The nearest row is always right: 1. Of three, both B have one B and two A
    beside them: 3 / 5.
    """
    assert knn(LINE, [0, 0, 0, 1, 1], neighbours=1) == 1.0
    assert knn(LINE, [0, 0, 0, 1, 1], neighbours=3) == pytest.approx(3 / 5)


def test_a_tied_vote_goes_to_the_nearer_class_whatever_its_name():
    """Two neighbours of different classes: 0 → 1 (its own); 1 → 0 (own) before 3; 3 → 1 before 0: wrong."""
    rows = [[0.0], [1.0], [3.0]]
    for names in ([4, 4, 9], [9, 9, 4]):
        assert knn(rows, names, neighbours=2) == pytest.approx(2 / 3)


def test_a_tied_vote_of_equally_near_classes_is_shared():
    """0 lies between −1 and 1: half right. −1 and 1 both have 0 as nearest: one of them is of its class."""
    for names in ([0, 0, 1], [1, 1, 0]):
        assert knn([[-1.0], [0.0], [1.0]], names, neighbours=1) == pytest.approx((1 + 0.5 + 0) / 3)


def test_all_rows_as_far_as_the_last_neighbour_take_part():
    """Four equal rows: with one neighbour all three others vote. A A A B: each A sees two A and one B, B sees A."""
    assert knn(np.ones((4, 2)), [0, 0, 0, 1], neighbours=1) == pytest.approx(3 / 4)


@given(seed=st.integers(0, 10_000), neighbours=st.sampled_from([1, 3, 5]))
@settings(max_examples=12, deadline=None)
@pytest.mark.slow
def test_accuracy_agrees_with_scikit_learn_where_votes_cannot_tie(seed, neighbours):
    features, labels = clusters(rows=30, dimensions=6, classes=2, seed=seed)
    model = KNeighborsClassifier(neighbours)
    expected = (cross_val_predict(model, features, labels, cv=LeaveOneOut()) == labels).mean()
    assert knn(features, labels, neighbours=neighbours) == pytest.approx(expected)


def test_r2_agrees_with_scikit_learn():
    features, values = slope(rows=60, seed=1)
    values = np.stack([values, values**2], axis=1)
    predicted = cross_val_predict(KNeighborsRegressor(3), features, values, cv=LeaveOneOut())
    assert knn(features, values) == pytest.approx(r2_score(values, predicted))


def test_more_rows_than_a_block_agree_with_scikit_learn():
    rows = BLOCK + 40
    features, labels = clusters(rows=rows, dimensions=4, classes=2, seed=2)
    near = KNeighborsClassifier(3).fit(features, labels).kneighbors(return_distance=False)
    assert knn(features, labels) == pytest.approx(((labels[near].mean(axis=1) > 0.5) == labels).mean())
    values = features[:, 0] + labels
    near = KNeighborsRegressor(3).fit(features, values).kneighbors(return_distance=False)
    assert knn(features, values) == pytest.approx(r2_score(values, values[near].mean(axis=1)))


def test_the_mean_of_all_others_explains_nothing():
    """k = n − 1: ŷᵢ = −yᵢ / (n − 1) of standardised values, R² = 1 − (1 + 1/4)² for n = 5."""
    assert knn(LINE, [0.0, 3.0, 1.0, 2.0, 7.0], neighbours=4) == pytest.approx(1 - 1.25**2)


def test_equal_rows_in_any_order_score_the_same():
    rng = np.random.default_rng(3)
    features, labels = np.repeat(rng.normal(size=(10, 4)), 3, axis=0) + 100.0, rng.integers(0, 3, 30)
    orders = [rng.permutation(30) for _ in range(5)]
    assert np.ptp([knn(features[order], labels[order], neighbours=2) for order in orders]) < 1e-9


def test_distances_that_only_rounding_tells_apart_are_equal():
    """A lattice has many rows equally far; turned and moved it is the same lattice."""
    rng = np.random.default_rng(4)
    lattice = np.stack(np.meshgrid(*[np.arange(4.0)] * 3), axis=-1).reshape(-1, 3)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    for _ in range(5):
        labels = rng.integers(0, 3, len(lattice))
        for neighbours in (1, 2, 5):
            score = knn(lattice, labels, neighbours=neighbours)
            assert knn(lattice @ turn + 3.0, labels, neighbours=neighbours) == pytest.approx(score, abs=1e-12)


def test_a_common_offset_a_million_times_the_spread_hides_no_neighbour():
    features, labels = clusters(rows=80, dimensions=5, gap=2, seed=5)
    assert knn(features + 1e7, labels) == knn(features, labels)


def test_too_many_neighbours_are_refused():
    for bad in (0, 5):
        with pytest.raises(ValueError, match="`neighbours` must be at least 1 and fewer than the 5 rows"):
            knn(LINE, [0, 0, 0, 1, 1], neighbours=bad)


@pytest.mark.parametrize("values", [False, True])
def test_examples_are_left_out_whole_as_by_leave_one_group_out(values):
    features, labels = clusters(rows=60, dimensions=3, classes=2, seed=5)
    targets = features[:, 0] + labels if values else labels
    groups = np.random.default_rng(0).integers(0, 20, 60)
    model = KNeighborsRegressor(3) if values else KNeighborsClassifier(3)
    predicted = cross_val_predict(model, features, targets, groups=groups, cv=LeaveOneGroupOut())
    expected = r2_score(targets, predicted) if values else (predicted == targets).mean()
    assert knn(features, targets, examples=groups) == pytest.approx(expected)


def test_two_choices_of_one_premise_do_not_vote_for_each_other():
    """Choices of a premise lie together and have opposite labels: chance is one half, not none."""
    rng = np.random.default_rng(3)
    premises = np.repeat(rng.normal(0, 1, (300, 8)), 2, axis=0)
    features = premises + rng.normal(0, 0.1, premises.shape)
    targets, examples = np.tile([0, 1], 300), np.repeat(np.arange(300), 2)
    assert knn(features, targets) < 0.35
    assert knn(features, targets, examples=examples) == pytest.approx(0.5, abs=0.06)


def test_too_few_rows_of_other_examples_are_refused():
    with pytest.raises(
        ValueError, match="3 neighbours of other examples are needed, but one has 4 of 6 rows"
    ):
        knn(np.arange(6.0)[:, None], [0, 1, 0, 1, 0, 1], examples=[0, 0, 0, 0, 1, 2])
    with pytest.raises(ValueError, match="one for each of the 6 rows"):
        knn(np.arange(6.0)[:, None], [0, 1, 0, 1, 0, 1], examples=[0, 1])
