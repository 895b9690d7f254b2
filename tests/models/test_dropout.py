from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch
from tests.models.small_encoders import FAMILIES, TEXTS, build
from transformers import BertConfig, BertModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from forelearn.models import dropout
from forelearn.models.batch import collate, tokenize
from forelearn.models.dropout import drop, quick_dropout, reseed_dropout
from forelearn.models.task_model import TaskModel, new_classifier


@pytest.fixture(scope="module", params=FAMILIES)
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TaskModel:
    return new_classifier(build(request.param, tmp_path_factory.mktemp("encoder")), ("a", "b"), seed=0)


def logits(classifier: TaskModel) -> torch.Tensor:
    tokens = tokenize(classifier.tokenizer, TEXTS, None, 32)
    return classifier.model(**collate(tokens, np.arange(len(TEXTS)), classifier.pad_id)).logits


def test_without_training_the_block_changes_nothing_but_rounding(classifier: TaskModel) -> None:
    with torch.no_grad():
        usual = logits(classifier)
        with quick_dropout(classifier.model):
            quick = logits(classifier)
        assert torch.allclose(usual, quick, atol=1e-6)
        assert torch.equal(usual, logits(classifier))


def test_the_gradient_is_that_of_the_usual_attention(classifier: TaskModel) -> None:
    def gradient() -> torch.Tensor:
        classifier.model.zero_grad()
        logits(classifier)[:, 1].sum().backward()
        return torch.cat([p.grad.flatten() for p in classifier.model.parameters() if p.grad is not None])

    usual = gradient()
    with quick_dropout(classifier.model):
        quick = gradient()
    assert torch.allclose(usual, quick, atol=1e-5)


def test_the_seed_alone_decides_what_is_dropped(classifier: TaskModel) -> None:
    classifier.model.train()
    with torch.no_grad(), quick_dropout(classifier.model):
        seen = []
        for seed in (1, 1, 2):
            torch.manual_seed(0)
            reseed_dropout(seed)
            seen.append(logits(classifier))
    classifier.model.train(False)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])


def test_the_block_leaves_modules_and_random_state_as_they_were(classifier: TaskModel) -> None:
    before = [type(module) for module in classifier.model.modules()]
    attention = classifier.model.config._attn_implementation
    with pytest.raises(KeyError), quick_dropout(classifier.model):
        raise KeyError
    assert [type(module) for module in classifier.model.modules()] == before
    assert classifier.model.config._attn_implementation == attention


@pytest.mark.parametrize("shared", [1, 3])
def test_attention_reads_shared_keys_and_a_bias_of_positions_as_transformers_does(shared: int) -> None:
    """Six heads of queries, and as many of keys or a third of them, as newer families have; a bias, as T5 has."""
    chance = torch.Generator().manual_seed(0)
    query = torch.randn(2, 6, 5, 4, generator=chance)
    key, value = torch.randn(2, 2, 6 // shared, 5, 4, generator=chance)
    bias = torch.randn(1, 6, 5, 5, generator=chance)
    module = torch.nn.Module()
    module.num_key_value_groups = shared
    module.is_causal = False
    for given in ({}, {"position_bias": bias}):
        quick, _ = dropout._attend(module, query, key, value, None, scaling=0.3, **given)
        usual, _ = sdpa_attention_forward(module, query, key, value, None, scaling=0.3, **given)
        torch.testing.assert_close(quick, usual)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5])
def test_the_share_dropped_is_p_and_the_mean_is_kept(p: float) -> None:
    """A million draws: the standard error of the share is at most 0.0005."""
    with quick_dropout_stream(0):
        out = drop(torch.ones(1000, 1001), p)
    assert abs(float((out == 0).float().mean()) - p) < 0.003
    assert abs(float(out.mean()) - 1) < 0.005
    assert len(out.unique()) == (1 if p == 0 else 2)


def test_the_gradient_flows_through_kept_elements_alone() -> None:
    values = torch.ones(500, requires_grad=True)
    with quick_dropout_stream(3):
        out = drop(values, 0.3)
    out.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad, out.detach())


def quick_dropout_stream(seed: int) -> AbstractContextManager[None]:
    """The stream without a model of interest."""
    config = BertConfig(
        vocab_size=5, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4
    )
    return quick_dropout(BertModel(config), seed=seed)
