"""Sources in full, and several sources in turn: two more tables of the README, from further.csv.

`python studies/task-embeddings/full_and_chains.py` prints them. Gains are on test, over the mean baseline of the
target; means are over targets, with 90 % bootstrap intervals over targets.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from measured import HERE, Measured, measured, rows_of, said, scores_of
from scipy.stats import spearmanr

from forelearn.evaluation.intervals import bootstrap_mean
from forelearn.evaluation.table import mean_known
from forelearn.evaluation.truth import Truth

SAME = 0.2
"""Two costs are the same if they differ by no more than this share."""

Runs = Mapping[tuple[str, str], Mapping[str, float]]
"""(target, source) → dev, test, rows of the source, units of all stages."""


def further(part: str, folder: Path = HERE) -> Runs:
    """The runs of a part in further.csv."""
    return {
        (row["target"], row["source"]): {name: float(row[name]) for name in ("dev", "test", "rows", "units")}
        for row in rows_of("further.csv", folder)
        if row["part"] == part
    }


def full_lines(truth: Truth, runs: Runs) -> list[str]:
    """Sources in full against the same sources with 400 rows, on one seed."""
    rows = [
        "| target | sources | gain with 400 rows | gain in full | difference | better in full |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    by_target: dict[str, list[tuple[float, float]]] = defaultdict(list)
    level = mean_known(truth.test.baselines, axis=1)
    for (target, source), run in runs.items():
        if source and target in truth.targets and source in truth.sources:
            row, place = truth.targets.index(target), truth.sources.index(source)
            limited = truth.test.pairs[row, place, 0]
            if np.isfinite(limited):
                by_target[target].append((100 * (limited - level[row]), 100 * (run["test"] - level[row])))
    differences = []
    for target, pairs in by_target.items():
        limited, full = np.array(pairs).T
        differences.append(float((full - limited).mean()))
        share = f"{int((full > limited).sum())} of {len(pairs)}"
        numbers = " | ".join(f"{value:+.1f}" for value in (limited.mean(), full.mean(), differences[-1]))
        rows.append(f"| {target} | {len(pairs)} | {numbers} | {share} |")
    rows.append(f"| mean | | | | {said(bootstrap_mean(differences), signed=True)} | |")
    return rows


def full_order_lines(found: Measured, runs: Runs) -> list[str]:
    """What orders sources in full: rank correlation with their gains, within a target."""
    truth = found.truth
    scores = {
        "source rows": None,
        **{name: scores_of(found).get(name) for name in ("textemb_raw", "overlap")},
    }
    rows = ["| order of sources in full | rank correlation with the gain |", "| --- | ---: |"]
    for name, values in scores.items():
        agreed = []
        for row, target in enumerate(truth.targets):
            mine = [(source, run) for (one, source), run in runs.items() if one == target and source]
            if len(mine) < 4 or (name != "source rows" and values is None):
                continue
            guess = [
                run["rows"] if values is None else values[row, truth.sources.index(source)]
                for source, run in mine
            ]
            if len(set(guess)) > 1:
                agreed.append(float(spearmanr(guess, [run["test"] for _, run in mine]).statistic))
        rows.append(f"| {name} | {said(bootstrap_mean(agreed), 2, signed=True) if agreed else '–'} |")
    return rows


def chain_lines(truth: Truth, runs: Runs) -> list[str]:
    """Chains of the best sources of the first seed, on the second, beside what costs as much."""
    rows = ["| on the second seed | targets | test, points | dev, points |", "| --- | ---: | ---: | ---: |"]
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    ratios: list[float] = []
    for target in truth.targets:
        mine = {source: run for (name, source), run in runs.items() if name == target}
        row = truth.targets.index(target)
        level = {"dev": np.nanmean(truth.dev.baselines[row]), "test": np.nanmean(truth.test.baselines[row])}
        for length in (2, 3):
            chains = [source for source in mine if source.count(" → ") == length - 1]
            again = [source for source in chains if len(set(source.split(" → "))) == 1]
            several = [source for source in chains if source not in again]
            if len(again) != 1 or len(several) != 1:
                continue
            names = several[0].split(" → ")
            places = [truth.sources.index(name) for name in names]
            single = {
                side: values.pairs[row, places[-1], 1]
                for side, values in (("dev", truth.dev), ("test", truth.test))
            }
            tries = truth.dev.pairs[row, places, 1]
            picked = places[int(np.nanargmax(tries))] if np.isfinite(tries).any() else places[-1]
            best = {"dev": truth.dev.pairs[row, picked, 1], "test": truth.test.pairs[row, picked, 1]}
            chain, control = mine[several[0]], mine[again[0]]
            ratios.append(chain["units"] / control["units"])

            def note(name: str, left: Mapping[str, float], right: Mapping[str, float]) -> None:
                found[name].append((100 * (left["test"] - right["test"]), 100 * (left["dev"] - right["dev"])))

            if length == 2:
                note("the best source alone, over the mean baseline", single, level)
            note(f"{length} in turn, over the mean baseline", chain, level)
            note(f"{length} in turn less the best one alone", chain, single)
            note(f"{length} in turn less the best one {length} times", chain, control)
            if abs(ratios[-1] - 1) <= SAME:
                note(f"{length} in turn, where both cost the same within {100 * SAME:.0f} %", chain, control)
            note(
                f"{length} in turn less the best on dev of the {length} tried singly (dearer by {length - 1} runs)",
                chain,
                best,
            )
    for name, values in found.items():
        test, dev = np.array(values).T
        cells = " | ".join(said(bootstrap_mean(side), signed=True) for side in (test, dev))
        rows.append(f"| {name} | {int(np.isfinite(test).sum())} | {cells} |")
    if ratios:
        low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
        rows.append(
            f"| *cost of sources in turn over the best one as often: median {middle:.2f}, "
            f"90 % in {low:.2f} to {high:.2f}* | {len(ratios)} | | |"
        )
    return rows


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore", RuntimeWarning)
    found = measured().whole()
    for lines in (
        full_lines(found.truth, further("full")),
        full_order_lines(found, further("full")),
        chain_lines(found.truth, further("chain")),
    ):
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
