from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.metrics import f1_score

from forelearn.training.measures_answers import answer_f1, answer_measures, normalised
from forelearn.training.measures_groups import Undefined

WORDS = ("the", "A", "an", "Paris", "paris,", "area", "  ", "U.S.", "—", "1,000", "theme", "an-d")
texts = some.lists(some.sampled_from(WORDS), max_size=6).map(" ".join)


def words_by_the_letter(text: str) -> list[str]:
    """The normalisation spelled out, one character and one word at a time."""
    kept = "".join(sign for sign in text.lower() if sign not in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    return [word for word in kept.split() if word not in ("a", "an", "the")]


def f1_over_copies(one: str, two: str) -> float:
    """scikit-learn's F1, each copy of a word an example that a text has or has not."""
    a, b = words_by_the_letter(one), words_by_the_letter(two)
    copies = sorted({(word, turn) for words in (a, b) for word in words for turn in range(words.count(word))})
    if not copies:
        return 1.0
    has = [[words.count(word) > turn for word, turn in copies] for words in (a, b)]
    return float(f1_score(has[1], has[0], zero_division=0))


def test_answer_measures_by_hand() -> None:
    """`the Cat sat!` is `cat sat`: of `cat sat down` 2 of 2 and 2 of 3 words, F1 4/5; no exact match.

    `A dog` matches `dog.` exactly. Means: (4/5 + 1) / 2 and 1/2.
    """
    found = answer_measures(["the Cat sat!", "A dog"], [["cat sat down", "cow"], ["dog."]])
    assert found == {"answer_f1": pytest.approx(0.9), "exact_match": 0.5}


def test_words_count_as_often_as_they_stand() -> None:
    """`x x y` and `x y y`: bags share one x and one y: 2 · 2 / 6."""
    assert answer_f1("x x y", "x y y") == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  The   U.S. ", "us"),
        ("an Area of the theme", "area of theme"),
        ("a-n apple", "apple"),
        ("the", ""),
        ("Café\tNoir", "café noir"),
    ],
)
def test_normalised_texts_lose_case_punctuation_articles_and_spare_spaces(text: str, plain: str) -> None:
    assert normalised(text) == plain
    assert normalised(plain) == plain


@given(texts, texts)
@settings(max_examples=200, deadline=None)
def test_f1_agrees_with_an_oracle_over_copies_of_words_and_is_symmetric(one: str, two: str) -> None:
    assert answer_f1(one, two) == pytest.approx(f1_over_copies(one, two))
    assert answer_f1(one, two) == answer_f1(two, one)


@given(texts, some.lists(texts, min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_the_best_right_answer_counts_and_an_exact_match_has_f1_1(guess: str, right: list[str]) -> None:
    found = answer_measures([guess], [right])
    assert found["answer_f1"] == max(answer_f1(guess, one) for one in right)
    assert found["exact_match"] == float(
        words_by_the_letter(guess) in [words_by_the_letter(r) for r in right]
    )
    assert found["exact_match"] <= found["answer_f1"] <= 1


def test_no_answer_has_f1_0_unless_the_right_one_is_empty_too() -> None:
    assert answer_measures([""], [["word"]]) == {"answer_f1": 0.0, "exact_match": 0.0}
    assert answer_measures(["the"], [["a"]]) == {"answer_f1": 1.0, "exact_match": 1.0}


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(Undefined, match="0 questions"):
        answer_measures([], [])
    with pytest.raises(ValueError, match="one answer"):
        answer_measures(["a"], [])
    with pytest.raises(ValueError, match="at least one right answer"):
        answer_measures(["a"], [[]])
