from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.stats import pearsonr, spearmanr

from forelearn.training.measures_groups import Undefined
from forelearn.training.measures_regression import value_measures


def _columns(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two columns on grids, so that many values are tied; neither constant."""
    chance = np.random.default_rng(seed)
    one, two = np.round(chance.normal(size=(2, int(chance.integers(3, 50)))), int(chance.integers(0, 3)))
    one[:2], two[:2] = (0.0, 7.0), (5.0, 0.0)
    return one, two


columns = some.integers(0, 10_000).map(_columns)


def test_correlations_by_hand() -> None:
    """Around their means −1 0 1 and −4/3 −1/3 5/3: pearson 3 / √(2 · 42/9) = 0.98198. Ranks agree: spearman 1."""
    found = value_measures([1.0, 2.0, 3.0], [0.0, 1.0, 3.0])
    assert found == pytest.approx({"pearson": 3 / (2 * 42 / 9) ** 0.5, "spearman": 1.0})


def test_tied_values_share_the_mean_of_their_ranks() -> None:
    """Ranks 1.5 1.5 3 and 1 2 3: around 2, −.5 −.5 1 and −1 0 1: 1.5 / √(1.5 · 2) = 0.86603."""
    assert value_measures([4.0, 4.0, 9.0], [1.0, 2.0, 3.0])["spearman"] == pytest.approx(1.5 / 3**0.5)


@given(columns)
@settings(max_examples=100, deadline=None)
def test_correlations_agree_with_scipy(pair: tuple[np.ndarray, np.ndarray]) -> None:
    expected = {"pearson": pearsonr(*pair).statistic, "spearman": spearmanr(*pair).statistic}
    assert value_measures(*pair) == pytest.approx(expected, abs=1e-12)


@given(columns, some.floats(1e-3, 1e3), some.floats(-1e3, 1e3))
@settings(max_examples=50, deadline=None)
def test_scale_and_offset_of_predictions_change_nothing_and_a_turned_sign_turns_both(
    pair: tuple[np.ndarray, np.ndarray], scale: float, offset: float
) -> None:
    predicted, truth = pair
    plain = value_measures(predicted, truth)
    assert value_measures(scale * predicted + offset, truth)["pearson"] == pytest.approx(
        plain["pearson"], abs=1e-6
    )
    turned = value_measures(-predicted, truth)
    assert turned == pytest.approx({name: -value for name, value in plain.items()}, abs=1e-12)


def test_predictions_that_are_all_equal_get_0() -> None:
    assert value_measures([0.1] * 3, [1.0, 2.0, 3.0]) == {"pearson": 0.0, "spearman": 0.0}


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_tiny_and_huge_numbers_correlate_like_any_others(scale: float) -> None:
    found = value_measures(scale * np.array([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0])
    assert found == pytest.approx({"pearson": 1.0, "spearman": 1.0})


@pytest.mark.parametrize("truth", [[], [1.0], [0.1, 0.1, 0.1]])
def test_true_values_that_are_all_equal_are_refused(truth: list[float]) -> None:
    with pytest.raises(Undefined, match="correlations are undefined"):
        value_measures(list(range(len(truth))), truth)


def test_columns_that_do_not_fit_and_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="two columns"):
        value_measures([1.0], [1.0, 2.0])
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite"):
            value_measures([1.0, wrong], [1.0, 2.0])
