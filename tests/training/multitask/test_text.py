"""The loss on `tune` of texts does not hang on how many are passed at once, whatever the target's kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.multitask.setting import RECIPE, make_encoder, make_method, make_tasks

from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.method import optimisers
from forelearn.training.multitask.options import Options
from forelearn.training.multitask.text import TextLearner


@pytest.mark.parametrize("form", ["spans", "tags", "multiclass", "regression", "choice", "answers"])
def test_loss_and_gradient_on_tune_are_means_over_all_of_it(form: str, tmp_path: Path) -> None:
    tasks = make_tasks((form,))
    learner = TextLearner(tasks, make_encoder(tasks, tmp_path), RECIPE, Options(), 0, Ledger())
    with learner.session():
        found = []
        for size in (64, 7, 1):
            learner.at_once = size
            loss = learner.tune_gradient()
            assert learner.tune_loss() == pytest.approx(loss, rel=1e-5)
            found.append((loss, learner.flat.gradient.clone()))
        for loss, gradient in found[1:]:
            assert loss == pytest.approx(found[0][0], rel=1e-5)
            torch.testing.assert_close(gradient, found[0][1], rtol=1e-3, atol=1e-6)


def test_no_more_is_passed_at_once_than_a_batch_of_training_or_8192_tokens(tmp_path: Path) -> None:
    for form, batch, length, most in (
        ("spans", 8, 48, 64),
        ("spans", 8, 512, 16),
        ("spans", 100, 48, 100),
        ("choice", 8, 48, 21),
    ):
        tasks = make_tasks((form,))
        recipe = replace(RECIPE, batch_size=batch, max_length=length)
        start = make_encoder(tasks, tmp_path / f"{form}{batch}{length}")
        learner = TextLearner(tasks, start, recipe, Options(), 0, Ledger())
        width = learner.items(0, "tune").width
        assert learner.at_once == max(batch, min(64, 8192 // length) // width), form
        assert learner.at_once == most or form == "choice"


def test_the_loss_of_an_epoch_is_a_mean_over_words_where_the_loss_of_a_batch_is(tmp_path: Path) -> None:
    """Batches are of like length: a mean over them would count the words of short sequences for more."""
    tasks = make_tasks(("spans",))
    recipe = replace(RECIPE, learning_rate=1e-12, batch_size=8)
    method = make_method(
        tasks, make_encoder(tasks, tmp_path), "single", tmp_path, recipe=recipe, dropout=False
    )
    learner = method.learner
    with learner.session():
        (optimiser,) = optimisers(learner, method.options)
        found = method.learn_alone(0, 0, optimiser)
        rows = np.concatenate(learner.epoch_batches(0, 0))
        learner.mode(training=False)
        whole = float(learner.raw_losses({0: rows}, "train")[0].detach())
    assert found == pytest.approx(whole, rel=1e-5)
