"""From texts to tensors: tokens held as ragged arrays, batches of like length, padding only where it is
needed.

Texts are tokenised once for each (tokenizer, texts, length) and kept in memory by content. Batches hold
examples of nearly the same length, so that little is padded: with short messages of mixed length, batches
drawn at random spend a third of their tokens on padding. A batch without padding has no attention mask,
which saves attention the addition. The order is decided by the seed alone.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding
from transformers import PreTrainedTokenizerBase

_POOL = 64
"""Batches in a pool: examples are shuffled, cut into pools, and sorted by length within each."""

_PADDING = 0.1
"""On a CPU at most this share of a batch that is read is padding."""

_CACHED = 2048
"""Tokens at once, padding included, whose states stay in a CPU's cache."""

T = TypeVar("T")

Batch = dict[str, torch.Tensor]
"""Keyword arguments of an encoder: `input_ids`, `attention_mask`, and `token_type_ids` where it has them."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokenised texts, ragged.

    ids: [total] int32, the token ids of all examples one after another, special tokens included.
    offsets: [n + 1] int64, where each example starts.
    types: [total] int8 segment of each token (first or second text), or None if all are of the first.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    types: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[n] tokens of each example."""
        return np.diff(self.offsets)


def tokenize(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], pairs: Sequence[str] | None, max_length: int
) -> Tokens:
    """Tokens of `texts` and their `pairs`, each example cut to `max_length`, special tokens included."""
    return cached(
        tokenizer,
        [*texts, *(pairs or ())],
        (max_length, pairs is None),
        lambda: _tokenize(tokenizer, texts, pairs, max_length),
    )


def cached(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], settings: tuple[Any, ...], make: Callable[[], T]
) -> T:
    """What `make` makes of texts under a tokenizer, made once for the same content and settings."""
    content = hashlib.sha256(f"{tokenizer_digest(tokenizer)}|{settings}".encode())
    for text in texts:
        encoded = text.encode()
        content.update(f"{len(encoded)}:".encode())
        content.update(encoded)
    key = content.hexdigest()
    if key not in _CACHE:
        _CACHE[key] = make()
        while len(_CACHE) > _CACHE_ENTRIES:
            _CACHE.popitem(last=False)
    _CACHE.move_to_end(key)
    return cast(T, _CACHE[key])


def encode_texts(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    *,
    max_length: int | None = None,
    special: bool = True,
) -> list[Encoding]:
    """Ids and character offsets of each text, cut to `max_length` if given, with special tokens or without."""
    if not len(texts):
        return []
    encoded = tokenizer(
        list(texts),
        truncation=max_length is not None,
        max_length=max_length,
        padding=False,
        add_special_tokens=special,
        return_offsets_mapping=True,
        verbose=False,
    )
    tokenizer.backend_tokenizer.no_truncation()
    return list(encoded.encodings or ())


def special_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """The special tokens that a tokenizer puts before and behind one text."""
    (encoding,) = encode_texts(tokenizer, ["a"])
    marks = list(encoding.special_tokens_mask)
    first = marks.index(0) if 0 in marks else len(marks)
    last = len(marks) - marks[::-1].index(0) if 0 in marks else len(marks)
    return list(encoding.ids[:first]), list(encoding.ids[last:])


def encode_windows(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    pairs: Sequence[str],
    *,
    max_length: int,
    overlap: int,
) -> tuple[list[int], list[Encoding]]:
    """Each pair as windows over its second text: (which pair, its ids and offsets), in order.

    overlap: tokens of the second text that a window shares with the one before.
    """
    if not len(texts):
        return [], []
    encoded = tokenizer(
        list(texts),
        list(pairs),
        truncation="only_second",
        max_length=max_length,
        stride=overlap,
        padding=False,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        verbose=False,
    )
    tokenizer.backend_tokenizer.no_truncation()
    return list(encoded["overflow_to_sample_mapping"]), list(encoded.encodings or ())


def ragged(ids: Sequence[Sequence[int]], types: Sequence[Sequence[int]] | None = None) -> Tokens:
    """Sequences of token ids, and of segments, one after another."""
    offsets = np.zeros(len(ids) + 1, np.int64)
    np.cumsum([len(row) for row in ids], out=offsets[1:])
    total = int(offsets[-1])
    return Tokens(
        np.fromiter((token for row in ids for token in row), np.int32, total),
        offsets,
        None if types is None else np.fromiter((kind for row in types for kind in row), np.int8, total),
    )


