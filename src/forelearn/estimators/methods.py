"""Every method that orders sources, by the name that is written after `--by`: what it needs, and for which
kinds of task it is defined.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from forelearn.core.errors import did_you_mean
from forelearn.core.task import METRICS, Kind

Need = Literal[
    "features",
    "source_features",
    "source_probabilities",
    "source_labels",
    "vectors",
    "gradients",
    "attributions",
    "curve",
    "sizes",
    "texts",
    "labels",
    "shared_documents",
    "runs",
    "rankings",
]

NEEDS: dict[Need, str] = {
    "features": "the target's rows under the source's encoder, with their targets",
    "source_features": "the source's rows under the pretrained and the source's encoder",
    "source_probabilities": "what the source's head says of the target's rows, [n, Z]",
    "source_labels": "the label that the source's head gives each of the target's rows, [n]",
    "vectors": "a vector, or one a component, for each task",
    "gradients": "gradients of both tasks' own models on their own rows",
    "attributions": "word scores of both tasks' classifiers on shared documents",
    "curve": "the training losses of the source",
    "sizes": "the number of the source's training rows",
    "texts": "the training texts of both tasks",
    "labels": "the training labels of both tasks",
    "shared_documents": "documents that both tasks have labelled",
    "runs": "finished runs of the source on other targets",
    "rankings": "the scores of other methods",
}
"""What a method may need, in words."""

FROM_MODELS: tuple[Need, ...] = (
    "features",
    "source_probabilities",
    "source_labels",
    "source_features",
    "gradients",
    "curve",
    "attributions",
)
"""What only a trained single-task model gives."""

ALL: tuple[Kind, ...] = tuple(METRICS)
TEXT_CLASSES: tuple[Kind, ...] = ("binary", "multiclass")
CLASSES: tuple[Kind, ...] = (*TEXT_CLASSES, "multiple_choice", "sequence_labelling")
"""Kinds whose rows have classes: of texts, of words, or of choices, each of which is right or not."""
TARGETS: tuple[Kind, ...] = (*CLASSES, "regression")
"""Kinds whose rows have classes or values."""

CHOICE = "the place of the right choice is no label of the text"
SPAN = "an answer is a span, neither a class nor a value"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to score sources for a target.

    name: as written after `--by`. function: `module.name` below `forelearn.estimators`; empty where a vector or
    a fit of several stages is needed first, which is made elsewhere. says: in a few words. needs: all of them.
    kinds: of the target. otherwise: kind → why it is not defined for it, one line.
    """

    name: str
    function: str
    says: str
    needs: tuple[Need, ...]
    kinds: tuple[Kind, ...] = ALL
    otherwise: tuple[tuple[Kind, str], ...] = ()

    @property
    def reads_models(self) -> bool:
        """Whether it needs single-task models that have been trained."""
        return any(need in FROM_MODELS for need in self.needs)

    def refusal(self, kind: Kind, have: Collection[Need] | None = None) -> str | None:
        """Why it does not apply to a target of this kind, in one line; None if it does.

        have: what is at hand; None is everything.
        """
        if kind not in self.kinds:
            return f"{self.name}: not defined for {kind.replace('_', ' ')}: {dict(self.otherwise)[kind]}"
        missing = [need for need in self.needs if have is not None and need not in have]
        return f"{self.name}: needs {'; '.join(NEEDS[need] for need in missing)}" if missing else None


VALUES_NOT = "it counts rows of each class, and a value has no class"
NO_CLASS: tuple[tuple[Kind, str], ...] = (
    ("regression", VALUES_NOT),
    ("question_answering", SPAN),
)
NO_TARGET = NO_CLASS[1:]
NO_LABEL_OF_TEXT: tuple[tuple[Kind, str], ...] = (
    ("regression", "a value is no label"),
    ("multiple_choice", CHOICE),
    ("sequence_labelling", "a text has many tags, not one label"),
    ("question_answering", "an answer is no label"),
)
NO_POSITIVE: tuple[tuple[Kind, str], ...] = (
    ("multiclass", "there is no one positive label to follow"),
    *NO_LABEL_OF_TEXT,
)

_ROWS = (
    Method("logme", "logme.logme", "log evidence of the targets", ("features",), TARGETS, NO_TARGET),
    Method("hscore", "hscore.hscore", "spread of class means", ("features",), CLASSES, NO_CLASS),
    Method("nce", "nce.nce", "entropy given source labels", ("source_labels",), CLASSES, NO_CLASS),
    Method("leep", "leep.leep", "likelihood by source head", ("source_probabilities",), CLASSES, NO_CLASS),
    Method("transrate", "transrate.transrate", "coding rate gained", ("features",), CLASSES, NO_CLASS),
    Method("gbc", "gbc.gbc", "overlap of Gaussian classes", ("features",), CLASSES, NO_CLASS),
    Method("parc", "parc.parc", "alike rows, alike targets", ("features",), TARGETS, NO_TARGET),
    Method("knn", "knn.knn", "nearest rows tell the target", ("features",), TARGETS, NO_TARGET),
    Method("curvegrad", "curvegrad.curvegrad", "how the source's loss falls", ("curve",)),
    Method("size", "size.source_size", "rows of the source", ("sizes",)),
    Method("overlap", "overlap.vocabulary_overlap", "shared vocabulary", ("texts",)),
    Method(
        "cooccurrence",
        "cooccurrence.label_cooccurrence",
        "labels on shared documents",
        ("shared_documents", "labels"),
        ("binary",),
        NO_POSITIVE,
    ),
    Method(
        "words",
        "overlap.label_word_similarity",
        "words that speak for the label",
        ("texts", "labels"),
        TEXT_CLASSES,
        NO_LABEL_OF_TEXT,
    ),
    Method("random", "chance.random_scores", "chance", ()),
    Method("static", "static.static", "mean gain on other targets", ("runs",)),
    Method("textemb", "similarity.similarities", "alike texts, corpus mean removed", ("vectors",)),
    Method("textemb_raw", "similarity.similarities", "alike texts", ("vectors",)),
    Method("taskemb", "", "alike Fisher information", ("gradients",)),
    Method("grademb", "similarity.similarities", "alike gradients", ("gradients",)),
    Method("esm", "", "log evidence of mapped rows", ("features", "source_features"), TARGETS, NO_TARGET),
    Method("ansat", "", "words active in both", ("attributions",), TEXT_CLASSES, NO_LABEL_OF_TEXT),
    Method("rrf", "fusion.fuse", "fused ranks of other methods", ("rankings",)),
)

METHODS = MappingProxyType({row.name: row for row in _ROWS})
"""Name → method, in the order in which they are listed."""


def method_named(name: str) -> Method:
    """The method of that name. Raises `ValueError` that names the nearest known one."""
    if name not in METHODS:
        raise ValueError(f"`{name}` is no method that orders sources. {did_you_mean(name, METHODS)}")
    return METHODS[name]
