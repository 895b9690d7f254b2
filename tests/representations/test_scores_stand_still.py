"""What changes nothing that a task is may change no score that is built on it, nor say who its kin are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.small_encoders import build
from tests.representations.kinds import LENGTH, model, shuffled, task
from tests.training.small_task import baseline, places

from forelearn.core.recipe import Recipe
from forelearn.core.transfer import Encoder
from forelearn.estimators.leep import leep
from forelearn.estimators.logme import logme
from forelearn.estimators.nce import nce
from forelearn.estimators.task_similarity import task_similarity
from forelearn.models.heads import head_for
from forelearn.models.task_model import load_model
from forelearn.models.tiny import build_tiny
from forelearn.representations import reading
from forelearn.representations.features import row_features
from forelearn.representations.source_predictions import source_predictions
from forelearn.representations.taskemb import Fisher, taskemb
from forelearn.tasks.synthetic_mixed import mixed_family
from forelearn.training.sequential import train

HOW = {"max_length": LENGTH, "precision": "fp64"}


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return build("bert", tmp_path_factory.mktemp("bert"))


def renumbered(examples, classes):
    order = np.random.default_rng(1).permutation(classes)
    if examples.tags:
        return replace(examples, tags=tuple(tuple(int(order[tag]) for tag in row) for row in examples.tags))
    return replace(examples, labels=tuple(int(order[label]) for label in examples.labels))


@pytest.mark.parametrize(("source", "form"), [("binary", "multiclass"), ("spans", "tags")])
def test_scores_do_not_depend_on_order_batches_or_the_numbers_of_classes(bert, source, form, monkeypatch):
    made, data = model(bert, source), task(form)

    def scores(examples):
        rows = row_features(made, examples, head_for(data), **HOW)
        said = source_predictions(made, examples, head_for(data), **HOW)
        return [
            logme(rows.features, rows.targets),
            leep(said.probabilities, said.targets),
            nce(said.hard, said.targets),
        ]

    before = scores(data.train)
    monkeypatch.setattr(reading, "_TOKENS", 100)
    mixed = renumbered(shuffled(data.train)[0], len(data.labels))
    np.testing.assert_allclose(scores(mixed), before, atol=1e-6)


@pytest.mark.slow
def test_similarity_by_taskemb_does_not_depend_on_the_order_of_examples(bert):
    forms = ("binary", "pair", "tags", "answers")

    def ranking(change):
        vectors = {
            form: taskemb(model(bert, form), change(task(form).train), fisher=Fisher(size=64), **HOW).vectors
            for form in forms
        }
        return task_similarity("binary", vectors)

    before, after = ranking(lambda examples: examples), ranking(lambda examples: shuffled(examples)[0])
    assert after.values == pytest.approx(before.values, abs=1e-6)
    assert len(before.values) == 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_features_under_kin_tell_the_target_better_than_under_any_other_source(seed, tmp_path):
    """A family whose order is known: LogME puts both kin above the stranger and the random labels."""
    torch.set_num_threads(1)
    family = mixed_family(seed, kin=("tags", "multiclass"), strangers=("spans",))
    texts = [text for data in family.tasks.values() for text in data.train.read()]
    build_tiny(texts, tmp_path / "encoder", layers=2, hidden=64, vocabulary=700)
    recipe = Recipe(learning_rate=1e-3, epochs=10, batch_size=16, max_length=64)
    target = family.tasks[family.target]
    scores = {}
    for name, role in family.roles.items():
        data, where = family.tasks[name], places(tmp_path / name)
        plan = baseline(data, Encoder("tiny", "0" * 20), recipe=recipe, seed=seed)
        train(plan, data, tmp_path / "encoder", **where, device="cpu")
        rows = row_features(load_model(where["weights"]), target.train, head_for(target), max_length=64)
        scores.setdefault(role, []).append(logme(rows.features, rows.targets))
    assert min(scores["kin"]) > max(scores["stranger"] + scores["random"]) + 0.05
