"""What runs, and in which order: it follows from the tasks, and for chains from what has run.

Three baselines of each task, then every pair and every `B → B`, seed after seed, then further baselines, then question
answering as a target, which takes longest, its own class first; then sources in full (FULL → LIMITED), then chains.
Within a seed targets come in random order, one after the other, so that those that are done are a random sample of
them; so do sources in full, each before all its targets.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from finished import Record
from measured import QUESTIONS, class_of

from forelearn.core.run import Failure
from forelearn.core.task import Task
from forelearn.core.transfer import Source, Transfer
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.results_table import Result

PARTS = ("matrix", "full", "chains")
"""In their order; what has not run of one keeps no other from running."""
BASELINES, FIRST = 5, 3
SEEDS = 2
FULL = 4000
"""Training rows of a source in full, at most: ten times those of a limited one."""
FEW = ("RTE", "MRPC", "CoLA", "STS-B", "irony", "emotion", "TREC", "WNUT-17")
"""The targets of sources in full: one or two of each sort that have 400 rows."""
TOGETHER = 4
"""Sources in full of a round: they are trained, then what follows them, and then their models may go."""
LENGTHS = (2, 3)


def alone(prepared: Prepared, seed: int) -> list[Transfer]:
    """Every task by itself."""
    space = prepared.space
    return [space.baseline(task, space.recipes[0], space.first_seed + seed) for task in space.targets]


def pair(prepared: Prepared, sources: Sequence[Task], target: Task, seed: int) -> Transfer:
    """The sources in turn, then the target."""
    recipe = prepared.space.recipes[0]
    before = tuple(Source(source, recipe) for source in sources)
    return Transfer(target, prepared.space.encoder, recipe, prepared.space.first_seed + seed, before)


def shuffled(prepared: Prepared, seed: int) -> list[Task]:
    """The targets in the order in which they get their turn: those that had it are a random sample."""
    targets = list(prepared.space.targets)
    return random.Random(seed).sample(targets, len(targets))


def pairs(prepared: Prepared, seed: int) -> list[Transfer]:
    """Every source before every target, target after target; none that holds rows of the target's test."""
    return [
        pair(prepared, [source], target, seed)
        for target in shuffled(prepared, seed)
        for source in prepared.space.targets
        if (source.name, target.name) not in prepared.leaks
    ]


def matrix(prepared: Prepared) -> list[tuple[str, list[Transfer]]]:
    """Baselines and pairs in the order in which they run: the name of a stage, and its transfers."""
    baselines = [(f"baselines, seed {seed}", alone(prepared, seed)) for seed in range(BASELINES)]
    dear, others = [], []
    for seed in range(SEEDS):
        found = pairs(prepared, seed)
        dear += [one for one in found if one.target.kind == QUESTIONS]
        others.append((f"pairs, seed {seed}", [one for one in found if one.target.kind != QUESTIONS]))
    dear.sort(key=lambda one: class_of(one.sources[0].name) != class_of(one.target.name))
    return [*baselines[:FIRST], *others, *baselines[FIRST:], ("question answering", dear)]


def larger(full: Prepared, limited: Prepared) -> list[Task]:
    """The tasks of which there is more than twice what they have inside the limit."""
    rows = {name: len(data.train) for name, data in limited.tasks.items()}
    return [data.task for name, data in full.tasks.items() if len(data.train) > 2 * rows[name]]


def in_full(full: Prepared, limited: Prepared) -> list[tuple[list[Transfer], list[Transfer]]]:
    """Sources in full before the few targets, on the first seed; none that holds rows of the target's test.

    In rounds, each of a few sources in random order by themselves, then the transfers from them.
    """
    sources = larger(full, limited)
    random.Random(0).shuffle(sources)
    groups = [sources[start : start + TOGETHER] for start in range(0, len(sources), TOGETHER)]
    return [
        (
            [pair(full, [], source, 0) for source in group],
            [
                pair(limited, [source], limited.tasks[name].task, 0)
                for source in group
                for name in FEW
                if source.name != name and (source.name, name) not in full.leaks
            ],
        )
        for group in groups
    ]


def gains(prepared: Prepared, record: Record, target: Task, seed: int) -> dict[str, float | None]:
    """Source → dev gain over the mean baseline, of the pairs of a seed that have run; None of those that failed.

    `B → B` and sources that hold rows of the target's test are left out.
    """
    own = [record.find(prepared, pair(prepared, [], target, number)) for number in range(BASELINES)]
    level = [run.dev for run in own if run is not None]
    found: dict[str, float | None] = {}
    for source in prepared.space.targets:
        transfer = pair(prepared, [source], target, seed)
        if source is target or (source.name, target.name) in prepared.leaks or not level:
            continue
        run = record.find(prepared, transfer)
        if run is not None:
            found[source.name] = run.dev - sum(level) / len(level)
        elif isinstance(prepared.runs.get(transfer.key), Failure):
            found[source.name] = None
    return found


def chains(prepared: Prepared, record: Record) -> list[Transfer]:
    """The best two and three sources of the first seed, best last, and the best one as often, on the second seed.

    Not before extractive question answering.
    """
    found = []
    for target in shuffled(prepared, 1):
        if target.kind == QUESTIONS:
            continue
        known = gains(prepared, record, target, 0)
        leaking = sum(1 for _, leaked in prepared.leaks if leaked == target.name)
        if len(known) + leaking < len(prepared.space.targets) - 1:
            continue
        ran = {name: gain for name, gain in known.items() if gain is not None}
        best = sorted(ran, key=lambda name: -ran[name])
        for length in LENGTHS:
            for names in (best[:length][::-1], best[:1] * length):
                found.append(pair(prepared, [prepared.tasks[name].task for name in names], target, 1))
    return found


def stages(transfer: Transfer) -> list[Transfer]:
    """A transfer and those that come before it."""
    found = [transfer]
    while found[-1].prefix is not None:
        found.append(found[-1].prefix)
    return found


def without_parts(rows: Sequence[Result], parts: Collection[str]) -> list[Result]:
    """The rows without the pairs of a target and seed of which none has run but parts of chains.

    parts: keys of those. They were picked for their gains on other targets: alone they say too much of their sources.
    """
    planned = {(row.target, row.seed) for row in rows if row.source and row.key not in parts}
    return [row for row in rows if not row.source or (row.target, row.seed) in planned]
