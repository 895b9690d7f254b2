"""A task: a labelled data set with a kind and a metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "binary",
    "multiclass",
    "regression",
    "multiple_choice",
    "sequence_labelling",
    "question_answering",
]
"""What a task asks for.

`binary`: one of two labels, the second of them positive; of one text or of a pair. `multiclass`: one of more
labels. `regression`: a number. `multiple_choice`: which of k continuations fits. `sequence_labelling`: a tag a
word, either spans (BIO) or plain tags. `question_answering`: the span of a context that answers a question.
"""

CLASSIFICATION: tuple[Kind, ...] = ("binary", "multiclass")
"""The kinds that give a whole text one of a fixed set of labels."""

METRICS: dict[Kind, tuple[str, ...]] = {
    "binary": ("average_precision", "f1", "accuracy", "precision", "recall", "matthews"),
    "multiclass": ("macro_f1", "accuracy", "matthews"),
    "regression": ("pearson", "spearman"),
    "multiple_choice": ("accuracy",),
    "sequence_labelling": ("span_f1", "span_precision", "span_recall", "accuracy"),
    "question_answering": ("answer_f1", "exact_match"),
}
"""What is measured for each kind, the default first. Higher is better for each.

All lie in [0, 1] but for `CORRELATIONS`, which lie in [−1, 1]. Plain tags (parts of speech) have no spans: of them
`accuracy` alone is measured.
"""

CORRELATIONS = ("matthews", "pearson", "spearman")
"""The metrics in [−1, 1], of which a model that has learned nothing has 0; all others lie in [0, 1]."""


def metrics_of(kind: Kind, labels: Sequence[str]) -> tuple[str, ...]:
    """What is measured for a task, the default first. labels: its label names, which tell spans from tags."""
    if kind == "sequence_labelling" and not are_spans(labels):
        return ("accuracy",)
    return METRICS[kind]


def are_spans(tags: Sequence[str]) -> bool:
    """Whether tags mark spans: `B-x` opens a span of type x, `I-x` goes on with it, `O` is outside."""
    inside = [tag for tag in tags if tag != "O"]
    return bool(inside) and all(tag[:2] in ("B-", "I-") and len(tag) > 2 for tag in inside)


@dataclass(frozen=True, slots=True)
class Task:
    """What identifies a task.

    name: unique within a study.
    kind: what it asks for.
    metric: the name of the measure that decides, one of `metrics_of(kind, labels)`.
    digest: of the texts, labels, groups and splits; the name and the metric are not part of it.
    """

    name: str
    kind: Kind
    metric: str
    digest: str
