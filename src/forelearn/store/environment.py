"""What a run was made with: recorded beside it, no part of its key."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from dataclasses import asdict, dataclass
from typing import Any

PACKAGES = (
    "forelearn",
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "numpy",
    "scipy",
    "scikit-learn",
    "xgboost",
    "xgboost-cpu",
)
"""Packages whose version can change a number."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What only the caller knows.

    device: `cpu`, `cuda:0 (name of the chip)`, `mps`. threads: of the worker. precision: of the training.
    """

    device: str
    threads: int
    precision: str


def describe_environment(surroundings: Surroundings | None = None) -> dict[str, Any]:
    """Python, platform, package versions, and what `surroundings` says. Nothing is imported to find out."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": dict(_versions()),
        **(asdict(surroundings) if surroundings is not None else {}),
    }


@functools.cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = []
    for name in PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return tuple(found)
