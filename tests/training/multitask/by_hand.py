"""Tasks of a few numbers on a small network in float64, whose losses a test may change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from forelearn.core.data import Examples, TaskData, task_data
from forelearn.core.keys import seed_from
from forelearn.core.recipe import Recipe
from forelearn.training.multitask.flat import flatten
from forelearn.training.multitask.learner import Learner, Part, Rows
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.method import Method, Surroundings
from forelearn.training.multitask.methods import multitask, new_method, options_of
from forelearn.training.multitask.options import Options

INPUTS = 5
RECIPE = Recipe(learning_rate=0.05, epochs=4, batch_size=8, weight_decay=0.01, clip_norm=1e9)
ChangeLoss = Callable[["NumberLearner", int, Part, torch.Tensor], torch.Tensor]


class Net(nn.Module):
    """A body that tasks share, and a head of two labels."""

    def __init__(self, name: str) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(7)
            self.body = nn.Sequential(nn.Linear(INPUTS, 6), nn.Tanh())
            torch.default_generator.manual_seed(seed_from(name) % 2**31)
            self.head = nn.Linear(6, 2)
        self.double()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(values))  # type: ignore[no-any-return]


class NumberLearner(Learner):
    """Texts are numbers, so that every part of a task is one of its `TaskData`."""

    device = "cpu"
    what = "logits"
    pipeline = "none"

    def __init__(
        self, tasks: Sequence[TaskData], recipe: Recipe, options: Options, seed: int = 0, ledger: Any = None
    ) -> None:
        super().__init__(tasks, recipe, options, seed, ledger or Ledger())
        self.nets = [Net(data.task.name) for data in tasks]
        self.flat = flatten(self.nets, ["body"] * len(tasks))
        self.change_loss: ChangeLoss = lambda learner, task, part, loss: loss

    @contextmanager
    def session(self) -> Iterator[None]:
        yield

    def mode(self, *, training: bool) -> None:
        pass

    def examples(self, task: int, part: Part) -> Examples:
        data = self.parts[task].as_dev(part)
        return data.train if part == "train" else data.dev

    def lengths(self, task: int, part: Part) -> NDArray[np.int64]:
        return np.ones(len(self.examples(task, part)), dtype=np.int64)

    def shares_inputs(self, tasks: Sequence[int]) -> bool:
        return len(set(tasks)) == 1

    def batches(self, task: int, rows: Rows, size: int, seed: int) -> list[Rows]:
        order = np.random.default_rng(seed).permutation(rows)
        return [order[start : start + size] for start in range(0, len(order), size)]

    def raw_losses(self, rows: Mapping[int, Rows], part: Part) -> dict[int, torch.Tensor]:
        found = {}
        for task, chosen in rows.items():
            values, labels = read(self.examples(task, part))
            loss = nn.functional.cross_entropy(self.nets[task](values[chosen]), labels[chosen])
            found[task] = self.change_loss(self, task, part, loss)
        return found

    def raw_predictions(self, task: int, part: Part) -> NDArray[np.float32]:
        with torch.no_grad():
            return self.nets[task](read(self.examples(task, part))[0]).float().numpy()  # type: ignore[no-any-return]

    def reseed(self, *parts: Any) -> None:
        pass

    def save(self, folder: Path) -> None:
        raise AssertionError("numbers are not saved")


def read(examples: Examples) -> tuple[torch.Tensor, torch.Tensor]:
    """Values [n, INPUTS] and labels [n]."""
    values = [[float(number) for number in text.split()] for text in examples.texts]
    return torch.tensor(values, dtype=torch.float64), torch.tensor(examples.labels)


def number_task(name: str, *, seed: int = 0, random_labels: bool = False, train: int = 40) -> TaskData:
    """Whether a sum of numbers, weighed by name, is above 0."""
    chance = np.random.default_rng(seed_from(name, seed))
    weights = np.ones(INPUTS) + chance.normal(size=INPUTS) / 2

    def part(split: str, size: int) -> Examples:
        values = chance.normal(size=(size, INPUTS))
        labels = chance.integers(2, size=size) if random_labels else (values @ weights > 0).astype(int)
        texts = tuple(" ".join(map(repr, row)) for row in values.tolist())
        return Examples(tuple(f"{split}{row}" for row in range(size)), texts, tuple(labels.tolist()))

    return task_data(name, ("no", "yes"), part("a", train), part("b", 24), part("c", 16), metric="accuracy")


def by_hand(
    name: str,
    tasks: Sequence[TaskData],
    folder: Path,
    *,
    recipe: Recipe = RECIPE,
    change_loss: ChangeLoss | None = None,
    report: Callable[[Mapping[str, Any]], None] = lambda state: None,
    **given: Any,
) -> tuple[Method[Any], NumberLearner]:
    """A method on a new learner. given: its options."""
    plan = multitask(name, given)
    learner = NumberLearner(tasks, recipe, options_of(plan))
    if change_loss is not None:
        learner.change_loss = change_loss
    return new_method(plan, learner, Surroundings(recipe.epochs, folder, report=report)), learner
