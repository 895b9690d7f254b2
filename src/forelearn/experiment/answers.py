"""From what the store knows to the result of a study: answers, tables, costs. Nothing is trained here.

The verdict of each target rests on fresh seeds, which the search did not draw, and on dev alone; the gain that
is reported beside it comes from test on the same seeds. Test labels choose nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from forelearn import __version__
from forelearn.core.keys import plain
from forelearn.core.run import Failure, Outcome, Run, Stopped
from forelearn.core.task import Task
from forelearn.evaluation.gains import Gain, averaged_gain
from forelearn.experiment.again import export_command
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import now
from forelearn.experiment.explain import explanations, terms
from forelearn.experiment.further import further
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.study_cost import budget_of
from forelearn.experiment.tables import another_seed, baseline_row, costs, curve, exhaustive, task_row
from forelearn.experiment.verdict import Confirmation, is_control, verdict, words
from forelearn.report.summary import (
    Answer,
    EncoderRow,
    FailureRow,
    Interval,
    Obtained,
    PairRow,
    Status,
    Summary,
)
from forelearn.search.search import Pair, Search
from forelearn.search.space import Candidate, Chain, Together, mode_of, source_name
from forelearn.store.environment import Surroundings, describe_environment


def summarise(prepared: Prepared, search: Search, beliefs: Beliefs) -> Summary:
    """The whole result of a study as it stands."""
    settings = prepared.study.settings
    ready = bool(search.outcomes) and search.stage != "grid"  # a task that failed leaves the others theirs
    if ready:
        search.guesses = beliefs(search)
    confirmation = Confirmation(search, settings.search.level)
    rows = _pair_rows(prepared, search, beliefs, confirmation)
    answers = tuple(
        _answer(prepared, search, beliefs, confirmation, target, rows) for target in search.space.targets
    )
    controls = {
        (source_name(one), target.name) for one, target in search.candidates() if is_control(one, target)
    }
    encoder = search.space.encoder
    shape = prepared.shape
    return Summary(
        version=__version__,
        study=settings.name,
        made=now(),
        metric=search.space.targets[0].metric,
        level=settings.search.level,
        encoder=EncoderRow(encoder.name, encoder.digest, shape.layers, shape.hidden, shape.parameters),
        budget=budget_of(search),
        tasks=tuple(task_row(prepared, task) for task in search.space.tasks),
        baselines=tuple(row for task in search.space.tasks if (row := baseline_row(search, task))),
        pairs=tuple(row for pair, row in rows.items() if pair not in controls),
        controls=(
            *(row for pair, row in rows.items() if pair in controls),
            *(
                extra
                for target in search.space.targets
                if (extra := another_seed(search, target)) is not None
            ),
        ),
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
        notes=(*beliefs.notes.values(), *_without_several(search)),
        set_aside=beliefs.aside(search) if ready else {},
    )


def _without_several(search: Search) -> list[str]:
    """Why a study that asks for several sources, in turn or together, has none, once that is settled."""
    said = []
    if search.stage == "done" and search.options.chain > 1 and not search.chains:
        said.append(
            "no target has two sources that have run and are expected to gain: no chain of sources was tried"
        )
    if search.stage == "done" and search.options.joint and not search.joint:
        said.append(
            "no target has a source that has run and is expected to gain: none was learned together with it"
        )
    return said


def _answer(
    prepared: Prepared,
    search: Search,
    beliefs: Beliefs,
    confirmation: Confirmation,
    target: Task,
    rows: Mapping[Pair, PairRow],
) -> Answer:
    baselines = search.baselines(target)
    tried = [row for row in rows.values() if row.target == target.name and row.obtained is not None]
    controls = {source_name(one) for one in search.candidates_of(target) if is_control(one, target)}
    winner, rival = search.finalists(target)
    pair = (source_name(winner), target.name) if winner is not None else None
    decision = verdict(confirmation, target)
    gain = confirmation.gain(winner, target, "test") if winner is not None else None
    confirmed = confirmation.of(winner, target) if winner is not None else None
    # on the fresh seeds where there are any, so that performance − baseline is the gain that is reported
    paired = list(confirmed.baselines) if confirmed else baselines
    baseline = fmean(run.test() for run in paired) if paired else None
    outcomes = [
        outcome
        for candidate in search.candidates_of(target)
        for outcome in search.pair_outcomes(candidate, target)
    ]
    key = _weights(prepared, search, winner, target)
    advised = decision.kind in ("transfer", "tied")
    more, taken = further(search, target, decision, winner, rival)
    return Answer(
        target=target.name,
        decision=decision.kind,
        sources=tuple(
            names[0] for names in decision.tied or ((decision.sources,) if decision.sources else ())
        )
        if decision.kind != "do not transfer" or gain is not None
        else (),
        gain=_interval(gain),
        n_seeds=gain.seeds if gain else 0,
        predicted=rows[pair].predicted if pair is not None and pair in rows else None,
        baseline=baseline,
        performance=None if gain is None or baseline is None else baseline + gain.mean,
        reason=decision.reason,
        negative=tuple(row.source for row in tried if row.source not in controls and _harms(row)),
        terms=tuple(terms(beliefs, (winner.last.name, target.name) if isinstance(winner, Chain) else pair))
        if pair
        else (),
        mode=mode_of(winner),
        more=more,
        further=taken,
        weights_key=key,
        export_hint=export_command(prepared.study, prepared.options, key) if key and advised else "",
        runs=len(outcomes),
        seconds=sum(outcome.cost.seconds for outcome in outcomes),
        rival="no transfer" if rival is None else words(rival, target),
        rival_gain=_interval(confirmation.gain(rival, target, "test")) if rival is not None else None,
        dev_gain=_interval(confirmation.gain(winner, target)) if winner is not None else None,
    )


def _weights(prepared: Prepared, search: Search, winner: Candidate | None, target: Task) -> str | None:
    """The run of the winner that is best on dev among those whose weights were kept."""
    if winner is None:
        return None
    runs = [*search.runs(winner, target), *search.runs(winner, target, fresh=True)]
    kept = [run for run in runs if prepared.directory.whole("weights", run.transfer.key) is not None]
    best = max(kept, key=lambda run: (run.dev(), run.transfer.key), default=None)
    return best.transfer.key if best else None


def _harms(row: PairRow) -> bool:
    """Negative transfer beyond run noise: the whole interval of the test gain lies below 0."""
    interval = row.confirmed or (row.obtained.interval if row.obtained else None)
    return interval is not None and interval.high < 0


def _pair_rows(
    prepared: Prepared, search: Search, beliefs: Beliefs, confirmation: Confirmation
) -> dict[Pair, PairRow]:
    """A row for every source, several sources and control of every target."""
    level = prepared.study.settings.search.level
    aside = {**beliefs.aside(search), **beliefs.several_aside(search)}
    leaking = beliefs.leaks()
    scores = beliefs.scores()
    prior = beliefs.prior()
    rows: dict[Pair, PairRow] = {}
    for source, target in search.candidates():
        pair = (source_name(source), target.name)
        outcomes = search.pair_outcomes(source, target)
        leak = leaking.get((source_name(source), target.name), "")
        status, reason = _status(search, source, target, outcomes, aside, leak)
        ansat = [float(value) for value in beliefs.ansat(pair)[1]]
        rows[pair] = PairRow(
            source=pair[0],
            target=pair[1],
            status=status,
            reason=reason,
            prior=prior.get(pair),
            predicted=Interval(*beliefs.before[pair]) if pair in beliefs.before else None,
            obtained=_obtained(search, confirmation, source, target, level),
            confirmed=_interval(confirmation.gain(source, target, "test")),
            features={name: plain(values[pair]) for name, values in scores.items() if pair in values},
            ansat=None if all(value != value for value in ansat) else tuple(plain(ansat)),
            keys=tuple(outcome.transfer.key for outcome in outcomes),
            chain=tuple(task.name for task in source.sources) if isinstance(source, Chain) else (),
            mode=mode_of(source),
            auxiliaries=tuple(task.name for task in source.sources) if isinstance(source, Together) else (),
        )
    return rows


def _status(
    search: Search,
    candidate: Candidate,
    target: Task,
    outcomes: list[Outcome],
    aside: Mapping[str, str],
    leak: str,
) -> tuple[Status, str]:
    if any(isinstance(outcome, Run) for outcome in outcomes):
        return "run", ""
    stopped = next((outcome.reason for outcome in outcomes if isinstance(outcome, Stopped)), None)
    if stopped is not None:
        return "stopped", stopped
    failed = next((outcome.reason for outcome in outcomes if isinstance(outcome, Failure)), None)
    if failed is not None:
        return "failed", failed
    if isinstance(candidate, Task) and search.recipe(candidate) is None and search.stage != "grid":
        return "failed", "the source alone could not be trained"
    if isinstance(candidate, Chain):
        plan = search.plan(candidate, target, search.space.first_seed, check_prefix=False)
        part = search.given_up(plan) if plan is not None else None
        if part is not None:
            return "failed", f"its part {part.transfer.label}: {part.reason}"
    if source_name(candidate) in aside:
        return "set aside", aside[source_name(candidate)]
    if leak:
        return "set aside", f"{leak}: it is not tried"
    if search.stage != "done":
        return "not tried", "the study has not come to it yet"
    if search.recipe(target) is None:
        return "failed", "the target alone could not be trained"
    if search.options.exhaustive:
        return "failed", "what it starts from could not be trained"
    guess = search.guess(candidate, target)
    if guess is not None and (guess.hopeless or guess.worth < search.options.least):
        return "not tried", "it is not expected to help enough to be worth a run"
    return "not tried", "the budget was spent where a run tells more"


def _obtained(
    search: Search, confirmation: Confirmation, candidate: Candidate, target: Task, level: float
) -> Obtained | None:
    """What a candidate gained on the search's seeds over the mean of the baselines that gains are counted from."""
    runs, baselines = search.runs(candidate, target), search.unchosen_baselines(target)
    if not runs or not baselines:
        return None
    gain = averaged_gain(
        [run.test() for run in runs],
        [run.test() for run in baselines],
        noise=confirmation.noise(target, "test"),
        level=level,
    )
    dev = fmean(run.dev() for run in runs) - fmean(run.dev() for run in baselines)
    return Obtained(dev, gain.mean, tuple(run.transfer.seed for run in runs), _interval(gain))


def _interval(gain: Gain | None) -> Interval | None:
    return None if gain is None else Interval(gain.mean, gain.low, gain.high)
