"""Which words occur in how many documents of each label: what the word estimators look at.

A word is a run of letters and digits (with inner apostrophes), in lower case; links are left out (a choice).
Not covered: scripts written without spaces, where a run of letters is a whole clause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LINK = re.compile(r"(?:https?://|www\.)\S+")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True, slots=True, eq=False)
class WordCounts:
    """Document frequencies of several tasks over one vocabulary of V words, in alphabetical order.

    counts: task → [C, V] int32, documents with label c in which word v occurs.
    documents: task → [C] int64, documents with label c.
    """

    words: tuple[str, ...]
    counts: Mapping[str, NDArray[np.int32]]
    documents: Mapping[str, NDArray[np.int64]]


def words_of(text: str) -> list[str]:
    """The words of a text, in order, in lower case."""
    return WORD.findall(LINK.sub(" ", text.lower()))


def count_words(
    texts: Mapping[str, Sequence[str]], labels: Mapping[str, Sequence[int]], *, classes: Mapping[str, int]
) -> WordCounts:
    """Count documents by word and label; a text that several tasks share is split once.

    texts: task → its training texts. labels: task → the label of each, in [0, C). classes: task → C.
    Raises `ValueError` where texts and labels differ in number.
    """
    split: dict[str, frozenset[str]] = {}
    for task, task_texts in texts.items():
        if len(task_texts) != len(labels[task]):
            raise ValueError(f"`{task}` has {len(task_texts)} texts but {len(labels[task])} labels")
        for text in task_texts:
            if text not in split:
                split[text] = frozenset(words_of(text))
    words = sorted(set().union(*split.values()))
    place = {word: column for column, word in enumerate(words)}
    columns = {
        text: np.fromiter((place[word] for word in found), np.int64, len(found))
        for text, found in split.items()
    }
    counts: dict[str, NDArray[np.int32]] = {}
    documents: dict[str, NDArray[np.int64]] = {}
    for task, task_texts in texts.items():
        counts[task] = np.zeros((classes[task], len(words)), np.int32)
        for text, label in zip(task_texts, labels[task], strict=True):
            counts[task][label, columns[text]] += 1
        documents[task] = np.bincount(np.asarray(labels[task], np.int64), minlength=classes[task])
    return WordCounts(tuple(words), counts, documents)
