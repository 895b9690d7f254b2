"""Measures of each group (event) beside those of the pool, for any kind of task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


class Undefined(ValueError):
    """Nothing can be measured on these examples: there are none, or they leave a measure without meaning."""


def by_group(
    groups: Sequence[str], measure_rows: Callable[[Sequence[int]], Mapping[str, float]]
) -> dict[str, Mapping[str, float]]:
    """Measures of each group by name, sorted; a group on which they are undefined has none.

    groups: the group of each example; empty if there are no groups. measure_rows: measures of the examples at
    the given rows; raises `Undefined` where nothing can be measured.
    """
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(groups):
        rows.setdefault(name, []).append(row)
    found: dict[str, Mapping[str, float]] = {}
    for name in sorted(rows):
        try:
            found[name] = measure_rows(rows[name])
        except Undefined:
            found[name] = {}
    return found
