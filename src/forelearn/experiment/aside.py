"""Which sources cannot teach anything, and why: they are set aside before a run is spent on them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from forelearn.core.data import TaskData

ONE_CLASS = 0.02
"""A source in which all labels but one have a smaller share than this is set aside [choice]."""


def degenerate(data: TaskData, alone: Sequence[float]) -> str:
    """Why a source cannot teach anything; empty if it can.

    alone: its own baselines on dev, by the task's deciding measure.
    """
    labels = np.asarray(data.train.labels)
    if data.task.kind in ("binary", "multiclass"):
        counts = np.bincount(labels, minlength=2)
        rare = 1.0 - counts.max() / counts.sum()
        if rare < ONE_CLASS:
            return f"{100 - 100 * rare:.1f} % of its training rows have one label: there is nothing to learn."
    chance = chance_level(data)
    if alone and chance is not None and fmean(alone) <= chance:
        return f"alone it reaches {fmean(alone):.3f} on dev, no better than chance ({chance:.3f})."
    return ""


def chance_level(data: TaskData) -> float | None:
    """What a model that has learned nothing reaches on dev, by the deciding measure; None if not stated."""
    counts = np.bincount(np.asarray(data.dev.labels), minlength=2)
    if not counts.sum():
        return None
    share = float(counts[1] / counts.sum())
    if data.task.metric == "average_precision":
        return share
    if data.task.metric == "accuracy":
        return float(counts.max() / counts.sum())
    if data.task.metric == "f1":
        return 2 * share / (1 + share)
    return None
