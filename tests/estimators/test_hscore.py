import numpy as np
import pytest
from benchmarks import _literal as literal
from tests.estimators.rows import clusters

from forelearn.estimators.hscore import hscore


def test_of_two_classes_on_two_axes_by_hand():
    """Rows (±3, 0), (0, ±1), classes {(3, 0), (0, 1)} and {(−3, 0), (0, −1)}: S = diag(4.5, .5), μ = 2.5.
    ‖S‖² = 20.5, mean ‖x‖⁴ = 41, so a = ((41 − 20.5) / 4) / (20.5 − 12.5) = .640625 and S_a =
    diag(3.21875, 1.78125). Means ±(1.5, .5): cov = 4/3 (2.25, .25) on the diagonal.
    (1 − a) · 4/3 · (2.25 / 3.21875 + .25 / 1.78125) = .402203.
    """
    rows = [[3, 0], [-3, 0], [0, 1], [0, -1]]
    assert hscore(rows, [0, 1, 0, 1]) == pytest.approx(0.402203, abs=1e-6)


def test_of_one_column_nothing_is_shrunk():
    """0, 1, 4, 5 centred are ∓2.5, ∓1.5: S = 4.25, means ±2, cov = 4 · 4 / 3, and 16 / 3 / 4.25 = 1.254902."""
    assert hscore([[0.0], [1.0], [4.0], [5.0]], [0, 0, 1, 1]) == pytest.approx(1.254902, abs=1e-6)


@pytest.mark.parametrize(("n", "d"), [(200, 10), (50, 50), (30, 80)])
@pytest.mark.parametrize("gap", [0.0, 3.0])
def test_it_agrees_with_the_literal_form(n, d, gap):
    features, labels = clusters(rows=n, dimensions=d, classes=4, gap=gap, seed=d)
    assert hscore(features, labels) == pytest.approx(literal.hscore(features, labels), rel=1e-9)


def test_with_fewer_rows_than_columns_it_still_tells_noise_from_signal():
    """The plain form would be C − 1 = 2 for both."""
    noise, signal = (hscore(*clusters(rows=30, dimensions=80, gap=gap)) for gap in (0.0, 6.0))
    assert noise < 0.5 * signal < 1.0


def test_constant_features_score_zero():
    assert hscore(np.full((6, 3), 0.1), [0, 0, 0, 1, 1, 1]) == 0.0


def test_two_mirrored_rows_have_a_singular_covariance_that_is_not_shrunk():
    """x = ±v: every x xᵀ equals S, so a = 0 and S has rank 1: v ᵀS⁺v = 1, times n / (n − 1) = 4 / 3."""
    v = np.array([1.0, 2.0, -0.5])
    assert hscore([v, v, -v, -v], [0, 0, 1, 1]) == pytest.approx(4 / 3)


def test_features_equally_spread_in_all_directions_are_shrunk_to_nothing():
    """S is μ times the identity already: Ledoit and Wolf's share is 1."""
    assert hscore([[1, 0], [-1, 0], [0, 1], [0, -1]], [0, 1, 0, 1]) == 0.0
