"""The loop: ask the search, run what is not yet in the store, tell the search.

Starting again replays the same questions and finds the answers in the store, so a second start does what is
missing and nothing else. What is decided here: nothing. What is kept: weights of single-task models (they are
source parts), of the parts of chains, and of each target's winner and rival; the others are dropped as soon as they
are beaten, and a part that is wanted after that is trained again, to the same weights and at no charge.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from forelearn.core.errors import ForelearnError
from forelearn.core.run import Cost, Failure, Outcome, Run, Stopped, as_asked
from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
from forelearn.executors.base import Broken, Done, Executor, Job
from forelearn.experiment.joint_settings import joint_method
from forelearn.experiment.prepare import Prepared
from forelearn.search.chains import parts
from forelearn.search.search import Options, Pair, Search
from forelearn.search.value import Guess
from forelearn.store.gc import collect


class Display(Protocol):
    """What a person sees while a study runs."""

    def plan(self, stage: str, transfers: Sequence[Transfer], search: Search | None) -> None:
        """A round is about to run. search: which asks for it; None: a person does."""

    def step(self, key: str, state: Mapping[str, Any]) -> None:
        """A job reports its step, its steps and its loss."""

    def end(self, label: str, outcome: Outcome) -> None:
        """A transfer has run or failed."""

    def say(self, text: str) -> None:
        """One line on what is being done."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A display that shows nothing."""

    def plan(self, stage: str, transfers: Sequence[Transfer], search: Search | None) -> None:
        """Nothing."""

    def step(self, key: str, state: Mapping[str, Any]) -> None:
        """Nothing."""

    def end(self, label: str, outcome: Outcome) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


AT_ONCE = max(32, 4 * (os.cpu_count() or 1))
"""Runs of the grid, which is one round, after which weights that are beaten are dropped."""

Believe = Callable[[Search], Mapping[Pair, Guess]]


def new_search(prepared: Prepared) -> Search:
    """A search over the study's space that has been told nothing."""
    settings = prepared.study.settings.search
    return Search(
        prepared.space,
        settings.budget,
        prepared.cost,
        Options(
            round=settings.round,
            confirm_share=settings.confirm,
            confirm_seeds=settings.confirm_seeds,
            least=settings.least,
            halving=settings.halving,
            chain=settings.chain,
            chain_share=settings.chain_share,
            joint=joint_method(prepared.study.settings),
            joint_top=settings.joint_top,
            joint_share=settings.joint_share,
            exhaustive=bool(prepared.options.exhaustive),
        ),
    )


def replay(prepared: Prepared, search: Search, believe: Believe) -> list[Transfer]:
    """Tell the search everything that the store knows of what it asks; return the first round with a gap."""
    while wanted := search.ask(lambda: believe(search)):
        # each is read once: a driver may forget a failure while somebody looks
        known = {transfer.key: _known(prepared, search, transfer) for transfer in wanted}
        missing = [transfer for transfer in wanted if known[transfer.key] is None]
        if missing:
            return missing
        for outcome in known.values():
            if outcome is not None:
                search.tell(outcome)
    return []


def _known(prepared: Prepared, search: Search, transfer: Transfer) -> Outcome | None:
    """What the store holds, as far as the search would have come to it: where nothing is stopped, no stopped run."""
    outcome = stored(prepared, transfer)
    return None if isinstance(outcome, Stopped) and not search.stops else outcome


def tell_finished(prepared: Prepared, search: Search, believe: Believe) -> None:
    """Tell a search that has been replayed what has finished of the round under way, for somebody who looks at it.

    It is not to be asked after that: a search is a function of whole rounds.
    """
    for transfer in search.ask(lambda: believe(search)):
        outcome = _known(prepared, search, transfer)
        if outcome is not None:
            search.tell(outcome)


def stored(prepared: Prepared, transfer: Transfer) -> Outcome | None:
    """What the store holds of a transfer, under its names and its metric of today."""
    outcome = prepared.runs.get(transfer.key)
    return None if outcome is None else as_asked(outcome, transfer)


def all_stored(prepared: Prepared) -> list[Outcome]:
    """Every outcome of the store; of the study's tasks under their names and metrics of today."""
    tasks = {task.digest: task for task in prepared.space.tasks}

    def today(task: Task) -> Task:
        return task if task in prepared.space.tasks else tasks.get(task.digest, task)

    found = []
    for outcome in prepared.runs.all():
        one = outcome.transfer
        sources = tuple(
            source if source.task is None else replace(source, task=today(source.task))
            for source in one.sources
        )
        asked = replace(one, target=today(one.target), sources=sources)
        if asked.key == one.key and (known := as_asked(outcome, asked)) is not None:
            found.append(known)
    return found


def drive(prepared: Prepared, search: Search, executor: Executor, believe: Believe, display: Display) -> None:
    """Run the search to its end. The caller holds the store's lock."""
    while missing := replay(prepared, search, believe):
        display.plan(search.stage, missing, search)
        looks = {transfer.key: search.looks(transfer) for transfer in missing}
        if search.stage == "grid":
            for first in range(0, len(missing), AT_ONCE):
                run_transfers(prepared, missing[first : first + AT_ONCE], executor, display, looks)
                prune(prepared, _grid_so_far(prepared))
        else:
            run_transfers(prepared, missing, executor, display, looks)
            prune(prepared, search)
    prune(prepared, search)


