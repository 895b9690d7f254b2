"""Heads: one file a kind of task, what it reads of an example, what it is to give, and its loss."""

from __future__ import annotations

from transformers import PretrainedConfig

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.models.head_name import head_name
from forelearn.models.heads.base import Head, Items
from forelearn.models.heads.classification import Classification
from forelearn.models.heads.multiple_choice import MultipleChoice
from forelearn.models.heads.question_answering import QuestionAnswering
from forelearn.models.heads.regression import Regression
from forelearn.models.heads.sequence_labelling import SequenceLabelling

__all__ = ["Head", "Items", "head_for", "head_in"]


def head_for(data: TaskData) -> Head:
    """The head that learns a task."""
    match data.task.kind:
        case "binary" | "multiclass":
            return Classification(data.labels)
        case "regression":
            return Regression.of(data.train.values)
        case "multiple_choice":
            return MultipleChoice()
        case "sequence_labelling":
            return SequenceLabelling(data.labels)
        case "question_answering":
            return QuestionAnswering()


def head_in(config: PretrainedConfig, where: str) -> Head:
    """The head of a trained folder, by its configuration. where: the folder, for the message."""
    names: dict[int, str] = config.to_dict().get("id2label") or {}
    labels = tuple(names[index] for index in sorted(names))
    architecture = (getattr(config, "architectures", None) or [""])[0]
    match head_name(architecture):
        case "SequenceClassification":
            return Classification(labels) if len(labels) > 1 else Regression()
        case "TokenClassification":
            return SequenceLabelling(labels)
        case "MultipleChoice":
            return MultipleChoice()
        case "QuestionAnswering":
            return QuestionAnswering()
    raise InputError(
        Problem(
            where,
            f"is an encoder without a trained head ({architecture or 'no architecture'} is said in it).",
            "Train it first, or name the folder of a finished run.",
        )
    )
