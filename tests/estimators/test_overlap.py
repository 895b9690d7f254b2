import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics.pairwise import cosine_similarity

from forelearn.estimators.overlap import label_word_similarity, vocabulary_overlap, word_weights
from forelearn.estimators.words import count_words

COUNTS = arrays(np.int64, 6, elements=st.integers(0, 10))


def test_overlap_is_the_shares_in_common_over_the_shares_in_either():
    """Source: words in 2, 1, 0 of 2 documents; target: in 1, 1, 3 of 4. Shares 1, .5, 0 and .25, .25, .75.

    Least: .25 + .25 + 0 = .5; most: 1 + .5 + .75 = 2.25; .5 / 2.25 = .2222.
    """
    assert vocabulary_overlap([2, 1, 0], 2, [1, 1, 3], 4) == pytest.approx(0.5 / 2.25)


def test_overlap_by_types_is_the_jaccard_index():
    """Types {1, 2} and {1, 2, 3}: 2 in both of 3 in either."""
    assert vocabulary_overlap([2, 1, 0], 2, [1, 1, 3], 4, by="types") == pytest.approx(2 / 3)


@given(COUNTS, COUNTS, st.sampled_from(["documents", "types"]))
@settings(max_examples=50)
def test_overlap_is_symmetric_bounded_and_one_for_equal_tasks(a, b, by):
    forward = vocabulary_overlap(a, 10, b, 10, by=by)
    if a.any() or b.any():
        assert forward == vocabulary_overlap(b, 10, a, 10, by=by)
        assert 0 <= forward <= 1
    else:
        assert math.isnan(forward)
    if a.any():
        assert vocabulary_overlap(a, 10, 3 * a, 30, by=by) == pytest.approx(1)


def test_a_task_without_documents_is_refused():
    with pytest.raises(ValueError, match="at least 1 document"):
        vocabulary_overlap([0], 0, [1], 1)


def literal_weight(inside_hits, inside, outside_hits, outside, prior):
    share = (inside_hits + outside_hits) / (inside + outside)
    cells = [
        (inside_hits + prior * share, inside - inside_hits + prior * (1 - share)),
        (outside_hits + prior * share, outside - outside_hits + prior * (1 - share)),
    ]
    odds = math.log(cells[0][0] / cells[0][1]) - math.log(cells[1][0] / cells[1][1])
    return odds / math.sqrt(sum(1 / value for pair in cells for value in pair))


def test_a_weight_is_the_z_score_of_the_log_odds():
    """A word in 3 of 4 positive and 1 of 4 negative documents, prior 2.

    Share 4/8 = .5, so 1 pseudo-document with and 1 without it on each side: odds (3 + 1) / (1 + 1) = 2
    against (1 + 1) / (3 + 1) = .5, log ratio ln 4 = 1.386; variance 1/4 + 1/2 + 1/2 + 1/4 = 1.5; weight 1.386
    / 1.2247 = 1.1319.
    """
    weights = word_weights([[1], [3]], [4, 4], prior=2.0)
    assert weights.shape == (1, 1)
    assert weights[0, 0] == pytest.approx(math.log(4) / math.sqrt(1.5))
    assert weights[0, 0] == pytest.approx(1.1319, abs=1e-4)


def test_weights_agree_with_a_literal_loop():
    rng = np.random.default_rng(0)
    documents = np.array([30, 20, 50])
    counts = rng.binomial(documents[:, None], 0.3, (3, 7))
    weights = word_weights(counts, documents)
    for label in range(3):
        for word in range(7):
            rest = counts[:, word].sum() - counts[label, word]
            expected = literal_weight(
                counts[label, word], documents[label], rest, 100 - documents[label], 10.0
            )
            assert weights[label, word] == pytest.approx(expected)


def test_words_that_occur_nowhere_or_everywhere_are_finite_and_unused_ones_weigh_nothing():
    weights = word_weights([[0, 5, 5], [0, 0, 3]], [5, 3])
    assert weights[0, 0] == 0.0
    assert weights[0, 1] < 0
    assert np.isfinite(weights).all()


def test_swapping_the_labels_turns_the_weights_round():
    counts, documents = np.array([[4, 1, 0], [2, 6, 1]]), np.array([9, 7])
    assert np.allclose(word_weights(counts, documents), -word_weights(counts[::-1], documents[::-1]))


def test_an_empty_class_has_no_weights_and_no_similarity():
    weights = word_weights([[3, 1], [0, 0]], [5, 0])
    assert np.isnan(weights).all()
    assert math.isnan(label_word_similarity(weights, [[1.0, 2.0]]))
    assert math.isnan(label_word_similarity([[0.0, 0.0]], [[1.0, 2.0]]))


def test_similarity_of_binary_tasks_is_the_cosine():
    """(3, 4) and (4, 3): (12 + 12) / (5 · 5) = .96; sklearn's cosine as oracle."""
    assert label_word_similarity([[3, 4]], [[4, 3]]) == pytest.approx(0.96)
    a, b = np.random.default_rng(1).normal(size=(2, 1, 9))
    assert label_word_similarity(a, b) == pytest.approx(cosine_similarity(a, b)[0, 0])
    assert label_word_similarity(a, -b) == pytest.approx(-label_word_similarity(a, b))


def test_similarity_with_several_labels_takes_the_best_source_label_for_each():
    """Target rows (1, 0) and (0, 1); source (1, 0) and (1, 1): best cosines 1 and 1/√2, mean .8536."""
    score = label_word_similarity([[1, 0], [1, 1]], [[1, 0], [0, 1]])
    assert score == pytest.approx((1 + 1 / math.sqrt(2)) / 2)


def test_weights_over_different_vocabularies_are_refused():
    with pytest.raises(ValueError, match="over 2 and 3 words"):
        label_word_similarity([[1, 2]], [[1, 2, 3]])
    with pytest.raises(ValueError, match="expected counts"):
        word_weights([[1, 2]], [1])


def test_sources_that_share_the_targets_lexicon_come_first():
    """Five sources whose positives use 0, 25, … 100 % of the target's lexicon: both find the order."""
    rng = np.random.default_rng(3)
    lexicon = [f"signal{i}" for i in range(40)]

    def task(share: float):
        own = [f"own{share}{i}" for i in range(40)]
        words = lexicon[: int(40 * share)] + own[int(40 * share) :]
        labels = rng.integers(0, 2, 200).tolist()
        texts = [
            " ".join(
                [f"filler{i}" for i in rng.integers(0, 60, 6)] + (list(rng.choice(words, 3)) if label else [])
            )
            for label in labels
        ]
        return texts, labels

    tasks = {str(share): task(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)} | {"target": task(1.0)}
    counts = count_words(
        {name: texts for name, (texts, _) in tasks.items()},
        {name: labels for name, (_, labels) in tasks.items()},
        classes=dict.fromkeys(tasks, 2),
    )
    weights = {name: word_weights(counts.counts[name], counts.documents[name]) for name in tasks}
    sources = [name for name in tasks if name != "target"]
    similar = [label_word_similarity(weights[name], weights["target"]) for name in sources]
    overlap = [
        vocabulary_overlap(counts.counts[name].sum(0), 200, counts.counts["target"].sum(0), 200)
        for name in sources
    ]
    assert similar == sorted(similar)
    assert overlap == sorted(overlap)
