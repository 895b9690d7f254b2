"""Which sources cannot teach anything, and why: they are set aside before a run is spent on them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from forelearn.core.data import Examples, TaskData
from forelearn.core.task import CLASSIFICATION, CORRELATIONS

ONE_CLASS = 0.02
"""A source in which all labels but one have a smaller share than this is set aside [choice]."""


def degenerate(data: TaskData, alone: Sequence[float]) -> str:
    """Why a source cannot teach anything; empty if it can.

    alone: its own baselines on dev, by the task's deciding measure.
    """
    found = _codes(data, data.train)
    if len(found):
        rare = 1.0 - np.bincount(found).max() / len(found)
        if rare < ONE_CLASS and data.task.kind != "sequence_labelling":  # most words stand outside of spans
            return f"{100 - 100 * rare:.1f} % of its training rows have one label: there is nothing to learn."
    chance = chance_level(data)
    if alone and chance is not None and fmean(alone) <= chance:
        rows = f"{len(data.dev)} rows of dev"
        return f"alone it reaches {fmean(alone):.3f} on {rows}, no better than chance ({chance:.3f})."
    return ""


def chance_level(data: TaskData) -> float | None:
    """What a model that has learned nothing reaches on dev, by the deciding measure; None if not stated."""
    if data.task.metric in CORRELATIONS:
        return 0.0
    if data.task.kind == "multiple_choice":
        return 1.0 / len(data.dev.choices[0])
    found = _codes(data, data.dev)
    if not len(found):
        return None
    counts = np.bincount(found, minlength=2)
    share = float(counts[1] / counts.sum())
    if data.task.metric == "accuracy":
        return float(counts.max() / counts.sum())
    if data.task.metric == "average_precision":
        return share
    if data.task.metric == "f1":
        return 2 * share / (1 + share)
    if data.task.metric == "macro_f1":  # by dealing out the labels evenly
        shares = counts[counts > 0] / counts.sum()
        even = 1.0 / len(data.labels)
        return float(np.mean(2 * shares * even / (shares + even)))
    return None


def _codes(data: TaskData, part: Examples) -> NDArray[np.int64]:
    """The label of every example, or the tag of every word; empty for kinds whose answers are no labels."""
    if data.task.kind in CLASSIFICATION:
        return np.asarray(part.labels, np.int64)
    return np.asarray([tag for tags in part.tags for tag in tags], np.int64)
