"""Tasks of text on one encoder: each has its own Hugging Face model, whose body is a view of the shared numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import TaskData
from forelearn.core.keys import seed_from
from forelearn.core.recipe import Recipe
from forelearn.core.task import CLASSIFICATION
from forelearn.models.batch import batches
from forelearn.models.dropout import quick_dropout
from forelearn.models.heads import Items, head_for
from forelearn.models.linear import quick_linear
from forelearn.models.task_model import TaskModel, new_model, save_model
from forelearn.models.words import narrow_words, widen_words
from forelearn.training.loop import random_state_kept, reseed
from forelearn.training.multitask.flat import borrow, flatten
from forelearn.training.multitask.learner import TARGET, Learner, Part, Rows
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.options import Options
from forelearn.training.precision import autocast, full_precision_logits, narrow
from forelearn.training.predict import predict_items

_TOKENS = 8192
"""At most so many are passed at once for the loss on `tune`, unless a batch of training is larger."""


class TextLearner(Learner):
    """One encoder, a head of an `Auto…` class a task; of two layers for classifications, where the options say so.

    models: one a task, views of the flat buffer.
    """

    models: tuple[TaskModel, ...]

    def __init__(
        self,
        tasks: Sequence[TaskData],
        start: Path,
        recipe: Recipe,
        options: Options,
        seed: int,
        ledger: Ledger,
        *,
        device: str = "cpu",
    ) -> None:
        super().__init__(tasks, recipe, options, seed, ledger)
        self.device = device
        models, lent = [], dict[str, torch.Tensor]()
        for data in tasks:
            models.append(
                new_model(
                    start,
                    head_for(data),
                    seed=seed_from("head", seed, data.task.digest),
                    two_layers=options.head == "two-layer" and data.task.kind in CLASSIFICATION,
                )
            )
            borrow(models[-1].model, models[-1].model.base_model_prefix, lent)
        self.models = tuple(models)
        self._items: dict[tuple[int, Part], Items] = {}
        self._weights: dict[int, torch.Tensor | None] = {}
        read: list[tuple[int, Part]] = [(task, "train") for task in range(len(tasks))]
        texts = [self.items(*part).tokens for part in (*read, (TARGET, "dev"), (TARGET, "test"))]
        lent = {}
        for task, model in enumerate(self.models):
            narrow_words(model, texts, for_good=task != TARGET)  # the target's alone is saved
            model.model.to(device)  # type: ignore[arg-type]
            borrow(model.model, model.model.base_model_prefix, lent)
        self.flat = flatten(
            [model.model for model in self.models],
            [model.model.base_model_prefix for model in self.models],
        )
        self._layers = self.models[0].shape().layers
        width = self.items(TARGET, "tune").width
        self.at_once = max(recipe.batch_size, min(self.at_once, _TOKENS // recipe.max_length) // width, 1)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Quick dropout and products, 32-bit logits, and the process's random state kept."""
        with ExitStack() as stack:
            stack.enter_context(random_state_kept(self.device))
            for model in self.models:
                stack.enter_context(full_precision_logits(model, self.recipe.precision))
                if self.device == "cpu":
                    stack.enter_context(quick_dropout(model.model))
                stack.enter_context(quick_linear(model.model, narrow=narrow(model, self.recipe.precision)))
            yield

    def mode(self, *, training: bool) -> None:
        """Every model's."""
        for model in self.models:
            model.model.train(training and self.options.dropout)

    def items(self, task: int, part: Part) -> Items:
        """A part's examples as items, encoded once."""
        if (task, part) not in self._items:
            model = self.models[task]
            data = self.parts[task].as_dev(part)
            examples = data.train if part == "train" else data.dev
            self._items[task, part] = model.head.encode(model.tokenizer, examples, self.recipe.max_length)
        return self._items[task, part]

    def lengths(self, task: int, part: Part) -> NDArray[np.int64]:
        """Tokens × layers, of all sequences of an item."""
        items = self.items(task, part)
        tokens: NDArray[np.int64] = items.tokens.lengths.reshape(len(items), items.width).sum(axis=1)
        return tokens * self._layers

    def shares_inputs(self, tasks: Sequence[int]) -> bool:
        """Texts are read task by task: heads of different kinds encode them in their own ways."""
        return len(set(tasks)) == 1

    def batches(self, task: int, rows: Rows, size: int, seed: int) -> list[Rows]:
        """Items of like length together."""
        lengths = self.items(task, "train").lengths[rows]
        return [rows[batch] for batch in batches(lengths, size, seed)]

    def counted(self, task: int, part: Part, rows: Rows) -> float:
        """As the head has it."""
        return self.models[task].head.counted(self.items(task, part), rows)

    def raw_losses(self, rows: Mapping[int, Rows], part: Part) -> dict[int, torch.Tensor]:
        """The recipe's loss of each task."""
        found = {}
        for task, chosen in rows.items():
            model, items = self.models[task], self.items(task, part)
            batch = items.batch(chosen, model.pad_id, device=self.device)
            targets = torch.from_numpy(model.head.targets(items, chosen)).to(self.device)
            with autocast(model, self.recipe.precision, self.device):
                output = model.model(**batch)
            found[task] = model.head.loss(output, targets, self._class_weights(task))
        return found

    def raw_predictions(self, task: int, part: Part) -> NDArray[np.float32]:
        """As `predict_items` gives them."""
        return predict_items(
            self.models[task], self.items(task, part), precision=self.recipe.precision, device=self.device
        )

    def reseed(self, *parts: Any) -> None:
        """Dropout's streams."""
        reseed(seed_from("dropout", self.seed, *parts), self.device)

    @property
    def what(self) -> str:
        """By the target's head."""
        return "spans" if self.models[TARGET].head.spans else "logits"

    @property
    def pipeline(self) -> str:
        """By the target's head."""
        return self.models[TARGET].head.pipeline

    def save(self, folder: Path) -> None:
        """An ordinary Hugging Face folder, unless the target's head has two layers."""
        chosen = self.models[TARGET]
        with torch.no_grad():
            for parameter in chosen.model.parameters():
                parameter.grad = None
                parameter.data = parameter.data.cpu().clone()  # its own memory, not a view
        chosen.model.to("cpu")  # type: ignore[arg-type]
        chosen.model.train(False)
        widen_words(chosen)
        chosen.head.finish(chosen.model)
        save_model(chosen, folder)

    def _class_weights(self, task: int) -> torch.Tensor | None:
        if task not in self._weights:
            found = self.models[task].head.weights(self.items(task, "train"), self.recipe.positive_weight)
            self._weights[task] = None if found is None else torch.from_numpy(found).to(self.device)
        return self._weights[task]
