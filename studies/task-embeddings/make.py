"""Run the study in slices, and write its tables.

python make.py run --minutes 30    a slice, and what `table` does
python make.py table               from the store: results.csv (pairs, baselines), further.csv (what comes after them),
                                   tasks.csv, leaks.csv
python make.py features            features.csv: every method's scores, from the single-task models
python make.py page                page.html: heat maps, curves, costs
python make.py readme              the tables of the README

The plan is three baselines of each task, then every pair and every `B → B`, seed after seed, then further baselines,
then question answering as a target, which takes five times as long as the others, its own class first; then sources in
full (FULL → LIMITED), then chains (`--parts` runs some of the three). Within a seed targets come in random order, one
after the other, so that those that are done are a random sample of them; so do sources in full, each before all its
targets. What has run is in the store (`out/`) or in the tables and is not run again.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from arms import between
from measured import class_of
from record import keys, read_rows, write_rows

from forelearn.core.run import Failure, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Source, Transfer
from forelearn.executors.base import Executor
from forelearn.experiment.api import executor_for, open_prepared
from forelearn.experiment.aside import chance_level
from forelearn.experiment.csv_file import write_csv
from forelearn.experiment.drive import Silent, run_transfers
from forelearn.experiment.evaluate import evaluate_study
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.results_table import Result, read_results, results_of, write_results
from forelearn.report.study_page import study_page
from forelearn.store.gc import collect

BASELINES, FIRST = 5, 3
SEEDS = 2
AT_ONCE = 32
"""Runs of a round, which ends with its last one: `--minutes` is looked at between rounds."""
QUESTIONS = "question_answering"
FULL = 4000
"""Training rows of a source in full, at most: ten times those of a limited one."""
FEW = ("RTE", "MRPC", "CoLA", "STS-B", "irony", "emotion", "TREC", "WNUT-17")
"""The targets of sources in full: one or two of each sort that have 400 rows."""
TOGETHER = 4
"""Sources in full of a round: they are trained, then what follows them, and then their models may go."""
LENGTHS = (2, 3)
PARTS = ("matrix", "full", "chains")
"""Of the plan, in their order; what has not run of one keeps no other from running."""
RESULTS, FURTHER = HERE / "results.csv", HERE / "further.csv"
HEADER = (
    "part",
    "target",
    "source",
    "rows",
    "seed",
    "metric",
    "dev",
    "test",
    "units",
    "last_units",
    "seconds",
    "key",
)
"""Of further.csv."""


@dataclass(frozen=True, slots=True)
class Finished:
    """dev, test: in the target's own measure. units, seconds: of the last stage."""

    dev: float
    test: float
    units: float
    seconds: float


class Record:
    """What has run: the rows of results.csv and further.csv, and whatever a store has beyond them."""

    def __init__(self) -> None:
        self.results = read_results(RESULTS) if RESULTS.is_file() else []
        self.further = read_rows(FURTHER)
        self._known = {row.key: _finished(row) for row in self.results if row.metric in row.dev}
        for key, row in self.further.items():
            values = (float(row[name]) for name in ("dev", "test", "last_units", "seconds"))
            self._known[key] = Finished(*values)

    def find(self, prepared: Prepared, transfer: Transfer) -> Finished | None:
        """What a transfer measured, in whatever precision it was computed; None if it has not run or has failed."""
        for key in keys(transfer):
            if key in self._known:
                return self._known[key]
        run = prepared.runs.get(transfer.key)
        if not isinstance(run, Run):
            return None
        return Finished(run.dev(), run.test(), run.cost.units, run.cost.seconds)

    def is_missing(self, prepared: Prepared, transfer: Transfer) -> bool:
        """Whether it has neither run nor failed."""
        return self.find(prepared, transfer) is None and prepared.runs.get(transfer.key) is None

    def note(self, prepared: Prepared) -> None:
        """Write results.csv: its rows that are of this study, and what the store has beyond them."""
        own = {key for _, stage in matrix(prepared) for transfer in stage for key in keys(transfer)}
        kept = [row for row in self.results if row.key in own]
        places = {(row.target, row.source, row.seed) for row in kept}
        new = results_of(prepared.runs.all(), prepared.study.settings.grid())
        kept += [row for row in new if row.key in own and (row.target, row.source, row.seed) not in places]
        parts = {key for chain in chains(prepared, self) for part in stages(chain)[1:] for key in keys(part)}
        kept = without_parts(kept, parts)
        write_results(kept, RESULTS)
        self.results = kept
        self._known |= {row.key: _finished(row) for row in kept}


