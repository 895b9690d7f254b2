"""A file as a target × source `Table`: baselines, seeds and scales settled, everything handled counted.

Rules (choices, each counted where it applies):
- Runs of one pair and seed are averaged: keeping the first would hang on the order of rows.
- A gain is performance − baseline of the same seed where baselines have the pairs' seeds, else − their mean.
- Mixed scales are refused (`table_scale.py`).
- Rows of the baseline named in the table are not sources. `B → B` is kept as a control.
- Performance is higher-is-better; a table of errors or losses must be negated first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from forelearn.core.errors import InputError, Problem
from forelearn.evaluation.table import Array, Table, mean_known
from forelearn.experiment.table_file import Record, Records, TableOptions, read_records
from forelearn.experiment.table_numbers import MISSING
from forelearn.experiment.table_scale import points_in_one
from forelearn.tasks.files import listed

BASELINE_NAMES = MISSING | {"baseline", "no transfer", "no-transfer"}
"""Sources that stand for no transfer in a long table; in a wide one the columns of these names."""


def read_table(path: Path, options: TableOptions | None = None) -> tuple[Table, tuple[Problem, ...]]:
    """The table and what to warn of. Raises InputError with every problem found; nothing is written."""
    options = options or TableOptions()
    found = read_records(path, options)
    build = _Builder(str(path), found, options)
    return build.table(path.stem), (*found.warnings, *build.warnings)


class _Builder:
    """From records to arrays."""

    def __init__(self, file: str, found: Records, options: TableOptions) -> None:
        self.file, self.found, self.options = file, found, options
        self.warnings: list[Problem] = []
        self.counts: dict[str, int] = {"rows": found.rows, "rows left out by --where": found.left_out}
        named = [record for record in found.records if record.target.casefold() not in MISSING]
        self.counts["rows without a target"] = len(found.records) - len(named)
        self.plain = [record for record in named if self._is_baseline(record)]
        self.pairs = [record for record in named if not self._is_baseline(record)]
        unnamed = sum(not record.seed for record in self.pairs) if found.has_seeds else 0
        self.counts["rows without a seed (one seed of their own)"] = unnamed
        measured = [r for r in self.pairs if np.isfinite(r.performance) or np.isfinite(r.gain)]
        self.counts["rows without a value"] = len(self.pairs) - len(measured)
        self.targets = sorted({record.target for record in measured})
        self.sources = sorted({record.source for record in measured})
        self.seeds = sorted({record.seed for record in measured}, key=_natural)
        self._refuse_nothing()
        self._warn_of_names()

    def table(self, name: str) -> Table:
        """The table, or InputError."""
        performances = self._cells(self.pairs, "performance", count=True)
        given = self._cells(self.pairs, "gain", count=True)
        baselines, costs_of_baselines = self._baselines(performances)
        level = baselines if baselines.shape[1] == len(self.seeds) else np.repeat(
            baselines, len(self.seeds), axis=1
        )  # fmt: skip
        level = np.where(np.isfinite(level), level, mean_known(baselines, axis=1)[:, None])[:, None, :]
        gains = np.where(np.isfinite(given), given, performances - level)
        performances = np.where(np.isfinite(performances), performances, given + level)
        unit, small = points_in_one(
            performances,
            gains,
            baselines,
            names=(self.targets, self.sources),
            scale=self.options.scale,
            file=self.file,
        )
        self.counts["cells of at most 1 among percentages"] = small
        columns = {name: index for index, name in enumerate(self.sources)}
        itself = tuple((row, columns[name]) for row, name in enumerate(self.targets) if name in columns)
        made = Table(
            name,
            tuple(self.targets),
            tuple(self.sources),
            gains,
            performances,
            tuple(seed or "–" for seed in self.seeds),
            baselines,
            self._costs(),
            costs_of_baselines,
            {score: self._score(score) for score in self.found.score_names},
            tuple(
                pair
                for pair in itself
                if np.isfinite(performances[pair]).any() or np.isfinite(gains[pair]).any()
            ),
            unit,
        )
        return self._counted(made)

    def _is_baseline(self, record: Record) -> bool:
        name = record.source.casefold()
        return name in BASELINE_NAMES or name == self._standing_in

    @property
    def _standing_in(self) -> str | None:
        """The source that stands for no transfer, if one was named."""
        chosen = self.options.baseline.casefold()
        return None if chosen in ("auto", "none", "diagonal") else chosen

    def _baselines(self, performances: Array) -> tuple[Array, Array]:
        """[T, B] and the cost [T] of one run of each, 0 where baselines are no runs."""
        chosen, free = self.options.baseline.casefold(), np.zeros(len(self.targets))
        unknown = np.full((len(self.targets), 1), np.nan)
        if chosen == "none":
            return unknown, free
        if chosen == "diagonal":
            runs = [record for record in self.pairs if record.source == record.target]
        else:
            runs = [record for record in self.plain if np.isfinite(record.performance)]
            if self._standing_in and not runs:
                fix = "Name a source of the table, or diagonal, none or auto."
                raise InputError(
                    Problem("--baseline", f"No source is called `{self.options.baseline}`.", fix)
                )
        if runs:
            return self._baseline_runs(runs)
        stated = self._cells(self.pairs, "baseline", count=False)
        if not np.isfinite(stated).any():
            return unknown, free
        per_seed = np.stack(
            [mean_known(stated[:, :, seed], axis=1) for seed in range(len(self.seeds))], axis=1
        )
        differing = np.nanmax(per_seed, axis=1, initial=-np.inf) > np.nanmin(per_seed, axis=1, initial=np.inf)
        self._warn_of_uneven(stated, per_seed)
        return (per_seed if differing.any() else mean_known(per_seed, axis=1)[:, None]), free

    def _baseline_runs(self, runs: Sequence[Record]) -> tuple[Array, Array]:
        rows = {name: index for index, name in enumerate(self.targets)}
        runs = [record for record in runs if record.target in rows]
        seeds = sorted({record.seed for record in runs}, key=_natural)
        shared = len(self.seeds) > 1 and set(seeds) <= set(self.seeds)
        names = self.seeds if shared else seeds
        values = _average(
            [(rows[r.target], names.index(r.seed), r.performance) for r in runs], (len(rows), len(names))
        )
        paid = _average([(rows[r.target], 0, r.cost) for r in runs], (len(rows), 1))[:, 0]
        usual = float(np.nanmean(paid)) if np.isfinite(paid).any() else float(self._costs().mean())
        if not shared and len(seeds) > 1:
            self.counts["baseline seeds that no pair has (averaged)"] = len(set(seeds) - set(self.seeds))
            values = mean_known(values, axis=1)[:, None]
        return values, np.where(np.isfinite(paid), paid, usual)

    def _cells(self, records: Sequence[Record], what: str, *, count: bool) -> Array:
        rows = {name: index for index, name in enumerate(self.targets)}
        columns = {name: index for index, name in enumerate(self.sources)}
        seeds = {name: index for index, name in enumerate(self.seeds)}
        shape = (len(rows), len(columns), len(seeds))
        found = [
            (
                np.ravel_multi_index((rows[r.target], columns[r.source], seeds[r.seed]), shape),
                0,
                float(getattr(r, what)),
            )
            for r in records
            if r.target in rows and r.source in columns and r.seed in seeds
        ]
        if count:
            known = [place for place, _, value in found if np.isfinite(value)]
            self.counts["repeated runs (averaged)"] = self.counts.get("repeated runs (averaged)", 0) + (
                len(known) - len(set(known))
            )
        return _average([(int(p), s, v) for p, s, v in found], (int(np.prod(shape)), 1)).reshape(shape)

    def _costs(self) -> Array:
        given = mean_known(self._cells(self.pairs, "cost", count=False), axis=2)
        if not np.isfinite(given).any():
            return np.ones(given.shape)
        if (given <= 0).any():
            raise InputError(Problem(self.file, "Costs must be above 0.", "Correct the cost column."))
        return np.where(np.isfinite(given), given, float(np.nanmean(given)))

    def _score(self, name: str) -> Array:
        rows = {target: index for index, target in enumerate(self.targets)}
        columns = {source: index for index, source in enumerate(self.sources)}
        found = [
            (rows[r.target], columns[r.source], r.scores[name])
            for r in self.pairs
            if r.target in rows and r.source in columns
        ]
        return _average(found, (len(rows), len(columns)))

    def _counted(self, table: Table) -> Table:
        here = table.candidates
        runs = np.isfinite(table.values).sum(axis=2)
        means = np.where(here, mean_known(table.values, axis=2), np.nan)
        possible = np.ones(here.shape, np.bool_)
        for row, name in enumerate(table.targets):
            if name in table.sources:
                possible[row, table.sources.index(name)] = False
        if not (here.sum(axis=1) > 1).any():
            raise InputError(
                Problem(
                    self.file,
                    "No target has two sources to choose from.",
                    "Give at least two sources a target.",
                )
            )
        self.counts |= {
            "missing cells": int((possible & ~here).sum()),
            "cells with fewer seeds": int((here & (runs < len(table.seeds))).sum()),
            "tied cells": sum(int(np.isfinite(r).sum()) - len(np.unique(r[np.isfinite(r)])) for r in means),
            "cells of a task from itself": len(table.itself),
            "targets without a baseline": int((~table.known).sum()),
            "targets with fewer than two sources": int((here.sum(axis=1) < 2).sum()),
            "further columns": len(self.found.further),
        }
        if self.counts.get("repeated runs (averaged)") and self.found.varying:
            names = ", ".join(f"`{name}`" for name in self.found.varying)
            fix = f"If the file holds several tables, choose one: --where {self.found.varying[0]}=VALUE."
            self.warnings.append(
                Problem(self.file, f"Rows of one pair differ in {names} and were averaged.", fix, "warning")
            )
        kept = {name: number for name, number in self.counts.items() if number}
        return Table(**{**{slot: getattr(table, slot) for slot in table.__slots__}, "counts": kept})

    def _refuse_nothing(self) -> None:
        if not self.targets:
            raise InputError(Problem(self.file, "No pair has a value.", "Fill the cells of the table."))

    def _warn_of_names(self) -> None:
        spelt: dict[str, set[str]] = {}
        for name in (*self.targets, *self.sources):
            spelt.setdefault(name.casefold(), set()).add(name)
        twice = [" and ".join(sorted(names)) for names in spelt.values() if len(names) > 1]
        if twice:
            self.counts["names alike but for case"] = len(twice)
            fix = "Spell a task alike, or it will not be known as its own source."
            self.warnings.append(
                Problem(self.file, f"Names differ by case alone: {listed(sorted(twice))}.", fix, "warning")
            )

    def _warn_of_uneven(self, stated: Array, per_seed: Array) -> None:
        off = np.nanmax(
            np.where(np.isfinite(stated), np.abs(stated - per_seed[:, None, :]), 0.0), axis=(1, 2)
        )
        names = [name for name, far in zip(self.targets, off, strict=True) if far > 1e-9]
        if names:
            fix = "Give each target one baseline a seed, or rows of its own for the baseline."
            what = f"The baseline differs between sources (averaged): {listed(names)}."
            self.warnings.append(Problem(self.file, what, fix, "warning"))


def _average(found: Sequence[tuple[int, int, float]], shape: tuple[int, int]) -> Array:
    """The mean of the finite values of each place; NaN where there is none."""
    sums, numbers = np.zeros(shape), np.zeros(shape)
    for row, column, value in found:
        if np.isfinite(value):
            sums[row, column] += value
            numbers[row, column] += 1
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), np.nan)


def _natural(seed: str) -> tuple[float, str]:
    return (float(seed), seed) if seed.isdecimal() else (float("inf"), seed)
