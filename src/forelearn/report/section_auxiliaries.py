"""What each auxiliary task did to the target, and what happened in which epoch."""

from __future__ import annotations

from forelearn.report.markup import Markup, element, join, name
from forelearn.report.multitask_summary import Auxiliary, Comparison
from forelearn.report.multitask_words import (
    alpha_of,
    by_seed,
    effect,
    figure,
    finite,
    over_seeds,
    share_of,
    slope_of,
    valued,
)
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.wording import count, of, share

_OPEN = 16
"""Events that stand openly; more are folded."""


def auxiliaries(comparison: Comparison) -> Markup | None:
    """A row an auxiliary task, the most helpful first; None without any."""
    tasks = comparison.tasks
    if not tasks:
        return None
    method, level = comparison.method, comparison.level
    seeds = len(method.seeds)
    weighed = any(finite([one.first, one.last]) for one in tasks)
    shared = any(finite([one.share]) for one in tasks)
    mixed = any(finite([one.alpha]) for one in tasks)
    looked = any(finite([one.slope]) for one in tasks)
    columns = [
        Column("Auxiliary task"),
        *(
            [Column("What its changes did", note="by the sign of ⟨g, δ⟩, sorts from helped to hurt")]
            if looked
            else ()
        ),
        *(
            [Column("⟨g, δ⟩", number=True, note="above 0: its change raises the target’s dev loss")]
            if looked
            else ()
        ),
        *([Column("α", number=True, note="mean over epochs; 1 takes the whole change")] if mixed else ()),
        *(
            [Column("Weight, first → last", number=True, note="after the first and the last epoch")]
            if weighed
            else ()
        ),
        *([Column("Share of weights", number=True, note="mean over epochs")] if shared else ()),
        *(
            [Column("Dropped", number=True, note="in how many seeds its weight fell to the floor")]
            if weighed
            else ()
        ),
    ]

    def cells(one: Auxiliary) -> tuple[Cell, ...]:
        found = [Cell(name(one.name), one.name)]
        if looked:
            known = one.slope if finite([one.slope]) else None
            said, times, kind = effect(method, one, level)
            shown = element("span", {"class": f"{kind} block".strip()}, said)
            found.append(Cell(join(shown, element("span", {"class": "quiet block"}, times)), known))
            interval = over_seeds(by_seed(method, one.name, slope_of), level)
            found.append(Cell(valued(known, interval, sign=True, places=None), known))
        if mixed:
            interval = over_seeds(by_seed(method, one.name, alpha_of), level)
            found.append(Cell(valued(one.alpha, interval), _sort(one.alpha)))
        if weighed:
            found.append(
                Cell(f"{figure(one.first, digits=3)} → {figure(one.last, digits=3)}", _sort(one.last))
            )
        if shared:
            found.append(
                Cell(_share(one.share, by_seed(method, one.name, share_of), level), _sort(one.share))
            )
        if weighed:
            found.append(Cell(_dropped(one, seeds), one.dropped))
        return tuple(found)

    ordered = sorted(tasks, key=lambda one: (one.slope is None, one.slope or 0.0)) if looked else tasks
    even = f" With equal weights each of the {len(tasks) + 1} tasks would have {share(1 / (len(tasks) + 1))}."
    sense = (
        "⟨g, δ⟩ is the derivative of the target’s dev loss by how much of the task’s change is taken: above 0 "
        "the change hurts, below 0 it helps."
        if looked
        else "This method does not look at what each task’s change does to the target."
    )
    return element(
        "section",
        {"id": "auxiliaries"},
        element("h2", {}, "What each auxiliary task did"),
        element("p", {"class": "intro"}, f"Under {method.name}. {sense}{even if shared else ''}"),
        sortable(
            "auxiliaries-table",
            "Auxiliary tasks",
            columns,
            [Row(cells(one)) for one in ordered],
            style="together",
        ),
    )


def events(comparison: Comparison) -> Markup | None:
    """What happened, epoch by epoch; None if nothing did."""
    found = [
        (arm.name, seed, epoch.number + 1, said)
        for arm in comparison.arms
        for seed, history in zip(arm.seeds, arm.histories, strict=True)
        for epoch in history.epochs
        for said in epoch.events
    ]
    if not found:
        return None
    columns = (
        Column("Epoch", number=True),
        Column("Seed", number=True),
        Column("Arm"),
        Column("What happened"),
    )
    rows = [
        Row(
            (Cell(count(epoch), epoch), Cell(count(seed), seed), Cell(name(arm), arm), Cell(name(said), said))
        )
        for arm, seed, epoch, said in found
    ]
    table = sortable("events-table", "Events", columns, rows, style="together")
    if len(rows) > _OPEN:
        table = element("details", {}, element("summary", {}, f"All {of(len(rows), 'event')}"), table)
    return element(
        "section",
        {"id": "events"},
        element("h2", {}, "Events"),
        element(
            "p",
            {"class": "intro"},
            "What the methods noted: tasks dropped and back, trainings stepped back from, weights tried.",
        ),
        table,
    )


def _dropped(one: Auxiliary, seeds: int) -> Markup:
    back = element("span", {"class": "quiet block"}, f"came back in {one.back}") if one.back else None
    return element("span", {}, f"in {one.dropped} of {of(seeds, 'seed')}" if one.dropped else "never", back)


def _share(value: float | None, seeds: list[float], level: float) -> Markup:
    interval = over_seeds(seeds, level)
    below = None if interval is None else f"{share(max(0.0, interval.low))} to {share(interval.high)}"
    shown = share(value if finite([value]) else None)
    return element("span", {}, shown, element("span", {"class": "quiet block"}, below) if below else None)


def _sort(value: float | None) -> float | None:
    return value if finite([value]) else None
