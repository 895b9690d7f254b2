"""A card as one file: arrays as safetensors, all else as JSON in its header.

    NAME.safetensors
        __metadata__   {"forelearn card": JSON of version, source (all that is no array), and the sha256 of
                       source and arrays}
        esm.projection [d + 1, r], esm.energy [r], prints.exact [m], prints.near [p, 64], vector/NAME [d] …

One file is whole or absent wherever files are, and safetensors holds no code. Floats are kept in 32 bits: a
score moves by less than 1e-4. What is read is checked field by field, so that a damaged or made-up card is one
error that names file and field.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from forelearn.cards.card import Card, check_card
from forelearn.cards.fingerprints import Fingerprints
from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import KEY_LENGTH
from forelearn.core.run import Cost
from forelearn.core.task import Kind
from forelearn.core.transfer import Encoder
from forelearn.estimators.esm import EsmMap

FORMAT = "forelearn card"
VERSION = 1
"""Raised whenever a field or a hash (`fingerprints.py`, `tasks/near.py`) changes its meaning."""
MOST_BYTES = 1_000_000

Arrays = Mapping[str, NDArray[Any]]

_TYPES = {"F32": "<f4", "U64": "<u8", "U8": "u1"}
_MADE = ("made", "by", "cost")


def to_bytes(card: Card) -> bytes:
    """The file's content. Raises InputError for a card that breaks a rule or is over `MOST_BYTES`."""
    where = f"card `{card.name}`"
    fields, arrays = _fields(check_card(card, where)), _arrays(card)
    # one entry: safetensors keeps no order among several, and a card has one content
    text = _text({"version": VERSION, "sha256": _sha256(fields, arrays), "source": fields})
    data = save(dict(arrays), metadata={FORMAT: text})
    if len(data) > MOST_BYTES:
        sizes = [(len(text), "the JSON"), *((array.nbytes, name) for name, array in arrays.items())]
        sizes.sort(reverse=True)
        largest = ", ".join(f"{name} {size:,}" for size, name in sizes[:3])
        raise InputError(
            Problem(
                where,
                f"A card holds at most {MOST_BYTES:,} bytes, this one has {len(data):,}: {largest}.",
                f"Leave {sizes[0][1]} out, or make it smaller.",
            )
        )
    return data


def too_large(cards: Iterable[Card]) -> list[Problem]:
    """What is wrong with each card that cannot be a file, before the first of them is one."""
    problems: list[Problem] = []
    for card in cards:
        try:
            to_bytes(card)
        except InputError as error:
            problems += error.problems
    return problems


def from_bytes(data: bytes, where: str) -> Card:
    """The card in a file's content. where: the file, for messages. Raises InputError naming file and field."""
    if len(data) > MOST_BYTES:
        raise _refused(where, "size", f"a card holds at most {MOST_BYTES:,} bytes, this file {len(data):,}.")
    try:
        parts = cast(list[tuple[str, dict[str, Any]]], deserialize(data))  # type: ignore[no-untyped-call]
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError, RecursionError) as error:
        raise _refused(where, "header", f"the file is cut off or damaged ({error}).") from None
    text = header.get("__metadata__", {}).get(FORMAT)
    if text is None:
        raise _refused(where, "format", "this is no card.", fix="Give a file that `forelearn cards` made.")
    whole = _Reader(where, _object(where, text))
    version = whole.take("version", int)
    if version != VERSION:
        raise _refused(
            where,
            "version",
            f"the card has format {version}, this forelearn reads {VERSION}.",
            fix="Install the forelearn that made it, or build the card again from its study.",
        )
    arrays = {}
    for name, part in parts:
        if part["dtype"] not in _TYPES:
            raise _refused(where, name, f"has an unknown number format {part['dtype']!r}.")
        arrays[name] = np.frombuffer(part["data"], _TYPES[part["dtype"]]).reshape(part["shape"])
    fields = whole.take("source", dict)
    if whole.take("sha256", str) != _sha256(fields, arrays):
        raise _refused(where, "sha256", "the content is not the one that was written: the file is damaged.")
    return check_card(_Reader(where, fields).card(arrays), where)


def content_key(card: Card) -> str:
    """Digest of what a card says of its source; when, by what and how costly it was made is not part of it."""
    fields = {name: value for name, value in _fields(card).items() if name not in _MADE}
    return _sha256(fields, _arrays(card))[:KEY_LENGTH]


