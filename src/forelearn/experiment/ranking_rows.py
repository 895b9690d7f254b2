"""From the scores of a target's sources to a ranking: places, expected gains, leaks, advice."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import kendalltau

from forelearn.core.scores import Scores
from forelearn.core.task import Task
from forelearn.estimators.standing import Standing, standings
from forelearn.evaluation.decision import Decision
from forelearn.evaluation.foresight import Belief, Foresight, foresee
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.estimates import Estimates, Table
from forelearn.experiment.gains import posterior
from forelearn.experiment.prior import ShippedPrior
from forelearn.experiment.row_scores import Scored
from forelearn.experiment.verdict import is_control, words
from forelearn.report.ranking import Advice, Beside, EffortRow, RankedSource, Ranking, ScoreCell
from forelearn.report.summary import Interval
from forelearn.search.search import Search
from forelearn.search.space import source_name

MANY = 4
"""Sources from which on it is said how far a method's order agrees with itself."""

AGREES = 0.3
"""Mean Kendall τ between the order on all rows and on halves below which an order says nothing [choice]."""


def ranking(
    target: Task,
    tables: Mapping[str, Table],
    beside: Mapping[str, Table],
    *,
    search: Search,
    beliefs: Beliefs,
    estimates: Estimates,
    prior: ShippedPrior,
    allow_leaks: bool,
    wanted: Collection[str],
    answered: Decision | None = None,
) -> Ranking:
    """The sources of `target`, best first.

    tables: method → scores, which are fused. beside: the same of the baselines. prior: what gains are believed to
    be where nothing has run. allow_leaks: sources that hold rows of the target's test may be recommended.
    wanted: the methods that were asked for, of which some may not apply. answered: what a search that has come to its
    end says of the target: it has trained, so its word stands.
    """
    level = estimates.prepared.study.settings.search.level
    orders = {name: scores_of(target, name, table) for name, table in tables.items()}
    used = {name: order for name, order in orders.items() if order.values}
    places = standings(list(used.values()), _halves(target, tables, used), level=level) if used else {}
    believed = _expected(search, target, places, beliefs, prior)
    expected = {name: one for name, one in believed.items() if name in places}
    aside = beliefs.aside(search)
    rows = []
    for source in estimates.prepared.space.sources_of(target):
        name = source_name(source)
        place, belief = places.get(name), expected.get(name)
        leak = estimates.prepared.leaks.get((name, target.name), "")
        unscored = "; ".join(dict.fromkeys(table[name].reason for table in tables.values() if name in table))
        rows.append(
            RankedSource(
                source=name,
                rank=place.rank if place else None,
                score=place.score if place else None,
                scores={
                    method: _cell(table[name], level) for method, table in tables.items() if name in table
                },
                low=place.low if place else None,
                high=place.high if place else None,
                tied=place.tied if place else False,
                predicted=Interval(belief.mean, *belief.bounds(level)) if belief else None,
                chance=belief.chance_above(0.0) if belief else None,
                obtained=search.dev_gain(source, target),
                reason=aside.get(name, "") or ("" if place else unscored),
                leak=leak,
                eligible=place is not None and name not in aside and (allow_leaks or not leak),
            )
        )
    rows.sort(key=lambda row: (row.rank is None, row.rank, row.source))
    controls = [
        replace(believed[source_name(one)], source=words(one, target))
        for one in search.candidates_of(target)
        if is_control(one, target) and search.gains(one, target)
    ]
    answer = foresee([expected[row.source] for row in rows if row.eligible], controls=controls, level=level)
    reason = _why_not_the_first(rows, answer.source) + answer.reason
    if answered is not None:
        leader, *_ = (*answered.sources, "")
        tied = tuple(names[0] for names in answered.tied)
        chance = expected[leader].chance_above(0.0) if leader in expected else None
        answer = Foresight(answered.kind, leader, tied, chance, answered.reason)
        reason = f"`forelearn run` has answered. {answered.reason}"
    mute = [name for name in tables if name not in used]
    return Ranking(
        target=target.name,
        metric=target.metric,
        kind=target.kind,
        level=level,
        estimators=tuple(used),
        rows=tuple(rows),
        advice=Advice(answer.kind, answer.source, answer.tied, answer.chance, reason, _basis(search, prior)),
        beside=tuple(_beside(scores_of(target, name, table), places) for name, table in beside.items()),
        efforts=tuple(
            EffortRow(name, one.forward, one.backward, one.units, one.seconds, name not in estimates.new)
            for name, one in estimates.efforts.items()
            if name in tables
        ),
        notes=(
            *(note for name, note in beliefs.notes.items() if name != "attributions" or "ansat" in wanted),
            *(_why_mute(name, tables[name]) for name in mute),
            *_unsure(used, tables),
        ),
    )


def scores_of(target: Task, method: str, table: Table) -> Scores:
    """A table as scores; sources without one are failed with the reason."""
    values = {source: one.value for source, one in table.items() if one.value is not None}
    failed = {source: one.reason for source, one in table.items() if one.value is None}
    return Scores(target.name, method, values, failed)


