import numpy as np
import pytest
import torch
from tests.representations.conftest import TEXTS
from tests.representations.kinds import LENGTH, shuffled, task
from transformers import AutoModel, AutoTokenizer

from forelearn.core.errors import InputError
from forelearn.models.heads import head_for
from forelearn.representations.reading import open_body
from forelearn.representations.textemb import task_textemb, textemb
from forelearn.tasks.synthetic_kinds import FORMS


def literal(folder, texts):
    """One text at a time, no padding: mean over tokens, then over texts."""
    model = AutoModel.from_pretrained(folder).double().eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        states = [
            model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0) for text in texts
        ]
    return torch.stack(states).mean(0).numpy()


def test_textemb_is_the_mean_over_tokens_then_over_examples(vocabulary):
    found = textemb(vocabulary, TEXTS, precision="fp64")
    assert found.vector.dtype == np.float64
    np.testing.assert_allclose(found.vector, literal(vocabulary, TEXTS), atol=1e-12)


def test_textemb_does_not_depend_on_batches_or_order(vocabulary):
    many = TEXTS * 15
    np.testing.assert_allclose(
        textemb(vocabulary, many, precision="fp64").vector,
        textemb(vocabulary, TEXTS[::-1], precision="fp64").vector,
        atol=1e-12,
    )


def test_a_long_text_weighs_as_much_as_a_short_one(vocabulary):
    long, short = (textemb(vocabulary, [text], precision="fp64").vector for text in (TEXTS[3], TEXTS[4]))
    both = textemb(vocabulary, [TEXTS[3], TEXTS[4]], precision="fp64").vector
    np.testing.assert_allclose(both, (long + short) / 2, atol=1e-12)


@pytest.mark.parametrize(("precision", "error"), [("fp32", 1e-5), ("bf16", 0.05)])
def test_lower_precision_stays_near(vocabulary, precision, error):
    exact = textemb(vocabulary, TEXTS, precision="fp64").vector
    np.testing.assert_allclose(textemb(vocabulary, TEXTS, precision=precision).vector, exact, atol=error)


def test_cost_is_a_third_of_a_training_unit_a_token_and_layer(vocabulary):
    found = textemb(vocabulary, ["", ""])
    assert found.cost.units == pytest.approx(4 / 3)
    assert found.cost.seconds > 0


def test_pairs_are_embedded_together(vocabulary):
    alone = textemb(vocabulary, ["the road"]).vector
    assert not np.allclose(textemb(vocabulary, ["the road"], pairs=["is closed"]).vector, alone)


def test_no_texts_are_refused(vocabulary):
    with pytest.raises(InputError, match="no texts"):
        textemb(vocabulary, [])


@pytest.mark.parametrize("form", FORMS)
def test_textemb_of_a_task_of_any_kind_is_the_mean_over_what_it_reads(vocabulary, form):
    data = task(form)
    head = head_for(data)
    body = open_body(vocabulary, precision="fp64", device="cpu")
    items = head.encode(body.tokenizer, data.train, LENGTH)
    means = []
    for example in range(len(data.train)):
        states = []
        for sequence in np.flatnonzero(items.example.repeat(items.width) == example):
            first, last = items.tokens.offsets[sequence : sequence + 2]
            batch = {"input_ids": torch.tensor(items.tokens.ids[None, first:last].astype(np.int64))}
            if items.tokens.types is not None:
                batch["token_type_ids"] = torch.tensor(items.tokens.types[None, first:last].astype(np.int64))
            with torch.no_grad():
                states.append(body.encoder(**batch).last_hidden_state[0])
        means.append(torch.cat(states).mean(0))
    found = task_textemb(vocabulary, data.train, head, max_length=LENGTH, precision="fp64")
    np.testing.assert_allclose(found.vector, torch.stack(means).mean(0).numpy(), atol=1e-10)
    assert found.effort.forward == len(data.train)


def test_textemb_of_a_task_of_texts_is_that_of_its_texts(vocabulary):
    data = task("pair")
    plain = textemb(vocabulary, data.train.texts, pairs=data.train.pairs, max_length=LENGTH)
    found = task_textemb(vocabulary, data.train, head_for(data), max_length=LENGTH)
    np.testing.assert_array_equal(found.vector, plain.vector)
    assert found.cost.units == plain.cost.units


def test_which_examples_textemb_draws_depends_on_names_alone(vocabulary):
    data = task("answers")
    mixed, _ = shuffled(data.train)
    how = {"max_length": LENGTH, "precision": "fp64", "most": 9}
    found = task_textemb(vocabulary, mixed, head_for(data), **how)
    drawn = task_textemb(vocabulary, data.train, head_for(data), **how)
    np.testing.assert_allclose(found.vector, drawn.vector, atol=1e-12)
    assert found.effort.forward == 9


def test_a_task_without_examples_has_no_textemb(vocabulary):
    data = task("answers")
    with pytest.raises(InputError, match="no texts"):
        task_textemb(vocabulary, data.train.pick([]), head_for(data), max_length=LENGTH)
