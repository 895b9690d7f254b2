"""Quality of orders in the terminal: reliability first, then figures with intervals, then comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forelearn.evaluation.quality import Quality, Verdict
from forelearn.report.evaluation_rows import (
    bounded,
    comparison_words,
    handled_words,
    heading,
    reliability_words,
)
from forelearn.report.markup import visible
from forelearn.report.wording import number

if TYPE_CHECKING:
    from rich.console import Console

Columns = Sequence[tuple[str, str, int, float]]
"""Heading, figure, decimal places, factor."""
ORDER: Columns = tuple(
    (f"regret@{k}, points" if k == 1 else f"@{k}", f"regret@{k}", 1, 1.0) for k in (1, 3, 5)
)
RELATIVE: Columns = tuple(
    (f"relative regret@{k}, %" if k == 1 else f"@{k}", f"relative_regret@{k}", 1, 100.0) for k in (1, 3, 5)
)
RANKING: Columns = (
    ("NDCG", "ndcg", 2, 1.0),
    ("weighted τ", "weighted_tau", 2, 1.0),
    ("rank of the best", "rank_of_best", 1, 1.0),
)
HITS: Columns = (("hit@1", "hit@1", 2, 1.0), ("hit@3", "hit@3", 2, 1.0), ("IR", "ir", 2, 1.0))
BUDGETS: Columns = (
    ("points lost at 16.5 %", "lost@16.5", 1, 1.0),
    ("at 49.5 %", "lost@49.5", 1, 1.0),
    ("overstated at 49.5 %", "overstated@49.5", 1, 1.0),
)


def show_quality(quality: Quality, *, console: Console | None = None) -> None:
    """Print one table's figures. console: stdout by default."""
    from rich.console import Console
    from rich.text import Text

    out = console or Console()
    out.print(Text(visible(heading(quality)), style="bold"))
    out.print(Text(visible(reliability_words(quality))))
    for columns in (ORDER, RELATIVE, RANKING, HITS):
        _print(quality, columns, out)
    if any("lost@16.5" in verdict.figures for verdict in quality.verdicts):
        _print(quality, BUDGETS, out)
        out.print(
            Text("Lost: against the best choice, no transfer included, at a share of the exhaustive cost.")
        )
    else:
        out.print(Text("Points lost at 16.5 % and 49.5 % of the cost need at least two seeds."))
    _against(quality, out)
    band = quality.verdicts[0].band
    shown = [
        f"{name} {number(band[name][0], 1)} to {number(band[name][1], 1)}"
        for name in ("regret@1", "lost@16.5")
        if name in band
    ]
    out.print(Text(f"Single random orders, 5 to 95 %: {'; '.join(shown)}."))
    out.print(Text(visible(handled_words(quality))))


def _print(quality: Quality, columns: Columns, out: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("Method", overflow="fold", min_width=14)
    for title, *_ in columns:
        table.add_column(title, justify="right")
    for verdict in quality.verdicts:
        cells = [bounded(verdict.figures.get(name), places, factor=by) for _, name, places, by in columns]
        if any(cell != "–" for cell in cells):
            table.add_row(Text(visible(verdict.method)), *map(Text, cells))
    out.print(table)


def _against(quality: Quality, out: Console) -> None:
    from rich.text import Text

    for verdict in quality.verdicts:
        for reference, said in differences(verdict):
            out.print(Text(visible(f"{verdict.method} − {reference}: {said}")))
    if quality.comparisons:
        out.print(Text(comparison_words(quality)))


def differences(verdict: Verdict) -> list[tuple[str, str]]:
    """The reference and, in words, the differences of the figures that decide, for each reference."""
    chosen = ("regret@1", "lost@16.5", "lost@49.5")
    return [
        (
            reference,
            "; ".join(f"{name} {bounded(figures[name], 1, sign=True)}" for name in chosen if name in figures),
        )
        for reference, figures in verdict.against.items()
    ]
