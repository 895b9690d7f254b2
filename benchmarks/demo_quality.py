"""Does the demo find a source that truly helps, and does it say so when nothing does?

    python -m benchmarks.demo_quality --quick     5 family seeds and 5 null family seeds
    python -m benchmarks.demo_quality             10 of each

Each seed makes a family whose order of usefulness is known by construction, writes it as files and runs the
study that `forelearn demo` runs. `top3_of_12`: targets for which the source that is named is one of the true
top 3, the mean over family seeds, of 12. A target that is told "do not transfer" counts as not found.
`null_false_transfer`: the share of targets of null families that are told to transfer. Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import fmean, stdev

from forelearn.experiment import api
from forelearn.experiment.demo import write_demo
from forelearn.experiment.opening import Options
from forelearn.report.summary import Summary
from forelearn.tasks.synthetic import family


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 seeds of each instead of 10")
    parser.add_argument("--workers", type=int, default=None)
    arguments = parser.parse_args()
    seeds = range(5 if arguments.quick else 10)
    workers = arguments.workers or api.cores()
    print(f"{workers} workers of 1 thread")
    print(
        f"{'family':>10} {'found':>6} {'transfer':>9} {'right':>6} {'undecided':>10} {'runs':>5} {'wall s':>7}"
    )
    found, false, seconds = [], [], []
    for seed in seeds:
        for null in (False, True):
            began = time.monotonic()
            result = run(seed, null=null, workers=workers)
            seconds.append(time.monotonic() - began)
            truth = family(seed, null=null)
            hits = sum(
                bool(set(answer.sources) & set(truth.best(answer.target, 3))) for answer in result.answers
            )
            advised = [answer for answer in result.answers if answer.decision in ("transfer", "tied")]
            right = sum(bool(set(one.sources) & set(truth.best(one.target, 3))) for one in advised)
            open_ones = sum(answer.decision == "not enough evidence" for answer in result.answers)
            runs = sum(row.runs for row in result.costs)
            if null:
                false.append(len(advised) / len(result.answers))
            else:
                found.append(hits)
            name = f"{'null ' if null else ''}{seed}"
            print(
                f"{name:>10} {hits if not null else '–':>6} {len(advised):>9} {right:>6} {open_ones:>10} "
                f"{runs:>5} {seconds[-1]:>7.0f}",
                flush=True,
            )
    print(
        json.dumps(
            {
                "top3_of_12": round(fmean(found), 2),
                "top3_sd": round(stdev(found), 2),
                "null_false_transfer": round(fmean(false), 4),
                "family_seeds": len(found),
                "null_seeds": len(false),
                "seconds_a_demo": round(fmean(seconds), 1),
                "workers": workers,
            }
        )
    )


def run(seed: int, *, null: bool, workers: int) -> Summary:
    """The demo of one family in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        study = write_demo(Path(folder), seed=seed, null=null)
        return api.search(study, Options(workers=workers))


if __name__ == "__main__":
    main()
