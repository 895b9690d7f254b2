"""A task: a labelled data set with a kind and a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["binary", "multiclass"]
"""`binary`: two labels, the second of them positive. `multiclass`: more than two."""

METRICS: dict[Kind, tuple[str, ...]] = {
    "binary": ("average_precision", "f1", "accuracy", "precision", "recall"),
    "multiclass": ("macro_f1", "accuracy"),
}
"""What is measured for each kind, the default first. Higher is better for each. All lie in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Task:
    """What identifies a task.

    name: unique within a study.
    kind: what its labels are.
    metric: the name of the measure that decides, one of `METRICS[kind]`.
    digest: of the texts, labels, groups and splits; the name and the metric are not part of it.
    """

    name: str
    kind: Kind
    metric: str
    digest: str
