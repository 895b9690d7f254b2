"""What each task made of the same parameters, as rows of one matrix [T, P], and mixtures of them.

In 32 bits, in bfloat16 (half the memory; sums are in the parameters' own type), or outside the memory in a mapped
file, which on a CPU changes no number (a GPU then adds up in another order). Products run at the speed of the memory;
rows that must be converted or moved to another device are read in pieces that stay in a CPU's cache, so that a mixture
never needs a second matrix.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
import torch

PIECE = 1 << 17
"""Parameters at a time where rows have to be converted or fetched: 12 rows are 6 MB, which a CPU's cache holds.

Measured on bfloat16 rows of 23 million parameters: ten times as fast as pieces of 2^20 and more.
"""
_LARGE = 32
"""Pieces are this many times as large elsewhere: a GPU counts calls, not misses of the cache."""

Precision = Literal["fp32", "bf16"]


class Deltas:
    """count: tasks T. like: [P] the parameters; rows are of their type, or bfloat16, on their device.

    file: on disk, where rows lie if they do not fit into memory, of the same type; None: in memory.
    """

    def __init__(
        self, count: int, like: torch.Tensor, *, precision: Precision = "fp32", file: Path | None = None
    ) -> None:
        self._like = like
        kind = torch.bfloat16 if precision == "bf16" else like.dtype
        if file is None:
            self._rows = torch.zeros((count, len(like)), dtype=kind, device=like.device)
        else:
            self._rows = _mapped(file, count, len(like), kind)
        self._whole = self._rows.dtype == like.dtype and self._rows.device == like.device

    def put(self, task: int, after: torch.Tensor, before: torch.Tensor) -> None:
        """Row `task`: what became of the parameters, less what they were."""
        for piece in self._pieces():
            self._rows[task, piece] = (after[piece] - before[piece]).to(self._rows)

    def scale(self, task: int, factor: float, pieces: list[slice] | None = None) -> None:
        """Multiply row `task` by `factor`, in these places alone if they are given."""
        for piece in self._pieces() if pieces is None else pieces:
            self._rows[task, piece] *= factor

    def row(self, task: int, places: slice) -> torch.Tensor:
        """A copy of a part of row `task`, in the parameters' type."""
        return self._rows[task, places].to(self._like, copy=True)

    def clear(self, task: int) -> None:
        """Row `task` is 0."""
        self._rows[task].zero_()

    def mix_into(self, values: torch.Tensor, start: torch.Tensor, alpha: torch.Tensor) -> None:
        """values ← start + Σ_i α_i row_i. Shape: values, start [P]; alpha [T]."""
        alpha = alpha.to(start)
        if self._whole:
            torch.addmv(start, self._rows.T, alpha, out=values)
            return
        for piece in self._pieces():
            torch.addmv(start[piece], self._piece(piece).T, alpha, out=values[piece])

    def slopes(self, gradient: torch.Tensor) -> torch.Tensor:
        """[T] ⟨gradient, row_i⟩: the derivative of the loss by each α."""
        if self._whole:
            return self._rows @ gradient
        return torch.stack([self._piece(piece) @ gradient[piece] for piece in self._pieces()]).sum(0)

    def norms(self) -> torch.Tensor:
        """[T] Euclidean lengths of the rows."""
        pieces = [slice(None)] if self._whole else self._pieces()
        lengths = torch.stack([torch.linalg.vector_norm(self._piece(piece), dim=1) for piece in pieces])
        norms: torch.Tensor = torch.linalg.vector_norm(lengths, dim=0)
        return norms

    def _piece(self, piece: slice) -> torch.Tensor:
        return self._rows[:, piece].to(self._like)

    def _pieces(self) -> list[slice]:
        total, size = len(self._like), PIECE if self._like.device.type == "cpu" else PIECE * _LARGE
        return [slice(start, min(start + size, total)) for start in range(0, total, size)]


def delta_file(
    folder: Path, count: int, size: int, *, precision: Precision, budget: float, width: int = 4
) -> Path | None:
    """The file for rows that do not fit into `budget` bytes of memory; None where they fit.

    size: parameters. width: bytes of one of them.
    """
    needed = count * size * (2 if precision == "bf16" else width)
    return folder / "deltas" if needed > budget else None


def _mapped(file: Path, count: int, size: int, kind: torch.dtype) -> torch.Tensor:
    file.parent.mkdir(parents=True, exist_ok=True)
    reserves = hasattr(os, "posix_fallocate")
    if reserves:  # a page that finds no room later is a signal that ends the process
        with file.open("wb") as held:
            os.posix_fallocate(held.fileno(), 0, count * size * kind.itemsize)
    bits = {torch.float32: np.float32, torch.float64: np.float64, torch.bfloat16: np.int16}[kind]
    rows = torch.from_numpy(np.memmap(file, dtype=bits, mode="r+" if reserves else "w+", shape=(count, size)))
    return rows.view(torch.bfloat16) if kind == torch.bfloat16 else rows
