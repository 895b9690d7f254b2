import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forelearn.evaluation.gains import (
    Noise,
    averaged_gain,
    own_noise,
    paired_gain,
    paired_noise,
    pooled_noise,
    seed_noise,
)

VALUES = st.lists(st.integers(0, 100).map(lambda value: value / 100), min_size=1, max_size=5)


def test_pooled_noise_weighs_cells_by_their_degrees_of_freedom():
    """(.1, .3): squares .02, 1 degree; (.2, .2, .5): mean .3, squares .06, 2 degrees; alone (.9): none. .08
    / 3.
    """
    cells = [[0.1, 0.3], [0.2, 0.2, 0.5], [0.9]]
    noise = pooled_noise(cells)
    assert noise is not None
    assert noise.variance == pytest.approx(0.08 / 3)
    assert seed_noise(cells) == pytest.approx(math.sqrt(0.08 / 3))


def test_the_noise_of_a_target_is_its_own_shrunk_to_that_of_all():
    """(.1, .3) and (.2, .2, .5): squares .08 on 3 degrees; pooled .01 counts as 4: (.04 + .08) / 7 on 7."""
    cells = [[0.1, 0.3], [0.2, 0.2, 0.5], [0.9]]
    noise = own_noise(cells, Noise(0.01))
    assert noise is not None
    assert (noise.variance, noise.freedom) == (pytest.approx(0.12 / 7), 7)
    few = own_noise(cells, Noise(0.01, 1.0))
    assert few is not None
    assert (few.variance, few.freedom) == (pytest.approx(0.09 / 4), 4)


def test_a_variance_weighs_no_more_than_the_degrees_that_it_rests_on():
    """One pair of replicates is one degree of freedom; six pairs are cut to the prior's four."""
    assert pooled_noise([[0.1, 0.3]]) == Noise(pytest.approx(0.02), 1.0)
    assert pooled_noise([[0.1, 0.3]] * 6) == Noise(pytest.approx(0.02), 4.0)
    assert paired_noise([[0.6, 0.7]], [[0.5, 0.4]]) == Noise(pytest.approx(0.01), 1.0)


def test_equal_runs_are_no_evidence_that_runs_do_not_differ():
    """A collapsed task measures 0 whatever the seed: that says nothing of the others, or of its next seed."""
    assert pooled_noise([[0.0, 0.0], [0.1, 0.3]]) == pooled_noise([[0.1, 0.3]])
    assert pooled_noise([[0.0, 0.0]]) is None
    assert own_noise([[0.0, 0.0]], Noise(0.01)) == Noise(0.01)
    assert math.isinf(paired_gain([0.6, 0.6], [0.5, 0.5], noise=None).high)
    assert math.isfinite(paired_gain([0.6, 0.6], [0.5, 0.5], noise=Noise(0.01)).high)


@pytest.mark.parametrize(("targets", "fresh"), [(1, 1), (1, 2), (2, 1), (3, 1)])
def test_intervals_of_small_studies_hold_as_often_as_they_say(targets, fresh):
    """Two search baselines a target, nothing gained, level .9: counted twice, their squares gave .71 to .86."""
    rng = np.random.default_rng(targets)
    held = 0
    for _ in range(3000):
        cells = rng.normal(size=(targets, 1, 2)).tolist()
        noise = own_noise(cells[0], pooled_noise([cell for other in cells[1:] for cell in other]))
        gain = paired_gain(rng.normal(size=fresh), rng.normal(size=fresh), noise=noise, level=0.9)
        held += gain.low <= 0 <= gain.high
    assert 0.88 <= held / 3000 <= 0.97


def test_a_target_without_replicates_has_the_noise_of_all_and_without_those_its_own():
    assert own_noise([[0.3]], Noise(0.01)) == Noise(0.01)
    alone = own_noise([[0.1, 0.3]], None)
    assert alone is not None
    assert (alone.variance, alone.freedom) == (pytest.approx(0.02), 1)
    assert own_noise([[0.3]], None) is None


