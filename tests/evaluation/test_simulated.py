"""Made tables: the truth they state is the truth of their runs."""

import numpy as np
import pytest

from forelearn.evaluation.decision import MARGIN
from forelearn.evaluation.simulated import FAMILIES, HELPERS, LEVEL, WIDEST, simulated


@pytest.mark.parametrize("family", FAMILIES)
def test_runs_scatter_around_the_stated_gains(family):
    """2,000 seeds: runs and their baselines collapse alike, so the mean gain is the true one within 4 errors."""
    made = simulated(family, tasks=6, seeds=2000, seed=1)
    errors = made.table.gains.std(axis=2) / 2000**0.5
    off = np.abs(made.table.gains.mean(axis=2) - made.gains) / errors
    assert np.nanmax(off) < 4.5
    np.testing.assert_allclose(
        made.table.performances, made.table.gains + made.table.baselines[:, None, :], atol=1e-12
    )


def test_the_families_are_what_they_say():
    for seed in range(20):
        truth = {family: simulated(family, seed=seed).gains for family in FAMILIES}
        off = ~np.eye(12, dtype=bool)
        assert (truth["null"][off] == 0).all()
        assert (truth["harmful"][off] <= 0).all()
        assert np.nanmax(truth["weak"]) < 0.04
        assert ((truth["strong"] >= 0.05).sum(axis=1) >= HELPERS).all()
        assert (np.nanmean(truth["weak"], axis=1) < MARGIN).all()


def test_targets_differ_in_noise_by_up_to_ten_times_and_few_runs_collapse():
    made = [simulated("null", seeds=40, seed=seed) for seed in range(30)]
    noise = np.concatenate([one.noise for one in made])
    assert WIDEST[0] <= noise.min() < 0.015
    assert 0.07 < noise.max() <= WIDEST[1]
    assert 0.025 < np.median(noise) < 0.035
    low = np.concatenate([((one.table.baselines - LEVEL) / one.noise[:, None]).ravel() for one in made]) < -4
    assert 0.003 < low.mean() < 0.02


def test_a_seed_makes_one_table_and_further_runs_have_its_gain():
    first, again, other = (simulated("strong", seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.table.gains, again.table.gains)
    assert not np.array_equal(first.gains, other.gains)
    runs = first.runs(0, 1, 20_000, np.random.default_rng(0)) - first.runs(
        0, None, 20_000, np.random.default_rng(1)
    )
    assert runs.mean() == pytest.approx(first.gains[0, 1], abs=4 * runs.std() / 20_000**0.5)


def test_too_few_tasks_are_refused():
    with pytest.raises(ValueError, match="at least 5 tasks"):
        simulated("strong", tasks=4)
