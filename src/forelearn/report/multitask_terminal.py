"""The result of multitask training in the terminal, within 80 columns: verdict, arms, differences, auxiliary tasks.

Where a part of dev chose the epochs, its column takes the place of the memory, and of dev among the differences; the
page has them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forelearn.report.markup import visible
from forelearn.report.multitask_summary import Arm, Auxiliary, Comparison, Worth
from forelearn.report.multitask_words import divided, figure, lead, memory, over_seeds, seeds_words, uneven
from forelearn.report.wording import NONE, count, duration, metric_name, number, signed, with_bounds

_STYLES: dict[Worth, str] = {
    "worth it": "bold cyan",
    "not worth it": "bold yellow",
    "not enough evidence": "bold",
}


def show_comparison(comparison: Comparison, *, console: Console | None = None) -> None:
    """Print it. console: stdout by default."""
    out = console or Console()
    out.print(Text(visible("".join(lead(comparison))), style=_STYLES[comparison.worth]))
    out.print(Text(visible(comparison.reason)))
    if comparison.auxiliaries and comparison.chosen != "by name":
        out.print(Text(f"Auxiliary tasks chosen: {visible(comparison.chosen)}.", style="dim"))
    out.print(_arms(comparison))
    for arm in comparison.arms:
        for failure in arm.failed:
            out.print(Text(f"failed: {arm.name}, {visible(failure)}", style="red"))
    for line in uneven(comparison):
        out.print(Text(visible(line), style="dim"))
    if any(one.test is not None for one in comparison.differences):
        out.print(_differences(comparison))
    if comparison.tasks:
        out.print(_auxiliaries(comparison))
    out.print(Text(_legend(comparison)))


def _arms(comparison: Comparison) -> Table:
    apart = divided(comparison)
    first, last = (["select"], []) if apart else ([], ["memory"])
    table = _table("arm", *first, "dev", "test", "gap", "compute", "time", *last)
    for arm in comparison.arms:
        if not arm.seeds:
            table.add_row(visible(arm.name), *[NONE] * 6)
            continue
        gap = fmean(dev - test for dev, test in zip(arm.dev, arm.test, strict=True))
        table.add_row(
            Text(visible(arm.name), style="bold" if arm is comparison.method else ""),
            *([_mean(arm.select, comparison.level)] if apart else []),
            _mean(arm.dev, comparison.level),
            _mean(arm.test, comparison.level),
            signed(gap),
            count(round(fmean(arm.gradients))),
            duration(fmean(arm.seconds)),
            *([] if apart else [memory(max(arm.peak_bytes))]),
        )
    return table


def _mean(values: Sequence[float], level: float) -> str:
    """`0.812 ± 0.012`: Student's interval is symmetric."""
    found = over_seeds(values, level)
    if found is None:
        return number(fmean(values))
    return f"{number(found.mean)} ± {number(found.high - found.mean)}"


def _differences(comparison: Comparison) -> Table:
    apart = divided(comparison)
    table = _table(f"{comparison.method.name} less", "select" if apart else "dev", "test")
    for one in comparison.differences:
        cells = [one.select if apart else one.dev, one.test]
        table.add_row(visible(one.arm), *[with_bounds(cell) for cell in cells])
    return table


def _auxiliaries(comparison: Comparison) -> Table:
    table = _table("auxiliary task", "weight", "share", "α", "⟨g, δ⟩", "dropped", "back")
    method = comparison.method
    for one in comparison.tasks:
        table.add_row(
            Text(visible(one.name)),
            _weights(one),
            figure(one.share),
            number(one.alpha),
            figure(one.slope, sign=True),
            _seeds(one.dropped, method),
            _seeds(one.back, method),
        )
    return table


def _weights(one: Auxiliary) -> str:
    """`1.00 → 0.21`, after the first and the last epoch."""
    return NONE if one.first is None else f"{figure(one.first)} → {figure(one.last)}"


def _seeds(amount: int, method: Arm) -> str:
    return f"{amount}/{len(method.seeds)}" if amount else NONE


def _table(first: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, expand=False)
    table.add_column(Text(visible(first)), overflow="fold", min_width=10)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _legend(comparison: Comparison) -> str:
    lines = [
        f"{'select, ' * divided(comparison)}dev, test: {metric_name(comparison.metric)}; gap: dev less test. "
        f"{seeds_words(comparison)}",
        "compute: sample gradients (one example, forward and backward), of which every run had at most "
        f"{count(comparison.compute)}.",
    ]
    if divided(comparison):
        lines.insert(1, "select: the part of dev that chose epochs and decides; dev: the rest.")
    if over := [arm.name for arm in comparison.arms if max(arm.gradients, default=0) > comparison.compute]:
        lines.append(f"A first epoch takes more than that of {', '.join(map(visible, over))}.")
    if any(one.slope is not None for one in comparison.tasks):
        lines.append("⟨g, δ⟩ above 0: what the task changed raised the target's dev loss.")
    return " ".join(lines)
