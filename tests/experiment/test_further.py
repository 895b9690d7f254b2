"""What one more hour would buy: runs, and hours at the pace of finished runs, by hand on a made world.

There a baseline costs 10 units and a transfer 11, and a unit takes 2 seconds.
"""

from dataclasses import replace

import pytest
from tests.experiment.test_verdict import A, B, C, D, said, told
from tests.search.world import search_of

from forelearn.core.recipe import Recipe
from forelearn.core.run import Failure, Run
from forelearn.experiment.further import further
from forelearn.report.summary import Further
from forelearn.search.search import Search
from forelearn.search.value import Guess

RECIPE = Recipe()


def asked(search: Search) -> tuple[str, Further | None]:
    return further(search, A, said(search), *search.finalists(A))


def test_what_would_settle_a_question_is_said_in_runs_and_hours():
    """A further seed is a baseline, `b` alone and `b → a`: 3 runs, 31 units, 62 seconds."""
    search = told({B: 0.02}, {B: [0.08, -0.04]})
    seeds = said(search).more_seeds
    assert seeds
    text, taken = asked(search)
    assert seeds > 5 - 2
    assert text.startswith(
        f"About {3 * seeds} more runs would settle it, on more fresh seeds than `confirm_seeds` (5) allows."
    )
    purpose = "to settle it beyond `confirm_seeds` = 5"
    assert taken == Further(3 * seeds, purpose, pytest.approx(62 * seeds), pytest.approx(3600 / (62 / 3)))


def test_seeds_that_the_study_allows_are_no_hindrance():
    search = told({B: 0.02}, {B: [0.08, -0.04]})
    search.options = replace(search.options, confirm_seeds=2 + said(search).more_seeds)
    text, taken = asked(search)
    assert "would settle it." in text
    assert taken.purpose == "to settle it"


def test_a_run_that_two_of_them_need_is_counted_once():
    """The rival is `a itself`, whose first part is the fresh baseline: a further seed takes 4 runs, not 5."""
    search = told({B: 0.02, A: 0.01}, {B: [0.08, -0.04], A: [0.01, 0.0]})
    seeds = said(search).more_seeds
    assert asked(search)[1].runs == 4 * seeds


def test_runs_on_the_seeds_of_the_search_need_no_fresh_ones():
    """Nothing has won; `c`, `d` and the baseline may still change that."""
    search = told({B: -0.02}, {})
    search.options = replace(search.options, confirm_seeds=1)
    search.guesses = {
        **search.guesses,
        ("c", "a"): Guess(-0.01, 0.05, 0.02),
        ("d", "a"): Guess(-0.01, 0.05, 0.02),
    }
    text, taken = asked(search)
    assert said(search).more_seeds == 2
    assert taken.purpose == "to settle it"
    assert "confirm_seeds" not in text


def test_what_can_never_run_is_not_the_most_promising():
    search = told({B: 0.2}, {B: [0.05, 0.06, 0.04]})
    (part,) = (one for one in search.outcomes.values() if one.transfer == search.alone(C, RECIPE, 0))
    search.tell(Failure(part.transfer, "no memory", part.cost, "now"))
    search.guesses = {**search.guesses, ("c", "a"): Guess(0.0, 0.01, 0.0042)}
    assert asked(search)[0] == "Every candidate has been tried."


def test_where_nothing_is_to_be_settled_the_hour_is_for_what_has_not_been_tried():
    """`c` has run alone, so `c → a` is one run of 11 units, 22 seconds."""
    search = told({B: 0.2}, {B: [0.05, 0.06, 0.04]})
    search.guesses = {
        **search.guesses,
        ("c", "a"): Guess(0.0, 0.01, 0.0042),
        ("d", "a"): Guess(0.0, 0.01, 0.001),
    }
    text, taken = asked(search)
    assert text == (
        "2 candidates have not been tried; one run of the most promising, c, is expected to add +0.0042."
    )
    assert (taken.runs, taken.seconds) == (1, pytest.approx(22))
    assert taken.runs_an_hour == pytest.approx(3600 / 22)


def test_a_search_that_has_tried_everything_still_says_what_an_hour_buys():
    search = told({B: 0.2, C: 0.0, D: 0.0}, {B: [0.05, 0.06, 0.04]})
    text, taken = asked(search)
    assert text == "Every candidate has been tried."
    assert taken == Further(0, "", 0.0, pytest.approx(3600 / 20))


def test_without_a_pace_there_are_runs_and_no_hours():
    """As of runs that were trained elsewhere and told without their seconds."""
    search = told({B: 0.02}, {B: [0.08, -0.04]})
    timed = asked(search)
    for outcome in list(search.outcomes.values()):
        assert isinstance(outcome, Run)
        search.tell(replace(outcome, cost=replace(outcome.cost, seconds=0.0)))
    text, taken = asked(search)
    assert text == timed[0]
    assert taken == replace(timed[1], seconds=None, runs_an_hour=None)


def test_nothing_is_promised_before_the_target_has_run():
    search = search_of(100)
    assert further(search, A, said(told({}, {})), None, None) == ("", None)
