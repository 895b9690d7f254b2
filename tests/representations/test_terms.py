from dataclasses import replace

import numpy as np

from forelearn.representations.attributions import Attributions
from forelearn.representations.terms import SharedTerm, shared_terms

TEXTS = ["Flood water", "water rises", "flood"]


def attributions(*scores):
    spans = [[(0, 5), (6, 11)], [(0, 5), (6, 11)], [(0, 5)]]
    return Attributions(
        scores=tuple(np.array(row, np.float32) for row in scores),
        spans=tuple(np.array(row, np.int32) for row in spans),
        completeness=np.zeros((3, 1)),
        change=np.zeros(3),
        points=np.zeros(3, np.int32),
        units=0.0,
        seconds=0.0,
    )


def test_shared_terms_by_hand():
    """`water` is active in both in documents 0 and 1, `flood` in 0 and 2, `rises` only in the source."""
    source = attributions([0.5, 0.25], [0.25, 0.5], [0.5])
    target = attributions([0.5, 0.5], [0.75, 0.0], [0.25])
    found = shared_terms(source, target, TEXTS, [0, 1, 2], threshold=0.2)
    assert found == (SharedTerm("flood", 2, 0.5, 0.375), SharedTerm("water", 2, 0.25, 0.625))


def test_only_the_documents_asked_for_count():
    both = attributions([0.5, 0.5], [0.5, 0.5], [0.5])
    assert [term.term for term in shared_terms(both, both, TEXTS, [1])] == ["rises", "water"]
    assert shared_terms(both, both, TEXTS, []) == ()


def test_no_more_than_most_terms_are_returned_the_most_frequent_first():
    both = attributions([0.1, 0.5], [0.5, 0.5], [0.1])
    assert [term.documents for term in shared_terms(both, both, TEXTS, range(3))] == [2, 2, 1]
    assert [term.term for term in shared_terms(both, both, TEXTS, range(3), most=1)] == ["water"]


def test_terms_of_second_texts_are_found():
    both = attributions([0.5, 0.5], [0.0, 0.0], [0.0])
    found = shared_terms(both, both, ["Flood"], [0], pairs=["Water"])
    assert [term.term for term in found] == ["flood", "water"]


def test_a_word_with_the_white_space_before_it_is_the_word():
    """As tokenizers of the DeBERTa family give it."""
    both = attributions([0.5, 0.5], [0.5, 0.5], [0.5])
    spans = [[(0, 5), (5, 11)], [(0, 5), (5, 11)], [(0, 5)]]
    blank = replace(both, spans=tuple(np.array(row, np.int32) for row in spans))
    found = shared_terms(blank, blank, ["Flood water", "water flood", "flood"], [0, 1, 2])
    assert {term.term: term.documents for term in found} == {"flood": 3, "water": 2}
