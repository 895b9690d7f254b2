"""What several models say together of the same examples: the mean of what each of them predicts.

Source: the uniformly weighted mixture of networks that differ in their seed, Lakshminarayanan et al. 2017, "Simple and
Scalable Predictive Uncertainty Estimation Using Deep Ensembles", section 2.4. αVIL's test predictions are of ensembles
of runs too; how they are formed is not said.

| kind | what is averaged |
| --- | --- |
| binary, multiclass, multiple_choice | probabilities, the softmax of the logits |
| sequence_labelling | the same, word by word |
| regression | the numbers, not their variances |
| question_answering | logits of first and last token (`ensemble_spans`) |

Differs from the paper: no adversarial training, and no variances of numbers. Every model counts alike. The order of the
models changes no bit of the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.errors import InputError, Problem
from forelearn.core.recipe import Precision
from forelearn.core.task import Kind
from forelearn.models.heads import Items
from forelearn.models.task_model import load_model
from forelearn.training.ensemble_spans import best_spans, same_tokens, token_logits
from forelearn.training.predict import predict_items

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Member:
    """What one model predicts.

    name: for messages. labels: by index, as the model calls them.
    predicted: as `predict` gives it; of question answering [tokens, 2], as `token_logits` gives it.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    predicted: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained folder, and how its examples are read. name: for messages. max_length: tokens."""

    name: str
    folder: Path
    max_length: int
    precision: Precision = "fp32"


@dataclass(frozen=True, slots=True)
class Ensemble:
    """What all models say together.

    values: probabilities [n, C] of a classification, [n, k] of a multiple choice, [words, C] of sequence labelling (all
    words of all examples); numbers [n, 1]; spans [n, 3] (start and end in characters of the context, mean score).
    """

    kind: Kind
    labels: tuple[str, ...]
    values: Floats


def predict_together(models: Sequence[Trained], examples: Examples, *, device: str = "cpu") -> Ensemble:
    """What the models say together of examples, which need no labels. One model is in memory at a time.

    Raises InputError for no models, for models of unequal kinds or labels, and for models that answer questions and
    cut texts into different tokens.
    """
    members: list[Member] = []
    items: Items | None = None
    for trained in models:
        task_model = load_model(trained.folder)
        own = task_model.head.encode(task_model.tokenizer, examples, trained.max_length)
        task_model.model.to(device)  # type: ignore[arg-type]
        if task_model.kind == "question_answering":
            if items is not None and not same_tokens(items, own):
                rule = f"reads texts in other tokens than {models[0].name}: their spans cannot be summed."
                fix = "Take models of one encoder and one max_length."
                raise InputError(Problem(f"model {trained.name}", rule, fix))
            found = token_logits(task_model, own, precision=trained.precision, device=device)
        else:
            found = predict_items(task_model, own, precision=trained.precision, device=device)
        items = own
        members.append(Member(trained.name, task_model.kind, task_model.labels, found))
        check_alike(members)  # before the next one is loaded
    check_alike(members)
    assert items is not None
    kind = members[0].kind
    match kind:
        case "question_answering":
            values = best_spans(mean_values(members), items)
        case "regression":
            values = mean_values(members)
        case _:
            values = mean_probabilities(members)
    return Ensemble(kind, members[0].labels, values)


def mean_probabilities(members: Sequence[Member]) -> Floats:
    """Mean over the models of the softmax over the last axis. Shape: [n, C]."""
    check_alike(members)
    return _mean([softmax(member.predicted) for member in members])


def mean_values(members: Sequence[Member]) -> Floats:
    """Mean over the models of what they predict as it is. Shape: [n, …], as of each model."""
    check_alike(members)
    return _mean([np.asarray(member.predicted, np.float64) for member in members])


def softmax(logits: NDArray[np.float32]) -> Floats:
    """Probabilities over the last axis. Shape: as of `logits`."""
    shifted = np.asarray(logits, np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def check_alike(members: Sequence[Member]) -> None:
    """Refuse an empty ensemble, and members of unequal kinds, labels or shapes, with one InputError."""
    if not members:
        raise InputError(Problem("ensemble", "has no model.", "Name at least one trained run."))
    first = members[0]
    for member in members[1:]:
        for what, own, other in (
            ("kind of task", _shown(member.kind), _shown(first.kind)),
            ("labels", _shown(*member.labels), _shown(*first.labels)),
            ("shape of predictions", str(member.predicted.shape), str(first.predicted.shape)),
        ):
            if own != other:
                rule = f"and model {first.name} differ in {what}: {own} and {other}."
                raise InputError(
                    Problem(f"model {member.name}", rule, "Only models of one task can be averaged.")
                )


def _mean(values: Sequence[Floats]) -> Floats:
    """Mean over models; summed in the order of size, so that the order of models changes no bit."""
    return np.asarray(np.sort(np.stack(values), axis=0).mean(axis=0))


def _shown(*names: str) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
