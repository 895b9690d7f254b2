import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forelearn.core.scores import Scores
from forelearn.estimators.fusion import fuse

VALUES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 4).map(float), min_size=1)


def ranking(values, failed=None, name="e"):
    return Scores("t", name, values, failed or {})


def test_fused_is_the_sum_of_reciprocal_ranks():
    """a is 1st and 2nd: 1/61 + 1/62 = .03252; b 2nd and 1st: the same; c 3rd twice: 2/63 = .03175."""
    fused = fuse([ranking({"a": 3, "b": 2, "c": 1}), ranking({"a": 5, "b": 9, "c": 0})])
    assert fused.values["a"] == pytest.approx(1 / 61 + 1 / 62)
    assert fused.values["a"] == pytest.approx(fused.values["b"])
    assert fused.values["c"] == pytest.approx(2 / 63)
    assert fused.order()[-1] == "c"


def test_ties_share_their_average_rank():
    """a and b tie for ranks 1 and 2: 1 / 61.5 each."""
    fused = fuse([ranking({"a": 1, "b": 1, "c": 0})])
    assert fused.values == pytest.approx({"a": 1 / 61.5, "b": 1 / 61.5, "c": 1 / 63})


def test_a_source_without_a_score_goes_last_or_in_the_middle_but_is_never_dropped():
    """Second ranking: b > a, c unknown. Last: rank 3. Middle of two ranks: 1.5."""
    rankings = [ranking({"a": 3, "b": 2, "c": 1}), ranking({"a": 0, "b": 1}, {"c": "no words"})]
    assert fuse(rankings).values["c"] == pytest.approx(1 / 63 + 1 / 63)
    assert fuse(rankings, unscored="middle").values["c"] == pytest.approx(1 / 63 + 1 / 61.5)
    assert fuse(rankings, unscored="middle").values["b"] == pytest.approx(1 / 62 + 1 / 61)


def test_a_source_that_nobody_scores_is_failed_with_every_reason():
    fused = fuse([ranking({"a": 1}, {"b": "no words"}, "overlap"), ranking({"a": 1}, {}, "size")])
    assert fused.values.keys() == {"a"}
    assert fused.failed == {"b": "overlap: no words; size: not ranked"}


@given(st.lists(VALUES, min_size=1, max_size=4))
@settings(max_examples=60)
def test_the_order_of_rankings_and_monotone_rescaling_say_nothing(tables):
    forward = fuse([ranking(table) for table in tables])
    again = fuse([ranking({s: math.exp(v) for s, v in table.items()}) for table in reversed(tables)])
    assert forward.values == pytest.approx(again.values)
    assert set(forward.values) == set().union(*tables)


def test_different_targets_and_nan_are_refused():
    with pytest.raises(ValueError, match="one target"):
        fuse([])
    with pytest.raises(ValueError, match="one target"):
        fuse([ranking({"a": 1}), Scores("other", "e", {"a": 1})])
    with pytest.raises(ValueError, match="list it as failed"):
        fuse([ranking({"a": math.nan})])


def test_fusing_noisy_orders_beats_each_of_them():
    rng = np.random.default_rng(0)
    truth = np.arange(20.0)
    single, together = [], []
    for _ in range(30):
        noisy = [truth + rng.normal(0, 8, 20) for _ in range(5)]
        fused = fuse([ranking({f"{i:02d}": v for i, v in enumerate(values)}) for values in noisy])
        together.append(np.corrcoef([fused.values[f"{i:02d}"] for i in range(20)], truth)[0, 1])
        single.append(np.corrcoef(np.argsort(np.argsort(noisy[0])), truth)[0, 1])
    assert np.mean(together) > np.mean(single) + 0.05