def _fields(card: Card) -> dict[str, Any]:
    """All of a card that is not an array, as JSON has it."""
    return {
        "name": card.name,
        "kind": card.kind,
        "metric": card.metric,
        "labels": list(card.labels),
        "encoder": {"name": card.encoder.name, "digest": card.encoder.digest},
        "embedded": card.embedded,
        "train": card.train,
        "dev": card.dev,
        "performance": {str(seed): value for seed, value in card.performance.items()},
        "distinct": card.prints.distinct,
        "esm_error": None if card.esm is None else card.esm.error,
        "licence": card.licence,
        "cost": {"units": card.cost.units, "seconds": card.cost.seconds},
        "made": card.made,
        "by": card.by,
    }


def _text(fields: Mapping[str, Any]) -> str:
    """JSON in ASCII: a label may hold what no other text file can."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _arrays(card: Card) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {"prints.exact": card.prints.exact, "prints.near": card.prints.near}
    if card.esm is not None:
        found["esm.projection"], found["esm.energy"] = card.esm.projection, card.esm.energy
    found.update({f"vector/{name}": vector for name, vector in card.vectors.items()})
    return {
        name: np.ascontiguousarray(array, "<f4" if array.dtype.kind == "f" else None)
        for name, array in found.items()
    }


def _sha256(fields: Mapping[str, Any], arrays: Arrays) -> str:
    found = hashlib.sha256(_text(fields).encode())
    for name in sorted(arrays):
        found.update(f"\n{name} {arrays[name].shape} {arrays[name].dtype.str}\n".encode())
        found.update(arrays[name].tobytes())
    return found.hexdigest()


class _Reader:
    """Fields of the JSON part, each of the type that it must have."""

    def __init__(self, where: str, fields: Mapping[str, Any]) -> None:
        self.where = where
        self.fields = fields

    def card(self, arrays: Arrays) -> Card:
        encoder, cost = self.take("encoder", dict), self.take("cost", dict)
        labels = self.take("labels", list)
        if not all(isinstance(label, str) for label in labels):
            raise _refused(self.where, "labels", "must be texts.")
        return Card(
            name=self.take("name", str),
            kind=cast(Kind, self.take("kind", str)),
            metric=self.take("metric", str),
            labels=tuple(labels),
            encoder=Encoder(self.take("name", str, encoder), self.take("digest", str, encoder)),
            embedded=self.take("embedded", str),
            train=self.take("train", int),
            dev=self.take("dev", int),
            performance=self.performance(),
            prints=Fingerprints(
                self.array(arrays, "prints.exact"),
                self.array(arrays, "prints.near"),
                self.take("distinct", int),
            ),
            vectors={
                name.removeprefix("vector/"): self.array(arrays, name)
                for name in arrays
                if name.startswith("vector/")
            },
            esm=self.esm(arrays),
            licence=self.take("licence", str),
            cost=Cost(self.number("units", cost), self.number("seconds", cost)),
            made=self.take("made", str),
            by=self.take("by", str),
        )

    def esm(self, arrays: Arrays) -> EsmMap | None:
        if self.fields.get("esm_error") is None:
            return None
        projection, energy = (
            self.array(arrays, f"esm.{name}").astype(np.float64) for name in ("projection", "energy")
        )
        return EsmMap(projection, energy, self.number("esm_error", self.fields))

    def performance(self) -> dict[int, float]:
        given = self.take("performance", dict)
        if not all(map(_is_count, given)):
            raise _refused(self.where, "performance", "must go by seeds.")
        return {int(seed): self.number(seed, given) for seed in given}

    def take(self, name: str, kind: type, within: Mapping[str, Any] | None = None) -> Any:
        value = (self.fields if within is None else within).get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise _refused(self.where, name, f"must be of type {kind.__name__}, got {str(value)[:40]!r}.")
        return value

    def number(self, name: str, within: Mapping[str, Any]) -> float:
        value = within.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise _refused(self.where, name, f"must be a finite number, got {str(value)[:40]!r}.")
        return float(value)

    def array(self, arrays: Arrays, name: str) -> Any:
        if name not in arrays:
            raise _refused(self.where, name, "is missing.")
        return arrays[name]


def _object(where: str, text: str) -> dict[str, Any]:
    """The JSON object in `text`, of finite numbers."""
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _refused(where, FORMAT, f"is no JSON ({error}).") from None
    if not isinstance(found, dict):
        raise _refused(where, FORMAT, "must be an object.")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


def _refused(where: str, name: str, rule: str, *, fix: str = "") -> InputError:
    again = "Fetch the card again, or build it again from its study."
    # the name may be the file's own: no sign of it reaches a terminal as it is
    return InputError(Problem(f"{where}, field `{ascii(name)[1:-1]}`", rule, fix or again))
