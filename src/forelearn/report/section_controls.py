"""What the same compute gains without another task: the comparison that a transfer has to win."""

from __future__ import annotations

from forelearn.report.markup import Markup, element, name
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.summary import PairRow, Summary
from forelearn.report.wording import NONE, bounds, signed

LONGER, SEED = "train longer", "another seed"


def controls(summary: Summary) -> Markup | None:
    """A row a target, beside its best tried source; None if no control was tried."""
    found: dict[str, dict[str, PairRow]] = {}
    for row in summary.controls:
        kind = "again" if row.source == row.target else row.source
        if row.obtained is not None:
            found.setdefault(row.target, {})[kind] = row
    if not found:
        return None
    columns = (
        Column("Target"),
        Column("Best source tried", number=True, note="by dev"),
        Column("B → B", number=True, note="the target learned again, with a new head"),
        Column("Train longer", number=True, note="twice the epochs"),
        Column("Another seed", number=True, note="the better of two baselines on dev"),
    )
    rows = []
    for answer in summary.answers:
        tried = [row for row in summary.pairs if row.target == answer.target and row.obtained is not None]
        best = max(
            tried, key=lambda row: (row.obtained.dev if row.obtained else 0.0, row.source), default=None
        )
        mine = found.get(answer.target, {})
        cells = (
            Cell(name(answer.target), style="target"),
            _cell(best, named=True),
            *(_cell(mine.get(kind)) for kind in ("again", LONGER, SEED)),
        )
        rows.append(Row(cells))
    level = f"{100 * summary.level:.0f} %"
    return element(
        "section",
        {"id": "controls"},
        element("h2", {}, "The same compute without another task"),
        element(
            "p",
            {"class": "intro"},
            "A transfer trains twice. So does learning the target again, training it for twice the epochs, or "
            "keeping the better of two seeds: a source that gains no more than these has taught nothing. Gains "
            f"on test, on the search’s own seeds, with {level} intervals: the best of many is flattered by luck.",
        ),
        sortable("controls-table", "Gains of the best source and of the controls", columns, rows),
    )


def _cell(row: PairRow | None, *, named: bool = False) -> Cell:
    if row is None or row.obtained is None:
        return Cell(element("span", {"class": "quiet"}, NONE), style="gain")
    shown = element(
        "span",
        {},
        element("b", {}, signed(row.obtained.test)),
        element("span", {"class": "quiet block"}, bounds(row.obtained.interval)),
        element("span", {"class": "quiet block"}, name(row.source)) if named else None,
    )
    return Cell(shown, row.obtained.test, style="gain")
