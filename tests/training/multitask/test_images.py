"""Tasks over the same images: read once, learned as if each were read alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from forelearn.core.data import TaskData
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Performance, Run
from forelearn.core.transfer import Transfer
from forelearn.models.lenet import lenet_encoder, load_classifier
from forelearn.tasks.multi_mnist import embedded_digits, multi_mnist
from forelearn.tasks.random_labels import with_random_labels
from forelearn.training.card import card
from forelearn.training.multitask.images import ImageLearner
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.method import Surroundings
from forelearn.training.multitask.options import Options
from forelearn.training.multitask.standard import Standard, StandardOptions

RECIPE = Recipe(learning_rate=0.05, epochs=2, batch_size=32, weight_decay=0.0, clip_norm=1e9)
ROWS = np.array([5, 0, 17, 3])


@pytest.fixture(scope="module")
def tasks() -> tuple[TaskData, TaskData]:
    return multi_mnist(*embedded_digits(), composites={"train": 400, "dev": 100, "test": 90})


@pytest.fixture(scope="module")
def apart() -> TaskData:
    """A task over other images, of three classes."""
    images, labels = embedded_digits()
    few = labels < 3
    composites = {"train": 150, "dev": 60, "test": 60}
    return multi_mnist(images[few], labels[few], composites=composites, name="few")[0]


def learner(*tasks: TaskData, seed: int = 0, select: float = 0.0) -> ImageLearner:
    return ImageLearner(tasks, RECIPE, Options(select=select), seed, Ledger())


def counted(found: ImageLearner) -> list[int]:
    """Images that any body has read, in the order of its calls."""
    sizes: list[int] = []
    for model in found.models:
        model.body.register_forward_hook(lambda module, given, output: sizes.append(len(given[0])))
    return sizes


def gradient(found: ImageLearner, *groups: tuple[int, ...]) -> tuple[dict[int, float], torch.Tensor]:
    """Losses of the groups, each read at once, and the gradient of their sum."""
    found.flat.gradient.zero_()
    losses = {}
    for group in groups:
        own = found.losses(dict.fromkeys(group, ROWS), "train", what="train")
        torch.stack(list(own.values())).sum().backward()
        losses |= {task: float(loss.detach()) for task, loss in own.items()}
    return losses, found.flat.gradient.clone()


def test_joint_losses_and_their_gradient_are_those_of_each_task_alone(
    tasks: tuple[TaskData, TaskData],
) -> None:
    control = with_random_labels(tasks[1])
    found = learner(*tasks, control)
    joint, of_joint = gradient(found, (0, 1, 2))
    alone, of_alone = gradient(found, (0,), (1,), (2,))
    assert joint == pytest.approx(alone, abs=1e-6)
    assert len({round(loss, 4) for loss in joint.values()}) == 3
    torch.testing.assert_close(of_joint, of_alone, atol=1e-6, rtol=0)
    assert of_joint.abs().max() > 1e-3


def test_tasks_over_the_same_rows_of_the_same_images_run_the_body_once(
    tasks: tuple[TaskData, TaskData], apart: TaskData
) -> None:
    found = learner(*tasks, apart)
    sizes = counted(found)
    found.raw_losses({0: ROWS, 1: ROWS}, "train")
    assert sizes == [4]
    sizes.clear()
    found.raw_losses({0: ROWS, 1: ROWS[::-1].copy()}, "train")
    assert sizes == [4, 4]
    sizes.clear()
    found.raw_losses({0: ROWS, 1: ROWS, 2: ROWS}, "train")
    assert sizes == [4, 4]
    assert found.shares_inputs((0, 1))
    assert not found.shares_inputs((0, 2))


def test_losses_are_cross_entropies_of_the_images_and_labels_of_the_rows(
    tasks: tuple[TaskData, TaskData],
) -> None:
    found = learner(*tasks)
    for part, examples in (("train", tasks[1].train), ("dev", tasks[1].dev), ("test", tasks[1].test)):
        shown = np.stack([np.frombuffer(examples.images[row], np.uint8).reshape(28, 28) for row in ROWS])
        logits = found.models[1](torch.from_numpy(shown.copy()))
        truth = torch.tensor([examples.labels[row] for row in ROWS])
        wanted = torch.nn.functional.cross_entropy(logits, truth)
        loss = found.raw_losses({1: ROWS}, part)[1]  # type: ignore[arg-type]
        torch.testing.assert_close(loss, wanted, atol=1e-6, rtol=0)


def test_predictions_stand_in_the_order_of_the_examples(tasks: tuple[TaskData, TaskData]) -> None:
    found = learner(*tasks)
    predicted = found.predictions(0, "dev")
    assert predicted.shape == (100, 10)
    turned = replace(tasks[0], dev=tasks[0].dev.pick(range(99, -1, -1)))
    np.testing.assert_allclose(learner(turned, tasks[1]).predictions(0, "dev")[::-1], predicted, atol=1e-6)


def test_parts_of_dev_are_read_apart(tasks: tuple[TaskData, TaskData]) -> None:
    found = learner(*tasks, select=0.3)
    assert len(found.predictions(0, "select")) == 30
    tune = found.parts[0].tune_rows
    assert tune is not None
    assert len(tune) == 70
    np.testing.assert_allclose(found.predictions(0, "tune"), found.predictions(0, "dev")[tune], atol=1e-6)


def test_pixels_are_kept_once_as_bytes(tasks: tuple[TaskData, TaskData]) -> None:
    found = learner(*tasks, with_random_labels(tasks[0]))
    kept = [found._tensors(task, "train")[0] for task in range(3)]
    assert kept[0] is kept[1] is kept[2]
    assert kept[0].dtype == torch.uint8
    assert kept[0].shape == (400, 28, 28)


def test_the_seed_decides_body_and_heads_and_a_head_does_not_hang_on_the_other_tasks(
    tasks: tuple[TaskData, TaskData], apart: TaskData
) -> None:
    one, again, other = learner(*tasks), learner(*tasks), learner(*tasks, seed=1)
    assert torch.equal(one.flat.values, again.flat.values)
    assert not torch.equal(one.flat.values, other.flat.values)
    wider = learner(tasks[0], apart, tasks[1])
    for first, second in ((one.models[0], wider.models[0]), (one.models[1], wider.models[2])):
        for name, value in first.state_dict().items():
            assert torch.equal(value, second.state_dict()[name])


def test_every_epoch_reads_each_image_once_in_an_order_that_tasks_over_it_share(
    tasks: tuple[TaskData, TaskData],
) -> None:
    found = learner(*tasks)
    first, second = (found.epoch_batches(task, 0) for task in (0, 1))
    assert [len(batch) for batch in first] == [32] * 12 + [16]
    assert sorted(np.concatenate(first).tolist()) == list(range(400))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0], found.epoch_batches(0, 1)[0])


def test_an_image_costs_a_token_through_each_of_three_layers(tasks: tuple[TaskData, TaskData]) -> None:
    found = learner(*tasks)
    found.losses({0: ROWS, 1: ROWS}, "train", what="train")
    assert found.ledger.gradients == {"train": 8}
    assert found.ledger.units == 8 * 3


def test_the_process_keeps_its_random_state(tasks: tuple[TaskData, TaskData]) -> None:
    before = torch.get_rng_state()
    found = learner(*tasks)
    with found.session():
        torch.rand(3)
        gradient(found, (0, 1))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_card_of_a_run_says_how_to_load_a_network_for_images(tasks: tuple[TaskData, TaskData]) -> None:
    measures = {"accuracy": 0.5, "macro_f1": 0.4, "matthews": 0.4}
    transfer = Transfer(tasks[0].task, lenet_encoder(), RECIPE, 0)
    run = Run(transfer, Performance(measures, measures), Cost(1.0, 1.0), "now")
    text = card(run, tasks[0], pipeline="image-classification")
    assert "library_name: forelearn\npipeline_tag: image-classification" in text
    assert 'load_classifier(".")' in text
    assert "torch.zeros(1, 28, 28, dtype=torch.uint8)" in text


@pytest.mark.slow
def test_joint_training_learns_both_digits_and_saves_what_it_measured(
    tmp_path: Path,
) -> None:
    own = multi_mnist(*embedded_digits(), composites={"train": 2000, "dev": 100, "test": 300})
    found = ImageLearner(own, RECIPE, StandardOptions(optimiser="sgd"), 0, Ledger())
    method = Standard(found, StandardOptions(optimiser="sgd"), Surroundings(3, tmp_path))
    with found.session():
        for epoch in range(3):
            method.epoch(epoch)
        assert min(found.measure(task, "test") for task in (0, 1)) > 0.5  # chance: .1
        predicted = found.predictions(0, "test")
    found.save(tmp_path / "saved")
    loaded = load_classifier(tmp_path / "saved")
    assert loaded.labels == own[0].labels
    shown = np.frombuffer(b"".join(own[0].test.images), np.uint8).reshape(-1, 28, 28)
    with torch.no_grad():
        np.testing.assert_allclose(loaded(torch.from_numpy(shown.copy())).numpy(), predicted, atol=1e-5)
