import numpy as np
import pytest

from forelearn.estimators.words import count_words, words_of


def test_words_are_lower_case_without_links_and_punctuation():
    assert words_of("Don't PANIC: see https://t.co/aB1 #flood_help 2 ÜBER!") == [
        "don't", "panic", "see", "flood", "help", "2", "über",
    ]  # fmt: skip


def test_a_word_counts_once_a_document_and_under_its_label():
    """`fire fire` (label 1), `fire rain` (label 0): fire in one document of each label, rain in one of 0."""
    counts = count_words({"t": ["fire fire", "fire rain"]}, {"t": [1, 0]}, classes={"t": 2})
    assert counts.words == ("fire", "rain")
    assert counts.counts["t"].tolist() == [[1, 1], [1, 0]]
    assert counts.documents["t"].tolist() == [1, 1]


def test_tasks_share_one_vocabulary_and_document_order_says_nothing():
    texts = {"a": ["x y", "y z"], "b": ["z", "w"]}
    forward = count_words(texts, {"a": [0, 1], "b": [1, 0]}, classes={"a": 2, "b": 2})
    backward = count_words(
        {"b": ["w", "z"], "a": ["y z", "x y"]}, {"a": [1, 0], "b": [0, 1]}, classes={"a": 2, "b": 2}
    )
    assert forward.words == backward.words == ("w", "x", "y", "z")
    for task in texts:
        assert np.array_equal(forward.counts[task], backward.counts[task])


def test_an_empty_task_counts_nothing():
    counts = count_words({"t": []}, {"t": []}, classes={"t": 2})
    assert counts.words == ()
    assert counts.documents["t"].tolist() == [0, 0]


def test_texts_and_labels_of_different_number_are_refused():
    with pytest.raises(ValueError, match="`t` has 1 texts but 2 labels"):
        count_words({"t": ["x"]}, {"t": [0, 1]}, classes={"t": 2})
