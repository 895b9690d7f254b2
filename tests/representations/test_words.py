import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forelearn.representations.words import Document, read_documents, word_scores


def document(words):
    words = np.array(words)
    return Document(
        ids=np.zeros(len(words), np.int64),
        special=words < 0,
        words=words,
        spans=np.zeros((words.max(initial=-1) + 1, 2), np.int32),
        types=None,
    )


def test_word_scores_by_hand():
    """Tokens [CLS], a, b1, b2, [SEP]; words a and b.

    Layer 1: a = 3, b = 1 + 3 = 4, norm 5: 0.6, 0.8. Layer 2: a = 0, b = −2, norm 2: 0, −1.
    Layer 3: all 0 (norm clamped): 0, 0. Mean over the three: 0.2, (0.8 − 1)/3 = −0.0667.
    """
    tokens = np.array([[9.0, 3, 1, 3, 7], [1, 0, -1, -1, 5], [8, 0, 0, 0, 0]])
    np.testing.assert_allclose(word_scores(tokens, document([-1, 0, 1, 1, -1])), [0.2, -0.2 / 3])


def test_a_document_without_words_has_no_scores():
    assert word_scores(np.ones((2, 2)), document([-1, -1])).shape == (0,)


@given(arrays(float, (3, 6), elements=st.floats(-1e6, 1e6)))
def test_scores_lie_between_minus_one_and_one(tokens):
    scores = word_scores(tokens, document([-1, 0, 0, 1, 2, -1]))
    assert np.isfinite(scores).all()
    assert (np.abs(scores) <= 1 + 1e-12).all()


@given(arrays(float, (3,), elements=st.floats(0.01, 100)))
def test_scores_do_not_depend_on_the_scale_of_a_layer(scale):
    tokens = np.arange(18.0).reshape(3, 6) - 7
    words = document([-1, 0, 0, 1, 2, -1])
    np.testing.assert_allclose(word_scores(tokens * scale[:, None], words), word_scores(tokens, words))


def test_words_are_found_with_their_characters(bert):
    text = "send   blankets, please"
    (found,) = read_documents(bert.tokenizer, [text], None, 64)
    assert [text[first:last] for first, last in found.spans] == ["send", "blankets", ",", "please"]
    assert (found.words[[0, -1]] == -1).all()
    assert found.special.tolist() == [True, *[False] * (len(found) - 2), True]


def test_spans_of_a_pair_count_through_both_texts(bert):
    text, pair = "the road", "is closed"
    (found,) = read_documents(bert.tokenizer, [text], [pair], 64)
    joined = f"{text}\n{pair}"
    assert [joined[first:last] for first, last in found.spans] == ["the", "road", "is", "closed"]
    assert found.special.sum() == 3
    assert found.types is not None
    assert found.types[found.words == 3].tolist() == [1] * int((found.words == 3).sum())


def test_texts_and_pairs_are_read_together_as_each_alone_in_their_order(bert):
    texts = ["the road", "rain", "send blankets", "the bridge"]
    seconds = ["is closed", None, "", None]
    together = read_documents(bert.tokenizer, texts, seconds, 64)
    for found, text, second in zip(together, texts, seconds, strict=True):
        (alone,) = read_documents(bert.tokenizer, [text], None if second is None else [second], 64)
        for name in ("ids", "special", "words", "spans", "types"):
            np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))
    assert [int(found.special.sum()) for found in together] == [3, 2, 3, 2]


def test_truncation_cuts_words_behind_the_limit(bert):
    whole, cut = (read_documents(bert.tokenizer, ["the road is closed"], None, most)[0] for most in (64, 4))
    assert len(cut) == 4
    assert len(cut.spans) <= 2 < len(whole.spans)


def test_reading_leaves_the_tokenizer_as_it_was(bert):
    """What it is told of truncation would be saved with it."""
    before = bert.tokenizer.backend_tokenizer.to_str()
    read_documents(bert.tokenizer, ["water " * 20], None, 8)
    assert bert.tokenizer.backend_tokenizer.to_str() == before


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_text_is_a_document_of_special_tokens(bert, text):
    (found,) = read_documents(bert.tokenizer, [text], None, 64)
    assert len(found) == 2
    assert found.spans.shape == (0, 2)