def _halves(target: Task, tables: Mapping[str, Table], used: Mapping[str, Scores]) -> list[list[Scores]]:
    """The orders on each half of the target's rows; none if no method has halves.

    A method without halves keeps its one order. Of a method with halves, a source that has none (too few rows to
    halve) has no score in them: scores of halves and of all rows do not compare.
    """
    counts = [len(one.halves) for name in used for one in tables[name].values() if one.halves]
    return [
        [_half(target, name, tables[name], used[name], half) for name in used]
        for half in range(min(counts, default=0))
    ]


def _half(target: Task, name: str, table: Table, whole: Scores, half: int) -> Scores:
    if not any(one.halves for one in table.values()):
        return whole
    values = {source: one.halves[half] for source, one in table.items() if one.halves}
    lost = {source: "too few rows to halve" for source in whole.values if source not in values}
    return Scores(target.name, name, values, {**whole.failed, **lost})


def _expected(
    search: Search, target: Task, places: Mapping[str, Standing], beliefs: Beliefs, prior: ShippedPrior
) -> dict[str, Belief]:
    """Source or control → its expected gain, after what has run in the store."""
    scores = dict(beliefs.prior())
    scores |= {(name, target.name): place.score for name, place in places.items()}
    gains = posterior(search, scores, noise=beliefs.earlier_noise(), prior=prior.prior)
    row = gains.targets.index(target.name)
    return {
        name: Belief(name, float(gains.mean[row, column]), float(gains.sd[row, column]))
        for column, name in enumerate(gains.sources)
        if math.isfinite(gains.mean[row, column])
    }


def _cell(one: Scored, level: float) -> ScoreCell:
    """A score with the interval that its halves give: their spread, around the score of all rows."""
    if one.value is None or len(one.halves) < 2:
        return ScoreCell(one.value, reason=one.reason)
    away = np.array(one.halves) - np.mean(one.halves)
    low, high = np.quantile(away, [(1 - level) / 2, (1 + level) / 2])
    return ScoreCell(one.value, float(one.value + low), float(one.value + high))


def _why_not_the_first(rows: Sequence[RankedSource], leader: str) -> str:
    """Why the first of the order is not the one that is spoken of."""
    first = rows[0] if rows else None
    if first is None or first.rank is None or first.source == leader:
        return ""
    if first.eligible:
        return f"{first.source} is first in the order, but finished runs speak for {leader}. "
    return f"{first.source} is first in the order, but {'it leaks' if first.leak else 'set aside'}. "


def _unsure(used: Mapping[str, Scores], tables: Mapping[str, Table]) -> list[str]:
    """A note for each method whose order is another one on every half of the target's rows."""
    notes = []
    for name in used:
        known = [one for one in tables[name].values() if one.value is not None and one.halves]
        count = min((len(one.halves) for one in known), default=0)
        if len(known) < MANY or not count:
            continue
        whole = [one.value for one in known]
        agreements = [
            kendalltau(whole, [one.halves[half] for one in known]).statistic for half in range(count)
        ]
        agreement = float(np.nan_to_num(np.array(agreements)).mean())
        if agreement < AGREES:
            notes.append(
                f"{name}: it cannot tell these sources apart: from half to half of the target's rows its order "
                f"changes (agreement τ {agreement:+.2f})"
            )
    return notes


def _beside(order: Scores, places: Mapping[str, Standing]) -> Beside:
    """What a baseline's order would take, and how far it agrees with the shown one."""
    names = [name for name in order.values if name in places]
    if not order.values:
        return Beside(order.estimator, None, None, next(iter(order.failed.values()), "no source"))
    if len(order.values) > 1 and len(set(order.values.values())) == 1:
        return Beside(order.estimator, None, None, "the same for every source")
    both = [[order.values[name] for name in names], [places[name].score for name in names]]
    agreement = float(kendalltau(*both).statistic) if len(names) > 1 else np.nan
    return Beside(order.estimator, order.order()[0], agreement if np.isfinite(agreement) else None)


def _basis(search: Search, prior: ShippedPrior) -> str:
    """What the expected gains rest on."""
    counts = {True: 0, False: 0}
    for candidate, target in search.candidates():
        counts[is_control(candidate, target)] += len(search.gains(candidate, target))
    parts = [
        f"{count} {what}{'' if count == 1 else 's'}"
        for count, what in ((counts[False], "finished transfer"), (counts[True], "control"))
        if count
    ]
    if parts:
        return f"Expected gains rest on {' and '.join(parts)} of this study, and before them on {prior.says}."
    return f"No transfer of this study has run: expected gains rest on {prior.says}."


def _why_mute(name: str, table: Table) -> str:
    reason = next((one.reason for one in table.values() if one.reason), "no source")
    return reason if reason.startswith(f"{name}:") else f"{name}: {reason}"
