"""Heads of two layers beside those of other kinds: they train, resume, are saved and predict; keys stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.training.multitask.setting import RECIPE, make_encoder, make_tasks, make_transfer
from tests.training.small_task import places

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError
from forelearn.core.recipe import Recipe
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.models.task_model import load_model
from forelearn.models.two_layer import TwoLayerClassifier, is_two_layer
from forelearn.tasks.multi_mnist import embedded_digits, multi_mnist
from forelearn.training.ensemble import Trained, predict_together, softmax
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.methods import METHODS, multitask, options_of
from forelearn.training.multitask.options import Options
from forelearn.training.multitask.text import TextLearner
from forelearn.training.multitask.train import new_learner, train_together

TWO = {"head": "two-layer"}


@pytest.fixture(scope="module")
def tasks() -> list[TaskData]:
    return make_tasks(("pair", "spans", "multiclass", "regression"))


@pytest.fixture(scope="module")
def start(tasks: list[TaskData], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tasks, tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def trained(tasks: list[TaskData], start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train_together(make_transfer(tasks, "alpha-vil", **TWO), tasks, start, **places(folder), device="cpu")
    return folder


def learner(tasks: list[TaskData], start: Path, recipe: Recipe = RECIPE) -> TextLearner:
    return TextLearner(tasks, start, recipe, Options(head="two-layer"), 0, Ledger())


def test_classifications_alone_have_two_layers_and_all_share_one_body(
    tasks: list[TaskData], start: Path
) -> None:
    found = learner(tasks, start)
    kinds = [isinstance(model.model, TwoLayerClassifier) for model in found.models]
    assert kinds == [True, False, True, False]
    words = {model.encoder.embeddings.word_embeddings.weight.data_ptr() for model in found.models}
    assert len(words) == 1
    shared, own = found.flat.parts_of(0)
    assert sum(part.stop - part.start for part in own) == 32 * 256 + 256 + 256 * 2 + 2
    assert sum(part.stop - part.start for part in shared) == found.models[0].shape().parameters


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_reaches_every_layer_of_every_head(tasks: list[TaskData], start: Path, precision: Any) -> None:
    found = learner(tasks, start, Recipe(**{**vars_of(RECIPE), "precision": precision}))
    with found.session():
        found.mode(training=True)
        found.reseed(0)
        for task in range(len(tasks)):
            loss = found.losses({task: np.arange(8)}, "train", what="train")[task]
            assert loss.dtype == torch.float32
            loss.backward()
    for model in found.models:
        assert all(parameter.grad.any() for parameter in model.model.parameters() if parameter.dim() > 1)


def vars_of(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in recipe.__slots__}


def test_a_saved_folder_predicts_what_was_measured(trained: Path, tasks: list[TaskData]) -> None:
    told = load_file(trained / "files" / "predictions.safetensors")["test_logits"]
    assert is_two_layer(trained / "weights")
    assert load_model(trained / "weights").labels == tasks[0].labels
    said = predict_together([Trained("one", trained / "weights", 48)], tasks[0].test)
    np.testing.assert_allclose(said.values, softmax(told), atol=1e-5)


def test_its_card_says_how_to_load_it(trained: Path) -> None:
    card = (trained / "weights" / "README.md").read_text()
    assert "library_name: forelearn\n" in card
    assert "| head | two-layer |" in card
    assert "forelearn.models.task_model import load_model" in card


def test_a_killed_run_ends_with_the_same_weights(
    trained: Path, tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    class Stop(Exception):
        pass

    def stop(state: Mapping[str, Any]) -> None:
        if state.get("step") == 2 and (tmp_path / "checkpoint" / "state.safetensors").exists():
            raise Stop

    transfer = make_transfer(tasks, "alpha-vil", **TWO)
    where = places(tmp_path)
    with pytest.raises(Stop):
        train_together(transfer, tasks, start, **where, device="cpu", report=stop, checkpoint_seconds=0.0)
    train_together(transfer, tasks, start, **where, device="cpu")
    one, other = (load_file(folder / "weights" / "model.safetensors") for folder in (tmp_path, trained))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in other)


def test_a_target_of_another_kind_is_saved_as_an_ordinary_folder(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    turned = [tasks[1], tasks[0]]
    train_together(make_transfer(turned, "multitask", **TWO), turned, start, **places(tmp_path), device="cpu")
    assert not is_two_layer(tmp_path / "weights")
    assert load_model(tmp_path / "weights").kind == "sequence_labelling"
    assert "library_name: transformers\n" in (tmp_path / "weights" / "README.md").read_text()


def test_a_network_for_images_refuses_two_layers(tmp_path: Path) -> None:
    pair = multi_mnist(*embedded_digits(), composites={"train": 40, "dev": 20, "test": 20})
    with pytest.raises(InputError, match="is of texts: a network for images has one linear layer a task"):
        new_learner(pair, tmp_path, RECIPE, Options(head="two-layer"), 0, Ledger(), device="cpu")


def plan_key(**given: Any) -> str:
    task, encoder = Task("t", "binary", "accuracy", "1" * 20), Encoder("e", "2" * 20)
    return Transfer(task, encoder, Recipe(), 0, (), "multitask", multitask("alpha-vil", given)).key


def test_the_head_is_part_of_a_plans_key() -> None:
    assert plan_key() == plan_key(head="auto")
    assert plan_key(**TWO) != plan_key()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_the_head_from_its_plan(name: str) -> None:
    assert options_of(multitask(name)).head == "auto"
    plan = multitask(name, TWO)
    assert plan.option("head") == options_of(plan).head == "two-layer"
    with pytest.raises(InputError, match="must be one of auto, two-layer"):
        multitask(name, {"head": "three-layer"})
