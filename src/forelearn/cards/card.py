"""A card: what a source needs to be ranked for a new target without its encoder being loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forelearn.cards.fingerprints import SKETCH, Fingerprints
from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import digest
from forelearn.core.run import Cost
from forelearn.core.task import METRICS, Kind
from forelearn.core.transfer import Encoder
from forelearn.estimators.esm import EsmMap
from forelearn.tasks.names import name_fault

RANK = 128
"""Rank of a card's ESM map: on the measured sources it chose the same best source as the full map."""

TEXTEMB = "textemb"
"""The vector that a card has of its source's texts: their mean embedding under the base encoder."""

Vector = NDArray[np.float32]

_VECTOR_NAME = re.compile(r"\w[\w.@-]*(/\w[\w.@-]*)*", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """A source.

    name, kind, metric, labels: of its task.
    encoder: the base encoder, which vectors and map are relative to.
    embedded: how texts became embeddings ("mean of the last layer, at most 128 tokens"); cards and targets compare only
        where encoder and this are the same.
    train, dev: rows. performance: seed → the source's own dev measure.
    vectors: name → [d]; `textemb`, or `taskemb/COMPONENT`. esm: its map, in rank-r form; None if it has none.
    prints: hashes of the texts that it has learned or chosen by (train and dev).
    licence: of the data, as the owner says it; "" if unknown. cost: what making the source took.
    made: when the card was made, ISO 8601 UTC. by: which program made it.
    """

    name: str
    kind: Kind
    metric: str
    labels: tuple[str, ...]
    encoder: Encoder
    embedded: str
    train: int
    dev: int
    performance: Mapping[int, float]
    prints: Fingerprints
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    esm: EsmMap | None = None
    licence: str = ""
    cost: Cost = field(default_factory=Cost)
    made: str = ""
    by: str = ""

    def fault(self) -> tuple[str, str] | None:
        """The first field that breaks a rule, and the rule; None if the card is sound."""
        if why := name_fault(self.name):
            return "name", f"cannot name a card: {why}."
        if self.kind not in METRICS:
            return "kind", f"must be one of {', '.join(METRICS)}, got {self.kind!r}."
        if self.train < 1 or self.dev < 0:
            return "train", f"a source has at least 1 training row, got {self.train} (dev: {self.dev})."
        if not all(np.isfinite(value) for value in self.performance.values()):
            return "performance", "every value must be a finite number."
        for name, vector in self.vectors.items():
            if not _VECTOR_NAME.fullmatch(name):
                return "vectors", f"the name {name!r} is not made of words joined by `/`."
            if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
                return f"vectors.{name}", "must be finite, and one row."
        return _prints_fault(self.prints) or (_esm_fault(self.esm) if self.esm is not None else None)


def check_card(card: Card, where: str) -> Card:
    """The card, if it is sound. where: for the message. Raises InputError that names the field."""
    if found := card.fault():
        name, rule = found
        raise InputError(Problem(f"{where}, field `{name}`", rule, "Build the card again from its study."))
    return card


def file_name(name: str) -> str:
    """The file that the card called `name` lies in: the same everywhere, never outside of its library.

    Readable letters of the name, then a digest of it: names that differ in case or in signs that some file
    systems do not have stay apart.
    """
    letters = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:40]
    return f"{letters}{'-' if letters else ''}{digest(name)[:8]}.safetensors"


def _prints_fault(prints: Fingerprints) -> tuple[str, str] | None:
    exact, near = prints.exact, prints.near
    if exact.ndim != 1 or exact.dtype != np.uint64 or (exact[1:] <= exact[:-1]).any():
        return "prints.exact", "must be ascending 64-bit digests."
    if near.ndim != 2 or near.shape[1] != SKETCH or near.dtype != np.uint8 or len(near) > len(exact):
        return "prints.near", f"must be [p, {SKETCH}] bytes, p at most {len(exact)}, got {near.shape}."
    if prints.distinct < len(exact):
        return "prints.distinct", f"must be at least {len(exact)}, got {prints.distinct}."
    return None


def _esm_fault(esm: EsmMap) -> tuple[str, str] | None:
    shape = esm.projection.shape
    if len(shape) != 2 or shape[0] < 2 or shape[1] < 1 or not np.isfinite(esm.projection).all():
        return "esm.projection", f"must be [d + 1, r] and finite, got {shape}."
    if esm.energy.shape != shape[1:] or not np.isfinite(esm.energy).all():
        return "esm.energy", f"must be [{shape[1]}] and finite, got {esm.energy.shape}."
    if not (np.isfinite(esm.error) and esm.error >= 0):
        return "esm.error", f"must be at least 0, got {esm.error}."
    return None
