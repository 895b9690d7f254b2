"""Which texts a source has learned, as hashes: enough to tell whether a target's rows are among them.

Exact copies: 64-bit digests (BLAKE2b) of texts in lower case with single spaces. Near copies: the 64 min-wise
hashes of `tasks/near.py`, of which one byte each is kept (Li & König 2010, "b-bit minwise hashing"), in the
same 16 bands of 4. The equal bytes of two texts estimate their resemblance with a standard error of at most
.063; there are no texts to compare exactly, so pairs near the threshold fall on either side.

What is lost. A card keeps at most `MOST_EXACT` digests and `MOST_NEAR` sketches, those of the smallest digests:
a sample that does not depend on the order of rows. `coverage` says which share of the source's distinct texts is
checked; a copy outside it is not seen. Two different texts share a digest with probability 5e-20. A text near
two of the target's is compared with one of them a band. Paraphrases are not covered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forelearn.tasks.near import BANDS, ROWS, THRESHOLD, shingles, signatures

MOST_EXACT = 16_384
MOST_NEAR = 2_048
SKETCH = BANDS * ROWS
"""Bytes of a sketch."""

_CHANCE = 1 / 256
_SLOTS_PER_KEY = 128
_FEWEST_BITS = 24

Digests = NDArray[np.uint64]
Sketches = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """exact: [m] digests, ascending. near: [p, 64] sketches of the texts of the first p digests.

    distinct: how many different texts there are, kept or not.
    """

    exact: Digests
    near: Sketches
    distinct: int

    @property
    def coverage(self) -> tuple[float, float]:
        """Shares of the distinct texts that are checked for exact and for near copies, in [0, 1]."""
        if not self.distinct:
            return 1.0, 1.0
        return len(self.exact) / self.distinct, len(self.near) / self.distinct


def fingerprints(
    texts: Sequence[str], *, most_exact: int = MOST_EXACT, most_near: int = MOST_NEAR
) -> Fingerprints:
    """The fingerprints of texts; copies count once. `most_near` may not exceed `most_exact`."""
    first: dict[int, str] = {}
    for text in texts:
        plain = _plain(text)
        first.setdefault(_digest(plain), plain)
    digests = np.sort(np.fromiter(first, np.uint64, len(first)))
    kept = digests[:most_exact]
    return Fingerprints(kept, _sketches([first[int(one)] for one in kept[:most_near]]), len(first))


@dataclass(frozen=True, slots=True)
class Leak:
    """Texts of a source that the target holds too.

    exact: texts that are the same. near: texts that are not the same, of resemblance from about 0.7.
    checked: how many of the source's texts were looked up for each. distinct: how many it has.
    """

    exact: int
    near: int
    checked: tuple[int, int]
    distinct: int

    def __bool__(self) -> bool:
        return self.exact + self.near > 0


class Watch:
    """The target's texts, laid out so that a source's are looked up in time that does not depend on them.

    A digest is first looked up in a table of bits that is at most 1/128 full; what is found there is searched.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        whole = fingerprints(texts, most_exact=len(texts), most_near=len(texts))
        self._exact = _Keys(whole.exact)
        keys = _band_keys(whole.near)
        # of several texts with the same key one stands for all
        band, first = np.unique(keys.ravel(), return_index=True)
        self._bands = _Keys(band)
        self._members = whole.near[first // BANDS]

    def leak(self, prints: Fingerprints) -> Leak:
        """How many of a source's texts are the target's too."""
        same = self._exact.find(prints.exact) >= 0
        other = prints.near[~same[: len(prints.near)]]
        places = self._bands.find(_band_keys(other).ravel())
        met = np.flatnonzero(places >= 0)
        rows = met // BANDS
        equal = (other[rows] == self._members[places[met]]).mean(axis=1)
        near = np.unique(rows[(equal - _CHANCE) / (1 - _CHANCE) >= THRESHOLD])
        checked = (len(prints.exact), len(prints.near))
        return Leak(int(same.sum()), len(near), checked, prints.distinct)


class _Keys:
    """A set of keys that are hashes already."""

    def __init__(self, keys: Digests) -> None:
        """keys: [n], ascending and distinct."""
        self._keys = keys
        bits = max(_FEWEST_BITS, int(len(keys) * _SLOTS_PER_KEY).bit_length())
        self._shift = np.uint64(64 - bits)
        table = np.zeros(1 << (bits - 3), np.uint8)
        slots = keys >> self._shift
        np.bitwise_or.at(table, slots >> np.uint64(3), _bit(slots))
        self._table = table

    def find(self, wanted: Digests) -> NDArray[np.intp]:
        """[len(wanted)], the place of each among the keys, or −1."""
        found = np.full(len(wanted), -1, np.intp)
        slots = wanted >> self._shift
        likely = np.flatnonzero(self._table[slots >> np.uint64(3)] & _bit(slots))
        places = np.searchsorted(self._keys, wanted[likely])
        right = places < len(self._keys)
        right[right] = self._keys[places[right]] == wanted[likely[right]]
        found[likely[right]] = places[right]
        return found


def _bit(slots: Digests) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (slots & np.uint64(7)).astype(np.uint8))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _digest(plain: str) -> int:
    return int.from_bytes(hashlib.blake2b(_encoded(plain), digest_size=8).digest(), "little")


def _encoded(plain: str) -> bytes:
    return plain.encode("utf-8", "surrogatepass")


def _sketches(texts: Sequence[str]) -> Sketches:
    """[n, 64]. A text without words has the bytes of a long digest: it is near to nothing but its copies."""
    found = np.empty((len(texts), SKETCH), np.uint8)
    sets = shingles(texts)
    filled = [place for place, one in enumerate(sets) if len(one)]
    if filled:
        # the low byte: the smallest of many hashes is small, so that its high bytes say little
        found[filled] = signatures([sets[place] for place in filled]).astype(np.uint8)
    for place in set(range(len(texts))) - set(filled):
        found[place] = np.frombuffer(
            hashlib.blake2b(_encoded(texts[place]), digest_size=SKETCH).digest(), np.uint8
        )
    return found


def _band_keys(sketches: Sketches) -> Digests:
    """[p, 16], a 64-bit key for each band of each sketch: its four bytes and its number, mixed."""
    values = np.ascontiguousarray(sketches).view("<u4").astype(np.uint64)
    keys = (values + (np.arange(BANDS, dtype=np.uint64) << np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    keys ^= keys >> np.uint64(29)
    return np.asarray(keys * np.uint64(0xBF58476D1CE4E5B9), np.uint64)
