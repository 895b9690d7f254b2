"""How well orders of sources do on a study's exhaustive truth: chosen on dev, judged on test, on other seeds.

Every figure is a mean over targets with an interval over targets and seeds, once over all targets and once over
those that *change*: whose best source on dev, all seeds together, has a mean test performance above that of the
baseline. The paper averages over such targets (Table 1 leaves out four of twelve); it is a choice with hindsight
and flatters every method that transfers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from forelearn.evaluation.budget import SHARES
from forelearn.evaluation.controls import CONTROLS, control, reseeded
from forelearn.evaluation.hierarchical import mean_over, ratio_over
from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.lived import split_at
from forelearn.evaluation.noise import Noise, noise
from forelearn.evaluation.orders import Method, nothing
from forelearn.evaluation.study_cells import (
    KEPT_DEPTHS,
    Cells,
    Figures,
    StudyMethod,
    control_cells,
    order_cells,
)
from forelearn.evaluation.table import Mask, mean_known
from forelearn.evaluation.truth import Truth

RANDOM, STAY = "random", "no transfer"
FIGURES: dict[str, str] = {
    "lost": "points of the test measure that the pick lost against the best choice, no transfer included; pick "
    "judged on seeds it was not drawn on, best cross-fitted",
    "lost_share": "the same over what there was to gain, (best − pick) / (best − baseline), sums over targets",
    "counted_lost": "`lost` when features and confirmation are paid out of the same budget; random pays neither",
    "fresh": "mean test performance of the picked sources on seeds that were not drawn",
    "in_hand": "mean test performance of the very runs that were kept: what one has at the end of that search",
    "overstated": "points by which the dev gain that a source was picked by exceeds its test gain on other seeds",
    "tried": "sources tried for a target",
}
"""What each figure means; names end in `@16.5` and `@49.5`, percent of the exhaustive cost."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Mean performance against the share of the exhaustive cost. fresh, in_hand: an interval a point."""

    shares: tuple[float, ...]
    fresh: tuple[Interval, ...]
    in_hand: tuple[Interval, ...]
    band_fresh: tuple[tuple[float, float], ...] = ()
    band_in_hand: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class StudyVerdict:
    """One method in one metric. kind: `order` or `control`. cost: figure → share of the exhaustive cost.

    figures, changed: over all targets, and over those that change. band: 5 and 95 % of single random orders.
    against: reference → figure → mean difference in points, this method − reference.
    """

    method: str
    kind: str
    sees: str
    figures: Mapping[str, Interval]
    changed: Mapping[str, Interval]
    cost: Mapping[str, float]
    curve: Curve | None = None
    band: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    against: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StudyQuality:
    """All that was measured in one metric. changed: names of the targets that change.

    reseeded: share of the exhaustive cost → mean test performance of the best on dev of so many baselines.
    """

    truth: Truth
    noise: Noise
    verdicts: tuple[StudyVerdict, ...]
    changed: tuple[str, ...]
    reseeded: tuple[tuple[float, Interval], ...]
    comparisons: int
    draws: int
    seed: int
    level: float


def evaluate_truth(
    truth: Truth, methods: Sequence[StudyMethod], *, draws: int = 100, seed: int = 0, level: float = 0.9
) -> StudyQuality:
    """Judge orders and controls. methods: without random, which is always judged.

    draws: random orders; another order lives a fifth as often, for its ties and the turns of targets.
    """
    splits = [split_at(truth, place) for place in truth.search_seeds]
    mask = changing(truth)
    rows: list[tuple[str, str, str, Figures]] = []
    for one in (StudyMethod(Method(RANDOM, nothing, "nothing", chance=True), confirmed=False), *methods):
        often = draws if one.method.name == RANDOM else max(2, draws // 5)
        found = order_cells(one, splits, draws=often, seed=seed)
        rows.append(("order", one.method.name, one.method.sees, found))
    for name, sees in CONTROLS.items():
        rows.append(("control", name, sees, control_cells(control(truth, splits, name))))
    known = {name: found.cells for _, name, _, found in rows}
    verdicts = tuple(
        StudyVerdict(
            name,
            kind,
            sees,
            _summary(found.cells, np.ones(len(mask), np.bool_), level=level, seed=seed),
            _summary(found.cells, mask, level=level, seed=seed),
            found.cost,
            _curve(found, level=level, seed=seed) if found.lives else None,
            found.band if name == RANDOM else {},
            _against(kind, name, found.cells, known, level=level, seed=seed),
        )
        for kind, name, sees, found in rows
    )
    made = sum(len(each) for verdict in verdicts for each in verdict.against.values())
    changed = tuple(name for name, here in zip(truth.targets, mask, strict=True) if here)
    again = tuple(
        (share, mean_over(values, level=level, seed=seed)) for share, values in reseeded(truth, splits)
    )
    measured = noise(truth, level=level, seed=seed)
    return StudyQuality(truth, measured, verdicts, changed, again, made, draws, seed, level)


def changing(truth: Truth) -> Mask:
    """[T], whether the best source on dev, all seeds together, beats the baseline's mean on test."""
    dev, test = (mean_known(truth.gains(side), axis=2) for side in (truth.dev, truth.test))
    known = np.isfinite(dev) & np.isfinite(test)
    top = np.where(known, dev, -np.inf).argmax(axis=1)
    return np.asarray(known.any(axis=1) & (test[np.arange(len(top)), top] > 0), np.bool_)


def _summary(cells: Cells, mask: Mask, *, level: float, seed: int) -> dict[str, Interval]:
    found: dict[str, Interval] = {}
    for name, values in cells.items():
        if name.startswith("best@"):
            part = cells[name.replace("best", "lost")][mask]
            found[name.replace("best", "lost_share")] = ratio_over(part, values[mask], level=level, seed=seed)
        found[name] = mean_over(values[mask], level=level, seed=seed)
    return found


def _curve(found: Figures, *, level: float, seed: int) -> Curve:
    assert found.lives is not None
    shares, fresh, in_hand = found.lives
    both = [
        tuple(mean_over(values, level=level, seed=seed, draws=500) for values in rows)
        for rows in (fresh, in_hand)
    ]
    return Curve(shares, both[0], both[1], *found.bands)


def _against(
    kind: str, name: str, cells: Cells, known: Mapping[str, Cells], *, level: float, seed: int
) -> dict[str, dict[str, Interval]]:
    shares = [f"{100 * share:g}" for share in SHARES]
    lost, held = [f"lost@{share}" for share in shares], [f"in_hand@{share}" for share in shares]
    compared = {STAY: [*lost, *held]}
    if kind == "order":
        compared[RANDOM] = lost
    if name == "F1+ANSAT":
        compared["F1"] = [*lost, *(f"in_hand@K{k}" for k in KEPT_DEPTHS)]
    return {
        reference: {
            figure: mean_over(
                (cells[figure] - known[reference][figure]) * (1 if figure.startswith("lost") else 100),
                level=level,
                seed=seed,
            )
            for figure in figures
            if figure in cells and figure in known[reference]
        }
        for reference, figures in compared.items()
        if reference != name and reference in known
    }
