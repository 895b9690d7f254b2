"""Run the study in slices, and write its table of runs. `python make.py run --minutes 30`, then `make.py table`.

The plan is three baselines of each task, then every pair and every `B → B`, seed after seed, then further baselines.
Within a seed the pairs are shuffled, so that a slice is a random sample of them; question answering as a target, which
takes ten times as long as the others, comes last. What has run is in the store (`out/`) and is not run again.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from pathlib import Path

from forelearn.core.run import Run
from forelearn.core.transfer import Transfer
from forelearn.experiment.api import executor_for, open_prepared
from forelearn.experiment.drive import Silent, run_transfers
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared

HERE = Path(__file__).parent
BASELINES, FIRST = 5, 3
SEEDS = 2


def plan(prepared: Prepared) -> list[list[Transfer]]:
    """Stages of transfers: a stage's source parts have run in the stages before it."""
    space, recipe = prepared.space, prepared.space.recipes[0]
    first = space.first_seed
    alone = [
        [space.baseline(task, recipe, first + seed) for task in space.targets] for seed in range(BASELINES)
    ]
    stages = []
    for seed in range(SEEDS):
        pairs = [
            space.pair(source, target, recipe, recipe, first + seed)
            for target in space.targets
            for source in space.targets
        ]
        random.Random(seed).shuffle(pairs)
        stages.append(sorted(pairs, key=lambda pair: pair.target.kind == "question_answering"))
    return [*alone[:FIRST], *stages, *alone[FIRST:]]


def run(prepared: Prepared, minutes: float) -> None:
    """Run what is missing, in rounds, until the time is up."""
    end = time.monotonic() + 60 * minutes
    with prepared.directory.lock(), executor_for(prepared) as executor:
        for stage in plan(prepared):
            missing = [transfer for transfer in stage if prepared.runs.get(transfer.key) is None]
            while missing and time.monotonic() < end:
                run_transfers(prepared, missing[:4], executor, Silent())
                missing = missing[4:]
                print(f"{len(missing)} of {len(stage)} left in this stage", flush=True)


def table(prepared: Prepared, file: Path) -> None:
    """Every finished run as a row, in the order of the plan."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["target", "source", "seed", "metric", "dev", "test", "units", "seconds", "key"])
        for transfer in (one for stage in plan(prepared) for one in stage):
            found = prepared.runs.get(transfer.key)
            if isinstance(found, Run):
                source = transfer.sources[0].name if transfer.sources else ""
                row = [transfer.target.name, source, transfer.seed, transfer.target.metric]
                numbers = [f"{found.dev():.6f}", f"{found.test():.6f}", f"{found.cost.units:.0f}"]
                writer.writerow([*row, *numbers, f"{found.cost.seconds:.1f}", transfer.key])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--out", default=str(HERE / "out"))
    parser.add_argument("--workers", type=int, default=None)
    given = parser.parse_args()
    prepared = open_prepared(HERE, Options(out=given.out, workers=given.workers))
    if given.what == "run":
        run(prepared, given.minutes)
    table(prepared, HERE / "results.csv")


if __name__ == "__main__":
    main()
