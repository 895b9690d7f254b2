import itertools

import numpy as np
import pytest

from forelearn.estimators.features import FeatureTable, ansat_columns, column, f1_columns, join

THRESHOLDS = np.arange(1, 15) / 20


def family(*, targets: int = 8, noise: float = 0.02, seed: int = 0) -> tuple[FeatureTable, np.ndarray]:
    """Every ordered pair of `targets` tasks whose gain grows with their similarity, and the true gains."""
    rng = np.random.default_rng(seed)
    place = rng.normal(size=(targets, 2))
    place /= np.linalg.norm(place, axis=1)[:, None]
    quality, level = rng.normal(0, 0.02, targets), rng.uniform(0.2, 0.7, targets)
    pairs = list(itertools.permutations(range(targets), 2))
    similar = np.array([place[a] @ place[b] for a, b in pairs])
    gains = 0.05 * similar + np.array([quality[a] for a, _ in pairs])
    active = (3 + similar + rng.normal(0, 0.3, len(pairs)))[:, None, None] * np.exp(-5 * THRESHOLDS)
    active = np.repeat(active, 3, axis=1)
    active[::9, 2] = np.nan
    columns = join(
        f1_columns([level[a] + quality[a] for a, _ in pairs], [level[b] for _, b in pairs]),
        ansat_columns(active, THRESHOLDS),
        column("overlap", similar + rng.normal(0, 0.4, len(pairs))),
    )
    table = FeatureTable(
        columns.names,
        columns.rows,
        tuple(f"t{b}" for _, b in pairs),
        tuple(f"t{a}" for a, _ in pairs),
        gains + rng.normal(0, noise, len(pairs)),
        np.array([level[b] for _, b in pairs]),
    )
    return table, gains


@pytest.fixture(scope="session")
def made():
    return family()
