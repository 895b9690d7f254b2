"""Scores that cost nothing: what the data say of a pair before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from forelearn.core.data import TaskData
from forelearn.core.scores import Scores
from forelearn.core.task import CLASSIFICATION, Task
from forelearn.estimators.cooccurrence import label_cooccurrence
from forelearn.estimators.overlap import label_word_similarity, vocabulary_overlap, word_weights
from forelearn.estimators.scoring import as_scores
from forelearn.estimators.similarity import FEWEST_CENTRED, similarities
from forelearn.estimators.size import source_size
from forelearn.estimators.words import count_words
from forelearn.search.search import Pair
from forelearn.search.space import Space, source_name

FREE = {
    "cooccurrence": "it compares two binary tasks over shared documents, of which there are too few here",
    "overlap": "one of the tasks has no words",
    "words": "it compares the labels of texts: one of the tasks has none, or a label without documents",
    "textemb": "no mean text embedding of one of the tasks",
    "size": "a ready encoder has no rows to count",
}
"""Estimator → why a pair may have no score."""

FEW_CENTRED = f"of fewer than {FEWEST_CENTRED} tasks there is no mean to remove (`textemb_raw` removes none)"
"""Why `textemb` has no score of any pair."""


def free_scores(
    tasks: Mapping[str, TaskData], space: Space, embeddings: Mapping[str, NDArray[np.float64]]
) -> dict[str, dict[Pair, float]]:
    """Estimator → pair → score, higher is better; NaN where the estimator has nothing to say.

    embeddings: task → TextEmb [hidden]; empty leaves `textemb` NaN.
    """
    names = [task.name for task in space.tasks]
    classed = {name for name in names if tasks[name].task.kind in CLASSIFICATION}
    counts = count_words(
        {name: tasks[name].train.read() for name in names},
        {
            name: tasks[name].train.labels if name in classed else [0] * len(tasks[name].train)
            for name in names
        },
        classes={name: len(tasks[name].labels) if name in classed else 1 for name in names},
    )
    weights = {name: word_weights(counts.counts[name], counts.documents[name]) for name in classed}
    embedded = [name for name in names if name in embeddings]
    cosine = similarities(np.stack([embeddings[name] for name in embedded])) if len(embedded) > 1 else None
    found: dict[str, dict[Pair, float]] = {estimator: {} for estimator in FREE}
    for source, target in space.pairs():
        pair = (source_name(source), target.name)
        values = dict.fromkeys(FREE, math.nan)
        if isinstance(source, Task):
            first, second = tasks[source.name], tasks[target.name]
            values["size"] = source_size(len(first.train))
            values["overlap"] = vocabulary_overlap(
                counts.counts[source.name].sum(axis=0),
                len(first.train),
                counts.counts[target.name].sum(axis=0),
                len(second.train),
            )
            if {source.name, target.name} <= classed:
                values["words"] = label_word_similarity(weights[source.name], weights[target.name])
            if source.kind == target.kind == "binary":
                values["cooccurrence"] = label_cooccurrence(
                    first.train.ids, first.train.labels, second.train.ids, second.train.labels
                )
            if cosine is not None and source.name in embedded and target.name in embedded:
                values["textemb"] = float(cosine[embedded.index(target.name), embedded.index(source.name)])
        for estimator, value in values.items():
            found[estimator][pair] = value
    return found


def scores_of(
    found: Mapping[str, Mapping[Pair, float]], target: str, reasons: Mapping[str, str]
) -> list[Scores]:
    """One `Scores` for each estimator that can score at least one source of `target`.

    A pair that an estimator cannot score is listed in `failed` with the reason.
    """
    rankings = [
        as_scores(
            target,
            estimator,
            {source: value for (source, other), value in values.items() if other == target},
            reason=reasons.get(estimator, "no score"),
        )
        for estimator, values in found.items()
    ]
    return [ranking for ranking in rankings if ranking.values]
