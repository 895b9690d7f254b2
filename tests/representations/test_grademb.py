import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.small_encoders import FAMILIES, build
from tests.representations.conftest import TEXTS
from tests.representations.kinds import LENGTH, model, shuffled, task

from forelearn.core.data import Examples
from forelearn.core.errors import InputError
from forelearn.models.task_model import TaskModel
from forelearn.representations.grademb import grademb
from forelearn.tasks.synthetic_kinds import FORMS


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return build("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    return build(request.param, tmp_path_factory.mktemp(request.param))


def found_for(task_model, form, examples=None, **options):
    given = examples or task(form).train
    return grademb(task_model, given, max_length=LENGTH, precision="fp64", **options)


def literal(task_model, examples):
    """One example at a time by `backward`; the states as the model itself gives them."""
    items = task_model.head.encode(task_model.tokenizer, examples, LENGTH)
    vector = 0
    for example in range(len(examples)):
        tokens, pull, layers = 0, 0, 0
        for row in np.flatnonzero(items.example == example):
            chosen = np.array([row])
            batch = items.batch(chosen, task_model.pad_id)
            output = task_model.model(**batch, output_hidden_states=True)
            states = output.hidden_states[1:]
            targets = torch.from_numpy(task_model.head.targets(items, chosen))
            loss = task_model.head.losses(output, targets).sum()
            gradients = torch.autograd.grad(loss, states)
            pull = pull + sum(each.reshape(-1, each.shape[-1]).sum(0) for each in gradients)
            mask = batch.get("attention_mask", torch.ones_like(batch["input_ids"]))
            tokens, layers = tokens + int(mask.sum()), len(states)
        vector = vector + pull / (tokens * layers)
    return (vector / len(examples)).numpy()


@pytest.mark.parametrize("form", FORMS)
def test_grademb_is_the_mean_gradient_over_tokens_layers_and_examples(bert, form):
    made = model(bert, form)
    found = found_for(made, form)
    np.testing.assert_allclose(found.vector, literal(made, task(form).train), atol=1e-12)
    assert found.vector.shape == (16,)
    assert (found.effort.forward, found.effort.backward) == (16, 16)


@pytest.mark.parametrize("form", FORMS)
def test_grademb_does_not_depend_on_the_order_of_the_examples(bert, form):
    made = model(bert, form)
    mixed, _ = shuffled(task(form).train)
    np.testing.assert_allclose(
        found_for(made, form, most=9).vector, found_for(made, form, mixed, most=9).vector, atol=1e-14
    )


def test_grademb_is_the_mean_of_those_of_its_examples_alone(bert):
    made, data = model(bert, "pair"), task("pair").train.pick(range(6))
    alone = [found_for(made, "pair", data.pick([row])).vector for row in range(6)]
    np.testing.assert_allclose(found_for(made, "pair", data).vector, np.mean(alone, 0), atol=1e-12)


def test_grademb_does_not_depend_on_the_numbers_of_the_classes(bert):
    made, data = model(bert, "multiclass"), task("multiclass").train
    renumbered = copy.deepcopy(made.model)
    with torch.no_grad():
        for name in ("weight", "bias"):
            getattr(renumbered.classifier, name).copy_(getattr(made.model.classifier, name)[[1, 2, 0]])
    moved = replace(data, labels=tuple((label + 2) % 3 for label in data.labels))
    other = found_for(TaskModel(renumbered, made.tokenizer, made.head), "multiclass", moved)
    np.testing.assert_allclose(other.vector, found_for(made, "multiclass").vector, atol=1e-8)


@pytest.mark.parametrize("form", ["pair", "tags", "answers"])
def test_every_family_of_encoders_has_a_grademb(family, form):
    made = model(family, form)
    found = found_for(made, form)
    assert np.abs(found.vector).max() > 0
    np.testing.assert_allclose(found.vector, literal(made, task(form).train), atol=1e-6)


def test_a_task_without_examples_has_no_grademb(bert):
    with pytest.raises(InputError, match="no examples"):
        grademb(model(bert, "binary"), task("binary").train.pick([]), max_length=LENGTH)


def test_a_first_layer_that_is_mixed_with_a_convolution_counts_as_mixed(make_classifier):
    made = make_classifier("deberta-v2 with convolution")
    made.model.double()
    names = tuple(map(str, range(len(TEXTS))))
    examples = Examples(names, tuple(TEXTS), labels=(0, 1) * (len(TEXTS) // 2))
    found = grademb(made, examples, max_length=LENGTH, precision="fp64")
    np.testing.assert_allclose(found.vector, literal(made, examples), atol=1e-6)
