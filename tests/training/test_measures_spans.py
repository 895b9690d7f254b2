from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from seqeval import metrics as oracle
from seqeval.metrics.sequence_labeling import get_entities

from forelearn.training.measures_groups import Undefined
from forelearn.training.measures_spans import spans_of, tag_measures

TAGS = ("O", "B-x", "I-x", "B-y-z", "I-y-z")
sequences = some.lists(some.sampled_from(TAGS), max_size=9)
pairs = some.lists(
    some.lists(some.tuples(some.sampled_from(TAGS), some.sampled_from(TAGS)), max_size=9),
    min_size=1,
    max_size=5,
)


def test_span_measures_by_hand() -> None:
    """True: x over words 0 to 1, y over 3. Predicted: x over 0 alone, y over 3, x over 4: one hit of 3 and of 2.

    Precision 1/3, recall 1/2, F1 2 · 1 / (3 + 2); tags 0, 2 and 3 of 5 agree.
    """
    found = tag_measures([["B-x", "O", "O", "B-y", "I-x"]], [["B-x", "I-x", "O", "B-y", "O"]], spans=True)
    assert found == pytest.approx(
        {"span_f1": 2 / 5, "span_precision": 1 / 3, "span_recall": 1 / 2, "accuracy": 3 / 5}
    )


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("I-x I-x O", [(0, 2, "x")]),
        ("B-x B-x I-x", [(0, 1, "x"), (1, 3, "x")]),
        ("B-x I-y I-y", [(0, 1, "x"), (1, 3, "y")]),
        ("O I-x", [(1, 2, "x")]),
        ("O O", []),
        ("", []),
    ],
)
def test_a_span_opens_at_b_and_at_an_i_that_does_not_follow_its_type(
    tags: str, spans: list[tuple[int, int, str]]
) -> None:
    assert list(spans_of(tags.split())) == spans


@given(sequences)
@settings(max_examples=300, deadline=None)
def test_spans_agree_with_seqeval(tags: list[str]) -> None:
    expected = [(start, end + 1, kind) for kind, start, end in get_entities(tags)]
    assert list(spans_of(tags)) == expected


@given(pairs)
@settings(max_examples=200, deadline=None)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_span_measures_agree_with_seqeval(rows: list[list[tuple[str, str]]]) -> None:
    predicted = [[one for one, _ in row] for row in rows]
    truth = [[two for _, two in row] for row in rows]
    if not any(tag != "O" for tags in truth for tag in tags):
        with pytest.raises(Undefined):
            tag_measures(predicted, truth, spans=True)
        return
    assert tag_measures(predicted, truth, spans=True) == pytest.approx(
        {
            "span_f1": oracle.f1_score(truth, predicted, zero_division=0),
            "span_precision": oracle.precision_score(truth, predicted, zero_division=0),
            "span_recall": oracle.recall_score(truth, predicted, zero_division=0),
            "accuracy": oracle.accuracy_score(truth, predicted),
        }
    )


def test_a_span_does_not_reach_into_the_next_sequence() -> None:
    """Predicted one span in each of two sequences; true as well. Joined they would be one."""
    tags = [["O", "I-x"], ["I-x", "O"]]
    assert tag_measures(tags, tags, spans=True)["span_f1"] == 1
    assert tag_measures([["O", "I-x"], ["O", "O"]], tags, spans=True)["span_recall"] == 0.5


def test_plain_tags_have_an_accuracy_alone_pooled_over_words() -> None:
    """3 of 4 words, not the mean of 1 and 2/3."""
    assert tag_measures([["NOUN"], ["VERB", "X", "X"]], [["NOUN"], ["VERB", "X", "DET"]], spans=False) == {
        "accuracy": 0.75
    }


def test_what_cannot_be_measured_is_refused() -> None:
    for nothing in ([], [[]]):
        with pytest.raises(Undefined, match="no words"):
            tag_measures(nothing, nothing, spans=False)
    with pytest.raises(Undefined, match="none in a span"):
        tag_measures([["B-x"]], [["O"]], spans=True)
    with pytest.raises(ValueError, match="as many predicted tags"):
        tag_measures([["O"]], [["O", "O"]], spans=True)
    for wrong in ("NOUN", "B-", "x"):
        with pytest.raises(ValueError, match="must be O, B-type or I-type"):
            tag_measures([[wrong]], [["B-x"]], spans=True)