def without_parts(rows: Sequence[Result], parts: Collection[str]) -> list[Result]:
    """The rows without the pairs of a target and seed of which none has run but parts of chains.

    parts: keys of those. They were picked for their gains on other targets: alone they say too much of their sources.
    """
    planned = {(row.target, row.seed) for row in rows if row.source and row.key not in parts}
    return [row for row in rows if not row.source or (row.target, row.seed) in planned]


def _finished(row: Result) -> Finished:
    return Finished(row.dev[row.metric], row.test[row.metric], row.units, row.seconds)


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
    """The tasks of which there is more than the limit."""
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
    """The best two and three sources of the first seed, best last, and the best one as often, on the second seed."""
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


def run(
    limited: Prepared,
    here: Prepared,
    full: Prepared,
    record: Record,
    minutes: float,
    parts: Sequence[str] = PARTS,
) -> None:
    """Run what is missing, in rounds, until the time is up; parts whose models are not here are trained before.

    parts: of the plan, those that run.
    """
    end = time.monotonic() + 60 * minutes
    kept = [transfer for seed in range(SEEDS) for transfer in alone(limited, seed)]
    with limited.directory.lock(), executor_for(limited) as executor:
        for name, stage in matrix(limited) if "matrix" in parts else []:
            run_stage(limited, stage, kept, executor, record, end, name)
        if "full" in parts:
            with here.directory.lock():
                for sources, transfers in in_full(full, here):
                    train_sources(full, here, sources, transfers, executor, record, end)
                    run_stage(here, transfers, sources, executor, record, end, "after sources in full")
        if "chains" in parts:
            run_stage(limited, chains(limited, record), kept, executor, record, end, "chains")


def train_sources(
    full: Prepared,
    here: Prepared,
    sources: Sequence[Transfer],
    transfers: Sequence[Transfer],
    executor: Executor,
    record: Record,
    end: float,
) -> None:
    """Train those sources in full that lack a model here and are still needed: `here` has not the rows for it."""
    ahead = [one.prefix for one in transfers if record.is_missing(here, one)]
    needed = {
        one.key for one in ahead if one is not None and full.directory.whole("weights", one.key) is None
    }
    missing = [one for one in sources if one.key in needed]
    if missing and time.monotonic() < end:
        run_transfers(full, sorted(missing, key=full.cost, reverse=True), executor, Silent())
        print(f"sources in full: {', '.join(one.target.name for one in missing)} trained", flush=True)


def run_stage(
    prepared: Prepared,
    stage: Sequence[Transfer],
    kept: Sequence[Transfer],
    executor: Executor,
    record: Record,
    end: float,
    name: str,
) -> None:
    """One stage, as far as the time goes; then no models stay but those of `kept`."""
    missing = [transfer for transfer in stage if record.is_missing(prepared, transfer)]
    while missing and time.monotonic() < end:
        # the dearest begin, so that no worker waits long for the last one
        batch = sorted(missing[:AT_ONCE], key=prepared.cost, reverse=True)
        run_transfers(prepared, batch, executor, Silent())
        missing = missing[AT_ONCE:]
        collect(prepared.directory, keep={transfer.key for transfer in kept})
        print(f"{name}: {len(missing)} of {len(stage)} left", flush=True)


