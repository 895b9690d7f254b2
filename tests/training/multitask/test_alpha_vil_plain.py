"""αVIL against plain training, written out with ordinary modules and torch's optimisers on their parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.training.multitask.by_hand import RECIPE, Net, NumberLearner, by_hand, number_task, read
from torch import nn

OPTIMISERS = [{"optimiser": "sgd", "momentum": 0.9}, {"optimiser": "adamw", "epsilon": 1e-6}]


class Plain:
    """A task's own model and optimiser; the batches are those that the learner draws."""

    def __init__(self, learner: NumberLearner, task: int, options: dict[str, object]) -> None:
        self.learner, self.task = learner, task
        self.net = Net(learner.names[task])
        groups = [
            {"params": [self.net.body[0].weight, self.net.head.weight], "weight_decay": RECIPE.weight_decay},
            {"params": [self.net.body[0].bias, self.net.head.bias], "weight_decay": 0.0},
        ]
        self.optimiser: torch.optim.Optimizer
        if options["optimiser"] == "sgd":
            self.optimiser = torch.optim.SGD(groups, lr=RECIPE.learning_rate, momentum=0.9)
        else:
            self.optimiser = torch.optim.AdamW(groups, lr=RECIPE.learning_rate, eps=1e-6)

    def learn(self, epoch: int, weight: float = 1.0) -> None:
        values, labels = read(self.learner.examples(self.task, "train"))
        for rows in self.learner.epoch_batches(self.task, epoch):
            self.optimiser.zero_grad()
            (nn.functional.cross_entropy(self.net(values[rows]), labels[rows]) * weight).backward()
            self.optimiser.step()

    def state(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self.net.named_parameters()}


def assert_same(net: nn.Module, expected: dict[str, torch.Tensor]) -> None:
    for name, value in net.named_parameters():
        torch.testing.assert_close(value.detach(), expected[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("options", OPTIMISERS, ids=["sgd", "adamw"])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_without_auxiliary_tasks_and_alpha_steps_every_epoch_is_plain_training(
    options: dict[str, object], share: float, tmp_path: Path
) -> None:
    method, learner = by_hand(
        "alpha-vil", [number_task("target")], tmp_path, alpha_steps=0, share=share, **options
    )
    plain = Plain(learner, 0, options)
    for epoch in range(RECIPE.epochs):
        before = learner.flat.values.clone()
        method.epoch(epoch)
        plain.learn(epoch)
        assert_same(learner.nets[0], plain.state())
        assert float((learner.flat.values - before).abs().max()) > 1e-3


@pytest.mark.parametrize("options", OPTIMISERS, ids=["sgd", "adamw"])
def test_without_alpha_steps_the_parameters_become_the_plain_sum_of_the_changes(
    options: dict[str, object], tmp_path: Path
) -> None:
    """Each task trains alone with loss weight 1/3; the weights are in the changes and are not applied again."""
    tasks = [number_task(name) for name in ("target", "one", "two")]
    method, learner = by_hand("alpha-vil", tasks, tmp_path, alpha_steps=0, **options)
    plains = [Plain(learner, task, options) for task in range(3)]
    for epoch in range(2):
        starts = [plain.state() for plain in plains]
        for plain in plains:
            plain.learn(epoch, weight=1 / 3)
        moved = [
            {name: value - start[name] for name, value in plain.state().items()}
            for plain, start in zip(plains, starts)
        ]
        method.epoch(epoch)
        for task, plain in enumerate(plains):
            expected = {
                name: value
                + (sum(change[name] for change in moved) if name.startswith("body") else moved[task][name])
                for name, value in starts[task].items()
            }
            assert_same(learner.nets[task], expected)
            plain.net.load_state_dict(expected)
    assert method.numbers()["weights"] == [1.0, 1.0, 1.0]


def test_weights_stand_in_the_losses_as_they_are_unless_they_are_normalised(tmp_path: Path) -> None:
    """Plain SGD: at weights of 1 and two tasks a task's change of one step is twice that of halves."""
    lengths = {}
    for normalise in (True, False):
        method, _ = by_hand(
            "alpha-vil",
            [number_task("target", train=8), number_task("one", train=8)],
            tmp_path,
            normalise=normalise,
            optimiser="sgd",
            momentum=0.0,
            recipe=replace(RECIPE, weight_decay=0.0),
        )
        lengths[normalise] = [task.length for task in method.epoch(0).tasks]
    assert lengths[False] == pytest.approx([2 * (length or 0.0) for length in lengths[True]])


def test_a_fresh_optimiser_state_forgets_the_momentum_of_the_epoch_before(tmp_path: Path) -> None:
    """One step of SGD an epoch: with the state kept the second step carries the first on, fresh it is the gradient."""
    tasks = [number_task("target", train=8)]
    moved = {}
    for state in ("kept", "fresh"):
        method, learner = by_hand(
            "alpha-vil", tasks, tmp_path, state=state, alpha_steps=0, optimiser="sgd", momentum=0.9
        )
        plain = Plain(learner, 0, {"optimiser": "sgd"})
        for epoch in range(2):
            if state == "fresh":
                plain.optimiser.state.clear()
            method.epoch(epoch)
            plain.learn(epoch)
        assert_same(learner.nets[0], plain.state())
        moved[state] = learner.flat.values.clone()
    assert not torch.allclose(moved["kept"], moved["fresh"])


@pytest.mark.parametrize(("share", "batch"), [(0.5, 0), (1.0, 6), (0.5, 5)])
def test_the_alpha_step_reads_the_share_and_the_batches_that_it_is_told_to(
    share: float, batch: int, tmp_path: Path
) -> None:
    method, learner = by_hand(
        "alpha-vil", [number_task("target")], tmp_path, alpha_share=share, alpha_batch=batch, alpha_steps=4
    )
    size = round(share * len(learner.lengths(0, "tune")))
    drawn = []
    for epoch in range(2):
        before = learner.ledger.gradients.get("alpha", 0)
        method.epoch(epoch)
        assert learner.ledger.gradients["alpha"] - before == 4 * (batch or size)
        rows = method.alpha_rows(epoch)
        drawn.append(list(range(size)) if rows is None else rows.tolist())
        assert len(drawn[-1]) == size
        spent = learner.ledger.total / (epoch + 1)
        assert method.expected() == pytest.approx(spent)
    assert (drawn[0] == drawn[1]) == (share == 1.0 and not batch)
    assert len(set(drawn[0])) == size
