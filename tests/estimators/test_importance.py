import numpy as np
import pytest

from forelearn.estimators.importance import by_group, group_shapley


def test_column_contributions_are_summed_over_groups():
    explanation = by_group(np.array([[0.1, 0.2, -0.5, 1.0]]), {"f1": [0, 1], "size": [2]})
    assert explanation.constant.tolist() == [1.0]
    assert explanation.contributions["f1"] == pytest.approx([0.3])
    assert explanation.contributions["size"] == pytest.approx([-0.5])


def test_shapley_values_of_a_product_are_shared_equally():
    """f(x, y) = x y at (2, 4) against background (0, 0): worth 0 alone, 8 together, so 4 each."""
    explanation = group_shapley(
        lambda rows: rows[:, 0] * rows[:, 1], np.array([[2.0, 4.0]]), np.zeros((1, 2)), {"x": [0], "y": [1]}
    )
    assert explanation.constant.tolist() == [0.0]
    assert explanation.contributions["x"] == pytest.approx([4.0])
    assert explanation.contributions["y"] == pytest.approx([4.0])


def test_shapley_values_of_a_linear_function_are_weight_times_distance_from_the_mean():
    rng = np.random.default_rng(0)
    weights, background, rows = rng.normal(size=4), rng.normal(size=(20, 4)), rng.normal(size=(3, 4))
    groups = {"a": [0, 2], "b": [1], "c": [3]}
    explanation = group_shapley(lambda x: x @ weights, rows, background, groups)
    for group, columns in groups.items():
        expected = (rows - background.mean(axis=0))[:, columns] @ weights[columns]
        assert explanation.contributions[group] == pytest.approx(expected)


def test_more_groups_than_can_be_enumerated_are_refused():
    groups = {str(column): [column] for column in range(11)}
    with pytest.raises(ValueError, match="at most 10 groups, got 11"):
        group_shapley(lambda x: x[:, 0], np.zeros((1, 11)), np.zeros((1, 11)), groups)
