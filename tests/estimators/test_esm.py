"""Embedding space maps: exact against LogME of mapped rows, and what the rank-r form loses."""

import numpy as np
import pytest

from forelearn.estimators.esm import EsmMap, esm_score, fit_esm, moments, reduce
from forelearn.estimators.logme import logme

D = 24


def source(rows=200, seed=0, noise=0.1):
    """Base embeddings with a mean and unequal directions, and tuned ones: a linear map of them, and noise."""
    draw = np.random.default_rng(seed)
    scales = np.geomspace(1.0, 0.02, D)
    base = draw.normal(size=(rows, D)) * scales + 0.5
    weights = np.eye(D) + 0.5 * draw.normal(size=(D, D)) / np.sqrt(D)
    return base, base @ weights + draw.normal(size=D) + noise * draw.normal(size=(rows, D)) * scales


def target(rows, seed=7):
    draw = np.random.default_rng(seed)
    base = draw.normal(size=(rows, D)) * np.geomspace(1.0, 0.02, D) + 0.4
    classes = np.digitize(base[:, 0] + 0.5 * draw.normal(size=rows), [0.0, 0.9])
    return base, classes, base[:, 1] * 3 + draw.normal(size=rows)


@pytest.mark.parametrize("rows", [300, D, 15])
@pytest.mark.parametrize("rank", [D, 9])
def test_the_score_is_logme_of_the_mapped_rows_for_classes_and_for_values(rows, rank):
    """Oracle: the mapped rows laid out, for more and for fewer rows than dimensions."""
    esm = reduce(fit_esm(*source()), rank)
    base, classes, values = target(rows)
    for targets in (classes, values, np.stack([values, values**2], axis=1)):
        mapped = np.hstack([base, np.ones((rows, 1))]) @ esm.projection
        assert esm_score(esm, moments(base, targets)) == pytest.approx(logme(mapped, targets), abs=1e-6)
        assert esm.apply(base) == pytest.approx(mapped)


def test_the_map_equals_ridge_regression_with_a_free_intercept():
    """Oracle: scikit-learn's Ridge. The map is kept up to a rotation, which inner products do not see."""
    from sklearn.linear_model import Ridge

    base, tuned = source(rows=60)
    penalty = 30.0 * np.var(base, axis=0).mean()
    theirs = Ridge(alpha=penalty).fit(base, tuned).predict(base)
    ours = fit_esm(base, tuned, ridge=30.0).apply(base)
    assert ours @ ours.T == pytest.approx(theirs @ theirs.T, rel=1e-9)


def test_an_exactly_linear_source_is_recovered_as_the_penalty_goes_to_zero():
    base, tuned = source(noise=0.0)
    ours = fit_esm(base, tuned, ridge=1e-9).apply(base)
    assert ours @ ours.T == pytest.approx(tuned @ tuned.T, rel=1e-6)


def test_the_penalty_shrinks_the_slope_and_never_the_intercept():
    """With an endless penalty every row is mapped to the mean tuned embedding: its length remains."""
    base, tuned = source()
    mapped = fit_esm(base, tuned, ridge=1e12).apply(base)
    assert np.linalg.norm(mapped, axis=1) == pytest.approx(np.linalg.norm(tuned.mean(axis=0)), rel=1e-6)


def test_the_error_of_a_reduced_map_is_what_its_rows_lose():
    """By hand: the root of the squared length that is gone, over the centred squared length."""
    base, tuned = source()
    full = fit_esm(base, tuned)
    rows = full.apply(base)
    spread = ((rows - rows.mean(axis=0)) ** 2).sum()
    assert full.error == 0.0
    for rank in (1, 5, 20):
        small = reduce(full, rank)
        lost = (rows**2).sum() - (small.apply(base) ** 2).sum()
        assert small.error == pytest.approx(np.sqrt(lost / spread), rel=1e-6)
        assert small.projection.shape == (D + 1, rank)
    assert reduce(full, 999).error == 0.0


def test_reducing_in_two_steps_is_reducing_in_one():
    full = fit_esm(*source())
    once, twice = reduce(full, 4), reduce(reduce(full, 11), 4)
    assert np.array_equal(once.projection, twice.projection)
    assert twice.error == pytest.approx(once.error)


def test_the_kept_directions_are_at_least_as_good_as_those_of_the_map_itself():
    """Singular directions of the weights are the obvious choice; they lose more of the mapped rows."""
    base, tuned = source()
    full = fit_esm(base, tuned)
    kept = (reduce(full, 4).apply(base) ** 2).sum()
    u, s, _ = np.linalg.svd(full.projection, full_matrices=False)
    other = EsmMap(u[:, :4] * s[:4], np.ones(4))
    assert kept > (other.apply(base) ** 2).sum()


def test_rotating_the_tuned_space_changes_no_score():
    base, tuned = source()
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(D, D)))[0]
    told = moments(*target(100)[:2])
    for rank in (D, 6):
        one, other = (
            esm_score(reduce(fit_esm(base, rows), rank), told) for rows in (tuned, tuned @ rotation)
        )
        assert one == pytest.approx(other, abs=1e-9)


def test_order_of_rows_and_names_of_classes_change_no_score():
    esm = fit_esm(*source())
    base, classes, _ = target(80)
    order = np.random.default_rng(1).permutation(80)
    score = esm_score(esm, moments(base, classes))
    assert esm_score(esm, moments(base[order], classes[order])) == pytest.approx(score, abs=1e-9)
    assert esm_score(esm, moments(base, 5 - 2 * classes)) == pytest.approx(score, abs=1e-9)


def test_moments_hold_the_mean_embedding_and_do_not_grow_with_rows():
    few, many = target(30), target(3000)
    assert moments(*few[:2]).mean == pytest.approx(few[0].mean(axis=0))
    assert moments(*few[:2]).gram.shape == moments(*many[:2]).gram.shape == (D + 1, D + 1)


def test_a_source_that_separates_the_classes_ranks_before_one_that_mixes_them():
    """One source stretches the direction that tells the target's classes apart, the other removes it."""
    base, classes, _ = target(200)
    rows = source()[0]
    told = moments(base, classes)
    stretch, remove = np.eye(D), np.eye(D)
    stretch[0, 0], remove[0, 0] = 3.0, 0.0
    assert (
        esm_score(fit_esm(rows, rows @ stretch), told) > esm_score(fit_esm(rows, rows @ remove), told) + 0.1
    )


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda base, tuned: fit_esm(base[:9], tuned), "same rows"),
        (lambda base, tuned: fit_esm(base, tuned, ridge=0.0), "above 0"),
        (lambda base, tuned: fit_esm(base * 0 + 3.3, tuned), "vary"),
        (lambda base, tuned: fit_esm(base, tuned * 0 + 0.7), "vary"),
        (lambda base, tuned: fit_esm(base * np.nan, tuned), "finite"),
        (lambda base, tuned: reduce(fit_esm(base, tuned), 0), "at least 1"),
        (lambda base, tuned: moments(base, np.zeros(len(base), int)), "classes"),
        (lambda base, tuned: moments(base, np.full(len(base), 2.0)), "constant"),
        (
            lambda base, tuned: esm_score(
                fit_esm(base, tuned), moments(base[:, :5], np.arange(len(base)) % 2)
            ),
            "size",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused_with_the_rule(call, rule):
    with pytest.raises(ValueError, match=rule):
        call(*source())
