"""Whether a study can support a claim."""

import itertools
import math

import numpy as np
import pytest
from tests.evaluation.truths import noisy_truth, truth_of

from forelearn.evaluation.noise import best_of, noise


def test_standard_deviations_by_hand():
    """Source means .01 and .03 points apart over seeds ±.01: SD between seeds √2 points, across sources √2 points;
    the means still carry 2 / 2 = 1 of their variance of 2, so 1 point is left."""
    found = noise(truth_of([[[0.00, 0.02], [0.02, 0.04]]], baselines=[[0.49, 0.51]]))
    assert found.pair_sd.mean == pytest.approx(math.sqrt(2))
    assert found.baseline_sd.mean == pytest.approx(math.sqrt(2))
    assert found.source_sd.mean == pytest.approx(math.sqrt(2))
    assert found.true_source_sd.mean == pytest.approx(1.0)


def test_agreement_is_spearmans_over_sources():
    """Order 1 2 3 against 1 3 2: 1 − 6 · 2 / 24 = 0.5."""
    found = noise(truth_of([[[0.1, 0.1], [0.2, 0.3], [0.3, 0.2]]]))
    assert found.agreement["test"].mean == pytest.approx(0.5)


def test_a_pair_that_gains_nothing_is_counted_as_harmful():
    found = noise(truth_of([[[0.0], [0.1], [-0.1], [0.2]]]))
    assert found.harmful.mean == 0.5


def test_the_best_of_some_runs_is_the_expectation_over_every_choice_of_them():
    truth = noisy_truth(1, 5, 1)
    runs = truth.test.pairs[0, :, 0]
    by = truth.dev.pairs[0, :, 0]
    base = truth.test.baselines[0].mean()
    for side, chooser in (("test", runs), ("dev", by)):
        exact = [runs[max(pair, key=chooser.__getitem__)] for pair in itertools.combinations(range(5), 2)]
        assert best_of(truth)[2, "sources", side][0, 0] == pytest.approx(np.mean(exact) - base)


def test_picking_on_the_measure_itself_flatters():
    """Pure noise: the best of five on test gains; picked on dev it gains nothing."""
    rng = np.random.default_rng(0)
    shape = (40, 5, 3)
    truth = truth_of(rng.normal(0, 0.05, shape), dev=rng.normal(0, 0.05, shape))
    found = noise(truth).best
    assert found[5, "sources", "test"].low > 3
    assert found[5, "sources", "dev"].low < 0 < found[5, "sources", "dev"].high
