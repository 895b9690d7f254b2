"""Cards of a study's tasks, and a target of a study ranked against a library of cards.

A card is made of every task whose single-task model is in the store: its training texts under the study's
encoder and under that model give TextEmb and the ESM map. What has been read stays in the study's store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forelearn import __version__
from forelearn.cards.card import RANK, TEXTEMB, Card, Vector
from forelearn.cards.file import too_large
from forelearn.cards.fingerprints import Fingerprints, Watch, fingerprints
from forelearn.cards.library import Library
from forelearn.cards.rank import BY, CardRanking, TargetSide, rank_cards
from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.core.run import Run
from forelearn.core.task import Task
from forelearn.estimators.esm import fit_esm, moments, reduce
from forelearn.experiment.api import SILENT, find_task, open_prepared
from forelearn.experiment.card_rows import EMBEDDED, read_rows, taskemb_vectors, text_rows
from forelearn.experiment.drive import Display, now, stored
from forelearn.experiment.last_run import as_last_run
from forelearn.experiment.opening import UNCHANGED, Options
from forelearn.experiment.prepare import Prepared, built


@dataclass(frozen=True, slots=True)
class Built:
    """What came of building cards. left_out: task → why it has no card."""

    written: tuple[str, ...]
    same: tuple[str, ...]
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LibraryRanking:
    """A target's ranking of a library. notes: what a reader should know of it. warning: before looking at it."""

    ranking: CardRanking
    notes: tuple[str, ...]
    warning: str = ""


def build_cards(
    study: Path | str,
    library: str | None = None,
    *,
    names: Sequence[str] = (),
    licence: str = "",
    taskemb: bool = False,
    replace: bool = False,
    options: Options = UNCHANGED,
    display: Display = SILENT,
) -> Built:
    """Make a card of every task (or of `names`) whose single-task model is in the study's store. Trains nothing.

    library: a folder or URI; None is the folder `cards` in the one that the study fills.
    licence: of the tasks' data. taskemb: put TaskEmb on the cards (a backward pass over 500 rows a task).
    replace: write over cards of the same names and other content.
    """
    prepared = open_prepared(study, as_last_run(study, options), build=False)
    tasks = [find_task(prepared, name) for name in names] or [data.task for data in prepared.tasks.values()]
    into = Library(library if library is not None else prepared.study.out / "cards")
    cards, left_out = [], {}
    with prepared.directory.lock():
        for task in tasks:
            display.say(f"card of {task.name}")
            try:
                cards.append(_card(prepared, task, licence=licence, taskemb=taskemb))
            except _NoCard as reason:
                left_out[task.name] = str(reason)
    problems = [] if replace else into.taken(cards)
    problems += too_large(cards)
    if problems:
        raise InputError(problems)
    written = [card.name for card in cards if into.add(card, replace=replace)]
    same = tuple(card.name for card in cards if card.name not in written)
    return Built(tuple(written), same, left_out)


def rank_library(
    study: Path | str,
    target: str,
    library: str,
    *,
    by: Sequence[str] = BY,
    options: Options = UNCHANGED,
) -> LibraryRanking:
    """Rank the cards of a library for a target of a study. Trains nothing; no source's encoder is loaded.

    by: `textemb`, `esm`, `size`, `taskemb` (for a target that has been trained alone); at least one.
    The target's own card, known by its name and its texts, is left out.
    """
    prepared = open_prepared(study, as_last_run(study, options), build=False)
    find_task(prepared, target)
    Library(library).files()  # a library that is not there, or empty, is said before the target is read
    with prepared.directory.lock():
        prepared = built(prepared)
        side = read_target(prepared, target, by=by)
    return rank_against(prepared, side, library, by=by)


def rank_against(
    prepared: Prepared, side: TargetSide, library: str, *, by: Sequence[str] = BY
) -> LibraryRanking:
    """Rank the cards of a library for a target that has been read: `rank_library` without its reading."""
    others = 0
    own = _prints(prepared.tasks[side.name])

    def sources() -> Iterator[Card]:
        nonlocal others
        for card in Library(library).cards():
            if card.name != side.name or not np.array_equal(card.prints.exact, own.exact):
                others += card.encoder.digest != side.encoder
                yield card

    try:
        ranking = rank_cards(sources(), side, by=by)
    except ValueError as error:
        raise InputError(Problem("--by", f"{error}.", f"Known: {', '.join(BY)}, taskemb.")) from error
    if not ranking.cards:
        fix = "Add cards of other tasks: forelearn cards build STUDY, cards pull."
        raise InputError(Problem(f"library {library}", f"holds no card but that of `{side.name}`.", fix))
    notes, warning = [], ""
    encoder = prepared.space.encoder.name
    if others == len(ranking.cards):
        warning = (
            f"No card of {library} was made under the study's encoder, `{encoder}`: texts and maps are not "
            "compared, and the order rests on what is left. `forelearn cards list` names their encoders: set the "
            "study's `encoder` to theirs, or build cards under it."
        )
    elif others:
        cards = f"{others} card{' was' if others == 1 else 's were'} made under another base encoder"
        notes.append(f"{cards} than the study's, `{encoder}`: texts and maps of those are not compared.")
    leaking = [card.name for card in ranking.cards if card.leak]
    if leaking:
        more = f" and {len(leaking) - 3} more" if len(leaking) > 3 else ""
        notes.append(
            f"Texts of the target's test rows are among what these have learned: {', '.join(leaking[:3])}{more}."
        )
    return LibraryRanking(ranking, tuple(notes), warning)


