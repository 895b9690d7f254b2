"""Small tasks of several kinds on one tiny encoder, for tests of multitask training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from forelearn.core.data import TaskData
from forelearn.core.multitask import Scalar
from forelearn.core.recipe import Recipe
from forelearn.core.transfer import Encoder, Source, Transfer
from forelearn.models.tiny import build_tiny
from forelearn.tasks.synthetic_kinds import Form, Sizes, lexicons, make_task
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.method import Method, Surroundings
from forelearn.training.multitask.methods import METHODS, multitask, new_method, options_of
from forelearn.training.multitask.text import TextLearner

RECIPE = Recipe(learning_rate=3e-3, epochs=2, batch_size=16, max_length=48, clip_norm=1e9)
SMALL = Sizes(train=64, dev=30, test=30)


def make_tasks(forms: Sequence[Form]) -> list[TaskData]:
    """One task of each form, over the same words."""
    lexicon = lexicons(0, 1)[0]
    return [make_task(form, form, lexicon, sizes=SMALL) for form in forms]


def make_encoder(tasks: Sequence[TaskData], folder: Path) -> Path:
    """A tiny encoder whose vocabulary is that of the tasks."""
    texts = [text for data in tasks for text in data.train.read()]
    build_tiny(texts, folder, layers=1, hidden=32, heads=2, vocabulary=500)
    return folder


def make_method(
    tasks: Sequence[TaskData],
    start: Path,
    name: str,
    folder: Path,
    *,
    recipe: Recipe = RECIPE,
    seed: int = 0,
    epochs: int | None = None,
    memory: float = 4e9,
    **given: Any,
) -> Method[Any]:
    """A method on a new learner. given: its options."""
    options: Mapping[str, Scalar] = given
    plan = multitask(name, options)
    learner = TextLearner(tasks, start, recipe, options_of(plan), seed, Ledger())
    return new_method(plan, learner, Surroundings(epochs or recipe.epochs, folder, memory))


def make_transfer(tasks: Sequence[TaskData], name: str, *, recipe: Recipe = RECIPE, **given: Any) -> Transfer:
    """The first of `tasks` with the others."""
    return Transfer(
        tasks[0].task,
        Encoder("tiny", "0" * 20),
        recipe,
        0,
        tuple(Source(data.task, recipe) for data in tasks[1:]),
        "multitask",
        multitask(name, given),
    )


def without_noise(name: str) -> dict[str, Scalar]:
    """Options under which nothing but the seed's draws is random: no dropout."""
    return {"dropout": False} if name in METHODS else {}


def renamed(data: TaskData, name: str) -> TaskData:
    """The same task under another name."""
    return replace(data, task=replace(data.task, name=name))
