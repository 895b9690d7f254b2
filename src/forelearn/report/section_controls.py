"""What the same compute gains without another task, or with one instead of several: what has to be beaten."""

from __future__ import annotations

from forelearn.report.kinds import measured_by, own_metrics
from forelearn.report.markup import Markup, element, join, name
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.summary import PairRow, Summary
from forelearn.report.wording import LONGER, NONE, STAGES, bounds, signed

SEED = "another seed"


def controls(summary: Summary) -> Markup | None:
    """Controls beside the best tried sources, then several sources beside theirs; None if none was tried."""
    shown = [part for part in (_single(summary), _chains(summary), _joint(summary)) if part is not None]
    return join(shown) if shown else None


def _single(summary: Summary) -> Markup | None:
    """A row a target, beside its best tried source; None if no control was tried."""
    found: dict[str, dict[str, PairRow]] = {}
    for row in summary.controls:
        kind = "again" if row.source == row.target else row.source
        if row.obtained is not None and row.is_single:
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
        tried = [
            row
            for row in summary.pairs
            if row.target == answer.target and row.obtained is not None and row.is_single
        ]
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
    unit = f", in {measured_by(summary)}" if own_metrics(summary) else ""
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
            f"on test{unit}, on the search’s own seeds, with {level} intervals: the best of many is flattered by luck.",
        ),
        sortable("controls-table", "Gains of the best source and of the controls", columns, rows),
    )


def _chains(summary: Summary) -> Markup | None:
    """A row for every chain that was tried, beside its last source alone and as often; None without any."""
    tried = [row for row in summary.pairs if row.chain and row.obtained is not None]
    if not tried:
        return None
    columns = (
        Column("Target"),
        Column("Learned in turn", number=True, note="the last one directly before the target"),
        Column("The last one alone", number=True, note="one stage before the target"),
        Column("The last one as often", number=True, note="as many stages, one source"),
    )
    known = {(row.chain or (row.source,), row.target): row for row in (*summary.pairs, *summary.controls)}
    rows = []
    for row in sorted(tried, key=lambda row: (row.target, len(row.chain))):
        last = row.chain[-1:]
        others = (known.get((last, row.target)), known.get((last * len(row.chain), row.target)))
        cells = (Cell(name(row.target), style="target"), _cell(row, named=True), *map(_cell, others))
        rows.append(Row(cells))
    return element(
        "section",
        {"id": "chains"},
        element("h2", {}, "Several sources in turn"),
        element(
            "p",
            {"class": "intro"},
            "The best sources of a target, learned one after the other, the best one last, because what was "
            "learned last is forgotten least. A chain has to gain more than its last source learned as often: "
            "else it is the compute that helps. Gains on test, on the search’s own seeds.",
        ),
        sortable("chains-table", "Gains of chains and of their controls", columns, rows),
    )


def _joint(summary: Summary) -> Markup | None:
    """A row for every set of auxiliary tasks that was tried, beside its best one learned first and the control."""
    tried = [row for row in summary.pairs if row.mode == "multitask" and row.obtained is not None]
    if not tried:
        return None
    columns = (
        Column("Target"),
        Column("Learned together", number=True, note="with the target, by the method in brackets"),
        Column("The first of them, learned first", number=True, note="one stage before the target"),
        Column("The method alone", number=True, note="without auxiliary tasks"),
    )
    single = {(row.source, row.target): row for row in summary.pairs if row.is_single}
    alone = {row.target: row for row in summary.controls if row.mode == "multitask"}
    rows = []
    for row in sorted(tried, key=lambda row: (row.target, row.source)):
        others = (single.get((row.auxiliaries[0], row.target)), alone.get(row.target))
        cells = (Cell(name(row.target), style="target"), _cell(row, named=True), *map(_cell, others))
        rows.append(Row(cells))
    return element(
        "section",
        {"id": "joint"},
        element("h2", {}, STAGES["joint"]),
        element(
            "p",
            {"class": "intro"},
            "The best sources of a target as auxiliary tasks, learned together with it. They have to gain more "
            "than the same method does without them: else it is the way of training that helps. Gains on test, on "
            "the search’s own seeds.",
        ),
        sortable("joint-table", "Gains of learning together and of its controls", columns, rows),
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
