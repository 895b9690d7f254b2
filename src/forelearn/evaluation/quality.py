"""How well orders and searches do on one table: figures with intervals, each against random and static.

Seeds are split many times (`judging.py`); a figure of a target is its mean over the splits, and intervals are
bootstrapped over targets. Results do not depend on names or on the order of targets and sources: tables are
first put in an order of their contents.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from forelearn.evaluation.budget import SHARES, Replay, Search, lost, replay
from forelearn.evaluation.figures import bands, control_figures, mean_of, order_figures, summarise, totals
from forelearn.evaluation.intervals import Interval, bootstrap_mean
from forelearn.evaluation.judging import Split, split
from forelearn.evaluation.orders import Method, nothing, seen, shuffled
from forelearn.evaluation.reliability import Reliability, reliability
from forelearn.evaluation.table import Array, Table, mean_known

RANDOM = "random"
NOTHING = "nothing"
REFERENCES = (RANDOM, "static")
"""What the methods after them are compared with, target by target; static itself with random."""
COMPARED = ("regret@1", "regret@3", "regret@5", "weighted_tau", *(f"lost@{100 * s:g}" for s in SHARES))

Draw = dict[str, Array]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One method on one table.

    kind: `order`, `search`, or `control` (no transfer, itself). figures: name → mean over targets. band: for
    random, the 5 and 95 % quantiles over single random orders of the mean over targets. against: reference →
    figure → mean difference, this method − reference.
    """

    method: str
    kind: str
    sees: str
    figures: Mapping[str, Interval]
    band: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    against: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quality:
    """All that was measured on one table. comparisons: how many differences were looked at in all."""

    table: Table
    reliability: Reliability
    verdicts: tuple[Verdict, ...]
    comparisons: int
    draws: int
    seed: int
    level: float


def evaluate(
    table: Table,
    methods: Sequence[Method] = (),
    *,
    searches: Mapping[str, Search] | None = None,
    draws: int = 100,
    seed: int = 0,
    level: float = 0.9,
) -> Quality:
    """Judge orders, searches, random and the controls on one table.

    methods: without random, which is always judged. searches: name → what to replay, where the table has at
    least two seeds; it gets the learning seeds alone and is judged on the others. draws: splits of the seeds
    and random orders. seed: of all chance. level: of the intervals.
    """
    inner = arranged(table)
    rows, band = _rows(inner, methods, searches or {}, draws=draws, seed=seed)
    by_name = {name: row for (_, name, _), row in rows.items()}
    verdicts = tuple(
        Verdict(
            name,
            kind,
            sees,
            summarise(row, level=level, seed=seed),
            band if name == RANDOM else {},
            {} if kind == "control" else _against(name, row, by_name, level=level, seed=seed),
        )
        for (kind, name, sees), row in rows.items()
    )
    made = sum(len(each) for verdict in verdicts for each in verdict.against.values())
    measured = reliability(inner, level=level, seed=seed)
    return Quality(table, measured, verdicts, made, draws, seed, level)


def per_target(
    table: Table, methods: Sequence[Method], *, draws: int = 100, seed: int = 0
) -> dict[str, dict[str, Array]]:
    """What `evaluate` takes the mean of: method → figure → [T], in the order of the table; NaN where undefined.

    With random and the controls. For who compares methods target by target.
    """
    inner = arranged(table)
    rows, _ = _rows(inner, methods, {}, draws=draws, seed=seed)
    places = [inner.targets.index(target) for target in table.targets]
    return {
        name: {figure: values[places] for figure, values in row.items()} for (_, name, _), row in rows.items()
    }


def _rows(
    inner: Table, methods: Sequence[Method], searches: Mapping[str, Search], *, draws: int, seed: int
) -> tuple[dict[tuple[str, str, str], Draw], dict[str, tuple[float, float]]]:
    """(kind, name, sees) → figures of every target; and the band of single random orders."""
    splits = [split(inner, _chance(seed, number, "split")) for number in range(draws)]
    judge = _Judge(inner, splits, seed)
    single = [judge.order(Method(RANDOM, shuffled, NOTHING), number) for number in range(draws)]
    rows: dict[tuple[str, str, str], Draw] = {}
    for method in (Method(RANDOM, nothing, NOTHING), *methods):
        looks = draws if judge.several or method.chance else 1
        rows["order", method.name, method.sees] = mean_of([judge.order(method, n) for n in range(looks)])
    # a constant order has no τ; that of random is the mean over its single orders
    rows["order", RANDOM, NOTHING]["weighted_tau"] = mean_of(single)["weighted_tau"]
    if judge.several:
        for name, search in searches.items():
            found = [judge.search(search, number) for number in range(draws)]
            rows["search", name, "single runs as it goes"] = mean_of(found)
    rows |= {("control", name, NOTHING): row for name, row in judge.controls().items()}
    return rows, bands([totals(draw) for draw in single])


