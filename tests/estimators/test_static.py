import numpy as np
import pytest

from forelearn.estimators.static import static

NAN = np.nan


def test_static_is_the_mean_gain_on_the_other_targets():
    """Source 0 gained .1, .3 and −.1: for target 0 (.3 − .1) / 2 = .1, for target 1 0, for target 2 .2."""
    scores = static([[0.1, 0.3, -0.1], [0.0, NAN, 0.4]])
    assert scores[0] == pytest.approx([0.1, 0.0, 0.2])
    assert scores[1] == pytest.approx([0.4, 0.2, 0.0])


def test_a_source_without_runs_on_other_targets_has_no_score():
    scores = static([[0.1, NAN], [NAN, NAN], [0.2, 0.4]])
    assert np.isnan(scores[0, 0])
    assert np.isnan(scores[1]).all()
    assert scores[0, 1] == pytest.approx(0.1)
    assert np.isnan(static([[0.1], [0.2]])).all()


def test_what_happened_on_the_target_itself_never_counts():
    rng = np.random.default_rng(0)
    gains = rng.normal(size=(5, 4))
    changed = gains.copy()
    changed[:, 2] = rng.normal(size=5)
    for shrinkage in (0.0, 2.0):
        assert np.array_equal(
            static(gains, shrinkage=shrinkage)[:, 2], static(changed, shrinkage=shrinkage)[:, 2]
        )


def test_shrinkage_pulls_towards_the_mean_of_all_sources():
    """For target 0: source 0 has .4 once, source 1 has 0 and .2; the mean of all three is .2.

    With shrinkage 1 source 0 scores (.4 + .2) / 2 = .3 and source 1 (.2 + .2) / 3 = .1333.
    """
    scores = static([[NAN, 0.4, NAN], [NAN, 0.0, 0.2]], shrinkage=1.0)
    assert scores[:, 0] == pytest.approx([0.3, 0.4 / 3])


def test_the_order_of_targets_says_nothing():
    gains, order = np.random.default_rng(1).normal(size=(4, 5)), [4, 2, 0, 1, 3]
    assert np.allclose(static(gains)[:, order], static(gains[:, order]))


def test_bad_tables_are_refused():
    with pytest.raises(ValueError, match="expected gains"):
        static([0.1, 0.2])
    with pytest.raises(ValueError, match="expected gains"):
        static([[np.inf]])
    with pytest.raises(ValueError, match="`shrinkage`"):
        static([[0.1]], shrinkage=-1)


def test_static_finds_sources_that_help_everybody():
    rng = np.random.default_rng(2)
    quality = np.linspace(-0.1, 0.1, 10)
    gains = quality[:, None] + rng.normal(0, 0.1, (10, 12))
    scores = static(gains)
    assert min(np.corrcoef(scores[:, target], quality)[0, 1] for target in range(12)) > 0.8
