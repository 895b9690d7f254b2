"""What the gain depends on (Vu et al.'s factors), sources in full, several sources in turn: more tables of the README.

`python studies/task-embeddings/factors.py` prints them. Gains are on test, over the mean baseline of the target; means
are over targets, with 90 % bootstrap intervals over targets.
"""

from __future__ import annotations

import csv
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from estimators import HERE, Array, Measured, class_of, measured, said, scores_of

from forelearn.evaluation.intervals import bootstrap_mean
from forelearn.evaluation.table import mean_known
from forelearn.evaluation.truth import Truth


def gains_of(truth: Truth) -> Array:
    """[T, S], mean test gain over the seeds that have run, in points."""
    return 100.0 * mean_known(truth.gains(truth.test), axis=2)


def factors(found: Measured) -> dict[str, list[Array]]:
    """Factor → its columns, each [T, S]. What has the same value for all sources of a target explains nothing."""
    truth, scores = found.truth, scores_of(found)
    shape = truth.candidates.shape
    same = np.array([[class_of(s) == class_of(t) for s in truth.sources] for t in truth.targets], float)
    alone = 100.0 * mean_known(truth.dev.baselines, axis=1)
    own = np.array([alone[truth.targets.index(s)] if s in truth.targets else np.nan for s in truth.sources])
    spread = np.nanstd(truth.dev.baselines, axis=1)
    shaky = np.array(
        [spread[truth.targets.index(s)] if s in truth.targets else np.nan for s in truth.sources]
    )
    rest = {
        "source size": [np.log(scores["size"])],
        "vocabulary overlap": [scores["overlap"]],
        "TextEmb similarity": [scores["textemb_raw"]],
        "same class": [same],
        "how well the source is learned": [
            np.broadcast_to(own, shape),
            100.0 * np.broadcast_to(shaky, shape),
        ],
    }
    kept = {
        name: columns
        for name, columns in rest.items()
        if any(np.nanstd(_centred(values, truth.candidates)) > 0 for values in columns)
    }
    return {**kept, "all of them": [values for columns in kept.values() for values in columns]}


def _centred(values: Array, mask: Array) -> Array:
    """Less the mean over a target's candidates; NaN elsewhere."""
    inside = np.where(mask, values, np.nan)
    centred: Array = inside - mean_known(inside, axis=1)[:, None]
    return centred


def _standard(values: Array, mask: Array) -> Array:
    """Centred, with variance 1 within each target; all 0 where a target's gains are alike."""
    centred = _centred(values, mask)
    scale = np.sqrt(mean_known(centred**2, axis=1))[:, None]
    standard: Array = centred / np.where(scale > 0, scale, 1.0)
    return standard


def explained(truth: Truth, columns: Sequence[Array]) -> Array:
    """[T], share of the variance of a left-out target's gains that the other targets' fit of `columns` explains.

    Gains and factors are standardised by target, so that no target's measure counts more than another's. Ordinary least
    squares; may lie below 0: worse than saying that all sources of a target are alike. NaN for a target without
    gains.
    """
    known = (
        truth.candidates
        & np.isfinite(gains_of(truth))
        & np.all([np.isfinite(one) for one in columns], axis=0)
    )
    gain = _standard(gains_of(truth), known)
    inputs = np.stack([_standard(one, known) for one in columns], axis=2)
    shares = np.full(len(gain), np.nan)
    for row in range(len(gain)):
        here = known[row]
        rest = known.copy()
        rest[row] = False
        total = float((gain[row, here] ** 2).sum())
        if here.sum() < 3 or total == 0:
            continue
        slopes = np.linalg.lstsq(inputs[rest], gain[rest], rcond=None)[0]
        shares[row] = 1.0 - float(((gain[row, here] - inputs[row, here] @ slopes) ** 2).sum()) / total
    return shares


def by_source(truth: Truth) -> Array:
    """[T], the same for the mean centred gain of each source on the other targets, shrunk by its own fit there."""
    gain = _standard(gains_of(truth), truth.candidates)
    shares = np.full(len(gain), np.nan)
    for row in range(len(gain)):
        here = np.isfinite(gain[row])
        if here.sum() < 3:
            continue
        rest = np.delete(gain, row, axis=0)
        count = np.isfinite(rest).sum(axis=0)
        mean = mean_known(rest, axis=0)
        noise = float(np.nanvar(rest - mean[None, :], ddof=1)) / np.maximum(count, 1)
        between = max(0.0, float(np.nanvar(mean[here])) - float(np.mean(noise[here])))
        guess = (
            np.where(np.isfinite(mean), mean, 0.0) * between / (between + noise) if between else 0.0 * mean
        )
        guess = np.where(np.isfinite(guess), guess, 0.0)
        total = float((gain[row, here] ** 2).sum())
        shares[row] = 1.0 - float(((gain[row, here] - guess[here]) ** 2).sum()) / total
    return shares


