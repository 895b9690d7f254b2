"""TextEmb: scores that read the tasks' texts under the pretrained encoder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from forelearn.core.keys import seed_from
from forelearn.core.task import Task
from forelearn.estimators.similarity import FEWEST_CENTRED, similarities
from forelearn.experiment.estimate_stock import Stock, Table
from forelearn.experiment.free import FEW_CENTRED, FREE
from forelearn.experiment.row_scores import Scored, half_samples


def by_texts(stock: Stock, method: str, target: Task) -> Table:
    """Cosine of mean text embeddings; `textemb` removes the mean over the study's tasks, `textemb_raw` does not."""
    centred = method == "textemb"
    rows = text_rows(stock, method, stock.text_rows)
    if target.name not in rows:
        return stock.refused(target, "the target's texts have not been read")
    names = sorted(rows)
    means = np.stack([rows[name].mean(axis=0) for name in names])
    own = names.index(target.name)
    cosine = similarities(means, centred=centred)[own]
    halves = []
    for half in half_samples(np.zeros(len(rows[target.name])), seed=seed_from("halves", target.digest)):
        part = means.copy()
        part[own] = rows[target.name][half].mean(axis=0)
        halves.append(similarities(part, centred=centred)[own])
    found: Table = {}
    why = FEW_CENTRED if centred and len(names) < FEWEST_CENTRED else FREE["textemb"]
    for name in stock.sources(target):
        if name not in rows or not math.isfinite(cosine[names.index(name)]):
            found[name] = Scored(None, reason=why)
        else:
            column = names.index(name)
            found[name] = Scored(float(cosine[column]), tuple(float(half[column]) for half in halves))
    return found


def text_rows(
    stock: Stock, method: str, chosen: Mapping[str, Sequence[int]]
) -> dict[str, NDArray[np.float64]]:
    """Task → [n, d] its texts under the study's encoder. chosen: task → training rows; at most `MOST_ROWS` of them."""
    encoder = stock.prepared.space.encoder
    folder = str(stock.prepared.folders[encoder.digest])
    asked = {}
    for task in stock.prepared.space.tasks:
        rows = list(chosen[task.name])
        asked[task.name] = stock.ask(
            "text_rows_job", ["text rows", encoder.digest, task.digest, rows], folder, task.name, task.digest, rows
        )  # fmt: skip
    held = stock.arrays(method, asked, "texts under the encoder")
    return {name: np.asarray(arrays["features"], np.float64) for name, arrays in held.items()}
