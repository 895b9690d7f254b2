"""Heads as they meet tokenizers of other families: no start token, pieces that depend on a blank before a word."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import nn
from transformers import PreTrainedTokenizerFast

from forelearn.core.data import Examples
from forelearn.core.errors import InputError
from forelearn.models.batch import special_ids
from forelearn.models.heads.base import IGNORE
from forelearn.models.heads.question_answering import _trimmed
from forelearn.models.heads.regression import Regression
from forelearn.models.heads.sequence_labelling import SequenceLabelling

WORDS = ("higher", "water", "flooded", "the", "street", "again", "and", "washing", "cars", "away")
SENTENCES = (WORDS * 3, WORDS[:3], WORDS[::-1] * 2)


def byte_level(*, special: bool) -> PreTrainedTokenizerFast:
    """Byte-level BPE in which a word at the start of a text has other pieces than behind a blank."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<pad>", "<s>", "</s>"], show_progress=False
    )
    backend.train_from_iterator([" ".join(("x", *WORDS))] * 30, trainer)
    if special:
        backend.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>")


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("max_length", [8, 14, 20, 200])
def test_every_word_has_a_target_and_a_prediction_whatever_the_tokenizer_and_the_length(
    special: bool, max_length: int
) -> None:
    tokenizer = byte_level(special=special)
    tags = tuple(tuple(place % 3 for place in range(len(words))) for words in SENTENCES)
    examples = Examples(
        ids=("a", "b", "c"), texts=tuple(" ".join(words) for words in SENTENCES), words=SENTENCES, tags=tags
    )
    head = SequenceLabelling(("O", "B-x", "I-x"))
    items = head.encode(tokenizer, examples, max_length)
    assert items.tokens.lengths.max() <= max_length
    assert (items.targets != IGNORE).sum() == sum(map(len, SENTENCES))
    np.testing.assert_array_equal(items.targets[items.targets != IGNORE], np.concatenate(tags))
    found = []
    assert items.spots is not None
    for row in range(len(items)):  # a model that is always right
        place = slice(items.tokens.offsets[row], items.tokens.offsets[row + 1])
        word, target = items.spots[place, 0], items.targets[place]
        mine = word >= 0
        found.append(np.column_stack([word[mine], np.eye(3)[target[mine]]]).astype(np.float32))
    np.testing.assert_array_equal(head.join(found, items).argmax(axis=1), np.concatenate(tags))


def test_the_order_of_sequences_is_the_order_of_their_predictions() -> None:
    examples = Examples(
        ids=("a", "b"),
        texts=("high water", "street"),
        words=(("high", "water"), ("street",)),
        tags=((0, 1), (1,)),
    )
    head = SequenceLabelling(("O", "B-x"))
    items = head.encode(byte_level(special=True), examples, 32)
    turned = replace(
        examples, words=examples.words[::-1], tags=examples.tags[::-1], texts=examples.texts[::-1]
    )
    other = head.encode(byte_level(special=True), turned, 32)
    assert items.targets[items.targets != IGNORE].tolist() == [0, 1, 1]
    assert other.targets[other.targets != IGNORE].tolist() == [1, 0, 1]


def test_special_tokens_are_found_on_either_side() -> None:
    assert special_ids(byte_level(special=False)) == ([], [])
    assert special_ids(byte_level(special=True)) == ([1], [2])


def test_a_regression_on_a_model_whose_last_layer_has_no_bias_is_refused_before_it_is_trained() -> None:
    """As of OPT and Gemma: nothing could hold the mean of the values."""
    model = nn.Module()
    model.base_model_prefix = "model"  # type: ignore[assignment]
    model.config = SimpleNamespace(model_type="opt")  # type: ignore[assignment]
    model.model = nn.Linear(3, 3)
    model.score = nn.Linear(3, 1)
    Regression().check(model, "here")
    model.score = nn.Linear(3, 1, bias=False)
    with pytest.raises(
        InputError, match=r"encoder here: is of a family \(opt\) whose regression head has no bias"
    ):
        Regression().check(model, "here")


def test_an_answer_does_not_begin_with_the_white_space_that_a_tokenizer_counts_to_a_word() -> None:
    context = "flood in the street"
    assert _trimmed(context, 0, 5) == (0, 5)
    assert _trimmed(context, 12, 19) == (13, 19)
    assert _trimmed(context, 12, 13) == (-1, -1)  # a token that is a blank alone answers nothing
    assert _trimmed(context, 5, 5) == (5, 5)
