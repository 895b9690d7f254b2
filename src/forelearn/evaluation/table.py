"""A target × source table: what each source gained for each target, seed by seed. A pure value.

Shapes: T targets, S sources, R seeds, B baseline runs. Performance: higher is better, fraction or percent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Targets, sources and what was measured between them.

    targets: [T], sources: [S]; a name may be both. seeds: [R], one name if the table has none.
    gains: [T, S, R], performance − baseline, in units of the performance; NaN where missing or unknown.
    performances: [T, S, R]; NaN where missing, or where only gains are known.
    baselines: [T, B]; B = R if they have the seeds of the pairs (gains are then of equal seeds), else 1.
    costs: [T, S] of one run of a pair. baseline_costs: [T] of one baseline run, 0 if baselines are no runs.
    scores: name → [T, S], higher is better, NaN where a pair has none.
    itself: (target index, source index) of each `B → B`: a control, never a candidate.
    unit: points in one unit of the performance, 100 for fractions and 1 for percentages.
    counts: what was found and handled, by name.
    """

    name: str
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    gains: Array
    performances: Array
    seeds: tuple[str, ...]
    baselines: Array
    costs: Array
    baseline_costs: Array
    scores: Mapping[str, Array] = field(default_factory=dict)
    itself: tuple[tuple[int, int], ...] = ()
    unit: float = 100.0
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        cells = (len(self.targets), len(self.sources))
        shapes = {
            "gains": (self.gains, (*cells, len(self.seeds))),
            "performances": (self.performances, (*cells, len(self.seeds))),
            "costs": (self.costs, cells),
            "baseline_costs": (self.baseline_costs, cells[:1]),
            **{f"score {name}": (values, cells) for name, values in self.scores.items()},
        }
        for name, (array, shape) in shapes.items():
            if array.shape != shape:
                raise ValueError(f"`{name}` must have shape {shape}, got {array.shape}")
        if self.baselines.ndim != 2 or len(self.baselines) != cells[0]:
            raise ValueError(f"`baselines` must have a row a target, got shape {self.baselines.shape}")

    @property
    def levels(self) -> Array:
        """[T], mean baseline performance; NaN where no baseline is known."""
        return mean_known(self.baselines, axis=1)

    @property
    def known(self) -> Mask:
        """[T], whether gains of the target are known, so that *no transfer* can be a candidate."""
        return np.asarray(np.isfinite(self.gains).any(axis=(1, 2)), np.bool_)

    @property
    def values(self) -> Array:
        """[T, S, R], what sources are judged by: gains, or performances of targets without a baseline."""
        return np.where(self.known[:, None, None], self.gains, self.performances)

    @property
    def candidates(self) -> Mask:
        """[T, S], pairs with a value that are not `B → B`."""
        mask = np.asarray(np.isfinite(self.values).any(axis=2), np.bool_)
        for target, source in self.itself:
            mask[target, source] = False
        return mask

    def with_seeds(self, kept: Sequence[int]) -> Table:
        """The table as who saw only these seeds knows it. kept: indices of `seeds`, in the order wanted."""
        chosen = list(kept)
        aligned = self.baselines.shape[1] == len(self.seeds) > 1
        return replace(
            self,
            seeds=tuple(self.seeds[index] for index in chosen),
            gains=self.gains[:, :, chosen],
            performances=self.performances[:, :, chosen],
            baselines=self.baselines[:, chosen] if aligned else self.baselines,
        )

    def arranged(self, targets: Sequence[int], sources: Sequence[int]) -> Table:
        """The same table with its targets and sources in another order. Both: permutations of indices."""
        rows, columns = list(targets), list(sources)
        cells = np.ix_(rows, columns)
        return replace(
            self,
            targets=tuple(self.targets[row] for row in rows),
            sources=tuple(self.sources[column] for column in columns),
            gains=self.gains[cells],
            performances=self.performances[cells],
            baselines=self.baselines[rows],
            costs=self.costs[cells],
            baseline_costs=self.baseline_costs[rows],
            scores={name: values[cells] for name, values in self.scores.items()},
            itself=tuple((rows.index(target), columns.index(source)) for target, source in self.itself),
        )


def mean_known(values: Array, axis: int) -> Array:
    """The mean along `axis` of what is not NaN; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    mean: Array = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean
