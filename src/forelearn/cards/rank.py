"""A target's ranking of the cards of a library: one pass over its rows, then the same cost a card.

    cosine    of TextEmb, with the mean over the cards and the target removed; of other vectors, raw
    ESM       LogME of the target as the source's encoder would embed it (`estimators/esm.py`)
    size      logarithm of the source's training rows
    leaks     texts of the source among the target's, exact and near (`fingerprints.py`); a count, no score

Orders are fused by reciprocal rank. A card that an estimator cannot score comes behind those that it can, with
the reason. Cards stream: what is kept of each is its scores and its TextEmb, [d] floats.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from forelearn.cards.card import TEXTEMB, Card
from forelearn.cards.fingerprints import Leak, Watch
from forelearn.core.scores import Scores
from forelearn.estimators.esm import Moments, esm_score, moments
from forelearn.estimators.fusion import fuse
from forelearn.estimators.similarity import FEWEST_CENTRED
from forelearn.estimators.size import source_size

BY = (TEXTEMB, "esm", "size")
"""Estimators that a ranking fuses unless it is told others; vectors of other names may be named too."""

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TargetSide:
    """All that a ranking needs of a target; its size does not depend on the number of rows, but for `watch`.

    encoder: digest of the base encoder. embedded: how texts became embeddings; as on the cards.
    moments: None, with `why` there are none, for targets that have no label a row.
    vectors: name → [d], `textemb` among them. watch: the texts that no source may have learned.
    """

    name: str
    encoder: str
    embedded: str
    vectors: Mapping[str, Vector]
    watch: Watch
    moments: Moments | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class RankedCard:
    """A card's place. rank: from 1, ties share theirs; None if nothing can score it.

    fused: reciprocal ranks, summed. scores: by estimator, None where it has none. reasons: why.
    """

    name: str
    rank: int | None
    fused: float | None
    scores: Mapping[str, float | None]
    leak: Leak
    train: int
    licence: str
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardRanking:
    """Cards from best to worst, those without a score last."""

    target: str
    by: tuple[str, ...]
    cards: tuple[RankedCard, ...]


def target_side(
    name: str,
    base: ArrayLike,
    targets: ArrayLike,
    *,
    encoder: str,
    embedded: str,
    watched: Sequence[str],
    vectors: Mapping[str, Vector] | None = None,
) -> TargetSide:
    """One pass over a target's rows.

    base: [n, d], its training rows under the base encoder. targets: [n] classes, or values, of the same rows.
    watched: the texts of its test (and dev) rows. vectors: further ones; `textemb` is the mean of `base`.
    """
    told = moments(base, targets)
    return TargetSide(name, encoder, embedded, {TEXTEMB: told.mean, **(vectors or {})}, Watch(watched), told)


def rank_cards(cards: Iterable[Card], target: TargetSide, *, by: Sequence[str] = BY) -> CardRanking:
    """Rank cards for a target. by: `esm`, `size`, `textemb`, or the name of other vectors.

    A name of vectors stands for the vector of that name and for all that begin with it and `/`, fused.
    Raises ValueError for two cards of one name, an empty `by`, and vectors that the target does not have.
    """
    parts = {name: _components(name, target) for name in by}
    if not parts:
        raise ValueError("`by` must name at least one estimator")
    table = _Table([part for found in parts.values() for part in found])
    for card in cards:
        table.add(card, target)
    if not table.kept:
        return CardRanking(target.name, tuple(by), ())
    if TEXTEMB in table.scores:
        table.centre(target.vectors[TEXTEMB])
    single = {
        name: table.ranking(target.name, found[0])
        if len(found) == 1
        else fuse([table.ranking(target.name, part) for part in found])
        for name, found in parts.items()
    }
    fused = fuse(list(single.values())).values
    places = dict(zip(fused, rankdata([-value for value in fused.values()], method="min"), strict=True))
    rows = [
        RankedCard(
            name=name,
            rank=int(places[name]) if name in places else None,
            fused=fused.get(name),
            scores={estimator: scores.values.get(name) for estimator, scores in single.items()},
            leak=kept.leak,
            train=kept.train,
            licence=kept.licence,
            reasons={
                estimator: scores.failed[name]
                for estimator, scores in single.items()
                if name in scores.failed
            },
        )
        for name, kept in table.kept.items()
    ]
    rows.sort(key=lambda row: (row.rank is None, row.rank, row.name))
    return CardRanking(target.name, tuple(by), tuple(rows))


@dataclass(frozen=True, slots=True)
class _Kept:
    leak: Leak
    train: int
    licence: str


class _Table:
    """What is kept of the cards that have streamed by."""

    def __init__(self, estimators: Sequence[str]) -> None:
        self.kept: dict[str, _Kept] = {}
        self.scores: dict[str, dict[str, float]] = {name: {} for name in estimators}
        self.failed: dict[str, dict[str, str]] = {name: {} for name in estimators}
        self._textembs: dict[str, Vector] = {}

    def add(self, card: Card, target: TargetSide) -> None:
        if card.name in self.kept:
            raise ValueError(f"two cards are called `{card.name}`")
        self.kept[card.name] = _Kept(target.watch.leak(card.prints), card.train, card.licence)
        for estimator in self.scores:
            try:
                score = self._score(estimator, card, target)
            except ValueError as error:
                self.failed[estimator][card.name] = str(error)
            else:
                self.scores[estimator][card.name] = score

    def _score(self, estimator: str, card: Card, target: TargetSide) -> float:
        """Raises ValueError with the reason if there is none. TextEmb is scored when all are known: 0."""
        if estimator == "size":
            return source_size(card.train)
        if card.encoder.digest != target.encoder:
            raise ValueError(f"it was made under another base encoder, `{card.encoder.name}`")
        if card.embedded != target.embedded:
            raise ValueError(f"its texts were embedded otherwise: {card.embedded}")
        if estimator == "esm":
            if target.moments is None:
                raise ValueError(target.why)
            if card.esm is None:
                raise ValueError("it has no ESM map")
            return esm_score(card.esm, target.moments)
        if estimator not in card.vectors:
            raise ValueError(f"it has no vector `{estimator}`")
        ours, theirs = target.vectors[estimator], np.asarray(card.vectors[estimator], np.float64)
        if ours.shape != theirs.shape:
            raise ValueError(f"its vector `{estimator}` has {len(theirs)} numbers, the target's {len(ours)}")
        if estimator == TEXTEMB:
            self._textembs[card.name] = theirs
            return 0.0
        return _cosine(ours, theirs)

    def centre(self, target: Vector) -> None:
        """Score TextEmb: cosines after the mean over all cards and the target is removed."""
        names = list(self._textembs)
        found = self.scores[TEXTEMB] = {}
        if len(names) + 1 < FEWEST_CENTRED:
            self.failed[TEXTEMB].update(dict.fromkeys(names, "too few cards to remove their mean"))
            return
        mean = (target + sum(self._textembs.values())) / (len(names) + 1)
        for name in names:
            try:
                found[name] = _cosine(target - mean, self._textembs[name] - mean)
            except ValueError as error:
                self.failed[TEXTEMB][name] = str(error)

    def ranking(self, target: str, estimator: str) -> Scores:
        return Scores(target, estimator, self.scores[estimator], self.failed[estimator])


def _components(name: str, target: TargetSide) -> list[str]:
    """The estimators that `name` stands for."""
    if name in ("esm", "size"):
        return [name]
    found = sorted(one for one in target.vectors if one == name or one.startswith(f"{name}/"))
    if not found:
        known = sorted({one.partition("/")[0] for one in target.vectors})
        raise ValueError(f"the target has no vector `{name}`: it has {', '.join(known)}")
    return found


def _cosine(one: Vector, other: Vector) -> float:
    lengths = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    if not lengths > 0 or not math.isfinite(lengths):
        raise ValueError("a vector has no direction")
    return float(np.clip(one @ other / lengths, -1.0, 1.0))
