"""TaskEmb and grademb: scores that compare the target's gradients with those of its sources, each in its own model.

A task's vectors are means over examples, and are kept as means over `BLOCKS` disjoint blocks of its rows: all of
them together are the vector, and a random half of them is that of half the rows. The spread over the target's rows
is the spread over such halves. It is coarser than one over rows, as there are 20 halves of six blocks, and as dear
as the vector itself.

Where tasks have single-task models of several seeds, each seed's models are compared (the task with fewer goes round),
the score is the mean, and each half is one of a seed in turn, so that the spread is over rows and seeds.

taskemb: in every component the raw cosine, components fused by reciprocal rank (`estimators/task_similarity.py`).
grademb: the gradients are scaled to length 1, the mean over the target and its sources is removed, and the cosine is
taken [choice]. Gradients of models that were tuned from one encoder share a direction that says nothing of the task,
as embeddings of texts do; and they differ in length by orders of magnitude, so that unscaled the longest would be the
mean, and lie opposite to all others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forelearn.core.keys import seed_from
from forelearn.core.scores import Scores
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder
from forelearn.estimators.similarity import FEWEST_CENTRED, similarities
from forelearn.estimators.task_similarity import task_similarity
from forelearn.experiment.estimate_jobs import BLOCKS, COUNTS
from forelearn.experiment.estimate_stock import Arrays, Asked, Stock, Table
from forelearn.experiment.row_scores import Scored, half_samples
from forelearn.representations.taskemb import Fisher

Vectors = Mapping[str, NDArray[np.float64]]
"""Component → vector."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A task's vectors in one model. vectors: component → [blocks, n]. examples: [blocks]."""

    vectors: Mapping[str, NDArray[np.float64]]
    examples: NDArray[np.float64]

    def mean(self, chosen: NDArray[np.int64] | None = None) -> Vectors:
        """The vectors over the examples of some blocks; None: of all."""
        rows = np.arange(len(self.examples)) if chosen is None else chosen
        shares = self.examples[rows] / self.examples[rows].sum()
        return {name: shares @ values[rows] for name, values in self.vectors.items()}


def by_vectors(stock: Stock, method: str, target: Task) -> Table:
    """How alike the target's vectors and each source's are."""
    tasks = {name: source for name, source in stock.sources(target).items() if isinstance(source, Task)}
    seeds = {name: _asked(stock, method, task) for name, task in {**tasks, target.name: target}.items()}
    asked = {one.key: one for several in seeds.values() for one in several}
    held = stock.arrays(method, asked, "gradients of single-task models")
    blocks = {
        name: [_blocks(held[one.key]) for one in several if one.key in held]
        for name, several in seeds.items()
    }
    found: Table = {}
    for name, source in stock.sources(target).items():
        if isinstance(source, Encoder):
            found[name] = Scored(None, reason="a ready encoder has no task whose gradients could be taken")
        elif not blocks[name]:
            found[name] = Scored(None, reason=_why_none(stock, source, seeds[name]))
    if not blocks[target.name]:
        why = _why_none(stock, target, seeds[target.name])
        return stock.refused(target, f"the target's own model: {why}")
    return found | _compared(method, target, {name: several for name, several in blocks.items() if several})


def _compared(method: str, target: Task, blocks: Mapping[str, list[Blocks]]) -> Table:
    """The scores of all sources that have vectors. blocks: task → its vectors, one a seed; at least one."""
    rounds = max(map(len, blocks.values()))

    def at(turn: int) -> dict[str, Blocks]:
        return {name: several[turn % len(several)] for name, several in blocks.items()}

    def scores(turn: int, half: NDArray[np.int64] | None = None) -> Scores:
        now = at(turn)
        return _SIMILAR[method](
            target.name,
            {name: one.mean(half if name == target.name else None) for name, one in now.items()},
        )

    whole = [scores(turn) for turn in range(rounds)]
    count = min(len(one.examples) for one in blocks[target.name])
    halves = []
    if count > 1:
        drawn = half_samples(np.zeros(count), seed=seed_from("halves", target.digest))
        halves = [scores(turn % rounds, half) for turn, half in enumerate(drawn)]
    found: Table = {}
    for name in sorted(set(blocks) - {target.name}):
        values = [one.values[name] for one in whole if name in one.values]
        if not values:
            found[name] = Scored(None, reason=whole[0].failed[name])
            continue
        spread = [one.values[name] for one in halves if name in one.values]
        found[name] = Scored(
            math.fsum(values) / len(values), tuple(spread) if len(spread) == len(halves) else ()
        )
    return found


def centred_cosine(target: str, tasks: Mapping[str, Vectors]) -> Scores:
    """Cosine of the target with each source, the mean over all removed; tasks: each with one vector [n]."""
    names = sorted(tasks)
    rows = np.stack([np.concatenate(list(tasks[name].values())) for name in names])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(lengths > 0, lengths, 1.0)
    cosine = dict(zip(names, similarities(rows, centred=True)[names.index(target)].tolist()))
    del cosine[target]
    few = f"fewer than {FEWEST_CENTRED} tasks have gradients: of two, every centred cosine is −1"
    why = (
        few
        if len(names) < FEWEST_CENTRED
        else "its gradients are the mean over all tasks: no direction is left"
    )
    values = {name: value for name, value in cosine.items() if math.isfinite(value)}
    return Scores(target, "grademb", values, {name: why for name in cosine if name not in values})


_SIMILAR = {"taskemb": task_similarity, "grademb": centred_cosine}


def vectors_of(stock: Stock, method: str, task: Task) -> list[Blocks]:
    """A task's vectors, one a seed; those that are there."""
    asked = {one.key: one for one in _asked(stock, method, task)}
    return [_blocks(arrays) for arrays in stock.arrays(method, asked, f"gradients of {task.name}").values()]


def _asked(stock: Stock, method: str, task: Task) -> list[Asked]:
    """A task's vectors in each of its single-task models."""
    how = Fisher() if method == "taskemb" else None
    return [
        stock.ask(
            f"{method}_job", [method, model, task.digest, BLOCKS, how], str(folder), task.name, task.digest
        )
        for model, folder in stock.models(task)
    ]


def _blocks(arrays: Arrays) -> Blocks:
    vectors = {name: np.asarray(rows, np.float64) for name, rows in arrays.items() if name != COUNTS}
    return Blocks(vectors, np.asarray(arrays[COUNTS], np.float64))


def _why_none(stock: Stock, task: Task, asked: list[Asked]) -> str:
    return stock.why_not(asked[0]) if asked else stock.why_no_model(task)
