"""A ranking as a person reads it in a terminal: the advice, the table, what stands beside it, what it took."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forelearn.report.ranking import Beside, RankedSource, Ranking

_WORDS = {
    "transfer": "Transfer from {source}.",
    "tied": "Tied: any of {tied}.",
    "do not transfer": "Do not transfer: train {target} alone.",
    "not enough evidence": "Not enough evidence.",
}


def show_ranking(ranking: Ranking) -> None:
    """The ranking on stdout."""
    console = Console()
    advice = ranking.advice
    said = _WORDS[advice.decision].format(
        source=advice.source, tied=", ".join(advice.tied), target=ranking.target
    )
    console.print(Text(f"What to learn before {ranking.target}? {said}", style="bold"))
    console.print(Text(f"{advice.reason} {advice.basis}"))
    console.print(_table(ranking, console.width))
    console.print(Text(_legend(ranking)))
    for one in ranking.beside:
        console.print(Text(f"Beside it, {_beside(one)}"))
    _out_of_order(ranking, console)
    for effort in ranking.efforts:
        passes = f"{effort.forward} forward"
        passes += f" and {effort.backward} backward" if effort.backward else ""
        console.print(Text(f"{effort.method}: {passes} passes, {effort.seconds:.1f} s", style="dim"))
    for note in ranking.notes:
        console.print(Text(f"Note: {note}"))


def _table(ranking: Ranking, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    table.add_column("expected gain", justify="right", no_wrap=True)
    table.add_column("P(gain > 0)", justify="right")
    # on a narrow terminal the single scores would squeeze the names: they are in --json and --csv
    shown = ranking.estimators if width >= 76 + 11 * len(ranking.estimators) else ()
    for name in shown:
        table.add_column(name, justify="right")
    obtained = any(row.obtained is not None for row in ranking.rows)
    if obtained:
        table.add_column("obtained on dev", justify="right")
    for row in ranking.rows:
        if row.rank is None:
            continue
        interval = row.predicted
        cells = [
            _rank(row),
            row.source + (" (leaks)" if row.leak else "") + (" (set aside)" if row.reason else ""),
            f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]" if interval else "",
            "" if row.chance is None else f"{row.chance:.2f}",
            *(_number(row.scores[name].value if name in row.scores else None) for name in shown),
        ]
        if obtained:
            cells.append("" if row.obtained is None else f"{row.obtained:+.3f}")
        table.add_row(*(Text(cell) for cell in cells), style=None if row.eligible else "dim")
    return table


def _rank(row: RankedSource) -> str:
    place = f"{row.rank}" if row.low == row.high else f"{row.rank} [{row.low}–{row.high}]"
    return f"= {place}" if row.tied and (row.rank or 0) >= 1 else place


def _legend(ranking: Ranking) -> str:
    fused = ", ".join(ranking.estimators) or "nothing"
    halves = any(row.low != row.high for row in ranking.rows)
    spread = (
        f" [ ]: where the rank lies on {100 * ranking.level:.0f} % of halves of the rows." if halves else ""
    )
    tied = " =: cannot be told from the best." if any(row.tied for row in ranking.rows) else ""
    return f"Rank: {fused}, fused.{spread}{tied}"


def _beside(one: Beside) -> str:
    if one.first is None:
        return f"{one.method}: {one.reason}"
    agrees = "" if one.agreement is None else f" (agreement τ {one.agreement:+.2f})"
    return f"{one.method} would take {one.first}{agrees}"


def _out_of_order(ranking: Ranking, console: Console) -> None:
    """Leaks, sources set aside, and, last, those that nothing could score."""
    for row in ranking.rows:
        if row.leak:
            console.print(Text(f"Leak: {row.source} {row.leak}", style="yellow"))
    for row in ranking.rows:
        if row.rank is not None and row.reason:
            console.print(Text(f"Set aside: {row.source}: {row.reason}"))
    for row in ranking.rows:
        if row.rank is None:
            console.print(Text(f"No score: {row.source}: {row.reason}"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