def repeatable(truth: Truth) -> Array:
    """[T], the share of the variance of mean gains, within a target, that another two seeds would show again.

    Spearman–Brown on the correlation of two seeds' gains, over sources that have both.
    """
    values = truth.gains(truth.test)
    shares = np.full(len(values), np.nan)
    for row in range(len(values)):
        ran = np.isfinite(values[row]).sum(axis=0) > 2
        both = values[row][:, ran]
        both = both[np.isfinite(both).all(axis=1)]
        if both.shape[1] == 2 and len(both) > 2 and both.std(axis=0).min() > 0:
            r = float(np.corrcoef(both.T)[0, 1])
            shares[row] = 2 * r / (1 + r) if r > -0.5 else np.nan
    return shares


def factor_lines(found: Measured) -> list[str]:
    """The table of factors."""
    rows = [
        "| what is known of the pair | share of the variance of a left-out target's gains, % |",
        "| --- | ---: |",
    ]
    for name, columns in factors(found).items():
        rows.append(f"| {name} | {said(bootstrap_mean(100 * explained(found.truth, columns)))} |")
    rows.append(f"| which source it is (static) | {said(bootstrap_mean(100 * by_source(found.truth)))} |")
    rows.append(f"| what is not noise of the seeds | {said(bootstrap_mean(100 * repeatable(found.truth)))} |")
    return rows


def class_lines(truth: Truth) -> list[str]:
    """Mean gain and share of pairs that gain, by classes of source and target."""
    gain = gains_of(truth)
    classes = list(dict.fromkeys(map(class_of, truth.targets)))
    rows = [
        "| target \\ source | " + " | ".join(classes) + " |",
        "| --- |" + " ---: |" * len(classes),
    ]
    for target_class in classes:
        cells = []
        for source_class in classes:
            means, helped, pairs = [], 0, 0
            for row, target in enumerate(truth.targets):
                inside = [
                    gain[row, place]
                    for place, source in enumerate(truth.sources)
                    if source != target and class_of(source) == source_class and np.isfinite(gain[row, place])
                ]
                if class_of(target) == target_class and inside:
                    means.append(float(np.mean(inside)))
                    helped += sum(value > 0 for value in inside)
                    pairs += len(inside)
            share = f"; {100 * helped / pairs:.0f} % of {pairs} gain" if pairs else ""
            cells.append(said(bootstrap_mean(means), signed=True) + share if means else "–")
        rows.append(f"| {target_class} | {' | '.join(cells)} |")
    return rows


def further(part: str, folder: Path = HERE) -> dict[tuple[str, str], dict[str, float]]:
    """(target, source) → dev, test, rows of the runs of a part in further.csv."""
    file = folder / "further.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as text:
        return {
            (row["target"], row["source"]): {name: float(row[name]) for name in ("dev", "test", "rows")}
            for row in csv.DictReader(text)
            if row["part"] == part
        }


def full_lines(truth: Truth, runs: Mapping[tuple[str, str], Mapping[str, float]]) -> list[str]:
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


def chain_lines(truth: Truth, runs: Mapping[tuple[str, str], Mapping[str, float]]) -> list[str]:
    """Chains of the best sources of the first seed, on the second, beside what costs as much."""
    rows = ["| on the second seed | targets | test, points | dev, points |", "| --- | ---: | ---: | ---: |"]
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
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

            def note(name: str, left: Mapping[str, float], right: Mapping[str, float]) -> None:
                found[name].append((100 * (left["test"] - right["test"]), 100 * (left["dev"] - right["dev"])))

            if length == 2:
                note("the best source alone, over the mean baseline", single, level)
            note(f"{length} in turn, over the mean baseline", chain, level)
            note(f"{length} in turn less the best one alone", chain, single)
            note(f"{length} in turn less the best one {length} times (same cost)", chain, control)
            note(
                f"{length} in turn less the best on dev of the {length} tried singly (dearer by {length - 1} runs)",
                chain,
                best,
            )
    for name, values in found.items():
        test, dev = np.array(values).T
        cells = " | ".join(said(bootstrap_mean(side), signed=True) for side in (test, dev))
        rows.append(f"| {name} | {len(values)} | {cells} |")
    return rows


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore", RuntimeWarning)
    found = measured()
    for lines in (
        factor_lines(found),
        class_lines(found.truth),
        full_lines(found.truth, further("full")),
        chain_lines(found.truth, further("chain")),
    ):
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
