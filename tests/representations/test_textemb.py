import numpy as np
import pytest
import torch
from tests.representations.conftest import TEXTS
from transformers import AutoModel, AutoTokenizer

from forelearn.core.errors import InputError
from forelearn.representations.textemb import textemb


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
