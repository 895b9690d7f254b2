"""From what the store knows to the result of a study: answers, tables, costs. Nothing is trained here.

The verdict of each target rests on the judging seeds, on which no pair was tried, and on dev alone; the gain
that is reported beside it comes from test on the same seeds. Test labels choose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from forelearn import __version__
from forelearn.core.keys import plain
from forelearn.core.run import Failure, Outcome, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder
from forelearn.evaluation.decision import Candidate, Decision, decide
from forelearn.evaluation.gains import Gain, Noise, averaged_gain, paired_gain, paired_noise, pooled_noise
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import now
from forelearn.experiment.explain import explanations, terms
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.tables import baseline_row, costs, curve, exhaustive, task_row
from forelearn.report.summary import (
    Answer,
    EncoderRow,
    FailureRow,
    Interval,
    Obtained,
    PairRow,
    Summary,
)
from forelearn.search.search import Pair, Search
from forelearn.search.space import source_name
from forelearn.search.value import expected_improvement
from forelearn.store.environment import Surroundings, describe_environment

Source = Task | Encoder


def summarise(prepared: Prepared, search: Search, beliefs: Beliefs) -> Summary:
    """The whole result of a study as it stands."""
    settings = prepared.study.settings
    ready = bool(search.outcomes) and all(search.recipe(task) for task in search.space.tasks)
    if ready:
        beliefs(search)
    judged = _Judged(search, settings.search.level)
    rows = _pair_rows(prepared, search, beliefs, judged)
    answers = tuple(
        _answer(prepared, search, beliefs, judged, target, rows) for target in search.space.targets
    )
    encoder = search.space.encoder
    shape = prepared.shape
    return Summary(
        version=__version__,
        study=settings.name,
        made=now(),
        metric=search.space.targets[0].metric,
        level=settings.search.level,
        encoder=EncoderRow(encoder.name, encoder.digest, shape.layers, shape.hidden, shape.parameters),
        budget="exhaustive" if search.options.exhaustive else str(search.budget),
        tasks=tuple(task_row(prepared, task) for task in search.space.tasks),
        baselines=tuple(row for task in search.space.tasks if (row := baseline_row(search, task))),
        pairs=tuple(rows.values()),
        answers=answers,
        curve=tuple(curve(search)),
        costs=tuple(costs(search)),
        exhaustive=exhaustive(search),
        failures=tuple(
            FailureRow(failure.transfer.key, failure.transfer.label, failure.reason)
            for failure in search.failures()
        ),
        explanations=tuple(explanations(prepared, search, beliefs)) if ready else (),
        settings=settings.model_dump(mode="json"),
        environment=describe_environment(
            Surroundings(prepared.device, settings.run.threads, search.space.recipes[0].precision)
        ),
        notes=tuple(beliefs.notes.values()),
    )


class _Judged:
    """Gains of pairs on the judging seeds, with the run noise pooled over all of them."""

    def __init__(self, search: Search, level: float) -> None:
        self.search = search
        self.level = level
        self.runs: dict[Pair, tuple[list[Run], list[Run]]] = {}
        for source, target in search.space.pairs():
            baselines = {run.transfer.seed: run for run in search.baselines(target)}
            pairs = [
                outcome
                for outcome in search.pair_outcomes(source, target)
                if isinstance(outcome, Run)
                and outcome.transfer.seed in search.space.judging_seeds
                and outcome.transfer.seed in baselines
            ]
            if pairs:
                self.runs[source_name(source), target.name] = (
                    pairs,
                    [baselines[run.transfer.seed] for run in pairs],
                )
        self.noise = {split: self._noise(split) for split in ("dev", "test")}

    def gain(self, pair: Pair, split: str) -> Gain | None:
        """The gain of a pair on the judging seeds; None if it was not judged."""
        if pair not in self.runs:
            return None
        first, second = ([measured(run, split) for run in runs] for runs in self.runs[pair])
        return paired_gain(first, second, noise=self.noise[split], level=self.level)

    def _noise(self, split: str) -> Noise | None:
        first = [[measured(run, split) for run in pairs] for pairs, _ in self.runs.values()]
        second = [[measured(run, split) for run in baselines] for _, baselines in self.runs.values()]
        cells = [
            [measured(run, split) for run in self.search.baselines(task)] for task in self.search.space.tasks
        ]
        return paired_noise(first, second) or pooled_noise(cells)


def measured(run: Run, split: str) -> float:
    """The deciding measure of a run on `dev` or `test`."""
    return run.dev() if split == "dev" else run.test()


def _answer(
    prepared: Prepared,
    search: Search,
    beliefs: Beliefs,
    judged: _Judged,
    target: Task,
    rows: dict[Pair, PairRow],
) -> Answer:
    baselines = search.baselines(target)
    mine = [row for row in rows.values() if row.target == target.name]
    tried = [row for row in mine if row.obtained is not None]
    winner = search.winner(target)
    pair = (source_name(winner), target.name) if winner is not None else None
    decision = _decide(search, judged, target, pair, tried)
    gain = judged.gain(pair, "test") if pair else None
    # on the judging seeds where there are any, so that performance − baseline is the gain that is reported
    paired = judged.runs[pair][1] if pair in judged.runs else baselines
    baseline = fmean(run.test() for run in paired) if paired else 0.0
    spent = [
        outcome.cost
        for source in search.space.sources_of(target)
        for outcome in search.pair_outcomes(source, target)
    ]
    plan = search.plan(winner, target, search.space.first_seed) if winner is not None else None
    kept = plan is not None and prepared.directory.whole("weights", plan.key) is not None
    advised = decision.kind == "transfer"
    return Answer(
        target=target.name,
        decision=decision.kind,
        sources=(pair[0],) if pair and decision.kind != "do not transfer" else (),
        gain=_interval(gain),
        n_seeds=gain.seeds if gain else 0,
        predicted=rows[pair].predicted if pair else None,
        baseline=baseline,
        performance=baseline + gain.mean if gain else None,
        reason=decision.reason,
        negative=tuple(row.source for row in tried if _harms(row)),
        terms=tuple(terms(beliefs, pair)) if pair else (),
        more=_more(search, beliefs, target, decision),
        weights_key=plan.key if plan and kept else None,
        export_hint=f"forelearn export {plan.key} FOLDER" if plan and kept and advised else "",
        runs=len(spent),
        seconds=sum(cost.seconds for cost in spent),
    )


def _harms(row: PairRow) -> bool:
    """Negative transfer beyond run noise: the whole interval of the test gain lies below 0."""
    interval = row.confirmed or (row.obtained.interval if row.obtained else None)
    return interval is not None and interval.high < 0


def _decide(
    search: Search, judged: _Judged, target: Task, pair: Pair | None, tried: Sequence[PairRow]
) -> Decision:
    """The verdict from dev alone."""
    if not search.baselines(target):
        return Decision("not enough evidence", (), (), None, "Its baseline has not run.", None)
    if pair is None:
        failed = " Every pair failed." if tried else ""
        return Decision(
            "not enough evidence", (), (), None, f"No source has been tried for it.{failed}", None
        )
    confirmed = judged.gain(pair, "dev")
    if confirmed is not None:
        decision = decide([Candidate((pair[0],), confirmed)])
        reason = decision.reason.replace("Learning ", "learning ", 1)
        return replace(decision, reason=f"On dev, {reason}")
    best = search.best_gain(target)
    if best <= 0:
        count = f"{len(tried)} source{'' if len(tried) == 1 else 's'} tried"
        reason = f"None of the {count} beat the baseline on dev; the best, {pair[0]}, had {best:+.3f}."
        return Decision("do not transfer", (pair[0],), (), None, reason, 0)
    reason = (
        f"{pair[0]} had {best:+.3f} on dev on the seed that chose it; "
        "the budget left no run on another seed to judge it by."
    )
    runs = max(1, len(search.space.judging_seeds))
    return Decision("not enough evidence", (pair[0],), (), None, reason, runs)


def _more(search: Search, beliefs: Beliefs, target: Task, decision: Decision) -> str:
    """What further runs would buy for a target, in a sentence."""
    guesses = beliefs(search) if search.stage != "grid" else {}
    tried = {
        source_name(source)
        for source in search.space.sources_of(target)
        if search.pair_outcomes(source, target)
    }
    best = max(search.best_gain(target), 0.0)
    open_pairs = {
        source: expected_improvement(guess, best)
        for (source, other), guess in guesses.items()
        if other == target.name and source not in tried
    }
    pace = search.seconds_per_unit()
    recipe = search.recipe(target)
    parts = []
    if decision.kind == "not enough evidence" and decision.more_seeds:
        parts.append(f"About {decision.more_seeds} more seeds of the pair and its baseline would settle it.")
    if recipe is not None and pace > 0 and open_pairs:
        seconds = pace * search.cost(search.space.baseline(target, recipe, search.space.first_seed))
        hour = int(3600 / max(seconds, 1e-9))
        source = max(open_pairs, key=lambda name: (open_pairs[name], name))
        reach = f"all {len(open_pairs)}" if hour >= len(open_pairs) else f"{hour} of the {len(open_pairs)}"
        parts.append(
            f"One more hour tries {reach} sources that are left; the most promising, {source}, is expected to "
            f"add {open_pairs[source]:+.3f} on dev."
        )
    elif not open_pairs and guesses:
        parts.append("Every source has been tried.")
    return " ".join(parts)


def _pair_rows(prepared: Prepared, search: Search, beliefs: Beliefs, judged: _Judged) -> dict[Pair, PairRow]:
    level = prepared.study.settings.search.level
    noise = pooled_noise([[run.test() for run in search.baselines(task)] for task in search.space.tasks])
    scores = beliefs.scores()
    prior = beliefs.prior()
    rows: dict[Pair, PairRow] = {}
    for source, target in search.space.pairs():
        pair = (source_name(source), target.name)
        outcomes = search.pair_outcomes(source, target)
        status, reason = _status(search, source, target, outcomes)
        ansat = [float(value) for value in beliefs.ansat(pair)[1]]
        rows[pair] = PairRow(
            source=pair[0],
            target=pair[1],
            status=status,  # type: ignore[arg-type]
            reason=reason,
            prior=prior.get(pair),
            predicted=Interval(*beliefs.before[pair]) if pair in beliefs.before else None,
            obtained=_obtained(search, source, target, noise, level),
            confirmed=_interval(judged.gain(pair, "test")),
            features={name: plain(values[pair]) for name, values in scores.items()},
            ansat=None if all(value != value for value in ansat) else tuple(plain(ansat)),
            keys=tuple(outcome.transfer.key for outcome in outcomes),
        )
    return rows


def _status(search: Search, source: Source, target: Task, outcomes: list[Outcome]) -> tuple[str, str]:
    if any(isinstance(outcome, Run) for outcome in outcomes):
        return "run", ""
    if outcomes:
        return "failed", next(outcome.reason for outcome in outcomes if isinstance(outcome, Failure))
    if isinstance(source, Task) and search.recipe(source) is None and search.outcomes:
        return "failed", "the source alone could not be trained"
    return "not tried", "the budget was spent on pairs with more to expect"


def _obtained(
    search: Search, source: Source, target: Task, noise: Noise | None, level: float
) -> Obtained | None:
    """What the pair gained on the seed that it was tried on, over the baseline's mean over its seeds."""
    plan = search.plan(source, target, search.space.first_seed)
    run = search.outcomes.get(plan.key) if plan else None
    dev = search.dev_gain(source, target)
    if not isinstance(run, Run) or dev is None:
        return None
    gain = averaged_gain(
        [run.test()], [baseline.test() for baseline in search.baselines(target)], noise=noise, level=level
    )
    return Obtained(dev, gain.mean, (search.space.first_seed,), _interval(gain))


def _interval(gain: Gain | None) -> Interval | None:
    return None if gain is None else Interval(gain.mean, gain.low, gain.high)