def further(limited: Prepared, here: Prepared, full: Prepared, record: Record) -> None:
    """further.csv: every finished run beyond pairs, in the order of the plan.

    part: `full` or `chain`. source: `A → B` for a chain. rows: of training, of the source learned last. units: of all
    stages together. last_units, seconds: of the last stage.
    """
    plans = [
        ("full", here, [one for both in in_full(full, here) for part in both for one in part]),
        ("chain", limited, chains(limited, record)),
    ]
    sizes = {data.task.digest: len(data.train) for each in (full, limited) for data in each.tasks.values()}
    rows: list[Mapping[str, str]] = []
    for part, prepared, transfers in plans:
        for transfer in transfers:
            noted = next((record.further[key] for key in keys(transfer) if key in record.further), None)
            found = prepared.runs.get(transfer.key)
            if noted is not None:
                rows.append(noted)
            elif isinstance(found, Run):
                source = " → ".join(one.name for one in transfer.sources)
                last = transfer.sources[-1].task if transfer.sources else transfer.target
                assert last is not None
                units = 0.0
                for stage in stages(transfer):
                    before = record.find(prepared, stage)
                    units += 0.0 if before is None else before.units
                values = (
                    part, transfer.target.name, source, str(sizes[last.digest]), str(transfer.seed),
                    transfer.target.metric, f"{found.dev():.6f}", f"{found.test():.6f}", f"{units:.0f}",
                    f"{found.cost.units:.0f}", f"{found.cost.seconds:.1f}", transfer.key,
                )  # fmt: skip
                rows.append(dict(zip(HEADER, values, strict=True)))
    write_rows(FURTHER, HEADER, rows)


def stages(transfer: Transfer) -> list[Transfer]:
    """A transfer and those that come before it."""
    found = [transfer]
    while found[-1].prefix is not None:
        found.append(found[-1].prefix)
    return found


def describe(limited: Prepared) -> None:
    """tasks.csv, what each task is; and leaks.csv, the pairs whose source holds rows of the target's test."""
    rows = []
    for name, data in limited.tasks.items():
        chance = chance_level(data)
        sizes = [len(data.split(part)) for part in ("train", "dev", "test")]
        level = "" if chance is None else f"{chance:.6f}"
        rows.append([name, data.task.kind, data.task.metric, *map(str, sizes), level])
    write_csv(HERE / "tasks.csv", ["task", "kind", "metric", "train", "dev", "test", "chance"], rows)
    leaks = [[source, target, what] for (source, target), what in sorted(limited.leaks.items())]
    write_csv(HERE / "leaks.csv", ["source", "target", "what"], leaks)


def features(prepared: Prepared) -> None:
    """Every method's scores of every pair, from the single-task models of the first seed: features.csv.

    A task with a row in results.csv may have no model in this store: it is trained again.
    """
    from forelearn.experiment.features_table import write_features
    from forelearn.experiment.study_features import compute_features

    def missing() -> list[Transfer]:
        return [one for one in alone(prepared, 0) if prepared.directory.whole("weights", one.key) is None]

    with prepared.directory.lock(), executor_for(prepared) as executor:
        run_transfers(prepared, missing(), executor, Silent())
        if missing():
            raise SystemExit(f"no model of {', '.join(one.label for one in missing())}: nothing is written")
        write_features(compute_features(prepared, prepared.runs.all(), executor), HERE / "features.csv")


def readme() -> None:
    """The tables of the README, between their marks."""
    from readme import tables

    file = HERE / "README.md"
    text = file.read_text(encoding="utf-8")
    for name, rows in tables().items():
        text = between(text, name, rows)
    file.write_text(text, encoding="utf-8")


def page() -> None:
    """Heat maps and curves of results.csv and features.csv, in one file."""
    study = evaluate_study(HERE, out=str(HERE / "no-store"))
    (HERE / "page.html").write_text(study_page(study).rstrip() + "\n", encoding="utf-8")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "table", "features", "page", "readme"])
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--out", default=str(HERE / "out"))
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what `run` runs")
    given = parser.parse_args()
    if given.what in ("page", "readme"):
        {"page": page, "readme": readme}[given.what]()
        return
    options = Options(out=given.out, workers=given.workers)
    limited = open_prepared(HERE, options)
    if given.what == "features":
        features(limited)
        return
    # a store of its own: sources in full have the names of the limited ones
    beside = replace(options, out=f"{given.out}-full")
    here, full = open_prepared(HERE, beside), open_prepared(HERE, replace(beside, limit=FULL))
    record = Record()
    if given.what == "run":
        run(limited, here, full, record, given.minutes, given.parts)
    record.note(limited)
    describe(limited)
    further(limited, here, full, record)


if __name__ == "__main__":
    main()
