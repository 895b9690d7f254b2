"""Small tables for the tests of orders."""

from collections.abc import Sequence

import numpy as np

from forelearn.evaluation.table import Array, Table


def table_of(gains: Sequence[object] | Array, *, baseline: float | None = 0.5, **changes: object) -> Table:
    """A table from gains [T, S] or [T, S, R]; no task is both target and source. baseline None: unknown."""
    values = np.asarray(gains, np.float64)
    values = values[:, :, None] if values.ndim == 2 else values
    rows, columns, seeds = values.shape
    level = np.full((rows, 1), np.nan if baseline is None else baseline)
    parts: dict[str, object] = {
        "name": "made",
        "targets": tuple(f"t{row}" for row in range(rows)),
        "sources": tuple(f"s{column}" for column in range(columns)),
        "gains": values if baseline is not None else np.full(values.shape, np.nan),
        "performances": values + (0.0 if baseline is None else baseline),
        "seeds": tuple(f"{seed}" for seed in range(seeds)),
        "baselines": level,
        "costs": np.ones((rows, columns)),
        "baseline_costs": np.zeros(rows),
    }
    return Table(**(parts | changes))  # type: ignore[arg-type]


def noisy(rows: int = 8, columns: int = 7, seeds: int = 4, *, noise: float = 0.02, seed: int = 0) -> Array:
    """Gains [T, S, R] = target effect + source effect + noise."""
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, 0.05, rows)[:, None] + rng.normal(0, 0.05, columns)[None, :]
    return effects[:, :, None] + rng.normal(0, noise, (rows, columns, seeds))
