import math

import numpy as np
import pytest
from benchmarks._literal import dense_evidence
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.estimators.rows import clusters, slope

from forelearn.estimators.logme import log_evidence, log_evidences, logme


def fixed_point(features, y):
    """The paper's iteration, run until it stands still, and its evidence with all d eigenvalues."""
    n, d = features.shape
    s, vectors = np.linalg.eigh(features.T @ features)
    s = np.maximum(s, 0)
    z2 = (vectors.T @ features.T @ y) ** 2
    alpha = beta = 1.0
    for _ in range(20_000):
        ratio = alpha / beta
        gamma = (s / (s + ratio)).sum()
        m2 = (z2 / (s + ratio) ** 2).sum()
        r2 = y @ y - 2 * (z2 / (s + ratio)).sum() + (s * z2 / (s + ratio) ** 2).sum()
        alpha, beta = gamma / m2, (n - gamma) / r2
        if abs(math.log(alpha / beta / ratio)) < 1e-12:
            break
    return (
        d / 2 * math.log(alpha)
        + n / 2 * math.log(beta)
        - np.log(alpha + beta * s).sum() / 2
        - beta / 2 * r2
        - alpha / 2 * m2
        - n / 2 * math.log(2 * math.pi)
    )


def test_evidence_of_one_direction_by_hand():
    """n = 3, s = 1, z = 2, yᵀy = 5: Q(λ) = 1 + 4 / x with x = 1 + 1/λ. Maximal at x = (3 − 1) · 4 / 1 = 8:
    Q = 1.5, L = −1.5 ln(1.5 / 3) − ½ ln 8 − 1.5 (1 + ln 2π); the logarithms of 2 cancel: −4.2568.
    """
    found = log_evidence([1.0], [2.0], 5.0, rows=3, dimensions=1)
    assert found == pytest.approx(-1.5 * (1 + math.log(2 * math.pi)), abs=1e-12)


def test_without_signal_the_score_is_that_of_noise_alone():
    """y = (1, 1, 0, 0) and its complement are orthogonal to F = (1, −1, 1, −1): α → ∞, β = n / yᵀy = 2;
    L / n = −½ (1 + ln(2π / 2)) = −1.0724.
    """
    features = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    assert logme(features, [0, 0, 1, 1]) == pytest.approx(-(1 + math.log(math.pi)) / 2, abs=1e-9)


@pytest.mark.parametrize(("n", "d"), [(40, 10), (25, 25), (30, 60), (12, 90)])
@pytest.mark.parametrize("gap", [0.0, 1.0, 6.0])
def test_it_is_the_largest_dense_evidence_with_more_rows_than_columns_and_fewer(n, d, gap):
    features, labels = clusters(rows=n, dimensions=d, gap=gap, seed=n)
    dense = [dense_evidence(features, (labels == label).astype(float)) for label in range(3)]
    assert logme(features, labels) == pytest.approx(np.mean(dense) / n, rel=1e-7, abs=1e-9)


def test_it_is_the_largest_dense_evidence_of_standardised_values():
    features, values = slope(rows=30, dimensions=8, seed=1)
    y = (values - values.mean()) / values.std()
    assert logme(features, values) == pytest.approx(dense_evidence(features, y) / 30, rel=1e-7)


@pytest.mark.parametrize(("n", "d"), [(60, 12), (30, 60)])
def test_the_papers_fixed_point_ends_at_the_same_evidence(n, d):
    features, labels = clusters(rows=n, dimensions=d, gap=3, seed=2)
    each = [fixed_point(features, (labels == label).astype(float)) for label in range(3)]
    assert logme(features, labels) == pytest.approx(np.mean(each) / n, rel=1e-9)


@given(seed=st.integers(0, 10_000), count=st.integers(2, 5), wide=st.booleans())
@settings(max_examples=30, deadline=None)
def test_no_column_knows_of_another(seed, count, wide):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(20, 30 if wide else 6))
    columns = rng.normal(size=(20, count)) + features[:, :1]
    together = logme(features, columns)
    alone = [logme(features, column) for column in columns.T]
    assert together == pytest.approx(np.mean(alone), rel=1e-11)


