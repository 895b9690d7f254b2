"""Run the study in slices, and write its tables.

python make.py run --minutes 30    a slice, and what `table` does
python make.py table               from the store: results.csv (pairs, baselines), further.csv (what comes after them),
                                   tasks.csv, leaks.csv
python make.py features            features.csv: every method's scores, from the single-task models
python make.py page                page.html: heat maps, curves, costs
python make.py readme              the tables of the README

plan.py says what runs, in which order. What has run is in the store (`out/`) or in the tables and is not run again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import plan
from arms import between
from finished import Record
from record import keys, write_rows

from forelearn.core.run import Run
from forelearn.core.transfer import Transfer
from forelearn.executors.base import Executor
from forelearn.experiment.api import executor_for, open_prepared
from forelearn.experiment.aside import chance_level
from forelearn.experiment.csv_file import write_csv
from forelearn.experiment.drive import Silent, run_transfers
from forelearn.experiment.evaluate import evaluate_study
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.results_table import results_of, write_results
from forelearn.report.study_page import study_page
from forelearn.store.gc import collect

AT_ONCE = 32
"""Runs of a round, which ends with its last one: `--minutes` is looked at between rounds."""
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


def run(
    limited: Prepared,
    here: Prepared,
    full: Prepared,
    record: Record,
    minutes: float,
    parts: Sequence[str] = plan.PARTS,
) -> None:
    """Run what is missing, in rounds, until the time is up; parts whose models are not here are trained before.

    parts: of the plan, those that run.
    """
    end = time.monotonic() + 60 * minutes
    kept = [transfer for seed in range(plan.SEEDS) for transfer in plan.alone(limited, seed)]
    with limited.directory.lock(), executor_for(limited) as executor:
        for name, stage in plan.matrix(limited) if "matrix" in parts else []:
            run_stage(limited, stage, kept, executor, record, end, name)
        if "full" in parts:
            with here.directory.lock():
                for sources, transfers in plan.in_full(full, here):
                    train_sources(full, here, sources, transfers, executor, record, end)
                    run_stage(here, transfers, sources, executor, record, end, "after sources in full")
        if "chains" in parts:
            run_stage(limited, plan.chains(limited, record), kept, executor, record, end, "chains")


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


def note(limited: Prepared, record: Record) -> None:
    """Write results.csv: its rows that are of this study, and what the store has beyond them."""
    own = {key for _, stage in plan.matrix(limited) for transfer in stage for key in keys(transfer)}
    kept = [row for row in record.results if row.key in own]
    places = {(row.target, row.source, row.seed) for row in kept}
    new = results_of(limited.runs.all(), limited.study.settings.grid())
    kept += [row for row in new if row.key in own and (row.target, row.source, row.seed) not in places]
    parts = {
        key for chain in plan.chains(limited, record) for part in plan.stages(chain)[1:] for key in keys(part)
    }
    kept = plan.without_parts(kept, parts)
    write_results(kept, RESULTS)
    record.keep(kept)


def further(limited: Prepared, here: Prepared, full: Prepared, record: Record) -> None:
    """further.csv: every finished run beyond pairs, in the order of the plan.

    part: `full` or `chain`. source: `A → B` for a chain. rows: of training, of the source learned last. units: of all
    stages together. last_units, seconds: of the last stage.
    """
    plans = [
        ("full", here, [one for both in plan.in_full(full, here) for part in both for one in part]),
        ("chain", limited, plan.chains(limited, record)),
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
                for stage in plan.stages(transfer):
                    before = record.find(prepared, stage)
                    units += 0.0 if before is None else before.units
                values = (
                    part, transfer.target.name, source, str(sizes[last.digest]), str(transfer.seed),
                    transfer.target.metric, f"{found.dev():.6f}", f"{found.test():.6f}", f"{units:.0f}",
                    f"{found.cost.units:.0f}", f"{found.cost.seconds:.1f}", transfer.key,
                )  # fmt: skip
                rows.append(dict(zip(HEADER, values, strict=True)))
    write_rows(FURTHER, HEADER, rows)


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
        return [
            one for one in plan.alone(prepared, 0) if prepared.directory.whole("weights", one.key) is None
        ]

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
    parser.add_argument("--parts", nargs="+", choices=plan.PARTS, default=plan.PARTS, help="what `run` runs")
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
    here, full = open_prepared(HERE, beside), open_prepared(HERE, replace(beside, limit=plan.FULL))
    record = Record(RESULTS, FURTHER)
    if given.what == "run":
        run(limited, here, full, record, given.minutes, given.parts)
    note(limited, record)
    describe(limited)
    further(limited, here, full, record)


if __name__ == "__main__":
    main()
