"""Tasks of images on one LeNet, which has no dropout and starts from the seed: nothing is pretrained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import Examples, TaskData
from forelearn.core.keys import seed_from
from forelearn.core.recipe import Recipe
from forelearn.models.heads.classification import class_weights, weighted_loss
from forelearn.models.lenet import LAYERS, ImageClassifier, new_classifier, save_classifier
from forelearn.training.loop import random_state_kept, reseed
from forelearn.training.multitask.flat import flatten
from forelearn.training.multitask.learner import TARGET, Learner, Part, Rows
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.options import Options

_BATCH = 512


class ImageLearner(Learner):
    """One LeNet, a linear head a task.

    models: one a task, views of the flat buffer. Pixels are kept as bytes on the device, once for all tasks that
    read the same images.
    """

    models: tuple[ImageClassifier, ...]
    at_once: int = 512

    def __init__(
        self,
        tasks: Sequence[TaskData],
        recipe: Recipe,
        options: Options,
        seed: int,
        ledger: Ledger,
        *,
        device: str = "cpu",
    ) -> None:
        """Raises ValueError for tasks whose images differ in size: they cannot share a body."""
        super().__init__(tasks, recipe, options, seed, ledger)
        self.device = device
        self.models = tuple(
            new_classifier(
                data.labels,
                data.train.image_shape,
                body_seed=seed_from("lenet", seed),
                head_seed=seed_from("head", seed, data.task.digest),
            ).to(device)
            for data in tasks
        )
        self.flat = flatten(self.models, ["body"] * len(self.models))
        self._known: list[tuple[Examples, torch.Tensor]] = []
        self._items: dict[tuple[int, Part], tuple[torch.Tensor, torch.Tensor]] = {}
        self._weights: dict[int, torch.Tensor] = {}

    @contextmanager
    def session(self) -> Iterator[None]:
        """The process's random state is kept."""
        with random_state_kept(self.device):
            yield

    def mode(self, *, training: bool) -> None:
        """Nothing but a flag: there is no dropout."""
        for model in self.models:
            model.train(training and self.options.dropout)

    def lengths(self, task: int, part: Part) -> NDArray[np.int64]:
        """An image counts as one token."""
        return np.full(len(self._part(task, part)), LAYERS, dtype=np.int64)

    def shares_inputs(self, tasks: Sequence[int]) -> bool:
        """Whether they are trained on the same images, row by row."""
        return len({id(self._pixels(task, "train")) for task in tasks}) == 1

    def batches(self, task: int, rows: Rows, size: int, seed: int) -> list[Rows]:
        """Shuffled; the last batch may be smaller."""
        drawn = np.random.default_rng(seed).permutation(rows)
        return [drawn[start : start + size] for start in range(0, len(drawn), size)]

    def raw_losses(self, rows: Mapping[int, Rows], part: Part) -> dict[int, torch.Tensor]:
        """Mean cross-entropy of each task, its classes weighed by the recipe. The body reads each batch once."""
        read: list[tuple[torch.Tensor, Rows, torch.Tensor]] = []
        found = {}
        for task, chosen in rows.items():
            pixels, labels = self._tensors(task, part)
            index = torch.from_numpy(chosen).to(self.device)
            with self._autocast():
                features = next(
                    (made for known, of, made in read if known is pixels and np.array_equal(of, chosen)), None
                )
                if features is None:
                    features = self.models[task].body(pixels[index])
                    read.append((pixels, chosen, features))
            # logits of 32 bits, whatever the body computes in
            logits = self.models[task].head(features.float())
            found[task] = weighted_loss(logits, labels[index], self._class_weights(task))
        return found

    def raw_predictions(self, task: int, part: Part) -> NDArray[np.float32]:
        """Logits. Shape: [n, C]."""
        pixels = self._pixels(task, part)
        model = self.models[task].train(False)
        found = []
        with torch.inference_mode():
            for start in range(0, len(pixels), _BATCH):
                with self._autocast():
                    features = model.body(pixels[start : start + _BATCH])
                found.append(model.head(features.float()).cpu().numpy())
        return np.concatenate(found)

    def reseed(self, *parts: Any) -> None:
        """Nothing here is random, but what aggregators draw."""
        reseed(seed_from("dropout", self.seed, *parts), self.device)

    @property
    def what(self) -> str:
        """A logit a label."""
        return "logits"

    @property
    def pipeline(self) -> str:
        """One label an image."""
        return "image-classification"

    def save(self, folder: Path) -> None:
        """The target's body and head; see `models.lenet`."""
        save_classifier(self.models[TARGET], folder)

    def _part(self, task: int, part: Part) -> Examples:
        data = self.parts[task].as_dev(part)
        return data.train if part == "train" else data.dev

    def _pixels(self, task: int, part: Part) -> torch.Tensor:
        """[n, rows, columns] uint8 on the device; one tensor for equal images."""
        return self._tensors(task, part)[0]

    def _tensors(self, task: int, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        """Pixels and labels [n] of a part, made once."""
        if (task, part) not in self._items:
            examples = self._part(task, part)
            pixels = next((made for known, made in self._known if known.images == examples.images), None)
            if pixels is None:
                flat = np.frombuffer(b"".join(examples.images), np.uint8)
                pixels = torch.tensor(flat.reshape(-1, *examples.image_shape), device=self.device)
                self._known.append((examples, pixels))
            self._items[task, part] = pixels, torch.tensor(examples.labels, device=self.device)
        return self._items[task, part]

    def _autocast(self) -> torch.autocast:
        kind = self.device.split(":")[0]
        return torch.autocast(kind, torch.bfloat16, enabled=self.recipe.precision == "bf16")

    def _class_weights(self, task: int) -> torch.Tensor:
        if task not in self._weights:
            data = self.parts[task].data
            labels = np.asarray(data.train.labels, dtype=np.int64)
            weights = class_weights(labels, len(data.labels), self.recipe.positive_weight)
            self._weights[task] = torch.from_numpy(weights).to(self.device)
        return self._weights[task]