@given(seed=st.integers(0, 10_000))
@example(seed=9256)  # the highest point of the grid lies beside a lower maximum
@settings(max_examples=60, deadline=None)
def test_no_ratio_on_a_fine_grid_has_more_evidence_even_where_there_are_several_maxima(seed):
    """Eigenvalues over ten decades: evidence can rise, fall and rise again."""
    rng = np.random.default_rng(seed)
    s, energy = 10 ** rng.uniform(-6, 4, 6), 10 ** rng.uniform(-3, 3, 6)
    rest, rows = 10 ** rng.uniform(-2, 2), 12
    found = log_evidence(s, np.sqrt(s * energy), energy.sum() + rest, rows=rows, dimensions=9)
    ratio = np.geomspace(1e-12, 1e12, 4000)[:, None]
    unexplained = rest + (energy * ratio / (s + ratio)).sum(axis=1)
    profile = -rows / 2 * (np.log(2 * math.pi * unexplained / rows) + 1) - np.log1p(s / ratio).sum(axis=1) / 2
    assert profile.max() - 1e-7 <= found <= profile.max() + 1e-3


def test_columns_taken_together_are_bit_for_bit_as_good_in_any_order():
    rng = np.random.default_rng(3)
    s, z, square = rng.uniform(0.1, 9, 7), rng.normal(size=(7, 4)), rng.uniform(40, 90, 4)
    forward = log_evidences(s, z, square, rows=20, dimensions=7)
    backward = log_evidences(s, z[:, ::-1], square[::-1], rows=20, dimensions=7)
    assert np.allclose(forward, backward[::-1], rtol=1e-13)


def test_zero_eigenvalues_and_further_dimensions_change_nothing():
    """Columns of zeros add nothing to FFᵀ, and the evidence knows F through FFᵀ alone."""
    features, labels = clusters(rows=20, dimensions=8)
    padded = np.hstack([features, np.zeros((20, 40))])
    assert logme(padded, labels) == pytest.approx(logme(features, labels), rel=1e-10)
    twice = np.hstack([features, features])
    assert logme(twice, labels) == pytest.approx(logme(features, labels), rel=1e-10)


def test_shuffled_labels_score_as_noise_and_informative_features_far_above():
    features, labels = clusters(rows=60, dimensions=90, gap=6)
    features -= features.mean(axis=0)  # else the mean explains that each class has a third of the rows
    noise = logme(features, np.random.default_rng(0).permutation(labels))
    share = 1 / 3
    nothing = -(1 + math.log(2 * math.pi * share)) / 2
    assert noise == pytest.approx(nothing, abs=0.02)
    assert logme(features, labels) > nothing + 0.1


def test_a_perfect_fit_has_a_high_finite_score():
    """One-hot features of 3 classes of 10: s = 10 three times, all of yᵀy = 10 along one of them, and 1e-12 of it
    is held back: ρ = 1e-11. With x = 1 + s/λ, −15 ln((ρ + 10 / x) / 30) − 1.5 ln x is largest at x = 90 / ρ.
    """
    labels = np.arange(30) % 3
    score = logme(np.eye(3)[labels], labels)
    x = 90 / 1e-11
    largest = -15 * math.log((1e-11 + 10 / x) / 30) - 1.5 * math.log(x) - 15 * (1 + math.log(2 * math.pi))
    assert score == pytest.approx(largest / 30, rel=1e-6)
    assert logme(np.eye(3)[labels] * 1e3, labels) == pytest.approx(score, rel=1e-9)


def test_constant_features_score_by_their_one_direction():
    """All rows equal: FFᵀ has one direction, the mean; with 2 classes of 2 it explains half of each column."""
    score = logme(np.ones((4, 3)), [0, 0, 1, 1])
    hand = log_evidence([12.0], [2.0 * math.sqrt(3)], 2.0, rows=4, dimensions=3) / 4
    assert score == pytest.approx(hand, rel=1e-9)


def test_features_of_nothing_score_as_noise():
    assert logme(np.zeros((4, 3)), [0, 0, 1, 1]) == pytest.approx(-(1 + math.log(math.pi)) / 2)


def test_ill_conditioned_features_keep_their_evidence():
    """A common direction 10,000 times as long as the rest, as encoders have it."""
    features, labels = clusters(rows=60, dimensions=20, gap=3)
    features[:, 0] += 1e4
    each = [fixed_point(features, (labels == label).astype(float)) for label in range(3)]
    assert logme(features, labels) == pytest.approx(np.mean(each) / 60, rel=1e-6)


def test_impossible_decompositions_are_refused():
    with pytest.raises(ValueError, match="at least 0"):
        log_evidence([-1.0], [1.0], 1.0, rows=3, dimensions=1)
    with pytest.raises(ValueError, match="squares above 0"):
        log_evidence([1.0], [0.0], 0.0, rows=3, dimensions=1)
    with pytest.raises(ValueError, match="finite"):
        log_evidence([1.0], [math.nan], 1.0, rows=3, dimensions=1)
    with pytest.raises(ValueError, match="r ≤ 1"):
        log_evidence([1.0, 2.0], [1.0, 1.0], 1.0, rows=3, dimensions=1)