def arranged(table: Table) -> Table:
    """Targets and sources in an order of their contents, so that chance does not depend on names.

    Values are compared after centring by target: a constant added to a target moves nothing.
    """
    values = np.where(table.candidates[:, :, None], table.values, np.nan)
    even = np.round(values - mean_known(values.reshape(len(values), -1), axis=1)[:, None, None], 9)
    rows = [tuple(np.sort(target.ravel())) for target in np.nan_to_num(even, nan=np.inf)]
    columns = [tuple(np.sort(source.ravel())) for source in np.nan_to_num(even, nan=np.inf).swapaxes(0, 1)]
    return table.arranged(
        sorted(range(len(rows)), key=rows.__getitem__), sorted(range(len(columns)), key=columns.__getitem__)
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """One table with its splits; every method meets the same ones."""

    table: Table
    splits: Sequence[Split]
    seed: int

    @property
    def several(self) -> bool:
        return len(self.table.seeds) > 1

    def order(self, method: Method, number: int) -> Draw:
        """The figures of an order in one split, those of its replay inside the budgets included."""
        here = self.splits[number]
        view = seen(self.table, here.learn, _chance(self.seed, number, method.name))
        scores = method.order(view)
        found = order_figures(scores, here, self.table)
        if self.several:
            found |= self._lived(replay(scores, view, in_sequence=method.in_sequence), here)
        return found

    def search(self, search: Search, number: int) -> Draw:
        """The figures of a search that sees the learning seeds alone."""
        here = self.splits[number]
        return self._lived(search(self.table.with_seeds(here.learn), number), here)

    def controls(self) -> dict[str, Draw]:
        """No transfer, where gains are known, and `B → B`, where the table has it."""
        found: dict[str, Draw] = {}
        splits = self.splits if self.several else self.splits[:1]
        size = len(self.table.targets)
        if self.table.known.any():
            stay = np.where(self.table.known, 0.0, np.nan)
            none = Replay(dict.fromkeys(SHARES, (None,) * size))
            draws = [control_figures(stay, here, self.table) for here in splits]
            if self.several:
                draws = [draw | self._lived(none, here) for draw, here in zip(draws, splits, strict=True)]
            found["no transfer"] = mean_of(draws)
        if self.table.itself:
            found["itself"] = mean_of([control_figures(here.itself, here, self.table) for here in splits])
        return found

    def _lived(self, answers: Replay, here: Split) -> Draw:
        found: Draw = {}
        for share, picks in answers.picks.items():
            points, top, value = (part * self.table.unit for part in lost(picks, here.folds, self.table))
            label = f"{100 * share:g}"
            found[f"lost@{label}"] = points
            found[f"best@{label}"] = np.where(self.table.known, top, np.nan)
            claims = answers.reported.get(share)
            if claims is not None:
                claimed = np.array([np.nan if claim is None else claim for claim in claims], np.float64)
                found[f"overstated@{label}"] = claimed * self.table.unit - value
        return found


def _against(
    name: str, row: Draw, by_name: Mapping[str, Draw], *, level: float, seed: int
) -> dict[str, dict[str, Interval]]:
    return {
        reference: {
            figure: bootstrap_mean(row[figure] - by_name[reference][figure], level=level, seed=seed)
            for figure in COMPARED
            if figure in row and figure in by_name[reference]
        }
        for reference in REFERENCES
        if reference in by_name and name not in (reference, RANDOM)
    }


def _chance(seed: int, number: int, purpose: str) -> np.random.Generator:
    """A stream of its own for each draw and purpose: one more method changes no other's figures."""
    return np.random.default_rng([seed, number, zlib.crc32(purpose.encode())])
