"""An embedding that holds the rows in use gives what the whole one gives, and becomes it again."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.small_encoders import FAMILIES, TEXTS, build
from tests.training.small_task import RECIPE, small_task
from torch import nn

from forelearn.models.batch import Tokens, collate, tokenize
from forelearn.models.heads import Items
from forelearn.models.task_model import TaskModel, new_classifier
from forelearn.models.words import WordsInUse, narrow_words, widen_words
from forelearn.training.loop import Stage, fit
from forelearn.training.predict import predict_items

FEW = [TEXTS[0], TEXTS[1], TEXTS[7]]


def read(folder: Path) -> tuple[TaskModel, Items]:
    """A classifier and a few texts as items."""
    model = new_classifier(folder, ["no", "yes"], seed=0)
    data = small_task(rows=30)
    texts = [FEW[row % 3] for row in range(len(data.train))]
    return model, model.head.encode(
        model.tokenizer, data.train.__class__(data.train.ids, tuple(texts), data.train.labels), 32
    )


def embedding_of(model: TaskModel) -> nn.Module:
    return model.encoder.get_input_embeddings()


@pytest.mark.parametrize("family", FAMILIES)
def test_training_ends_with_the_weights_that_the_whole_matrix_would_have(family: str, tmp_path: Path) -> None:
    """Weight decay .5 at rate .002 over 6 steps takes .3 % off every row that no text uses."""
    folder = build(family, tmp_path)
    recipe = RECIPE.__class__(learning_rate=2e-3, epochs=3, batch_size=16, weight_decay=0.5)
    stage = Stage("key", recipe, seed=1)
    whole, items = read(folder)
    before = whole.encoder.get_input_embeddings().weight.detach().clone()
    fit(whole, items, stage)
    narrow, _ = read(folder)
    told = predict_items(narrow, items)
    narrow_words(narrow, [items.tokens])
    assert isinstance(embedding_of(narrow), WordsInUse)
    np.testing.assert_array_equal(predict_items(narrow, items), told)
    fit(narrow, items, stage)
    predicted = predict_items(narrow, items)
    widen_words(narrow)
    assert type(embedding_of(narrow)) is nn.Embedding
    np.testing.assert_array_equal(predict_items(narrow, items), predicted)
    one, other = dict(whole.model.named_parameters()), dict(narrow.model.named_parameters())
    assert list(one) == list(other)
    for name, values in one.items():
        torch.testing.assert_close(other[name], values, rtol=1e-4, atol=1e-5)
    unused = np.setdiff1d(np.arange(len(before)), [*items.tokens.ids, 0])
    assert len(unused) > 10
    after = embedding_of(narrow).weight.detach()[unused]
    assert 0.99 < float((after / before[unused]).nanmedian()) < 0.999


def test_a_word_that_is_not_in_use_cannot_be_looked_up() -> None:
    words = WordsInUse(nn.Embedding(10, 4, padding_idx=0), torch.tensor([0, 3, 7]))
    assert words(torch.tensor([[7, 0, 3]])).shape == (1, 3, 4)
    with pytest.raises(IndexError):
        words(torch.tensor([5]))


def test_what_was_given_up_cannot_be_put_back_and_takes_no_memory() -> None:
    whole = nn.Embedding(10, 4)
    kept = weakref.ref(whole)
    words = WordsInUse(whole, torch.tensor([0, 3]), for_good=True)
    del whole
    gc.collect()
    assert kept() is None
    with pytest.raises(ValueError, match="not enough values"):
        words.whole()


def test_the_padding_gets_no_gradient_and_the_stand_in_none() -> None:
    words = WordsInUse(nn.Embedding(10, 4, padding_idx=3), torch.tensor([3, 7]))
    words(torch.tensor([3, 7])).sum().backward()
    assert words.weight.grad is not None
    assert words.weight.grad.tolist() == [[0.0] * 4, [1.0] * 4, [0.0] * 4]


def test_what_the_stand_in_was_multiplied_by_the_others_are_multiplied_by() -> None:
    """Rows 3 and 7 become 30s and 70s; the stand-in is halved, and so is every other row."""
    whole = nn.Embedding(10, 2)
    before = whole.weight.detach().clone()
    words = WordsInUse(whole, torch.tensor([3, 7]))
    with torch.no_grad():
        words.weight.copy_(torch.tensor([[30.0, 30.0], [70.0, 70.0], [0.5, 0.5]]))
    found = words.whole().weight.detach()
    assert found is not before
    torch.testing.assert_close(found[[3, 7]], torch.tensor([[30.0, 30.0], [70.0, 70.0]]))
    rest = [row for row in range(10) if row not in (3, 7)]
    torch.testing.assert_close(found[rest], before[rest] / 2)


@pytest.mark.parametrize("knows", [None, 7], ids=["no padding", "another padding"])
def test_a_batch_is_filled_up_where_the_embedding_knows_no_padding_or_another(
    knows: int | None, tmp_path: Path
) -> None:
    model, _ = read(build("bert", tmp_path))
    embedding = model.encoder.get_input_embeddings()
    embedding.padding_idx = knows
    tokens = tokenize(model.tokenizer, [TEXTS[0], "water"], None, 32)
    batch = collate(tokens, np.array([0, 1]), model.pad_id)
    assert "attention_mask" in batch
    told = model.model(**batch).logits
    ids = tokens.ids[tokens.ids != model.pad_id]
    narrow_words(model, [Tokens(ids, np.array([0, len(ids)]))])
    assert isinstance(embedding_of(model), WordsInUse)
    torch.testing.assert_close(model.model(**batch).logits, told)


@pytest.mark.parametrize("case", ["tied", "scaled", "bounded", "all"])
def test_an_embedding_that_is_more_than_a_table_or_wholly_in_use_stays(case: str, tmp_path: Path) -> None:
    model, items = read(build("bert", tmp_path))
    texts = items.tokens
    embedding = model.encoder.get_input_embeddings()
    assert isinstance(embedding, nn.Embedding)
    if case == "tied":
        model.model.decoder = nn.Linear(16, embedding.num_embeddings, bias=False)
        model.model.decoder.weight = embedding.weight
    elif case == "scaled":
        embedding.__class__ = type("ScaledEmbedding", (nn.Embedding,), {})
    elif case == "bounded":
        embedding.max_norm = 1.0
    else:
        every = np.arange(embedding.num_embeddings, dtype=np.int32)
        texts = Tokens(every, np.array([0, len(every)]))
    narrow_words(model, [texts])
    assert embedding_of(model) is embedding
    widen_words(model)
    assert embedding_of(model) is embedding
