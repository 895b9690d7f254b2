import dataclasses

import pytest
from tests.report.fake import fake_summary

from forelearn.report.summary import CostRow, Further, Interval
from forelearn.report.wording import (
    count,
    duration,
    headline,
    number,
    of,
    share,
    signed,
    spent_share,
    taking,
    units,
    with_bounds,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0341, "+0.034"),
        (-0.0104, "−0.010"),
        (0.0, "0.000"),
        (-0.0001, "0.000"),
        (0.0001, "0.000"),
        (None, "–"),
    ],
)
def test_a_gain_shows_its_sign_and_zero_has_none(value, shown):
    assert signed(value) == shown


def test_numbers_use_a_true_minus_sign_and_never_minus_zero():
    assert (number(-0.5, 1), number(-0.0), number(None)) == ("−0.5", "0.000", "–")


def test_an_interval_in_words():
    assert with_bounds(Interval(0.03, -0.01, 0.07)) == "+0.030 (−0.010 to +0.070)"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (4.25, "4.2 s"), (99, "99 s"), (2460, "41 min"), (7560, "2.1 h"), (3.6e6, "1,000.0 h")],
)
def test_durations(seconds, shown):
    assert duration(seconds) == shown.replace(",", "\u2009") or duration(seconds) == shown.replace(",", " ")


def test_counts_and_shares():
    assert count(1500).replace("\u2009", " ") == "1 500"
    assert [share(value) for value in (0.165, 0.0001, 1.0, 1.4, None)] == [
        "16.5 %",
        "< 0.1 %",
        "100 %",
        "140 %",
        "–",
    ]
    assert (of(1, "run"), of(2, "run")) == ("1 run", "2 runs")


def test_cost_units_keep_three_or_more_digits_in_sight():
    assert [units(value) for value in (812.0, 26_400.0, 4.13e7)] == ["812", "26.4 k", "41.3 M"]


def test_the_share_spent_is_shown_without_and_with_features_and_confirmation():
    """Without: (40 + 60) / 400 = 0.25. With: (40 + 10 + 60 + 50) / 400 = 0.4."""
    stages = [("baselines", 40.0), ("features", 10.0), ("pairs", 60.0), ("confirmation", 50.0)]
    costs = tuple(CostRow(stage, 1, units, 1.0) for stage, units in stages)
    whole = CostRow("exhaustive", 9, 400.0, 9.0)
    summary = dataclasses.replace(fake_summary(), costs=costs, exhaustive=whole)
    assert spent_share(summary, everything=False) == 0.25
    assert spent_share(summary, everything=True) == 0.4
    assert spent_share(dataclasses.replace(summary, exhaustive=None), everything=True) is None


def test_the_headline_promises_only_what_was_decided():
    summary = fake_summary()
    nothing = tuple(dataclasses.replace(answer, decision="do not transfer") for answer in summary.answers)
    assert "not shown to help any of the 12 targets" in headline(
        dataclasses.replace(summary, answers=nothing)
    )
    assert headline(dataclasses.replace(summary, answers=())) == "No target has been answered yet."


def test_a_tie_with_a_control_is_no_advice_to_learn_another_task():
    summary = fake_summary()
    sure = next(answer for answer in summary.answers if answer.decision == "transfer")
    for control in ("train longer", f"{sure.target} itself", "alone (alpha-vil)"):
        level = dataclasses.replace(sure, decision="tied", sources=("coral", control))
        assert headline(dataclasses.replace(summary, answers=(sure, level))).endswith(
            "for 1 of 2 targets; the test interval lies above 0 there. For 1 more, training longer may do as well."
        )
        assert headline(dataclasses.replace(summary, answers=(level, level))) == (
            "Learning another task first is not shown to help any of the 2 targets more than training it longer."
        )


def test_the_headline_counts_the_advice_whose_test_interval_holds_zero():
    summary = fake_summary()
    kept = [answer for answer in summary.answers if answer.decision == "transfer"][:2]
    doubtful = dataclasses.replace(kept[1], gain=Interval(0.01, -0.01, 0.03))
    line = headline(dataclasses.replace(summary, answers=(kept[0], doubtful)))
    assert (
        line == "Learn another task first for 2 of 2 targets; the test interval lies above 0 for 1 of them."
    )


@pytest.mark.parametrize(
    ("further", "said"),
    [
        (None, ""),
        (Further(0), ""),
        (Further(1, "to settle it"), "To settle it takes 1 run."),
        (
            Further(12, "to settle it", 7200.0, 6.0),
            "To settle it takes 12 runs, 2.0 h on one worker; an hour buys 6 runs.",
        ),
        (Further(2, "to try the best", 9000.0, 0.8), "To try it takes 2 runs, 2.5 h on one worker."),
        (Further(0, "", 0.0, 1.0), "An hour buys 1 run."),
    ],
)
def test_what_more_runs_take_in_words(further, said):
    assert taking(further) == said
