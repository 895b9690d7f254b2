"""Does the search find better sources than random, at equal cost? Replays on tables of finished runs.

    python -m benchmarks.search --quick      60 replays a table
    python -m benchmarks.search              200

No training: every run is looked up. Tables: the two with eight seeds of TaskWeb (Kim et al. 2023) below
`FORELEARN_SHARED_DATA`, without which it stops, and `studies/inductive-transfer/results.csv` where it exists. The
settings of the search and of its model of gains were chosen on `finetune-gpt2m` and then frozen; it is shown, the other
tables judge.

In each replay a random half of the seeds (two of three) is handed out, the others judge (`forelearn evaluate`
does the same). Points lost: what the best choice for a target, "no transfer" among them, gains more than the pick. The
best is chosen on seeds other than those that value it.

- `ours`: the study's search. Half of what it is handed are its seeds, half are fresh ones for confirmation. What
  confirmation costs comes on top of the budget: searches at equal cost.
- `ours, all in`: confirmation is paid from the same budget.
- `random`, `source effects`: one run a pair; they report the run that they picked by. Means of five orders.
- `static (oracle)`: is handed half of the seeds of all other targets for nothing, and orders by these.

Overstated: the gain that is reported − the gain on the judging seeds; for ours of the confirmed picks, for the
others of all picks of a source. A pick of no transfer claims nothing. At 16.5 % ours confirms few targets, and
one run in a hundred collapses, so that figure takes `MORE` times as many replays besides (`all in` confirms fewer
still and does not: its standard error is printed).

Intervals (90 %) are of the mean difference, ours − theirs in the same replay on the same target, bootstrapped
over targets and replays, both drawn anew each time (Owen 2007). Replays share the runs of a table, so the
intervals speak of other targets and other draws of seeds, not of other encoders. Last line: JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from forelearn.evaluation.budget import SHARES, Replay, lost, replay
from forelearn.evaluation.judging import Split, split
from forelearn.evaluation.orders import nothing, seen, source_effects
from forelearn.evaluation.quality import arranged
from forelearn.evaluation.table import Array, Table, mean_known
from forelearn.experiment.evaluate_table import by_static
from forelearn.experiment.read_table import read_table
from forelearn.experiment.replay import TableSearch
from forelearn.experiment.table_file import TableOptions
from forelearn.search.space import LONGER

ROOT = Path(__file__).resolve().parent.parent
MORE = 6
OWN = ROOT / "studies" / "inductive-transfer" / "results.csv"
COLUMNS = {
    "performance": ("test_average_precision", "test", "performance"),
    "cost": ("units", "cost"),
}
"""What is read of our own table: the first of these columns that it has."""

OURS, ALL_IN = "ours", "ours, all in"
METHODS = (OURS, ALL_IN, "random", "source effects", "static (oracle)", "no transfer")
LEVEL = 0.9
ORDERS = 5
"""Random orders, and orders of source effects, in one replay: they are cheap, and their mean is less noisy."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Of one method and budget. points, overstated: [replays, T], in points; NaN where undefined."""

    points: Array
    overstated: Array


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its interval and standard error over targets and replays."""

    value: float
    low: float
    high: float
    error: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="60 replays a table instead of 200")
    parser.add_argument("--replays", type=int, default=None)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args()
    replays = arguments.replays or (60 if arguments.quick else 200)
    more = MORE * replays
    began = time.monotonic()
    found: dict[str, Mapping[tuple[str, float], Lost]] = {}
    print(f"{replays} replays a table, {arguments.workers} workers of 1 thread")
    with ProcessPoolExecutor(arguments.workers) as pool:
        for path in tables():
            numbers = range(replays)
            lived = list(pool.map(lives, [path] * replays, numbers, chunksize=4))
            name = "our study" if path == OWN else path.stem
            found[name] = {
                key: Lost(*(np.stack([one[key][part] for one in lived]) for part in (0, 1)))
                for key in lived[0]
            }
            if len(load(path).seeds) > 3:
                numbers = range(replays, replays + more)
                extra = np.stack(list(pool.map(claims, [path] * more, numbers, chunksize=8)))
                known = found[name][OURS, SHARES[0]]
                found[name] = {
                    **found[name],
                    (OURS, SHARES[0]): replace(known, overstated=np.concatenate([known.overstated, extra])),
                }
            show(name, load(path), found[name])
    seconds = time.monotonic() - began
    print(json.dumps({**figures(found), "replays": replays, "wall_seconds": round(seconds)}))


def tables() -> list[Path]:
    """The files that are there; exits with a word if the published ones are not."""
    data = Path(os.environ.get("FORELEARN_SHARED_DATA", "unset"))
    folder = data / "transfer-tables" / "taskweb-seeds"
    published = [folder / "finetune-gpt2m.csv", folder / "finetune-t5s.csv"]
    missing = [path for path in published if not path.is_file()]
    if missing:
        raise SystemExit(f"{missing[0]} is not there: set FORELEARN_SHARED_DATA to the folder that holds it")
    return [*published, *([OWN] if OWN.is_file() else [])]


@lru_cache
def load(path: Path) -> Table:
    """The table in an order of its contents, so that names decide nothing; without the control of more epochs."""
    options = TableOptions()
    if path == OWN:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        found = {role: [name for name in names if name in header] for role, names in COLUMNS.items()}
        options = TableOptions(columns={role: names[0] for role, names in found.items() if names})
    table = read_table(path, options)[0]
    control = np.array([name == LONGER for name in table.sources])[None, :, None]
    return arranged(
        replace(
            table,
            gains=np.where(control, np.nan, table.gains),
            performances=np.where(control, np.nan, table.performances),
        )
    )


def lives(path: Path, number: int) -> dict[tuple[str, float], tuple[Array, Array]]:
    """One replay of every method: (method, share) → points lost and overstated, [T] each."""
    return live_all(load(path), number)


def claims(path: Path, number: int) -> Array:
    """By how much ours overstates at the smaller budget, [T] in points: there it confirms on fewest seeds."""
    table = load(path)
    here = split(table, np.random.default_rng([number, 0]))
    view = seen(table, here.learn, np.random.default_rng([number, 1]))
    answer = TableSearch(confirmation_extra=True, shares=SHARES[:1])(view.table, number)
    return judged(answer, SHARES[0], here, table)[1]


def live_all(table: Table, number: int) -> dict[tuple[str, float], tuple[Array, Array]]:
    """As `lives`, of a table at hand."""
    here = split(table, np.random.default_rng([number, 0]))
    view = seen(table, here.learn, np.random.default_rng([number, 1]))
    answers = {
        OURS: [TableSearch(confirmation_extra=True)(view.table, number)],
        ALL_IN: [TableSearch()(view.table, number)],
        "random": [replay(nothing(view), view) for _ in range(ORDERS)],
        "source effects": [replay(source_effects(view), view, in_sequence=True) for _ in range(ORDERS)],
        "static (oracle)": [replay(by_static(view), view) for _ in range(ORDERS)],
        "no transfer": [Replay(dict.fromkeys(SHARES, (None,) * len(table.targets)))],
    }
    return {
        (name, share): tuple(  # type: ignore[misc]
            mean_known(np.stack(part), axis=0)
            for part in zip(*(judged(answer, share, here, table) for answer in told), strict=True)
        )
        for name, told in answers.items()
        for share in SHARES
    }


def judged(answer: Replay, share: float, here: Split, table: Table) -> tuple[Array, Array]:
    """Points lost and overstated, [T] each; NaN where undefined, and where nothing is claimed."""
    picks = answer.picks[share]
    points, _, value = (part * table.unit for part in lost(picks, here.folds, table))
    claims = answer.reported.get(share, (None,) * len(picks))
    claimed = [np.nan if p is None or c is None else c for p, c in zip(picks, claims, strict=True)]
    return points, np.array(claimed, np.float64) * table.unit - value


def mean_of(values: Array, draws: int = 2000) -> Mean:
    """The mean over replays and targets. values: [replays, T], NaN where undefined."""
    known = np.isfinite(values)
    if not known.any():
        return Mean(np.nan, np.nan, np.nan, np.nan)
    rng = np.random.default_rng(0)
    rows, columns = values.shape
    replays = rng.multinomial(rows, np.full(rows, 1 / rows), draws).astype(np.float64)
    targets = rng.multinomial(columns, np.full(columns, 1 / columns), draws).astype(np.float64)
    sums = ((replays @ np.where(known, values, 0.0)) * targets).sum(axis=1)
    counts = ((replays @ known.astype(np.float64)) * targets).sum(axis=1)
    drawn = sums[counts > 0] / counts[counts > 0]
    low, high = np.quantile(drawn, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return Mean(float(values[known].mean()), float(low), float(high), float(drawn.std()))


def against(found: Mapping[tuple[str, float], Lost], ours: str, theirs: str, share: float) -> Mean:
    """Points lost, ours − theirs; below 0 is better."""
    return mean_of(found[ours, share].points - found[theirs, share].points)


def show(name: str, table: Table, found: Mapping[tuple[str, float], Lost]) -> None:
    role = "the settings were frozen on it" if name == "finetune-gpt2m" else "judges"
    print(
        f"\n{name} ({role}): {len(table.targets)} targets × {len(table.sources)} sources, "
        f"{len(table.seeds)} seeds; points"
    )
    print(f"{'':18}" + "".join(f"{f'at {100 * s:g} %: lost':>18}{'overstated (SE)':>20}" for s in SHARES))
    for method in METHODS:
        line = f"{method:18}"
        for share in SHARES:
            over = mean_of(found[method, share].overstated)
            shown = f"{over.value:+.2f} ({over.error:.2f})" if np.isfinite(over.value) else "–"
            line += f"{mean_of(found[method, share].points).value:18.2f}{shown:>20}"
        print(line)
    for ours in (OURS, ALL_IN):
        for theirs in METHODS[2:]:
            differences = [against(found, ours, theirs, share) for share in SHARES]
            print(
                f"{f'{ours} − {theirs}':34}"
                + "".join(f"{d.value:+9.2f} [{d.low:+.2f}, {d.high:+.2f}]" for d in differences)
            )


def figures(found: Mapping[str, Mapping[tuple[str, float], Lost]]) -> dict[str, float]:
    """The last line."""

    def worst(ours: str, theirs: str) -> float:
        return round(max(against(one, ours, theirs, s).value for one in found.values() for s in SHARES), 3)

    def overstated(ours: str) -> Mean:
        claims = [mean_of(one[ours, share].overstated) for one in found.values() for share in SHARES]
        return max((one for one in claims if np.isfinite(one.value)), key=lambda one: abs(one.value))

    equal, all_in = overstated(OURS), overstated(ALL_IN)
    return {
        "worst_vs_random": worst(OURS, "random"),
        "worst_vs_source_effects": worst(OURS, "source effects"),
        "worst_vs_random_all_in": worst(ALL_IN, "random"),
        "worst_vs_source_effects_all_in": worst(ALL_IN, "source effects"),
        "max_abs_overstatement": round(abs(equal.value), 3),
        "overstatement_standard_error": round(equal.error, 3),
        "max_abs_overstatement_all_in": round(abs(all_in.value), 3),
        "overstatement_standard_error_all_in": round(all_in.error, 3),
    }


if __name__ == "__main__":
    main()