def test_the_chance_of_a_gain_counted_by_hand():
    """Differences .1, .3 with a prior of .04 on 4: mean .2, error .18439 on 5 degrees (below). The interval's
    lower end is exceeded with .95, the mean with .5, mean + error with the t's upper tail at 1, .18161."""
    gain = paired_gain([0.6, 0.7], [0.5, 0.4], noise=Noise(0.04), level=0.9)
    assert gain.chance_above(gain.low) == pytest.approx(0.95)
    assert gain.chance_above(0.2) == pytest.approx(0.5)
    assert gain.chance_above(0.2 + 0.18439) == pytest.approx(0.18161, abs=1e-5)


def test_further_seeds_sharpen_the_chance_and_unknown_noise_leaves_it_open():
    gain = paired_gain([0.53], [0.5], noise=Noise(0.02**2))
    chances = [gain.chance_above(0.01, more) for more in range(5)]
    assert chances == sorted(chances)
    assert paired_gain([0.53], [0.5], noise=None).chance_above(0.01) == 0.5
    still = paired_gain([0.5, 0.5], [0.5, 0.5], noise=Noise(0.0))
    assert (still.chance_above(-0.01), still.chance_above(0.0)) == (1.0, 0.0)


def test_noise_of_single_seeds_is_unknown():
    assert pooled_noise([[0.1], [0.5]]) is None
    assert math.isnan(seed_noise([]))


def test_paired_noise_is_half_the_variance_of_the_differences():
    """Differences .1 and .3: variance .02; each of the two runs bears .01."""
    noise = paired_noise([[0.6, 0.7]], [[0.5, 0.4]])
    assert noise is not None
    assert noise.variance == pytest.approx(0.01)
    assert paired_noise([[0.6]], [[0.5]]) is None


def test_a_paired_gain_counted_by_hand():
    """Differences .1, .3: mean .2, own variance .02, so .01 a run on 1 degree. Prior .04 a run on 4 degrees:

    (4 · .04 + .01) / 5 = .034 a run on 5 degrees; error √(.034 (1/2 + 1/2)) = .18439; t at .95 on 5 degrees
    2.01505; half width .37156.
    """
    gain = paired_gain([0.6, 0.7], [0.5, 0.4], noise=Noise(0.04), level=0.9)
    assert gain.mean == pytest.approx(0.2)
    assert gain.freedom == 5
    assert gain.noise == pytest.approx(math.sqrt(0.034))
    assert (gain.low, gain.high) == pytest.approx((0.2 - 0.37156, 0.2 + 0.37156), abs=1e-5)


def test_an_averaged_gain_counted_by_hand():
    """.7 over baselines .4, .5, .6 (mean .5, squares .02, 2 degrees), prior .01 on 4: (.04 + .02) / 6 = .01;

    error √(.01 (1 + 1/3)) = .11547; t at .95 on 6 degrees 1.94318; half width .22438.
    """
    gain = averaged_gain([0.7], [0.4, 0.5, 0.6], noise=Noise(0.01), level=0.9)
    assert (gain.mean, gain.seeds, gain.baseline_seeds) == (pytest.approx(0.2), 1, 3)
    assert gain.high - gain.mean == pytest.approx(0.22438, abs=1e-5)


def test_without_a_prior_it_is_the_paired_t_interval():
    """Oracle: scipy's interval of the one-sample t-test on the differences."""
    a, b = [0.61, 0.72, 0.55, 0.6], [0.5, 0.68, 0.57, 0.41]
    gain = paired_gain(a, b, noise=None, level=0.9)
    expected = stats.ttest_rel(a, b).confidence_interval(0.9)
    assert (gain.low, gain.high) == pytest.approx((expected.low, expected.high))


def test_without_a_prior_the_averaged_gain_is_the_two_sample_t_interval():
    a, b = [0.61, 0.72, 0.55], [0.5, 0.68, 0.57, 0.41]
    gain = averaged_gain(a, b, noise=None, level=0.9)
    expected = stats.ttest_ind(a, b).confidence_interval(0.9)
    assert (gain.low, gain.high) == pytest.approx((expected.low, expected.high))


