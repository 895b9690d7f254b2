import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.small_encoders import FAMILIES, build
from tests.representations.kinds import LENGTH, model, shuffled, task
from torch.nn.functional import cross_entropy

from forelearn.core.errors import InputError
from forelearn.models.task_model import TaskModel
from forelearn.representations.sketch import cosine
from forelearn.representations.taskemb import Fisher, taskemb
from forelearn.representations.taskemb_file import FILE, load_taskemb, save_taskemb
from forelearn.tasks.synthetic_kinds import FORMS

WHOLE = Fisher(size=10**6)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return build("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    return build(request.param, tmp_path_factory.mktemp(request.param))


def fisher_of(task_model, form, examples=None, fisher=WHOLE):
    given = examples or task(form).train
    return taskemb(task_model, given, max_length=LENGTH, fisher=fisher, precision="fp64")


def assert_same(one, other, error=1e-10):
    assert list(one.vectors) == list(other.vectors)
    for name, vector in one.vectors.items():
        scale = max(np.abs(vector).max(), 1e-300)
        np.testing.assert_allclose(other.vectors[name] / scale, vector / scale, atol=error, err_msg=name)


def literal(task_model, examples):
    """One example at a time, every gradient in full: `backward`, square, mean. BERT alone."""
    held = copy.deepcopy(task_model.model)
    bert = held.base_model
    items = task_model.head.encode(task_model.tokenizer, examples, LENGTH)
    kept = {}

    def keep(name):
        def hook(module, given, output):
            state = output[0] if isinstance(output, tuple) else output
            state.retain_grad()
            kept.setdefault(name, []).append(state)

        return hook

    for number, layer in enumerate(bert.encoder.layer):
        layer.attention.self.register_forward_hook(keep(f"layer.{number}.attention_output"))
        layer.output.register_forward_hook(keep(f"layer.{number}.output"))
    if bert.pooler is not None:
        bert.pooler.register_forward_hook(keep("pooled_output"))
    sums, n = {}, len(examples)
    for example in range(n):
        held.zero_grad()
        kept.clear()
        tokens = 0
        for row in np.flatnonzero(items.example == example):
            chosen = np.array([row])
            batch = items.batch(chosen, task_model.pad_id)
            tokens += int(batch.get("attention_mask", torch.ones_like(batch["input_ids"])).sum())
            targets = torch.from_numpy(task_model.head.targets(items, chosen))
            task_model.head.losses(held(**batch), targets).sum().backward()
        found = {name: p.grad**2 for name, p in bert.named_parameters() if p.grad is not None}
        for name, states in kept.items():
            width = states[0].shape[-1]
            total = sum(state.grad.reshape(-1, width).sum(0) for state in states)
            found[name] = total**2 / tokens
        for name, square in found.items():
            sums[name] = sums.get(name, 0) + square.flatten().numpy() / n
    return sums


@pytest.mark.parametrize("form", FORMS)
def test_taskemb_is_the_mean_of_squares_of_each_examples_gradient(bert, form):
    made = model(bert, form)
    found, expected = fisher_of(made, form), literal(made, task(form).train)
    # softmax does not see what moves all scores of a query alike
    rounding = {name: expected.pop(name) for name in set(expected) - set(found.vectors)}
    assert sorted(rounding) == [f"encoder.layer.{layer}.attention.self.key.bias" for layer in (0, 1)]
    assert max(vector.max() for vector in rounding.values()) < 1e-20
    for name, vector in expected.items():
        scale = max(vector.max(), 1e-300)
        np.testing.assert_allclose(found.vectors[name] / scale, vector / scale, atol=1e-10, err_msg=name)
        assert found.lengths[name] == len(vector)


def test_the_pooled_output_by_hand(bert):
    """logits = W p + b, so the gradient at p is Wᵀ (softmax − one-hot), squared over the tokens of the text."""
    made, data = model(bert, "multiclass"), task("multiclass").train
    weight = made.model.classifier.weight.detach()
    squares = []
    for text, label in zip(data.texts, data.labels):
        batch = made.tokenizer(text, return_tensors="pt", truncation=True, max_length=LENGTH)
        with torch.no_grad():
            off = made.model(**batch).logits[0].softmax(-1)
        off[label] -= 1
        squares.append((weight.T @ off) ** 2 / batch["input_ids"].shape[1])
    expected = torch.stack(squares).mean(0).numpy()
    found = fisher_of(made, "multiclass", fisher=replace(WHOLE, components=("pooled",)))
    assert list(found.vectors) == ["pooled_output"]
    np.testing.assert_allclose(found.vectors["pooled_output"], expected, rtol=1e-5)


def test_the_head_is_left_out(bert):
    names = fisher_of(model(bert, "binary"), "binary").vectors
    assert not [name for name in names if "classifier" in name]
    assert "pooler.dense.weight" in names
    assert "pooled_output" not in fisher_of(model(bert, "tags"), "tags").vectors


@pytest.mark.parametrize("form", FORMS)
def test_taskemb_does_not_depend_on_the_order_of_the_examples(bert, form):
    made = model(bert, form)
    mixed, _ = shuffled(task(form).train)
    fisher = Fisher(most=9, size=64)
    assert_same(fisher_of(made, form, fisher=fisher), fisher_of(made, form, mixed, fisher))


@pytest.mark.parametrize("form", ["pair", "choice", "answers"])
def test_taskemb_is_the_mean_of_those_of_its_examples_alone(bert, form):
    """No neighbour, batch size or padding has a say."""
    made, data = model(bert, form), task(form).train.pick(range(6))
    alone = [fisher_of(made, form, data.pick([row])) for row in range(6)]
    mean = {name: np.mean([one.vectors[name] for one in alone], 0) for name in alone[0].vectors}
    assert_same(fisher_of(made, form, data), replace(alone[0], vectors=mean))


@pytest.mark.parametrize("form", ["multiclass", "tags"])
def test_taskemb_does_not_depend_on_the_numbers_of_the_classes(bert, form):
    made, data = model(bert, form), task(form)
    order = np.random.default_rng(0).permutation(len(data.labels))
    renumbered = copy.deepcopy(made.model)
    with torch.no_grad():
        for name in ("weight", "bias"):
            old, new = getattr(made.model.classifier, name), getattr(renumbered.classifier, name)
            new[order] = old
    if data.train.tags:
        examples = replace(
            data.train, tags=tuple(tuple(int(order[tag]) for tag in tags) for tags in data.train.tags)
        )
    else:
        examples = replace(data.train, labels=tuple(int(order[label]) for label in data.train.labels))
    other = TaskModel(renumbered, made.tokenizer, made.head)
    assert_same(fisher_of(made, form), fisher_of(other, form, examples), 1e-6)


def test_the_batch_form_depends_on_the_order_and_the_definition_does_not(bert):
    made = model(bert, "binary")
    mixed, _ = shuffled(task("binary").train)
    batch = replace(WHOLE, form="batch", batch_size=4)
    one, other = fisher_of(made, "binary", fisher=batch), fisher_of(made, "binary", mixed, batch)
    with pytest.raises(AssertionError):
        assert_same(one, other, 1e-3)
    assert_same(fisher_of(made, "binary"), fisher_of(made, "binary", mixed))


def test_in_batches_of_one_both_forms_are_the_same(bert):
    made = model(bert, "answers")
    single = replace(WHOLE, form="batch", batch_size=1)
    assert_same(fisher_of(made, "answers"), fisher_of(made, "answers", fisher=single))


def test_the_batch_form_squares_the_gradient_of_the_mean_loss_of_a_padded_batch(bert):
    """One batch of all: squares over the number of examples, activations over the number of tokens too."""
    made, data = model(bert, "binary"), task("binary").train
    found = fisher_of(made, "binary", fisher=replace(WHOLE, form="batch", batch_size=16))
    held = copy.deepcopy(made.model)
    batch = made.tokenizer(list(data.texts), return_tensors="pt", padding=True)
    output = held(**batch, output_hidden_states=True)
    output.hidden_states[1].retain_grad()
    cross_entropy(output.logits, torch.tensor(data.labels)).backward()
    weight = held.bert.encoder.layer[0].output.dense.weight.grad.flatten().numpy() ** 2 / 16
    np.testing.assert_allclose(found.vectors["encoder.layer.0.output.dense.weight"], weight, rtol=1e-4)
    state = (output.hidden_states[1].grad * batch["attention_mask"][..., None]).sum((0, 1)).numpy() ** 2
    expected = state / int(batch["attention_mask"].sum()) / 16
    np.testing.assert_allclose(found.vectors["layer.0.output"], expected, rtol=1e-4)


@pytest.mark.parametrize("form", ["multiclass", "choice", "tags", "regression", "answers"])
def test_sampled_labels_come_from_the_seed_alone(bert, form):
    made = model(bert, form)
    mixed, _ = shuffled(task(form).train)
    sampled = replace(WHOLE, labels="sampled")
    found = fisher_of(made, form, fisher=sampled)
    torch.rand(3)
    assert_same(found, fisher_of(made, form, mixed, sampled))
    with pytest.raises(AssertionError):
        assert_same(found, fisher_of(made, form), 1e-3)
    with pytest.raises(AssertionError):
        assert_same(found, fisher_of(made, form, fisher=replace(sampled, seed=1)), 1e-3)


@pytest.mark.parametrize("form", ["pair", "choice", "tags", "answers"])
def test_every_family_of_encoders_has_a_taskemb(family, form):
    # the norm of DeBERTa computes in 32 bits, whatever it is given
    if (family.name, form) == ("deberta", "choice"):  # transformers has no such head
        with pytest.raises(InputError, match="cannot be loaded for multiple choice"):
            model(family, form)
        return
    made = model(family, form)
    found = fisher_of(made, form)
    layers = made.shape().layers
    assert sum("attention_output" in name for name in found.vectors) == layers
    assert sum(name.endswith("layer.0.output") for name in found.vectors) == 1
    assert all(vector.min() >= 0 for vector in found.vectors.values())
    mixed, _ = shuffled(task(form).train)
    assert_same(found, fisher_of(made, form, mixed), 1e-6)


def test_a_sketched_taskemb_measures_its_own_error(bert):
    made = model(bert, "binary")
    whole, small = fisher_of(made, "binary"), fisher_of(made, "binary", fisher=Fisher(size=64))
    sketched = [name for name, length in small.lengths.items() if length > 64]
    assert sketched
    assert set(whole.error.values()) == {0.0}
    for name in small.vectors:
        assert len(small.vectors[name]) == min(64, small.lengths[name])
        assert small.agreement[name] == pytest.approx(whole.agreement[name])
    assert 0 < small.largest_error < 5 * (2 / 64) ** 0.5
    alone = fisher_of(made, "binary", task("binary").train.pick([0]), Fisher(size=64))
    assert np.isnan(list(alone.agreement.values())).all()


@pytest.mark.slow
def test_the_measured_error_is_what_cosines_of_other_tasks_suffer(bert):
    """Of tasks whose vectors lie apart; an error measured on like vectors alone would be far too small."""
    fisher, forms = Fisher(size=64), ("binary", "pair", "tags", "answers")
    whole = [fisher_of(model(bert, form, seed=2), form).vectors for form in forms]
    small = [fisher_of(model(bert, form, seed=2), form, fisher=fisher) for form in forms]
    found, measured = [], []
    for name, length in small[0].lengths.items():
        if length > 64 and all(name in one.vectors for one in small):
            found += [
                cosine(small[0].vectors[name], small[i].vectors[name])
                - cosine(whole[0][name], whole[i][name])
                for i in (1, 2, 3)
            ]
            measured += [one.error[name] for one in small]
    ratio = np.sqrt(np.mean(np.square(measured)) / np.mean(np.square(found)))
    assert 0.5 < ratio < 4


def test_components_can_be_chosen(bert):
    made = model(bert, "binary")
    all_of_them = fisher_of(made, "binary")
    some = fisher_of(made, "binary", fisher=replace(WHOLE, components=("layers", "attention")))
    assert len(some.vectors) == 4
    for name, vector in some.vectors.items():
        np.testing.assert_allclose(vector, all_of_them.vectors[name], rtol=1e-9)
    assert some.effort.units == pytest.approx(all_of_them.effort.units * 2 / 3)


def test_the_model_and_the_global_random_state_are_left_as_they_are(bert):
    made = model(bert, "binary")
    before = {name: values.clone() for name, values in made.model.state_dict().items()}
    state = torch.random.get_rng_state()
    fisher_of(made, "binary", fisher=replace(WHOLE, labels="sampled"))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(values, before[name]) for name, values in made.model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in made.model.parameters())
    assert not made.encoder.embeddings.word_embeddings.sparse


