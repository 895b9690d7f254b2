"""The figures of the benchmark of answers."""

import pytest
from benchmarks.decisions import Answer, coverage, detection, false, replayed


def said(kind, *, worthwhile=True, right=True, covered=True):
    return Answer(kind, worthwhile, right, covered, None)


def test_shares_are_counted_by_hand():
    """Of three targets worth it one is found, one is advised wrongly, one is refused; two of three covered."""
    answers = [
        said("transfer"),
        said("tied", right=False, covered=False),
        said("do not transfer"),
        said("not enough evidence", worthwhile=False, right=False, covered=None),
    ]
    assert detection(answers) == pytest.approx(1 / 3)
    assert false(answers) == pytest.approx(1 / 4)
    assert coverage(answers) == pytest.approx(2 / 3)


def test_where_nothing_is_worth_it_there_is_nothing_to_detect():
    assert detection([said("do not transfer", worthwhile=False, right=False)]) is None


def test_a_replay_answers_every_target_and_the_same_number_answers_the_same():
    answers = replayed("null", 0.33, 0)
    assert len(answers) == 12
    assert answers == replayed("null", 0.33, 0)
    assert not any(answer.worthwhile or answer.right for answer in answers)