class _NoCard(Exception):
    """Why a task has no card."""


def _card(prepared: Prepared, task: Task, *, licence: str, taskemb: bool) -> Card:
    data = prepared.tasks[task.name]
    run = _alone(prepared, task)
    alone = run.transfer
    weights = _weights(prepared, run)
    encoder, base_folder = _base(prepared)
    base, mean = text_rows(prepared, base_folder, encoder, data)
    tuned, _ = text_rows(prepared, weights, alone.key, data)
    try:
        esm = reduce(fit_esm(base, tuned), RANK)
    except ValueError as error:
        raise _NoCard(str(error)) from None
    space = prepared.space
    runs = [stored(prepared, space.baseline(task, alone.recipe, seed)) for seed in space.run_seeds]
    return Card(
        name=task.name,
        kind=task.kind,
        metric=task.metric,
        labels=data.labels,
        encoder=space.encoder,
        embedded=EMBEDDED,
        train=len(data.train),
        dev=len(data.dev),
        performance={one.transfer.seed: one.dev() for one in runs if isinstance(one, Run)},
        prints=_prints(data),
        vectors={
            TEXTEMB: mean.astype(np.float32),
            **(taskemb_vectors(prepared, weights, alone.key, data) if taskemb else {}),
        },
        esm=esm,
        licence=licence,
        cost=run.cost,
        made=now(),
        by=f"forelearn {__version__}",
    )


def _prints(data: TaskData) -> Fingerprints:
    """Of the texts that a task is learned from and chosen by."""
    return fingerprints([*data.train.read(), *data.dev.read()])


def _alone(prepared: Prepared, task: Task) -> Run:
    """The single-task run on the first seed at the dev-best recipe."""
    space = prepared.space
    plans = [space.baseline(task, recipe, space.first_seed) for recipe in space.recipes]
    runs = [run for plan in plans if isinstance(run := stored(prepared, plan), Run)]
    if not runs:
        raise _NoCard("it has not been trained alone")
    return max(runs, key=Run.dev)


def _weights(prepared: Prepared, run: Run) -> Path:
    weights = prepared.directory.whole("weights", run.transfer.key)
    if weights is None:
        raise _NoCard("the weights of its single-task model were not kept")
    return weights


def _base(prepared: Prepared) -> tuple[str, Path]:
    encoder = prepared.space.encoder.digest
    return encoder, prepared.folders[encoder]


def read_target(prepared: Prepared, name: str, *, by: Sequence[str] = BY) -> TargetSide:
    """What a ranking by `by` needs of a task of the study; who calls it holds the study's lock."""
    data = prepared.tasks[find_task(prepared, name).name]
    encoder, folder = _base(prepared)
    told, why = None, ""
    vectors = {TEXTEMB: text_rows(prepared, folder, encoder, data)[1]}
    if any(name.partition("/")[0] == "taskemb" for name in by):
        vectors |= _own_taskemb(prepared, data)
    try:
        rows = read_rows(prepared, folder, encoder, data, native=True)
        told = moments(rows["features"], rows["targets"])
    except InputError as error:
        why = error.problems[0].what
    except ValueError as error:
        why = str(error)
    return TargetSide(
        name=data.task.name,
        encoder=encoder,
        embedded=EMBEDDED,
        vectors=vectors,
        watch=Watch(data.test.read()),
        moments=told,
        why=why,
    )


def _own_taskemb(prepared: Prepared, data: TaskData) -> dict[str, Vector]:
    """TaskEmb of the target's own model. Raises InputError if there is none."""
    try:
        run = _alone(prepared, data.task)
        return taskemb_vectors(prepared, _weights(prepared, run), run.transfer.key, data)
    except _NoCard as reason:
        rule = f"TaskEmb needs the target's own model: {reason}."
        fix = f'Leave it out, or train the target first: forelearn train STUDY --target "{data.task.name}".'
        raise InputError(Problem(f"target `{data.task.name}`", rule, fix)) from None
