"""Which device, and which precision it is good at."""

from __future__ import annotations

import torch

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.recipe import Precision

_DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(device: str) -> str:
    """`cuda`, `mps` or `cpu` for `auto`; any other name is checked and returned.

    Raises `InputError` if the device is unknown or not there.
    """
    kind, _, index = device.partition(":")
    if kind not in _DEVICES:
        raise InputError(Problem(f"device `{device}`", "is unknown.", did_you_mean(kind, _DEVICES)))
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there[kind]:
        raise InputError(
            Problem(f"device `{device}`", "is not available to torch here.", "Use `auto` or `cpu`.")
        )
    if kind == "cuda" and index and not (index.isdecimal() and int(index) < torch.cuda.device_count()):
        rule = f"is not there: torch sees {torch.cuda.device_count()}, counted from 0."
        raise InputError(Problem(f"device `{device}`", rule, "Use `cuda`, or one of these."))
    return device


def resolve_precision(device: str) -> Precision:
    """`bf16` where `device` multiplies bfloat16 matrices faster than 32-bit ones, else `fp32`.

    Decided by what the chip can do, never by a stopwatch, for precision is part of every key. On x86 that is
    the instruction set (AVX512-BF16 or AMX); on an Arm CPU and on MPS it is fp32.
    """
    kind = resolve_device(device).split(":")[0]
    if kind == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if kind == "cpu":
        able = torch.cpu.get_capabilities()
        return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else "fp32"
    return "fp32"
