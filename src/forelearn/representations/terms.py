"""The terms that two classifiers share: what explains an ANSAT value to a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forelearn.representations.attributions import Attributions


@dataclass(frozen=True, slots=True)
class SharedTerm:
    """A term active in both models.

    term: lower case, without the white space that some tokenizers count to a word.
    documents: in how many of the documents it is active in both.
    source, target: mean word score over its shared active occurrences, in (0, 1].
    """

    term: str
    documents: int
    source: float
    target: float


def shared_terms(
    source: Attributions,
    target: Attributions,
    texts: Sequence[str],
    documents: Sequence[int],
    *,
    pairs: Sequence[str] | None = None,
    threshold: float = 0.05,
    most: int = 20,
) -> tuple[SharedTerm, ...]:
    """The `most` terms active in both models in most of the `documents` (rows of `texts`), most frequent
    first.

    Ties go to the higher smaller mean score, then to the alphabet. Active means what it means for ANSAT.
    """
    level = np.float32(threshold)
    found: defaultdict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for row in documents:
        text = texts[row] if pairs is None else f"{texts[row]}\n{pairs[row]}"
        mine = np.asarray(source.scores[row], np.float32)
        theirs = np.asarray(target.scores[row], np.float32)
        for word in np.flatnonzero((mine >= level) & (theirs >= level)):
            first, last = source.spans[row][word]
            found[text[first:last].strip().lower()].append((row, float(mine[word]), float(theirs[word])))
    terms = [
        SharedTerm(
            term=term,
            documents=len({row for row, _, _ in hits}),
            source=float(np.mean([score for _, score, _ in hits])),
            target=float(np.mean([score for _, _, score in hits])),
        )
        for term, hits in found.items()
    ]
    terms.sort(key=lambda term: (-term.documents, -min(term.source, term.target), term.term))
    return tuple(terms[:most])
