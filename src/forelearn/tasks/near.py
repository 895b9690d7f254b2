"""Near duplicates: texts whose sets of word pairs overlap, found by min-wise hashing.

Source: Broder 1997, "On the resemblance and containment of documents" (MinHash), with banding (Indyk and
Motwani 1998). A text is the set of its pairs of neighbouring words, lower case, links left out; the
resemblance of two texts is the Jaccard index of their sets. 64 hashes in 16 bands of 4: two texts of
resemblance 0.7 meet in some band with probability 1 − (1 − 0.7⁴)¹⁶ = 0.988. Those that meet are compared
exactly, so that nothing is reported that is not near. Word pairs, not triples [choice]: tweets are short.
Not covered: paraphrases.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

THRESHOLD = 0.7
BANDS, ROWS = 16, 4

_NO_BLANKS = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Thai, kana, Chinese characters: written without blanks, so that each stands for a word."""
_WORD = re.compile(rf"[{_NO_BLANKS}]|[^\W{_NO_BLANKS}]+")
_LINK = re.compile(r"https?://\S*")
MOST_IN_BUCKET = 40
"""With how many texts of one bucket a text is compared: copies of one text do not make a search quadratic."""

Hashes = npt.NDArray[np.uint64]


def plain_words(text: str) -> list[str]:
    """Lower-case words of a text; links are left out, because shorteners give one page many links."""
    return _WORD.findall(_LINK.sub(" ", unicodedata.normalize("NFC", text).casefold()))


def shingles(texts: Sequence[str]) -> list[Hashes]:
    """For each text the sorted hashes of its distinct word pairs (of its one word; none if empty)."""
    known: dict[str, int] = {}
    sets: list[Hashes] = []
    for text in texts:
        words = plain_words(text)
        codes = []
        for word in words:
            if word not in known:
                known[word] = zlib.crc32(word.encode("utf-8", "surrogatepass"))
            codes.append(known[word])
        hashes = np.array(codes, dtype=np.uint64)
        if len(hashes) > 1:
            hashes = (hashes[:-1] << np.uint64(29)) ^ hashes[1:]
        sets.append(np.unique(hashes))
    return sets


def signatures(sets: Sequence[Hashes]) -> Hashes:
    """Smallest values of 64 seeded hashes over each non-empty set. *Shape:* [n, BANDS × ROWS]."""
    if not sets:
        return np.zeros((0, BANDS * ROWS), dtype=np.uint64)
    draw = np.random.default_rng(1)
    flat = np.concatenate(sets)
    starts = np.cumsum([0, *(len(one) for one in sets[:-1])])
    result = np.empty((len(sets), BANDS * ROWS), dtype=np.uint64)
    for column in range(BANDS * ROWS):
        odd = np.uint64(int(draw.integers(1, 1 << 62)) * 2 + 1)
        mixed = (flat ^ (flat >> np.uint64(31))) * odd  # wraps around: multiplicative hashing modulo 2^64
        mixed ^= mixed >> np.uint64(29)
        result[:, column] = np.minimum.reduceat(mixed, starts)
    return result


def resemblance(one: Hashes, other: Hashes) -> float:
    """Jaccard index of two sorted sets, in [0, 1]."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common) if common else 0.0


def near_pairs(
    texts: Sequence[str], sides: Sequence[int], *, threshold: float = THRESHOLD
) -> list[tuple[int, int, float]]:
    """Pairs (i, j, resemblance) with i < j, different `sides`, and resemblance of at least `threshold`.

    sides: an integer a text; texts of one side are not compared. Sorted by i, then j. Deterministic.
    """
    sets = shingles(texts)
    filled = [index for index, one in enumerate(sets) if len(one)]
    if not filled:
        return []
    codes = band_codes([sets[index] for index in filled])
    pairs: set[tuple[int, int]] = set()
    for band in codes.T:
        for bucket in _buckets(band):
            members = [filled[index] for index in bucket]
            for place, one in enumerate(members):
                for other in members[place + 1 : place + 1 + MOST_IN_BUCKET]:
                    if sides[one] != sides[other]:
                        pairs.add((one, other))
    found = ((one, other, resemblance(sets[one], sets[other])) for one, other in sorted(pairs))
    return [(one, other, value) for one, other, value in found if value >= threshold]


def band_codes(sets: Sequence[Hashes]) -> Hashes:
    """One number for each band of each non-empty set; equal numbers make two texts meet. *Shape:* [n, BANDS]."""
    prints = signatures(sets).reshape(len(sets), BANDS, ROWS)
    mixed = np.zeros((len(sets), BANDS), dtype=np.uint64)
    for row in range(ROWS):
        mixed = (mixed ^ prints[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
    return mixed


def _buckets(band: Hashes) -> Iterator[npt.NDArray[np.intp]]:
    """Rows of equal values, two or more at a time, each in ascending order."""
    order = np.argsort(band, kind="stable")
    values = band[order]
    edges = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1], [True]]))
    for start, end in pairwise(edges):
        if end - start > 1:
            yield order[start:end]
