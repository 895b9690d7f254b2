"""Every pair: a sortable table with a drill-down into numbers, features and documents."""

from __future__ import annotations

from forelearn.report.heatmap import anchor, axes
from forelearn.report.kinds import own_metrics
from forelearn.report.markup import Child, Markup, element, join, name
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.strips import ansat_bars
from forelearn.report.summary import Explanation, Interval, PairRow, Summary
from forelearn.report.wording import NONE, STATUSES, bounds, number, of, signed, with_bounds
from forelearn.report.words import explanation

COLUMNS = (
    Column("Source"),
    Column("Target"),
    Column("Gain on test", number=True, note="mean over the pair’s seeds"),
    Column("Predicted gain", number=True, note="before the pair was trained"),
    Column("Gain on dev", number=True, note="what the search saw"),
    Column("Gain on fresh seeds", number=True, note="confirmed pairs only"),
    Column("Prior", number=True, note="score of the free features at the start; higher is better"),
    Column("Status"),
)


def pairs(summary: Summary) -> Markup | None:
    """The section; None if the study has no pairs."""
    if not summary.pairs:
        return None
    sources, targets = axes(summary)
    explained = {(item.source, item.target): item for item in summary.explanations}
    metrics = own_metrics(summary)
    rows = [
        _row(pair, anchor(sources.index(pair.source), targets.index(pair.target)),
             explained.get((pair.source, pair.target)), targets.index(pair.target), metrics.get(pair.target))
        for pair in sorted(summary.pairs, key=lambda pair: (targets.index(pair.target), -_rank(pair)))
    ]  # fmt: skip
    tried = sum(pair.status == "run" for pair in summary.pairs)
    options = [element("option", {"value": ""}, "all targets")]
    options += [element("option", {"value": row}, target) for row, target in enumerate(targets)]
    tick = element("input", {"type": "checkbox", "id": "filter-tried", "checked": True})
    controls = element(
        "div",
        {"class": "bar controls", "id": "pair-filter"},
        element("label", {}, "Target ", element("select", {"id": "filter-target"}, options)),
        element("label", {}, tick, " trained pairs only"),
        element("span", {"class": "quiet", "id": "filter-said", "aria-live": "polite"}),
    )  # fmt: skip
    line = (
        f"{tried} of {of(len(summary.pairs), 'pair')} were trained. Predictions were made before the pair "
        "was trained. Open a pair for its features"
        + (
            ", its runs and, where a ★ stands, the words that both models use."
            if explained
            else " and its runs."
        )
    )
    return element(
        "section",
        {"id": "pairs"},
        element("h2", {}, "Pair by pair"),
        element("p", {"class": "intro"}, line),
        controls,
        sortable("pairs-table", "All pairs of source and target", COLUMNS, rows, style="pairs"),
    )


def _rank(pair: PairRow) -> float:
    if pair.obtained is not None:
        return 10 + pair.obtained.test
    return pair.predicted.mean if pair.predicted is not None else -10


def _row(pair: PairRow, identity: str, read: Explanation | None, target: int, measure: str | None) -> Row:
    metric = element("span", {"class": "quiet block"}, measure) if measure else None
    button = element(
        "button",
        {"type": "button", "class": "opener", "aria-expanded": "false", "aria-controls": identity},
        name(pair.source),
        element("span", {"class": "unseen"}, " → " if pair.mode == "sequential" else " with ", pair.target),
    )
    got = pair.obtained
    dev, test = (None, None) if got is None else (got.dev, got.test)
    status = join(
        element("span", {"class": f"status {pair.status.replace(' ', '-')}"}, STATUSES[pair.status]),
        " ★" if read is not None else None,
    )
    cells = (
        Cell(button, pair.source),
        Cell(join(name(pair.target), metric), pair.target),
        Cell(signed(test), test, style=_sign(test)),
        Cell(_interval(pair.predicted), None if pair.predicted is None else pair.predicted.mean),
        Cell(signed(dev), dev, style=_sign(dev)),
        Cell(_interval(pair.confirmed), None if pair.confirmed is None else pair.confirmed.mean),
        Cell(number(pair.prior, 2), pair.prior),
        Cell(status, pair.status),
    )
    data = (("data-target", str(target)), ("data-status", pair.status))
    return Row(cells, below=_detail(pair, read), below_id=identity, data=data)


def _sign(value: float | None) -> str:
    shown = 0.0 if value is None else round(value, 3)  # what reads 0.000 is neither
    return "loss" if shown < 0 else "won" if shown > 0 else ""


def _interval(value: Interval | None) -> Markup:
    if value is None:
        return join(NONE)
    return join(signed(value.mean), element("span", {"class": "quiet block"}, bounds(value)))


def _detail(pair: PairRow, read: Explanation | None) -> Markup:
    facts: list[tuple[str, Child]] = []
    if pair.reason:
        facts.append((STATUSES[pair.status].capitalize(), pair.reason))
    facts.append(("Predicted gain", with_bounds(pair.predicted)))
    if pair.obtained is not None:
        got = pair.obtained
        seeds = f"{'seed' if len(got.seeds) == 1 else 'seeds'} {', '.join(map(str, got.seeds)) or 'unknown'}"
        interval = f" ({bounds(got.interval)})" if got.interval is not None else ""
        facts.append(("Obtained", f"{signed(got.test)}{interval} on test, {signed(got.dev)} on dev, {seeds}"))
    if pair.confirmed is not None:
        facts.append(("On fresh seeds", with_bounds(pair.confirmed)))
    facts += [(feature, number(value)) for feature, value in pair.features.items()]
    facts.append(("Runs", [[element("code", {}, key), " "] for key in pair.keys] or "none"))
    lists = element("dl", {"class": "list"}, [_pair(*fact) for fact in facts])
    bars = None
    if pair.ansat is not None:
        title = "Shared active terms a document of the target, by threshold"
        bars = element("figure", {"class": "bars"}, element("figcaption", {}, title), ansat_bars(pair.ansat))
    words = None if read is None else explanation(read)
    return element("div", {"class": "open"}, element("div", {"class": "beside"}, lists, bars), words)


def _pair(what: str, shown: Child) -> Markup:
    return element("div", {}, element("dt", {}, what), element("dd", {}, shown))