def test_lower_precision_stays_near(bert):
    made = model(bert, "binary")
    exact = fisher_of(made, "binary")
    fp32 = taskemb(made, task("binary").train, max_length=LENGTH, fisher=WHOLE)
    assert_same(exact, fp32, 1e-3)


def test_what_was_saved_is_read_again(bert, tmp_path):
    found = fisher_of(model(bert, "tags"), "tags", fisher=Fisher(size=32))
    save_taskemb(found, tmp_path)
    read = load_taskemb(tmp_path)
    assert (read.lengths, read.error, read.agreement) == (found.lengths, found.error, found.agreement)
    assert (read.fisher, read.effort, read.examples) == (found.fisher, found.effort, found.examples)
    for name, vector in found.vectors.items():
        np.testing.assert_array_equal(read.vectors[name], vector.astype(np.float32))
    assert [file.name for file in tmp_path.iterdir()] == [FILE]
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:50])
    with pytest.raises(InputError, match="missing or damaged"):
        load_taskemb(tmp_path)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"form": "mean"}, "`form` must be"),
        ({"most": 0}, "`most` must be at least 1, got 0"),
        ({"components": ("head",)}, "`components` must be some of parameters"),
        ({"components": ()}, "`components` must be some of parameters"),
    ],
)
def test_options_out_of_range_are_refused_in_words(options, what):
    with pytest.raises(InputError, match=what):
        Fisher(**options)


def test_a_task_without_examples_has_no_taskemb(bert):
    with pytest.raises(InputError, match="no examples"):
        taskemb(model(bert, "binary"), task("binary").train.pick([]), max_length=LENGTH)
