"""The matrix products of conductance alone: what no implementation of the same arithmetic can go below."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from forelearn.models.batch import alike
from forelearn.representations.conductance import PADDING, default_micro_batch
from forelearn.representations.path import Engine, Precision
from forelearn.representations.rules import Rule
from forelearn.representations.words import Document

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp64": torch.float64}


def product_ratio(device: str) -> float:
    """How many times as fast a product of 1,024 × 384 by 384 × 1,536 is in bf16 as in fp32."""
    times: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
    for _ in range(15):
        for kind, spent in times.items():
            left, right = (
                torch.ones(shape, dtype=kind, device=device) for shape in ((1024, 384), (384, 1536))
            )
            # other load on the machine does not count against a thread's CPU seconds
            clock = time.perf_counter if device == "cuda" else time.process_time
            _wait(device)
            began = clock()
            for _ in range(4):
                left @ right
            _wait(device)
            spent.append(clock() - began)
    return statistics.median(times[torch.float32]) / statistics.median(times[torch.bfloat16])


def run_products(
    engine: Engine,
    documents: Sequence[Document],
    rule: Rule,
    precision: Precision,
    *,
    hidden: int,
    wide: int,
) -> Callable[[], None]:
    """A function that does the linear layers' products of `documents` under a rule of one level.

    Forward: all layers, the last one for keys and values only (its other products are for one token a point).
    Backward to the inputs: all layers after the first. Attention's own products are not counted.
    """
    kind = _TYPES[precision]
    points = len(rule.levels()[0])
    limit = default_micro_batch(engine.device) // points
    rows = [
        points * len(group) * max(len(documents[row]) for row in group)
        for group in alike([len(document) for document in documents], tokens=limit, padding=PADDING)
    ]

    def filled(*shape: int) -> torch.Tensor:
        return torch.full(shape, 0.01, dtype=kind, device=engine.device)

    most = max(rows)
    narrow, triple, broad = filled(most, hidden), filled(most, 3 * hidden), filled(most, wide)
    mix, qkv, up, down = (
        filled(hidden, hidden),
        filled(3 * hidden, hidden),
        filled(wide, hidden),
        filled(hidden, wide),
    )

    def products() -> None:
        for count in rows:
            one, three, four = narrow[:count], triple[:count], broad[:count]
            for _ in range(engine.layers - 1):
                one @ qkv.T, one @ mix.T, one @ up.T, four @ down.T
            for _ in range(engine.layers - 2):
                three @ qkv, one @ mix, four @ up, one @ down
            one @ qkv[hidden:].T, three[:, hidden:] @ qkv[hidden:]

    return products


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
