"""What is said of candidates that have not been tried."""

import pytest
from tests.experiment.test_verdict import A, B, C, told

from forelearn.experiment.answers import _status
from forelearn.search.value import Guess


@pytest.mark.parametrize(
    ("guess", "said"),
    [
        (Guess(-0.10, 0.01, 0.0), "it is not expected to help enough to be worth a run"),
        (Guess(0.01, 0.05, 0.0), "it is not expected to help enough to be worth a run"),
        (Guess(0.01, 0.05, 0.02), "the budget was spent where a run tells more"),
    ],
)
def test_the_budget_is_blamed_only_for_what_was_worth_a_run(guess: Guess, said: str) -> None:
    search = told({B: -0.1}, {})
    assert search.guesses is not None
    search.guesses = {**search.guesses, ("c", "a"): guess}
    assert _status(search, C, A, [], {}, "") == ("not tried", said)
