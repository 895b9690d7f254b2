from types import SimpleNamespace

import pytest
import torch

from forelearn.models.heads.base import IGNORE
from forelearn.representations.drawn_targets import drawn_targets

MANY = 4000
LOGITS = torch.tensor([0.5, -1.0, 1.0])


def shares(drawn):
    return torch.bincount(drawn, minlength=3) / len(drawn)


def drawn(kind, targets, **output):
    return drawn_targets(kind, SimpleNamespace(**output), targets, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multiple_choice"])
def test_a_class_is_drawn_as_often_as_the_model_says(kind):
    found = drawn(kind, torch.zeros(MANY, dtype=torch.long), logits=LOGITS.expand(MANY, 3))
    assert torch.allclose(shares(found), LOGITS.softmax(0), atol=0.03)


def test_a_tag_is_drawn_for_words_alone():
    targets = torch.full((2, MANY), IGNORE)
    targets[1] = 0
    found = drawn("sequence_labelling", targets, logits=LOGITS.expand(2, MANY, 3))
    assert (found[0] == IGNORE).all()
    assert torch.allclose(shares(found[1]), LOGITS.softmax(0), atol=0.03)


def test_start_and_end_are_drawn_each_by_itself():
    start, end = LOGITS.expand(MANY, 3), LOGITS.flip(0).expand(MANY, 3)
    found = drawn(
        "question_answering", torch.zeros(MANY, 2, dtype=torch.long), start_logits=start, end_logits=end
    )
    assert torch.allclose(shares(found[:, 0]), LOGITS.softmax(0), atol=0.03)
    assert torch.allclose(shares(found[:, 1]), LOGITS.flip(0).softmax(0), atol=0.03)


def test_a_value_is_drawn_with_the_variance_that_squared_error_stands_for():
    found = drawn("regression", torch.zeros(MANY), logits=torch.full((MANY, 1), 3.0))
    assert found.mean().item() == pytest.approx(3.0, abs=0.05)
    assert found.var().item() == pytest.approx(0.5, abs=0.05)
