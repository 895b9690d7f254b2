"""Two estimators that read words and labels and train nothing.

`vocabulary_overlap`: do the tasks speak of the same things? The usual Jaccard index of the word types,
weighted by the share of documents a word occurs in (Ruzicka's form), because rare words make up most of the
types and say least (a choice; `by="types"` is the plain index).

`label_word_similarity`: do the same words speak for the label? The cosine of the tasks' word weights, each
the log odds of the word under the label against the rest, with an informative prior and divided by its
standard
deviation: the weighting of Monroe, Colaresi & Quinn 2008 ("Fightin' Words", equations 16, 20 and 22), on
documents rather than tokens (a choice). Differs from the paper, which compares speakers, not tasks.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

PRIOR_DOCUMENTS = 10.0
"""Documents that each side is assumed to have seen beforehand with the task's own word shares."""


def vocabulary_overlap(
    source_counts: ArrayLike,
    source_documents: int,
    target_counts: ArrayLike,
    target_documents: int,
    *,
    by: Literal["documents", "types"] = "documents",
) -> float:
    """Overlap of two vocabularies in [0, 1]; higher is better; 1 for equal ones. NaN if no word occurs.

    source_counts, target_counts: [V], documents of the task in which word v occurs, over one vocabulary.
    source_documents, target_documents: how many documents there are, at least 1.
    by: `documents` Σ min(p, q) / Σ max(p, q) of the shares p and q of documents with the word;
    `types` the number of words in both over the number in either.
    """
    if source_documents < 1 or target_documents < 1:
        raise ValueError(
            f"both tasks need at least 1 document, got {source_documents} and {target_documents}"
        )
    source = np.asarray(source_counts, np.float64) / source_documents
    target = np.asarray(target_counts, np.float64) / target_documents
    if by == "types":
        source, target = (source > 0).astype(np.float64), (target > 0).astype(np.float64)
    either = float(np.maximum(source, target).sum())
    return float(np.minimum(source, target).sum()) / either if either > 0 else float("nan")


def word_weights(
    counts: ArrayLike, documents: ArrayLike, *, prior: float = PRIOR_DOCUMENTS
) -> NDArray[np.float64]:
    """How strongly each word speaks for a label: z-scored log odds, 0 for a word that never occurs.

    counts: [C, V], documents with label c in which word v occurs. documents: [C], documents with label c.
    prior: pseudo-documents a side, spread over the words by the task's own shares.
    Returns [1, V] for C = 2 (the second label against the first) and [C, V] (each against the rest)
    otherwise; a row is NaN where one side has no documents.
    """
    counts = np.asarray(counts, np.float64)
    documents = np.asarray(documents, np.float64)
    if counts.ndim != 2 or counts.shape[0] != len(documents) or len(documents) < 2:
        raise ValueError(
            f"expected counts [C, V] and documents [C], C ≥ 2, got {counts.shape}, {documents.shape}"
        )
    total, everywhere = documents.sum(), counts.sum(axis=0)
    seen = everywhere > 0
    share = everywhere / max(total, 1.0)
    weights = np.zeros((1 if len(documents) == 2 else len(documents), counts.shape[1]))
    for row, label in enumerate([1] if len(documents) == 2 else range(len(documents))):
        inside = documents[label]
        if inside == 0 or inside == total:
            weights[row] = np.nan
            continue
        odds, variance = np.zeros(seen.sum()), np.zeros(seen.sum())
        for sign, hits, size in (
            (1.0, counts[label], inside),
            (-1.0, everywhere - counts[label], total - inside),
        ):
            with_word = hits[seen] + prior * share[seen]
            without = size - hits[seen] + prior * (1.0 - share[seen])
            # a word in every document has no odds; half a pseudo-document keeps them finite
            without = np.maximum(without, 0.5)
            odds += sign * np.log(with_word / without)
            variance += 1.0 / with_word + 1.0 / without
        weights[row, seen] = odds / np.sqrt(variance)
    return weights


def label_word_similarity(source_weights: ArrayLike, target_weights: ArrayLike) -> float:
    """Cosine of the word weights of two tasks in [−1, 1]; higher is better.

    source_weights: [R, V], target_weights: [S, V], rows as `word_weights` gives them. With one row each (two
    binary tasks) the plain cosine; otherwise the mean over the target's rows of the largest cosine with a row
    of the source. NaN where a label has no documents or no word has a weight.
    """
    source = np.atleast_2d(np.asarray(source_weights, np.float64))
    target = np.atleast_2d(np.asarray(target_weights, np.float64))
    if source.shape[1] != target.shape[1]:
        raise ValueError(f"the tasks' weights are over {source.shape[1]} and {target.shape[1]} words")
    lengths = np.outer(np.linalg.norm(target, axis=1), np.linalg.norm(source, axis=1))
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        return float("nan")
    return float(np.clip((target @ source.T / lengths).max(axis=1).mean(), -1.0, 1.0))
