"""The verdict on multitask training, on arms made by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from forelearn.experiment.worth import auxiliary, difference, verdict
from forelearn.report.multitask_summary import Arm, Worth
from forelearn.report.multitask_words import uneven
from forelearn.training.multitask.history import Epoch, History, TaskEpoch

LEVEL = 0.9


def arm(
    name: str,
    select: Sequence[float],
    *,
    control: bool = True,
    seeds: Sequence[int] | None = None,
    test: Sequence[float] | None = None,
    histories: Sequence[History] = (),
) -> Arm:
    """An arm whose dev is what chose its snapshots."""
    count = len(select)
    return Arm(
        name,
        "made",
        name,
        (),
        (),
        control,
        tuple(range(count) if seeds is None else seeds),
        tuple(f"key{seed}" for seed in range(count)),
        tuple(select),
        tuple(select),
        tuple(test or [0.5] * count),
        (100,) * count,
        (1.0,) * count,
        (1,) * count,
        tuple(histories),
    )


def history(*epochs: Epoch) -> History:
    return History("made", ("T", "A"), "f1", epochs, 0, {"train": 100}, 0, 1.0, 1)


def judged(method: Sequence[float], controls: Mapping[str, Sequence[float]]) -> tuple[Worth, str]:
    arms = [
        arm("mine", method, control=False),
        *(arm(name, select) for name, select in controls.items()),
    ]
    return ruled(arms)


def ruled(arms: Sequence[Arm]) -> tuple[Worth, str]:
    found = verdict(arms[0], [difference(arms[0], other, LEVEL) for other in arms[1:]], LEVEL)
    return found.worth, found.reason


def test_a_difference_has_students_interval_over_the_seeds_that_both_have_run():
    """Differences .1, .2, .3: mean .2, deviation .1, error .1/√3 = .057735; t(.95, 2) = 2.919986: ± .168585."""
    mine = arm("mine", [0.5, 0.6, 0.7, 0.9], seeds=[0, 1, 2, 7], control=False)
    found = difference(mine, arm("other", [0.4, 0.4, 0.4, 0.1], seeds=[2, 1, 0, 5]), LEVEL).select
    assert found is not None
    assert found.mean == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - 0.168585, abs=1e-6)
    assert found.high == pytest.approx(0.2 + 0.168585, abs=1e-6)


def test_the_order_in_which_seeds_are_listed_changes_no_difference():
    mine = arm("mine", [0.5, 0.6], seeds=[0, 1], control=False)
    first = difference(mine, arm("other", [0.1, 0.4], seeds=[0, 1]), LEVEL)
    assert first == difference(mine, arm("other", [0.4, 0.1], seeds=[1, 0]), LEVEL)


def test_one_seed_is_not_enough_evidence_however_large_the_difference():
    worth, reason = judged([0.9], {"alone": [0.1]})
    assert worth == "not enough evidence"
    assert "one seed" in reason


def test_it_is_worth_it_only_if_every_control_is_surely_beaten():
    method, beaten, close = [0.80, 0.81, 0.82], [0.70, 0.71, 0.723], [0.79, 0.82, 0.80]
    assert judged(method, {"a": beaten, "b": beaten})[0] == "worth it"
    worth, reason = judged(method, {"a": beaten, "b": close})
    assert worth == "not enough evidence"
    assert "differs from b by" in reason


def test_it_is_not_worth_it_if_one_control_is_surely_better():
    worth, reason = judged([0.80, 0.81, 0.82], {"a": [0.70, 0.71, 0.723], "b": [0.90, 0.91, 0.923]})
    assert worth == "not worth it"
    assert "differs from b by −0.101 (−0.104 to −0.098) on dev (90 % interval)" in reason


def test_it_is_not_worth_it_if_no_control_is_beaten_on_average():
    worth, reason = judged([0.5, 0.7], {"a": [0.7, 0.5], "b": [0.9, 0.4]})
    assert worth == "not worth it"
    assert "above none of its controls" in reason


def test_a_control_that_failed_leaves_no_verdict_in_favour():
    arms = [arm("mine", [0.8, 0.81], control=False), arm("a", [0.6, 0.62]), arm("b", [])]
    worth, reason = ruled(arms)
    assert worth == "not enough evidence"
    assert "but it shares no seed with b: an interval needs two" in reason


def test_a_method_that_failed_on_a_seed_is_not_worth_it_by_the_others() -> None:
    mine = replace(arm("mine", [0.80, 0.81, 0.82], control=False), failed=("seed 3: it diverged",))
    worth, reason = ruled([mine, arm("a", [0.70, 0.71, 0.723])])
    assert worth == "not enough evidence"
    assert reason.endswith("but on 1 seed it was not trained to its end (seed 3: it diverged).")
    assert ruled([mine, arm("a", [0.90, 0.91, 0.923])])[0] == "not worth it"


def test_arms_whose_equal_compute_is_unequal_work_are_named() -> None:
    """Tokens read: 100 by the method; 60 and 160 are too far off, 70 and 150 are not."""
    arms = [
        replace(arm(f"read {units}", [0.5]), units=(units,)) for units in (100.0, 60.0, 70.0, 150.0, 160.0)
    ]
    found = uneven(cast(Any, SimpleNamespace(method=arms[0], arms=arms)))
    assert [line.split(" times")[0] for line in found] == ["read 60.0 read 0.6", "read 160.0 read 1.6"]


def test_what_was_only_asked_for_beside_it_decides_nothing():
    arms = [
        arm("mine", [0.80, 0.81, 0.82], control=False),
        arm("alone", [0.70, 0.71, 0.723]),
        arm("rival", [0.9, 0.9, 0.9], control=False),
    ]
    assert ruled(arms)[0] == "worth it"
    assert ruled(arms[::2])[0] == "not enough evidence"


def test_test_measures_decide_nothing():
    mine = arm("mine", [0.80, 0.81, 0.82], control=False, test=[0.1, 0.1, 0.1])
    other = arm("alone", [0.70, 0.71, 0.723], test=[0.9, 0.9, 0.9])
    assert ruled([mine, other])[0] == "worth it"


def test_an_auxiliary_task_is_told_by_means_over_epochs_then_seeds():
    """Weights of A 1 then .5 beside 1 of T: shares 1/2 and 1/3, mean 5/12; the other seed has 1/2 throughout."""
    first = history(
        Epoch(0, {"T": TaskEpoch(1.0), "A": TaskEpoch(1.0, 0.9, 2.0)}),
        Epoch(1, {"T": TaskEpoch(1.0), "A": TaskEpoch(0.5, 0.7, 4.0)}, events=("A dropped: made",)),
    )
    second = history(
        Epoch(0, {"T": TaskEpoch(1.0), "A": TaskEpoch(1.0, 1.0, None)}),
        Epoch(1, {"T": TaskEpoch(1.0), "A": TaskEpoch(1.0, 1.0, None)}, events=("T dropped: made",)),
    )
    found = auxiliary(arm("mine", [0.5, 0.5], histories=[first, second]), "A")
    assert (found.first, found.last) == (1.0, 0.75)
    assert found.share == pytest.approx((5 / 12 + 1 / 2) / 2)
    assert found.alpha == pytest.approx(0.9)
    assert found.slope == pytest.approx(3.0)
    assert (found.dropped, found.back) == (1, 0)


def test_a_method_without_weights_and_alpha_has_none():
    without = history(Epoch(0, {"T": TaskEpoch(), "A": TaskEpoch()}))
    found = auxiliary(arm("mine", [0.5], histories=[without]), "A")
    assert (found.first, found.last, found.share, found.alpha, found.slope) == (None,) * 5


def test_every_number_of_a_difference_is_finite_or_absent():
    alone = difference(arm("mine", [0.5]), arm("other", [0.4]), LEVEL)
    assert alone.select is None
    apart = difference(arm("mine", [0.5, 0.6]), arm("other", [0.4, 0.51]), LEVEL).select
    assert apart is not None
    assert math.isfinite(apart.low + apart.high)


def test_equal_differences_on_all_seeds_are_no_evidence_that_there_is_no_noise():
    """On a dev of 32 examples, two seeds often differ by one example each."""
    assert difference(arm("mine", [0.5, 0.6]), arm("other", [0.4, 0.5]), LEVEL).select is None
    worth, reason = judged([0.5, 0.6], {"a": [0.4, 0.5]})
    assert worth == "not enough evidence"
    assert reason == "mine differs from a by +0.100 on every seed: that has no interval."


def test_a_control_that_is_beaten_by_the_same_on_every_seed_counts_by_its_mean():
    """It is beaten, so the method is not above none of its controls; but without an interval nothing is sure."""
    worth, reason = judged([0.5, 0.6], {"a": [0.4, 0.5], "b": [0.55, 0.60]})
    assert worth == "not enough evidence"
    assert "luck" in reason
    worth, reason = judged([0.80, 0.81, 0.82], {"a": [0.7, 0.71, 0.72], "b": [0.70, 0.71, 0.723]})
    assert worth == "not enough evidence"
    assert "but it differs from a by +0.100 on every seed" in reason


def test_the_seeds_that_are_named_are_those_that_the_control_shares():
    arms = [arm("mine", [0.80, 0.81, 0.82], control=False), arm("a", [0.70, 0.723])]
    assert ruled(arms)[1].startswith("On 2 seeds")


def test_the_verdict_names_the_control_that_it_rests_on():
    """b is surely better; c is less sure still, for its interval is wider, but it is b that decides."""
    arms = [
        arm("mine", [0.80, 0.81, 0.82], control=False),
        arm("a", [0.70, 0.71, 0.723]),
        arm("b", [0.90, 0.91, 0.923]),
        arm("c", [0.2, 0.8, 1.6]),
    ]
    found = verdict(arms[0], [difference(arms[0], other, LEVEL) for other in arms[1:]], LEVEL)
    assert (found.worth, found.rests_on) == ("not worth it", "b")
    assert "differs from b" in found.reason


def test_where_a_part_of_dev_was_kept_for_choosing_the_reason_says_that_it_rests_on_it() -> None:
    mine = replace(arm("mine", [0.9, 0.92, 0.91], control=False), dev=(0.5, 0.6, 0.5))
    other = arm("single", [0.5, 0.51, 0.52])
    reason = verdict(mine, [difference(mine, other, LEVEL)], LEVEL).reason
    assert "on the part of dev that chose the epochs (90 % interval)" in reason
    assert " on dev (90 % interval)" in judged([0.9, 0.92, 0.91], {"single": [0.5, 0.51, 0.52]})[1]
