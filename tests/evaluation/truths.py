"""Small ground truths for the tests of studies."""

from collections.abc import Sequence

import numpy as np

from forelearn.evaluation.table import Array
from forelearn.evaluation.truth import Side, Truth


def truth_of(
    gains: Sequence[object] | Array,
    *,
    dev: Sequence[object] | Array | None = None,
    baselines: Sequence[object] | Array | None = None,
    dev_baselines: Sequence[object] | Array | None = None,
    itself: float = np.nan,
    longer: float = np.nan,
) -> Truth:
    """A truth from test gains [T, S, R] over a baseline of 0.5; sources are no targets. dev as test by default."""
    test_gains = np.asarray(gains, np.float64)
    count, sources, seeds = test_gains.shape
    level = np.full((count, seeds), 0.5) if baselines is None else np.asarray(baselines, np.float64)
    dev_level = level if dev_baselines is None else np.asarray(dev_baselines, np.float64)
    wide = level.shape[1] - seeds
    sides = []
    for values, base in (
        (test_gains if dev is None else np.asarray(dev, np.float64), dev_level),
        (test_gains, level),
    ):
        pairs = np.pad(values + 0.5, ((0, 0), (0, 0), (0, wide)), constant_values=np.nan)
        again = [np.pad(np.full((count, seeds), 0.5 + more), ((0, 0), (0, wide)), constant_values=np.nan)
                 for more in (itself, longer)]  # fmt: skip
        sides.append(Side(pairs, base, *again))
    return Truth(
        "f1",
        tuple(f"t{row}" for row in range(count)),
        tuple(f"s{column}" for column in range(sources)),
        tuple(range(level.shape[1])),
        sides[0],
        sides[1],
        np.ones(count),
    )


def noisy_truth(
    rows: int = 6, columns: int = 5, seeds: int = 3, *, noise: float = 0.02, seed: int = 0
) -> Truth:
    """Target effect + source effect + noise of its own on dev and on test."""
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, 0.02, rows)[:, None] + rng.normal(0, 0.05, columns)[None, :]
    shape = (rows, columns, seeds)
    base = [0.5 + rng.normal(0, noise, (rows, seeds + 1)) for _ in range(2)]
    return truth_of(
        effects[:, :, None] + rng.normal(0, noise, shape),
        dev=effects[:, :, None] + rng.normal(0, noise, shape),
        baselines=base[0],
        dev_baselines=base[1],
        itself=0.01,
        longer=-0.01,
    )
