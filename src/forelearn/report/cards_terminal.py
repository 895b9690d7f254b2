"""A library of cards ranked for a target, as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forelearn.cards.rank import CardRanking

MOST = 20
"""Cards that are shown; --json holds all."""


def show_card_ranking(ranking: CardRanking, notes: Sequence[str], *, warning: str = "") -> None:
    """What must be known first, the best cards, what leaks, and what could not be scored."""
    console = Console()
    if warning:
        console.print(Text(warning, style="bold"))
    console.print(Text(f"What to learn before {ranking.target}, of {len(ranking.cards)} cards", style="bold"))
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("rank", justify="right")
    table.add_column("card", overflow="fold")
    for name in ranking.by:
        table.add_column(name, justify="right")
    table.add_column("rows", justify="right")
    table.add_column("licence", overflow="fold")
    for card in ranking.cards[:MOST]:
        scores = (card.scores.get(name) for name in ranking.by)
        cells = [
            "–" if card.rank is None else str(card.rank),
            card.name + (" (leaks)" if card.leak else ""),
            *("–" if score is None else f"{score:.3g}" for score in scores),
            f"{card.train:,}",
            card.licence,
        ]
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    if len(ranking.cards) > MOST:
        console.print(Text(f"{len(ranking.cards) - MOST} more: --json shows all."))
    for card in ranking.cards:
        if card.rank is None:
            console.print(Text(f"No score: {card.name}: {'; '.join(card.reasons.values())}"))
    for one in notes:
        console.print(Text(f"Note: {one}"))
