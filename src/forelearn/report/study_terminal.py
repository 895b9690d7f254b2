"""A study's evaluation in the terminal: reliability of every metric first, then what each method lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forelearn.evaluation.study_quality import FIGURES
from forelearn.evaluation.study_result import StudyEvaluation
from forelearn.report.markup import visible
from forelearn.report.study_words import (
    LOSSES,
    Rows,
    change_words,
    comparisons,
    error_rows,
    in_short,
    losses,
    reliability_rows,
    study_heading,
    warning,
    winner_rows,
)
from forelearn.report.wording import metric_name

if TYPE_CHECKING:
    from rich.console import Console


def show_study(found: StudyEvaluation, *, console: Console | None = None) -> None:
    """Print everything. console: stdout by default."""
    from rich.console import Console
    from rich.text import Text

    out = console or Console()

    def say(text: str, style: str = "") -> None:
        out.print(Text(visible(text), style=style))

    say(study_heading(found), "bold")
    _print(out, *reliability_rows(found))
    for line in warning(found):
        say(line)
    say("Points on test of the runs that one holds at 49.5 % of the exhaustive cost, over no transfer")
    _print(out, *in_short(found))
    for metric in found.metrics:
        quality = metric.quality
        name = metric_name(quality.truth.metric)
        if not quality.truth.search_seeds:
            say(f"{name}: pairs have not run on any seed for the most part, so no search can be judged yet.")
            continue
        for changed in (False, True):
            over = f"the {len(quality.changed)} targets that change" if changed else "all targets"
            say(f"{name}, over {over}", "bold")
            _print(out, LOSSES, losses(quality, changed=changed))
        say(change_words(quality))
        say(f"{name}: RMSE at K, points", "bold")
        _print(out, *error_rows(metric))
        say(f"{name}: the best transfer of each target", "bold")
        _print(out, *winner_rows(metric))
        for line in comparisons(quality):
            say(line)
    for name, text in FIGURES.items():
        say(f"{name}: {text}.")


def _print(out: Console, head: Sequence[str], rows: Rows) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for place, title in enumerate(head):
        table.add_column(title, justify="left" if place == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    out.print(table)
