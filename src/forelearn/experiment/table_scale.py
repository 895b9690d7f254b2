"""Fractions or percentages? One answer for the whole table, or a refusal.

The rule: a table is in fractions if nothing in it is above 1, else in percentages. It is refused as mixed if
the largest value of a target, of a source or of the baselines is at most 1 while that of another is above 1;
zeros say nothing. A single cell of at most 1 among percentages is taken as it is and counted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forelearn.core.errors import InputError, Problem
from forelearn.evaluation.table import Array
from forelearn.tasks.files import listed

SCALES = ("auto", "fraction", "percent")


def points_in_one(
    performances: Array,
    gains: Array,
    baselines: Array,
    *,
    names: tuple[Sequence[str], Sequence[str]],
    scale: str,
    file: str,
) -> tuple[float, int]:
    """Points in one unit (100 for fractions, 1 for percentages), and how many cells are small percentages.

    performances, gains: [T, S, R]; gains decide where no performance is known. baselines: [T, B]. names: of
    targets and sources. scale: `auto` applies the rule, `fraction` and `percent` take the table as it is.
    Raises InputError for mixed scales.
    """
    if scale not in SCALES:
        raise InputError(Problem("--scale", f"is one of {', '.join(SCALES)}, got `{scale}`.", "Choose one."))
    if scale != "auto":
        return (100.0 if scale == "fraction" else 1.0), 0
    if not np.isfinite(performances).any():
        return (100.0 if _top(gains) <= 1 else 1.0), 0
    rows = [_top(row, base) for row, base in zip(performances, baselines, strict=True)]
    columns = [_top(column) for column in performances.swapaxes(0, 1)]
    _refuse_mixed(names[0], rows, file)
    _refuse_mixed(names[1], columns, file)
    _refuse_mixed(("the baselines", "the pairs"), (_top(baselines), _top(performances)), file)
    if max(rows) <= 1:
        return 100.0, 0
    return 1.0, int(((performances != 0) & (np.abs(performances) <= 1)).sum())


def _refuse_mixed(names: Sequence[str], tops: Sequence[float], file: str) -> None:
    small = [name for name, top in zip(names, tops, strict=True) if 0 < top <= 1]
    large = [name for name, top in zip(names, tops, strict=True) if top > 1]
    if small and large:
        few, rule = (small, "at most 1") if len(small) <= len(large) else (large, "above 1")
        raise InputError(
            Problem(
                file,
                f"Scales are mixed: the largest value is {rule} for {listed(few)}, but not for the others.",
                "Bring all to fractions or to percentages; if all is as it should be, say --scale percent.",
            )
        )


def _top(*parts: Array) -> float:
    return max(float(np.nanmax(np.abs(part), initial=0.0)) for part in parts)
