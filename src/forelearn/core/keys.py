"""Identity is content: a key is the digest of canonical JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

KEY_LENGTH = 20
"""Hexadecimal digits of a key: 80 bits, so that a billion runs collide with probability below 1e-6."""


def plain(value: Any) -> Any:
    """`value` with dataclasses, mappings and tuples turned into dicts and lists, ready for JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def canonical(value: Any) -> str:
    """The one JSON text of `value`: sorted keys, no spaces, shortest float that reads back the same."""
    return json.dumps(
        plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """The key of `value`: `KEY_LENGTH` hexadecimal digits of the SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:KEY_LENGTH]


def seed_from(*parts: Any) -> int:
    """A 32-bit seed that depends on nothing but `parts`."""
    return int(hashlib.sha256(canonical(parts).encode()).hexdigest()[:8], 16)
