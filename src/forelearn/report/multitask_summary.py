"""The result of multitask training for one target as one frozen value: what was asked for, beside its controls.

The page, the terminal's table and the JSON are views of it. Nothing here is measured or decided. Measures are in the
unit of the target's own metric, higher is better. All arms are compared at matched compute: what an arm would have
kept with no more sample gradients than the method spent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from forelearn.core.keys import plain
from forelearn.core.multitask import Scalar
from forelearn.report.summary import Interval
from forelearn.training.multitask.history import History

Worth = Literal["worth it", "not worth it", "not enough evidence"]
"""Decided on the examples that chose the snapshots (`select`, all of dev unless it was divided), never on test.

`worth it`: the interval of the difference lies above 0 for every control. `not worth it`: it lies below 0 for one of
them, or the mean is not above 0 for any. `not enough evidence`: anything else, and whenever there is one seed, or the
method failed on one.
"""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of training the target, on some seeds.

    name: unique. about: in one line. control: whether it is there to be beaten. failed: why seeds have no run.
    keys, seeds, select, dev, test, gradients, seconds, peak_bytes, histories, units: one a seed that has run; select,
    dev, test, gradients, seconds and units (tokens × layers, read and learned from) at matched compute.
    """

    name: str
    about: str
    method: str
    options: tuple[tuple[str, Scalar], ...]
    auxiliaries: tuple[str, ...]
    control: bool
    seeds: tuple[int, ...]
    keys: tuple[str, ...]
    select: tuple[float, ...]
    dev: tuple[float, ...]
    test: tuple[float, ...]
    gradients: tuple[int, ...]
    seconds: tuple[float, ...]
    peak_bytes: tuple[int, ...]
    histories: tuple[History, ...]
    failed: tuple[str, ...] = ()
    units: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The method less one other arm, paired by seed, with intervals over seeds.

    arm: the other. control: whether it is a control. seeds: how many both have run. apart: the mean difference of
    `select`; None without a shared seed. select, dev, test: None with fewer than two seeds, or if all differ alike.
    """

    arm: str
    control: bool
    seeds: int
    apart: float | None
    select: Interval | None
    dev: Interval | None
    test: Interval | None


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """What became of an auxiliary task under the method: means over seeds, None where the method has no such thing.

    first, last: its weight after the first and the last epoch. share: mean over epochs of its weight's share of all
    weights. alpha: mean over epochs. slope: mean ⟨g, δ⟩; above 0 its changes hurt the target. dropped, back: seeds in
    which it was dropped, and came back.
    """

    name: str
    first: float | None
    last: float | None
    share: float | None
    alpha: float | None
    slope: float | None
    dropped: int
    back: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """arms: the method first, then controls, then what else was asked for. compute: sample gradients that all arms
    were held to. level: of every interval. chosen: how the auxiliary tasks were found, in words. rests_on: the control
    that decided on the verdict; empty if none did.
    """

    study: str
    target: str
    metric: str
    encoder: str
    auxiliaries: tuple[str, ...]
    chosen: str
    recipe: Mapping[str, Any]
    compute: int
    level: float
    arms: tuple[Arm, ...]
    differences: tuple[Difference, ...]
    tasks: tuple[Auxiliary, ...]
    worth: Worth
    reason: str
    rests_on: str

    @property
    def method(self) -> Arm:
        """The arm that was asked for."""
        return self.arms[0]

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON; what could not be had is None."""
        found: dict[str, Any] = plain(self)
        return found
