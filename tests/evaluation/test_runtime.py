import itertools

import numpy as np
import pytest

from forelearn.evaluation.runtime import Pair, Point, performance_at_runtime

PAIRS = [
    Pair("x", "a", 0.9, dev=0.5, test=0.4, cost=1),
    Pair("x", "b", 0.8, dev=0.7, test=0.6, cost=2),
    Pair("x", "c", 0.1, dev=0.6, test=0.9, cost=3),
    Pair("y", "a", 0.2, dev=0.3, test=0.2, cost=10),
]


def test_the_curve_counted_by_hand():
    """k = 1: x keeps a (.4), y keeps a (.2): mean .3, cost 1 + 10. k = 2: x keeps b, best on dev (.6), y has
    no more:

    mean .4, cost 13. k = 3: c is worse than b on dev, so b stays although c is better on test; cost 16.
    """
    curve = performance_at_runtime(PAIRS)
    assert curve == [
        Point(1, pytest.approx(0.3), 11),
        Point(2, pytest.approx(0.4), 13),
        Point(3, pytest.approx(0.4), 16),
    ]


def test_the_baseline_competes_and_what_is_paid_beforehand_counts():
    """Depth 0 is the baselines: (.45 + .25) / 2 = .35. At k = 1 x: baseline .55 on dev beats a; y: .1 does
    not beat .3.
    """
    curve = performance_at_runtime(PAIRS, baselines={"x": (0.55, 0.45), "y": (0.1, 0.25)}, fixed=100)
    assert curve[0] == Point(0, pytest.approx(0.35), 100)
    assert curve[1] == Point(1, pytest.approx((0.45 + 0.2) / 2), 111)


def test_the_order_of_pairs_says_nothing_even_when_predictions_tie():
    pairs = [Pair("x", name, 0.5, dev, dev / 2, 1) for name, dev in zip("abc", (0.3, 0.3, 0.9))]
    curves = {tuple(performance_at_runtime(order)) for order in itertools.permutations(pairs)}
    assert len(curves) == 1


def test_decided_and_reported_on_the_same_values_the_curve_never_falls():
    rng = np.random.default_rng(0)
    pairs = [Pair(t, s, rng.random(), v := rng.random(), v, 1) for t in "xyz" for s in "abcdef"]
    performance = [point.performance for point in performance_at_runtime(pairs)]
    assert performance == sorted(performance)


def test_a_good_order_reaches_the_best_sooner_than_random():
    rng = np.random.default_rng(1)
    true = rng.normal(size=(10, 12))
    noisy = true + rng.normal(0, 0.5, true.shape)

    def curve(predicted):
        return performance_at_runtime(
            [
                Pair(f"t{t}", f"s{s}", predicted[t, s], true[t, s], true[t, s], 1)
                for t in range(10)
                for s in range(12)
            ]
        )

    assert curve(noisy)[0].performance > curve(rng.normal(size=true.shape))[0].performance + 0.5


def test_no_pairs_and_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="at least 1 pair"):
        performance_at_runtime([])
    with pytest.raises(ValueError, match="finite"):
        performance_at_runtime([Pair("x", "a", float("nan"), 0, 0, 0)])