def test_one_pair_without_any_noise_known_has_an_infinite_interval():
    gain = paired_gain([0.7], [0.5], noise=None)
    assert gain.mean == pytest.approx(0.2)
    assert (gain.low, gain.high) == (-math.inf, math.inf)
    assert math.isnan(gain.noise)


def test_equal_runs_have_an_interval_of_no_width():
    gain = paired_gain([0.0, 0.0], [0.0, 0.0], noise=Noise(0.0))
    assert (gain.low, gain.mean, gain.high) == (0, 0, 0)


@given(VALUES, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_seed_order_says_nothing_and_swapping_sides_turns_the_sign(values, random):
    other = [value / 2 for value in values]
    order = list(range(len(values)))
    random.shuffle(order)
    first = paired_gain(values, other, noise=Noise(0.01))
    second = paired_gain([values[i] for i in order], [other[i] for i in order], noise=Noise(0.01))
    turned = paired_gain(other, values, noise=Noise(0.01))
    assert first.low == pytest.approx(second.low)
    assert (turned.low, turned.mean, turned.high) == pytest.approx((-first.high, -first.mean, -first.low))


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match="2 seeds of the transfer but 1"):
        paired_gain([0.1, 0.2], [0.1], noise=None)
    with pytest.raises(ValueError, match="at least 1 seed"):
        paired_gain([], [], noise=None)
    with pytest.raises(ValueError, match="at least 1 seed"):
        averaged_gain([0.1], [], noise=None)
    with pytest.raises(ValueError, match="finite"):
        paired_gain([math.nan], [0.1], noise=None)
    with pytest.raises(ValueError, match="`level`"):
        paired_gain([0.1], [0.1], noise=None, level=1.5)


@pytest.mark.parametrize("seeds", [1, 2, 3])
@pytest.mark.parametrize("spread", ["equal", "unequal"])
def test_intervals_cover_the_true_gain_at_least_as_often_as_they_say(seeds, spread):
    """12 pairs a study, 250 studies, level .9, noise unknown: coverage ≥ .88, and not absurdly wide (≤ .99).

    `equal`: all pairs equally noisy. `unequal`: variances d0 s0² / χ² with d0 = 4, Smyth's own model.
    """
    rng = np.random.default_rng(7)
    covered = []
    for _ in range(250):
        variance = np.full(12, 0.05**2) if spread == "equal" else 4 * 0.05**2 / rng.chisquare(4, 12)
        true = rng.normal(0, 0.03, 12)
        noise_of = np.sqrt(variance)[:, None]
        plain = 0.4 + noise_of * rng.normal(size=(12, 3))
        after = 0.4 + true[:, None] + noise_of * rng.normal(size=(12, seeds))
        noise = pooled_noise(plain.tolist())
        for row in range(12):
            gain = paired_gain(after[row].tolist(), plain[row, :seeds].tolist(), noise=noise)
            covered.append(gain.low <= true[row] <= gain.high)
    assert 0.88 <= np.mean(covered) <= 0.99


def test_averaging_three_baseline_seeds_is_tighter_than_one_pair():
    noise = Noise(0.01)
    averaged = averaged_gain([0.6], [0.5, 0.5, 0.5], noise=noise)
    paired = paired_gain([0.6], [0.5], noise=noise)
    assert averaged.mean == pytest.approx(paired.mean)
    assert averaged.high - averaged.low < 0.9 * (paired.high - paired.low)


def test_more_seeds_narrow_the_interval_as_foretold():
    gain = averaged_gain([0.6], [0.4, 0.5, 0.6], noise=Noise(0.01))
    widths = [gain.half_width(more) for more in range(6)]
    assert widths[0] == pytest.approx(gain.high - gain.mean)
    assert widths == sorted(widths, reverse=True)