def _grid_so_far(prepared: Prepared) -> Search:
    """A search that knows what has run of the grid: a recipe that is beaten now is beaten at its end."""
    known = new_search(prepared)
    for transfer in known.ask():
        outcome = _known(prepared, known, transfer)
        if outcome is not None:
            known.tell(outcome)
    return known


def run_transfers(
    prepared: Prepared,
    transfers: Sequence[Transfer],
    executor: Executor,
    display: Display,
    looks: Mapping[str, Mapping[int, float | None]] | None = None,
) -> list[Outcome]:
    """Run transfers whose source parts have run; what came of this try. What fails becomes a Failure in the store.

    A failure takes the place of an earlier one, and of a stopped run where `looks` stop none; of a run that is trained
    again for its weights, the run stays stored.
    OSError if a disk has no room: that is no failure, and the checkpoint stays.
    A failure costs the seconds that it took, and its units up to the last step that it reported; all of them where
    that is not known: before the first step, and of joint training, whose steps do not say how many are to come.
    What could not begin costs nothing.
    looks: key → epoch → dev measure below which the run is stopped there (None: it is only looked at).
    """
    again = {
        prefix.key: prefix
        for transfer in transfers
        if (prefix := transfer.prefix) is not None and prepared.start(transfer) is None
    }
    if again:
        display.say(f"training {len(again)} source parts again: their weights were not kept")
    tried = run_transfers(prepared, list(again.values()), executor, display, looks) if again else []
    parts_failed = {one.transfer.key: one.reason for one in tried if isinstance(one, Failure)}
    by_key = {transfer.key: transfer for transfer in transfers}
    done: dict[str, float] = {}
    """key → share of its steps that a run has reported"""
    ended: list[Outcome] = []

    def on_step(key: str, state: Mapping[str, Any]) -> None:
        if "steps" in state and "epoch" in state:  # steps of the whole run, not of an epoch
            done[key] = state["step"] / state["steps"]
        display.step(key, state)

    def on_end(result: Done | Broken) -> None:
        transfer = by_key[result.key]
        if isinstance(result, Broken):
            result.refuse_full()
            units = prepared.cost(transfer) * done.get(transfer.key, 1.0)
            failure = Failure(transfer, result.reason, Cost(units, result.seconds), now())
            fail(failure, keep_checkpoint=result.died)
            return
        outcome = prepared.runs.get(transfer.key)
        if outcome is None:
            raise ForelearnError(f"{transfer.label}: the run {transfer.key} was not stored. Start again.")
        ended.append(outcome)
        display.end(transfer.label, outcome)

    def fail(failure: Failure, *, keep_checkpoint: bool = False) -> None:
        # what says something of the transfer as it is asked for stays
        whole = looks is not None and not looks.get(failure.transfer.key)
        if not isinstance(stored(prepared, failure.transfer), Run if whole else Run | Stopped):
            prepared.runs.put(failure, keep_checkpoint=keep_checkpoint)
        ended.append(failure)
        display.end(failure.transfer.label, failure)

    jobs = []
    for transfer in transfers:
        start = prepared.start(transfer)
        if start is None:
            fail(Failure(transfer, _without_part(transfer, parts_failed), Cost(), now()))
            continue
        arguments = (
            prepared.place,
            transfer.as_json(),
            str(start),
            dict((looks or {}).get(transfer.key, {})),
        )
        jobs.append(Job(transfer.key, "forelearn.experiment.jobs:train_job", arguments))
    executor.run(jobs, on_step=on_step, on_end=on_end)
    return ended


def _without_part(transfer: Transfer, failed: Mapping[str, str]) -> str:
    """Why a transfer could not begin. failed: key of a part → why it could not be trained."""
    part = transfer.prefix
    assert part is not None
    why = failed.get(part.key, "its weights are gone")
    return f"its source part, {part.label}, could not be trained: {why}"


def prune(prepared: Prepared, search: Search) -> None:
    """Drop weights that no answer needs, and what kills left behind."""
    if prepared.study.settings.run.keep_weights == "all":
        collect(prepared.directory)
        return
    # runs of the round that has just ended are not told yet
    untold = set(prepared.directory.keys("weights")) - set(search.outcomes)
    collect(prepared.directory, keep=kept_weights(search) | untold)


def kept_weights(search: Search) -> set[str]:
    """Keys of source parts (single-task models at their dev-best recipe, parts of chains) and of the finalists."""
    keep = parts(search) | {
        outcome.transfer.key
        for outcome in search.outcomes.values()
        if outcome.transfer.is_baseline and outcome.transfer.recipe == search.recipe(outcome.transfer.target)
    }
    for target in search.space.targets:
        for finalist in search.finalists(target):
            if finalist is not None:
                keep |= {outcome.transfer.key for outcome in search.pair_outcomes(finalist, target)}
    return keep


def now() -> str:
    """The present time, ISO 8601 UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
