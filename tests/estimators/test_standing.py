from __future__ import annotations

import pytest

from forelearn.core.scores import Scores
from forelearn.estimators.standing import standings


def order(*names: str, method: str = "m", failed: tuple[str, ...] = ()) -> Scores:
    """The first name is best."""
    values = {name: float(len(names) - place) for place, name in enumerate(names)}
    return Scores("t", method, values, dict.fromkeys(failed, "no"))


def test_one_order_without_halves_gives_ranks_that_are_sure() -> None:
    found = standings([order("a", "b", "c")])
    assert [(one.rank, one.low, one.high) for one in (found["a"], found["b"], found["c"])] == [
        (1, 1, 1),
        (2, 2, 2),
        (3, 3, 3),
    ]
    assert [found[name].tied for name in "abc"] == [True, False, False]


def test_two_orders_that_disagree_tie_their_ends() -> None:
    """a, b, c and c, b, a: fused scores are 1/61 + 1/63 for a and c, 2/62 for b, which is less: a and c share 1."""
    found = standings([order("a", "b", "c"), order("c", "b", "a", method="n")])
    assert {name: one.rank for name, one in found.items()} == {"a": 1, "b": 3, "c": 1}
    assert found["a"].tied
    assert found["c"].tied
    assert not found["b"].tied


def test_a_rival_that_leads_on_some_halves_is_tied_and_a_weak_one_is_not() -> None:
    halves = [[order("a", "b", "c")]] * 8 + [[order("b", "a", "c")]] * 2
    found = standings([order("a", "b", "c")], halves, level=0.9)
    assert found["b"].tied  # on a fifth of the halves, more than 5 %
    assert not found["c"].tied
    assert (found["b"].low, found["b"].high) == (1, 2)
    assert (found["c"].low, found["c"].high) == (3, 3)


def test_a_source_that_one_order_could_not_score_is_neither_helped_nor_harmed_by_it() -> None:
    found = standings([order("a", "b", "c"), order("a", "c", method="n", failed=("b",))])
    assert {name: one.rank for name, one in found.items()} == {"a": 1, "b": 2, "c": 3}


def test_scores_are_standardised_within_the_target() -> None:
    found = standings([order("a", "b", "c", "d")])
    scores = [one.score for one in found.values()]
    assert sum(scores) == pytest.approx(0)
    assert sum(score**2 for score in scores) / 4 == pytest.approx(1)
    assert found["a"].score > found["d"].score


def test_equal_scores_of_all_sources_tie_them_all() -> None:
    found = standings([Scores("t", "m", {"a": 1.0, "b": 1.0})])
    assert all(one.rank == 1 and one.tied and one.score == 0 for one in found.values())


def test_a_source_that_has_no_score_in_the_halves_stands_behind_those_that_have():
    """A model that gives nearly all rows one vector is scored on all of them, and on no half."""
    whole = Scores("t", "parc", {"A": 1.0, "B": 0.5}, {})
    half = Scores("t", "parc", {"A": 1.0}, {"B": "too few different rows"})
    found = standings([whole], [[half]] * 4)
    assert (found["A"].rank, found["B"].rank, found["B"].high) == (1, 2, 2)
    assert not found["B"].tied
