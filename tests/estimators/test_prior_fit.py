from __future__ import annotations

import numpy as np
import pytest

from forelearn.estimators.gain_model import fit_gains
from forelearn.estimators.prior_fit import Finished, fit_prior


def simulated(
    seed: int,
    *,
    targets: int = 14,
    sources: int = 12,
    level: float = -0.5,
    slope: float = 0.4,
    scale: float = 0.02,
) -> Finished:
    """Gains from the model: effects of target, source and pair of variances 0.5, 0.3 and 0.4, noise 0.5."""
    chance = np.random.default_rng(seed)
    scores = chance.standard_normal((targets, sources))
    scores = (scores - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True)
    true = (
        level
        + slope * scores
        + np.sqrt(0.5) * chance.standard_normal((targets, 1))
        + np.sqrt(0.3) * chance.standard_normal((1, sources))
        + np.sqrt(0.4) * chance.standard_normal((targets, sources))
    )
    runs = true[:, :, None] + np.sqrt(0.5) * chance.standard_normal((targets, sources, 3))
    return Finished(scale * runs, scores)


def test_many_studies_give_back_what_their_gains_were_made_of() -> None:
    """Nine studies: the level and slope are moved 9/10 of the way; all in units of the fitted scale."""
    studies = [simulated(seed) for seed in range(9)]
    prior = fit_prior(studies)
    unit = prior.scale / 0.02
    found = np.mean([study.gains.mean() for study in studies])  # nine draws of targets are not their mean yet
    assert prior.level == pytest.approx(0.9 * found, abs=0.0015)
    assert prior.slope * unit == pytest.approx(0.9 * 0.4, abs=0.08)
    # the variances lie nine tenths of the way to those, in ratio, from 0.3, 0.6 and 0.4
    assert prior.variances.source * unit**2 == pytest.approx(0.3, abs=0.12)
    assert prior.variances.pair * unit**2 == pytest.approx(0.4, abs=0.12)
    assert prior.variances.noise * unit**2 == pytest.approx(0.5, abs=0.1)


def test_scores_that_order_gains_the_wrong_way_say_nothing() -> None:
    assert fit_prior([simulated(0, slope=-0.5)]).slope == 0


@pytest.mark.slow
def test_one_study_moves_the_level_half_of_the_way_and_leaves_doubt() -> None:
    one, many = fit_prior([simulated(3)]), fit_prior([simulated(3)] * 5)
    assert one.level == pytest.approx(many.level * 0.6, rel=0.05)  # (1/2) / (5/6)
    assert one.variances.target > many.variances.target + 0.3


def test_the_order_of_targets_and_sources_does_not_matter() -> None:
    study = simulated(1)
    turned = Finished(study.gains[::-1, ::-1], study.scores[::-1, ::-1])
    one, other = fit_prior([study]), fit_prior([turned])
    assert one.level == pytest.approx(other.level, rel=1e-6)
    assert one.variances.pair == pytest.approx(other.variances.pair, rel=1e-4)


@pytest.mark.slow
def test_missing_runs_are_left_out() -> None:
    study = simulated(2)
    gains = study.gains.copy()
    gains[np.random.default_rng(0).random(gains.shape[:2]) < 0.3] = np.nan
    assert fit_prior([Finished(gains, study.scores)]).level == pytest.approx(
        fit_prior([study]).level, abs=0.004
    )


def test_too_few_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 3 targets"):
        fit_prior([simulated(0, targets=2)])


@pytest.mark.slow
def test_intervals_of_a_fitted_prior_hold_the_gains_of_a_new_study() -> None:
    prior = fit_prior([simulated(seed) for seed in range(6)])
    new = simulated(99)
    names = [f"s{column:02d}" for column in range(12)]
    pairs = [(name, f"t{row:02d}") for row in range(14) for name in names]
    scores = {(name, target): new.scores[int(target[1:]), int(name[1:])] for name, target in pairs}
    found = fit_gains(pairs, {}, {}, scores=scores, prior=prior)
    spread = np.sqrt(found.sd**2 + (found.noise**2 / 3)[:, None])
    held = np.abs(new.gains.mean(axis=2) - found.mean) <= 1.645 * spread
    assert 0.84 <= held.mean() <= 1.0
