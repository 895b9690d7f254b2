"""A ranking as a person reads it in a terminal: the advice, the table, what stands beside it, what it took."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forelearn.report.ranking import Beside, RankedSource, Ranking
from forelearn.report.wording import metric_name

_WORDS = {
    "transfer": "Transfer from {source}.",
    "tied": "Tied: any of {tied}.",
    "do not transfer": "Do not transfer: train {target} alone.",
    "not enough evidence": "Not enough evidence.",
}


_ALIKE = 0.002
"""Expected gains that lie no further apart than this are said once."""


def show_ranking(ranking: Ranking) -> None:
    """The ranking on stdout."""
    console = Console()
    advice = ranking.advice
    said = _WORDS[advice.decision].format(
        source=advice.source, tied=", ".join(advice.tied), target=ranking.target
    )
    console.print(Text(f"What to learn before {ranking.target}? {said}", style="bold"))
    console.print(Text(f"{advice.reason} {advice.basis}"))
    alike = _are_alike(ranking)
    shown = _shown(ranking, console.width, gains=not alike)
    console.print(_table(ranking, shown, gains=not alike))
    if alike:
        console.print(
            Text(f"Expected gain in {metric_name(ranking.metric)}: much the same for every source.")
        )
    console.print(Text(_legend(ranking, gains=not alike)))
    if ranking.estimators and not shown:
        console.print(Text("Single scores: on a wider terminal, in --json and in --csv.", style="dim"))
    for one in ranking.beside:
        console.print(Text(f"Beside it, {_beside(one)}"))
    _out_of_order(ranking, console)
    for effort in ranking.efforts:
        passes = f"{effort.forward} forward"
        passes += f" and {effort.backward} backward" if effort.backward else ""
        kept = " (kept from earlier)" if effort.kept else ""
        console.print(Text(f"{effort.method}: {passes} passes, {effort.seconds:.1f} s{kept}", style="dim"))
    for note in ranking.notes:
        console.print(Text(f"Note: {note}"))


def _are_alike(ranking: Ranking) -> bool:
    """Whether nothing tells the expected gains of the sources apart."""
    means = [row.predicted.mean for row in ranking.rows if row.predicted]
    return bool(means) and max(means) - min(means) <= _ALIKE


def _shown(ranking: Ranking, width: int, *, gains: bool) -> tuple[str, ...]:
    """The methods whose scores are shown: on a narrow terminal none, since they would squeeze the names."""
    names = max((len(row.source) for row in ranking.rows), default=0)
    room = width - 16 - min(names + 12, 40) - (40 if gains else 0)
    return ranking.estimators if room >= 10 * len(ranking.estimators) else ()


def _table(ranking: Ranking, shown: tuple[str, ...], *, gains: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    if gains:
        table.add_column("expected gain", justify="right", no_wrap=True)
        table.add_column("P > 0", justify="right", no_wrap=True)
    for name in shown:
        table.add_column(name, justify="right")
    obtained = any(row.obtained is not None for row in ranking.rows)
    if obtained:
        table.add_column("obtained", justify="right", no_wrap=True)
    for row in ranking.rows:
        if row.rank is None:
            continue
        cells = [
            _rank(row, sum(other.tied for other in ranking.rows) > 1),
            row.source + (" (leaks)" if row.leak else "") + (" (set aside)" if row.reason else ""),
        ]
        if gains:
            interval = row.predicted
            cells += [
                f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]" if interval else "",
                "" if row.chance is None else f"{row.chance:.2f}",
            ]
        cells += [_number(row.scores[name].value if name in row.scores else None) for name in shown]
        if obtained:
            cells.append("" if row.obtained is None else f"{row.obtained:+.3f}")
        table.add_row(*(Text(cell) for cell in cells), style=None if row.eligible else "dim")
    return table


def _rank(row: RankedSource, ties: bool) -> str:
    place = f"{row.rank}" if row.low == row.high else f"{row.rank} [{row.low}–{row.high}]"
    return f"= {place}" if row.tied and ties else place


def _legend(ranking: Ranking, *, gains: bool) -> str:
    fused = ", ".join(ranking.estimators) or "nothing"
    halves = any(row.low != row.high for row in ranking.rows)
    spread = (
        f" [ ]: where the rank lies on {100 * ranking.level:.0f} % of halves of the rows." if halves else ""
    )
    tied = " =: cannot be told from the best." if sum(row.tied for row in ranking.rows) > 1 else ""
    metric = metric_name(ranking.metric)
    chance = f" P > 0: that there is any gain in {metric}." if gains else ""
    ran = (
        " Obtained: on dev, by runs of this study."
        if any(row.obtained is not None for row in ranking.rows)
        else ""
    )
    return f"Rank: {fused}, fused.{spread}{tied}{chance}{ran}"


def _beside(one: Beside) -> str:
    if one.first is None:
        return f"{one.method}: {one.reason}"
    agrees = "" if one.agreement is None else f" (agreement τ {one.agreement:+.2f})"
    return f"{one.method} would take {one.first}{agrees}"


def _out_of_order(ranking: Ranking, console: Console) -> None:
    """Leaks, sources set aside, and, last, those that nothing could score."""
    for row in ranking.rows:
        if row.leak:
            out = "" if row.eligible else ": it is not recommended"
            console.print(Text(f"Leak: {row.source} {row.leak}{out}", style="yellow"))
    for row in ranking.rows:
        if row.rank is not None and row.reason:
            console.print(Text(f"Set aside: {row.source}: {row.reason}"))
    for row in ranking.rows:
        if row.rank is None:
            console.print(Text(f"No score: {row.source}: {row.reason}"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
