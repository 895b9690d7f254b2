"""A task that a tiny encoder learns in a second, and a folder to train it in."""

from __future__ import annotations

import random
from pathlib import Path

from forelearn.core.data import Examples, TaskData, task_data
from forelearn.core.recipe import Recipe
from forelearn.core.transfer import Encoder, Transfer
from forelearn.models.tiny import build_tiny

WORDS = [first + second * 2 for first in "bdfgklmnprst" for second in "aeiou"]
RECIPE = Recipe(learning_rate=2e-3, epochs=2, batch_size=16, max_length=32)


def small_task(name: str = "flood", *, rows: int = 160, classes: int = 2, seed: int = 0) -> TaskData:
    """Texts of random words; the label is told by one word that the texts of other labels do not have."""
    chance = random.Random(seed)
    markers = ["none", "water", "fire", "wind"][:classes]

    def part(split: str, count: int) -> Examples:
        labels = [index % 3 % classes if classes > 2 else int(index % 3 == 0) for index in range(count)]
        texts = []
        for label in labels:
            words = chance.choices(WORDS, k=chance.randint(3, 14))
            words.insert(chance.randrange(len(words)), markers[label])
            texts.append(" ".join(words))
        return Examples(
            ids=tuple(f"{split}{index}" for index in range(count)),
            texts=tuple(texts),
            labels=tuple(labels),
            groups=tuple(f"event {chance.randrange(2)}" for _ in range(count)),
        )

    return task_data(
        name, [f"is {marker}" for marker in markers], part("a", rows), part("b", 60), part("c", 60)
    )


def start_encoder(data: TaskData, folder: Path) -> tuple[Encoder, Path]:
    """A tiny encoder for `data`."""
    build_tiny(data.train.texts, folder, layers=1, hidden=32, heads=2, vocabulary=300)
    return Encoder("tiny", "0" * 20), folder


def places(folder: Path) -> dict[str, Path]:
    """The folders that `train` fills."""
    found = {"weights": folder / "weights", "files": folder / "files", "checkpoint": folder / "checkpoint"}
    for place in found.values():
        place.mkdir(parents=True, exist_ok=True)
    return found


def baseline(data: TaskData, encoder: Encoder, *, recipe: Recipe = RECIPE, seed: int = 0) -> Transfer:
    """`encoder → data`."""
    return Transfer(data.task, encoder, recipe, seed)
