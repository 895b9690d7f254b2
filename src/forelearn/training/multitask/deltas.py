"""What each task made of the same parameters, as rows of one matrix [T, P], and mixtures of them.

In 32 bits, in bfloat16 (half the memory; sums are in the parameters' own type), or outside the memory in a mapped
file, which changes no number. Rows are read in pieces, so that a mixture never needs a second matrix.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch

PIECE = 1 << 22
"""Parameters at a time where rows have to be converted or fetched."""

Precision = Literal["fp32", "bf16"]


class Deltas:
    """count: tasks T. like: [P] the parameters; rows are of their type, or bfloat16, on their device.

    file: where rows lie if they do not fit into memory (32 bits, on disk); None: in memory.
    """

    def __init__(
        self, count: int, like: torch.Tensor, *, precision: Precision = "fp32", file: Path | None = None
    ) -> None:
        self._like = like
        kind = torch.bfloat16 if precision == "bf16" else like.dtype
        self._whole = file is None and kind == like.dtype
        if file is None:
            self._rows = torch.zeros((count, len(like)), dtype=kind, device=like.device)
        else:
            self._rows = _mapped(file, count, len(like), kind)

    def put(self, task: int, after: torch.Tensor, before: torch.Tensor) -> None:
        """Row `task`: what became of the parameters, less what they were."""
        for piece in self._pieces():
            self._rows[task, piece] = (after[piece] - before[piece]).to(self._rows)

    def scale(self, task: int, factor: float, pieces: list[slice] | None = None) -> None:
        """Multiply row `task` by `factor`, in these places alone if they are given."""
        for piece in self._pieces() if pieces is None else pieces:
            self._rows[task, piece] *= factor

    def clear(self, task: int) -> None:
        """Row `task` is 0."""
        self._rows[task].zero_()

    def mix_into(self, values: torch.Tensor, start: torch.Tensor, alpha: torch.Tensor) -> None:
        """values ← start + Σ_i α_i row_i. Shape: values, start [P]; alpha [T]."""
        if self._whole:
            torch.addmv(start, self._rows.T, alpha.to(start), out=values)
            return
        for piece in self._pieces():
            values[piece] = start[piece] + self._piece(piece).T @ alpha.to(start)

    def slopes(self, gradient: torch.Tensor) -> torch.Tensor:
        """[T] ⟨gradient, row_i⟩: the derivative of the loss by each α."""
        if self._whole:
            return self._rows @ gradient
        return torch.stack([self._piece(piece) @ gradient[piece] for piece in self._pieces()]).sum(0)

    def norms(self) -> torch.Tensor:
        """[T] Euclidean lengths of the rows."""
        if self._whole:
            length: torch.Tensor = torch.linalg.vector_norm(self._rows, dim=1)
            return length
        return torch.stack([self._piece(piece).square().sum(1) for piece in self._pieces()]).sum(0).sqrt()

    def _piece(self, piece: slice) -> torch.Tensor:
        return self._rows[:, piece].to(self._like)

    def _pieces(self) -> list[slice]:
        return [
            slice(start, min(start + PIECE, len(self._like))) for start in range(0, len(self._like), PIECE)
        ]


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
    bits = {torch.float32: np.float32, torch.float64: np.float64, torch.bfloat16: np.int16}[kind]
    rows = torch.from_numpy(np.memmap(file, dtype=bits, mode="w+", shape=(count, size)))
    return rows.view(torch.bfloat16) if kind == torch.bfloat16 else rows
