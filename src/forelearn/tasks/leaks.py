"""Leaks: rows that a target is tested on and a source learns from, as they are or nearly so.

Texts are compared as `Examples.read` gives them, all that is read of an example as one text: exact copies in any
case and spacing, near copies by the resemblance of `forelearn.tasks.near`. Not covered: a text that is one half of
a pair in the other task, and translations.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forelearn.core.data import Examples, TaskData
from forelearn.tasks.near import MOST_IN_BUCKET, THRESHOLD, Hashes, band_codes, resemblance, shingles


@dataclass(frozen=True, slots=True)
class Leak:
    """What of a target's test rows stands in train or dev of a source.

    rows: test rows of the target. exact, near: how many of them have a copy; near ones are not counted twice.
    pairs: (test document of the target, document of the source), one for each leaked row, exact ones first.
    """

    source: str
    target: str
    rows: int
    exact: int
    near: int
    pairs: tuple[tuple[str, str], ...]

    @property
    def share(self) -> float:
        """The leaked part of the target's test rows, in [0, 1]."""
        return (self.exact + self.near) / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Prints:
    """What comparing texts needs of n examples.

    ids: their documents. texts: [n] the text in lower case and single spaces. sets: [n] hashes of word pairs.
    order, codes: [BANDS, n'] for each band the examples that have word pairs, sorted by their codes.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    sets: tuple[Hashes, ...]
    order: Hashes
    codes: Hashes


def normal(text: str) -> str:
    """Lower case, single spaces, one form of letters with accents: what counts as the same text."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def prints(*parts: Examples) -> Prints:
    """The prints of all examples of these splits, in their order."""
    read = [text for part in parts for text in part.read()]
    sets = shingles(read)
    filled = np.array([place for place, one in enumerate(sets) if len(one)], dtype=np.uint64)
    codes = band_codes([sets[place] for place in filled])
    order = np.argsort(codes, axis=0, kind="stable")
    return Prints(
        ids=tuple(name for part in parts for name in part.ids),
        texts=tuple(map(normal, read)),
        sets=tuple(sets),
        order=filled[order].T,
        codes=np.take_along_axis(codes, order, axis=0).T,
    )


def leaks(source: TaskData, target: TaskData, *, threshold: float = THRESHOLD) -> Leak:
    """What of the target's test rows stands in train or dev of the source."""
    learned, tested = prints(source.train, source.dev), prints(target.test)
    return _leak(source.task.name, learned, target.task.name, tested, threshold)


def all_leaks(
    tasks: Mapping[str, TaskData], *, threshold: float = THRESHOLD
) -> Mapping[tuple[str, str], Leak]:
    """(source, target) → what leaks, for every pair of different tasks of which something does."""
    learned = {name: prints(data.train, data.dev) for name, data in tasks.items()}
    tested = {name: prints(data.test) for name, data in tasks.items()}
    pairs = ((source, target) for target in tasks for source in tasks if source != target)
    found = {
        (source, target): _leak(source, learned[source], target, tested[target], threshold)
        for source, target in pairs
    }
    return {pair: leak for pair, leak in found.items() if leak.pairs}


def _leak(source: str, learned: Prints, target: str, tested: Prints, threshold: float) -> Leak:
    first: dict[str, int] = {}
    for place, text in enumerate(learned.texts):
        first.setdefault(text, place)
    exact = {row: first[text] for row, text in enumerate(tested.texts) if text in first}
    near = _near(learned, tested, without=exact, threshold=threshold)
    return Leak(
        source,
        target,
        rows=len(tested.ids),
        exact=len(exact),
        near=len(near),
        pairs=tuple((tested.ids[row], learned.ids[place]) for row, place in (exact | near).items()),
    )


def _near(learned: Prints, tested: Prints, *, without: Mapping[int, int], threshold: float) -> dict[int, int]:
    """Row of `tested` → the first place of `learned` that is found near it."""
    found: dict[int, int] = {}
    compared: set[tuple[int, int]] = set()
    for band, codes in enumerate(tested.codes):
        starts = np.searchsorted(learned.codes[band], codes, side="left")
        ends = np.searchsorted(learned.codes[band], codes, side="right")
        for meeting in np.flatnonzero(ends > starts):
            row = int(tested.order[band, meeting])
            for place in map(int, learned.order[band, starts[meeting] : ends[meeting]][:MOST_IN_BUCKET]):
                if row in without or row in found:
                    break
                if (row, place) not in compared:
                    compared.add((row, place))
                    if resemblance(tested.sets[row], learned.sets[place]) >= threshold:
                        found[row] = place
    return dict(sorted(found.items()))
