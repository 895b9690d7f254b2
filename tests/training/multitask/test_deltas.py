"""Changes kept in 32 bits, in bfloat16, in a file: one mixture, one set of slopes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from forelearn.training.multitask import deltas as module
from forelearn.training.multitask.deltas import Deltas, Precision, delta_file

COUNT, SIZE = 5, 1003


def make(
    precision: Precision = "fp32", file: Path | None = None
) -> tuple[Deltas, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Deltas, θ [P], the changes [T, P] as 32 bits hold them, and a gradient [P]."""
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(SIZE, generator=generator)
    gradient = torch.randn(SIZE, generator=generator)
    found = Deltas(COUNT, start, precision=precision, file=file)
    changes = []
    for task in range(COUNT):
        after = start + 0.01 * torch.randn(SIZE, generator=generator)
        found.put(task, after, start)
        changes.append(after - start)
    return found, start, torch.stack(changes), gradient


def told(deltas: Deltas, start: torch.Tensor, gradient: torch.Tensor) -> list[torch.Tensor]:
    """A mixture, slopes and lengths."""
    values = torch.empty_like(start)
    deltas.mix_into(values, start, torch.linspace(-1, 2, COUNT))
    return [values, deltas.slopes(gradient), deltas.norms()]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("filed", [False, True])
@pytest.mark.parametrize("piece", [64, 1003, 1 << 17])
def test_mixtures_slopes_and_lengths_are_their_definitions_in_float64(
    precision: Precision, filed: bool, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIECE", piece)
    deltas, start, changes, gradient = make(precision, tmp_path / "deep" / "file" if filed else None)
    kept = (changes.bfloat16() if precision == "bf16" else changes).double()
    alpha = torch.linspace(-1, 2, COUNT).double()
    values, slopes, norms = told(deltas, start, gradient)
    torch.testing.assert_close(values.double(), start.double() + alpha @ kept, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(slopes.double(), kept @ gradient.double(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(norms.double(), kept.norm(dim=1), rtol=1e-6, atol=0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_file_changes_no_bit(precision: Precision, tmp_path: Path) -> None:
    ours = [
        told(deltas, start, gradient)
        for deltas, start, _, gradient in (make(precision), make(precision, tmp_path / "file"))
    ]
    assert all(torch.equal(one, other) for one, other in zip(*ours, strict=True))
    assert (tmp_path / "file").stat().st_size == COUNT * SIZE * (4 if precision == "fp32" else 2)


def test_bfloat16_loses_no_more_than_its_last_bit() -> None:
    """bfloat16 has 8 significant bits: a change is off by at most 2⁻⁸ of itself, and is off."""
    _, start, changes, _ = make()
    deltas = make("bf16")[0]
    values = torch.empty_like(start)
    for task in range(COUNT):
        one = torch.zeros(COUNT)
        one[task] = 1
        deltas.mix_into(values, torch.zeros_like(start), one)
        assert bool(((values - changes[task]).abs() <= changes[task].abs() * 2**-8).all())
        assert not torch.equal(values, changes[task])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_row_is_cleared_and_scaled_in_places_and_others_are_left(precision: Precision) -> None:
    deltas, start, changes, gradient = make(precision)
    before = told(deltas, start, gradient)[1]
    deltas.clear(1)
    deltas.scale(2, 2.0)
    deltas.scale(3, 0.0, [slice(0, 500), slice(500, SIZE)])
    after = deltas.slopes(gradient)
    expected = before * torch.tensor([1.0, 0.0, 2.0, 0.0, 1.0])
    torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-6)
    deltas.scale(4, 0.0, [slice(0, 500)])
    rest = changes[4, 500:] @ gradient[500:]
    assert abs(float(rest - before[4])) > 0.02
    assert float(deltas.slopes(gradient)[4]) == pytest.approx(float(rest), abs=5e-4)


def test_what_does_not_fit_into_the_budget_goes_into_a_file(tmp_path: Path) -> None:
    assert delta_file(tmp_path, 3, 100, precision="fp32", budget=1200) is None
    assert delta_file(tmp_path, 3, 100, precision="fp32", budget=1199) == tmp_path / "deltas"
    assert delta_file(tmp_path, 3, 100, precision="bf16", budget=600) is None
    assert delta_file(tmp_path, 3, 100, precision="bf16", budget=599) is not None


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot reserve room")
def test_a_file_has_all_its_room_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that found none later would end the process by a signal."""
    Deltas(3, torch.zeros(1001), precision="fp32", file=tmp_path / "deltas")
    assert os.stat(tmp_path / "deltas").st_blocks * 512 >= 3 * 1001 * 4

    def full(*given: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        Deltas(3, torch.zeros(1001), precision="fp32", file=tmp_path / "deltas")