def batches(lengths: NDArray[np.int64], batch_size: int, seed: int) -> list[NDArray[np.int64]]:
    """Rows of each batch to train on: every example once, examples of like length together.

    seed: decides the order; the same seed gives the same batches. Only one batch can be smaller than `batch_size`.
    """
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(lengths))
    cut: list[NDArray[np.int64]] = []
    for pool in _cut(shuffled, batch_size * _POOL):
        cut += _cut(pool[np.argsort(-lengths[pool], kind="stable")], batch_size)
    return [cut[index] for index in generator.permutation(len(cut))]


def reading_batches(
    lengths: NDArray[np.int64],
    *,
    width: int = 1,
    rows: int | None = None,
    tokens: int | None = None,
    device: str = "cpu",
) -> list[NDArray[np.int64]]:
    """Items of each batch to read, in an order without chance, longest first.

    width: sequences of an item. rows, tokens: at most so many sequences and tokens at once, on any device. On a CPU
    batches are smaller where that spares padding and cache misses; elsewhere the start of a batch costs more than both.
    """
    if device == "cpu":
        tokens = min(tokens or _CACHED, _CACHED)
    most = None if rows is None else max(1, rows // width)
    return alike(lengths * width, rows=most, tokens=tokens, padding=most_padding(device))[::-1]


def most_padding(device: str) -> float:
    """Share of a batch that may be padding where batches may be of any size: a CPU works through it, a GPU hardly."""
    return _PADDING if device == "cpu" else 1.0


def alike(
    lengths: NDArray[np.int64] | Sequence[int],
    *,
    rows: int | None = None,
    tokens: int | None = None,
    padding: float = 1.0,
) -> list[NDArray[np.int64]]:
    """Every row once, in batches of like length, shortest first.

    rows, tokens: a batch has at most so many, padding counted as tokens. padding: at most this share of them is
    padding. A row that is too long is a batch of its own.
    """
    found: list[NDArray[np.int64]] = []
    group: list[int] = []
    real = 0
    given = np.asarray(lengths, np.int64)
    for row in np.argsort(given, kind="stable").tolist():
        length = int(given[row])
        padded = (len(group) + 1) * length
        too_many = len(group) == rows or (tokens is not None and padded > tokens)
        if group and (too_many or real + length < (1 - padding) * padded):
            found.append(np.array(group, np.int64))
            group, real = [], 0
        group.append(row)
        real += length
    return [*found, np.array(group, np.int64)] if group else found


def collate(tokens: Tokens, rows: NDArray[np.int64], pad_id: int, *, device: str = "cpu") -> Batch:
    """The batch of `rows`, padded to its longest example.

    Shape: each tensor [len(rows), longest], int64. The mask is left out where nothing is padded.
    """
    lengths = tokens.lengths[rows]
    width = int(lengths.max())
    real = np.arange(width) < lengths[:, None]
    places = (tokens.offsets[rows][:, None] + np.arange(width))[real]
    ids = np.full(real.shape, pad_id, dtype=np.int64)
    ids[real] = tokens.ids[places]
    arrays = {"input_ids": ids}
    if not real.all():
        arrays["attention_mask"] = real.astype(np.int64)
    if tokens.types is not None:
        types = np.zeros(real.shape, dtype=np.int64)
        types[real] = tokens.types[places]
        arrays["token_type_ids"] = types
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def tokenizer_digest(tokenizer: PreTrainedTokenizerBase) -> str:
    """What decides a fast tokenizer's output, apart from its present truncation and padding."""
    return _digest(tokenizer.backend_tokenizer.to_str(), tuple(sorted(tokenizer.model_input_names)))


@lru_cache(maxsize=4)  # reading a vocabulary takes .1 to 1 s, writing it a twentieth of that
def _digest(tokenizer: str, names: tuple[str, ...]) -> str:
    state: dict[str, Any] = json.loads(tokenizer)
    state["truncation"] = state["padding"] = None
    return hashlib.sha256(json.dumps([state, names], sort_keys=True).encode()).hexdigest()


_CACHE_ENTRIES = 96
_CACHE: OrderedDict[str, Any] = OrderedDict()
"""What was made of texts, by content: a cache changes no outcome, so one for the process is enough."""


def _tokenize(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], pairs: Sequence[str] | None, max_length: int
) -> Tokens:
    if not len(texts):
        return Tokens(np.zeros(0, np.int32), np.zeros(1, np.int64))
    encoded = tokenizer(
        list(texts),
        None if pairs is None else list(pairs),
        truncation=True,
        max_length=max_length,
        padding=False,
        return_attention_mask=False,
    )
    # the call leaves its truncation set in the tokenizer, where it would be saved with it
    tokenizer.backend_tokenizer.no_truncation()
    types = encoded.get("token_type_ids")
    # some families put special tokens of one text into segments of their own
    has_types = types is not None and (pairs is not None or any(map(any, types)))
    return ragged(encoded["input_ids"], types if has_types else None)


def _cut(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
