"""From predictions to performance, whatever the kind of task: each kind has its own measures (`measures_…`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forelearn.core.data import Examples, TaskData
from forelearn.core.recipe import Threshold
from forelearn.core.run import Performance
from forelearn.core.task import are_spans
from forelearn.training import measures
from forelearn.training.measures_answers import answer_measures
from forelearn.training.measures_choice import choice_measures
from forelearn.training.measures_groups import by_group
from forelearn.training.measures_regression import value_measures
from forelearn.training.measures_spans import tag_measures

Predictions = NDArray[np.float32]


def performance(
    data: TaskData, dev: Predictions, test: Predictions, *, rule: Threshold = "0.5"
) -> Performance:
    """Measures on dev and test of predictions as `predict` gives them.

    rule: how a binary task's threshold is found; on dev alone, test labels never touch it.
    """
    if data.labels and data.task.kind in ("binary", "multiclass"):
        return measures.performance(dev, data.dev.labels, test, data.test.labels, data.test.groups, rule=rule)
    groups = by_group(data.test.groups, lambda rows: measured(data, data.test, test, rows))
    return Performance(
        dev=measured(data, data.dev, dev), test=measured(data, data.test, test), by_group=groups
    )


def dev_measures(data: TaskData, dev: Predictions, *, rule: Threshold = "0.5") -> dict[str, float]:
    """Measures on dev alone, while a run is still training."""
    if data.task.kind in ("binary", "multiclass"):
        threshold = measures.threshold_by(rule, dev, data.dev.labels)
        return measures.measure(dev, data.dev.labels, threshold=threshold)
    return measured(data, data.dev, dev)


def measured(
    data: TaskData, part: Examples, predicted: Predictions, rows: Sequence[int] | None = None
) -> dict[str, float]:
    """Measures of a task that is no classification, on the examples `rows` of a split (None: all).

    Raises `Undefined` where nothing can be measured.
    """
    chosen = range(len(part)) if rows is None else rows
    match data.task.kind:
        case "regression":
            return value_measures([predicted[row, 0] for row in chosen], [part.values[row] for row in chosen])
        case "multiple_choice":
            return choice_measures([predicted[row] for row in chosen], [part.labels[row] for row in chosen])
        case "sequence_labelling":
            tags = predicted_tags(part, predicted, data.labels)
            truth = [[data.labels[tag] for tag in part.tags[row]] for row in chosen]
            return tag_measures([tags[row] for row in chosen], truth, spans=are_spans(data.labels))
        case "question_answering":
            texts = predicted_answers(part, predicted)
            right = [[answer.text for answer in part.answers[row]] for row in chosen]
            return answer_measures([texts[row] for row in chosen], right)
        case _:
            raise ValueError(f"{data.task.kind} is measured with a threshold")


def predicted_tags(part: Examples, predicted: Predictions, labels: Sequence[str]) -> list[list[str]]:
    """The likeliest tag of every word, sequence by sequence. predicted: logits [words, C]."""
    best = predicted.argmax(axis=1)
    ends = np.cumsum([len(words) for words in part.words])
    return [[labels[tag] for tag in best[end - len(words) : end]] for words, end in zip(part.words, ends)]


def predicted_answers(part: Examples, predicted: Predictions) -> list[str]:
    """The text of each predicted span. predicted: [n, 3], start and end in the context's characters."""
    return [
        context[int(start) : int(end)]
        for context, (start, end, _) in zip(part.pairs or (), predicted, strict=True)
    ]
