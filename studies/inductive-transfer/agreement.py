"""How far the order of each method agrees with the gains: `python studies/inductive-transfer/agreement.py`.

For every column of features.csv that is one score: Spearman's correlation, within a target, with the mean test gain
over three seeds; its mean over the 12 targets with a 90 % bootstrap interval over targets. `static` is the mean dev
gain on the other targets, each centred first.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from forelearn.estimators.static import static
from forelearn.evaluation.intervals import Interval, bootstrap_mean
from forelearn.evaluation.orders import centred
from forelearn.evaluation.truth import Truth
from forelearn.experiment.evaluate import features_for, opened, results_for
from forelearn.experiment.features_table import Features
from forelearn.experiment.results_table import truth_of

HERE = Path(__file__).resolve().parent
METRICS = ("average_precision", "f1")


def agreement(scores: NDArray[np.float64], gains: NDArray[np.float64]) -> Interval:
    """scores, gains: [T, S], NaN where there is none."""
    found = []
    for score, gain in zip(scores, gains):
        known = np.isfinite(score) & np.isfinite(gain)
        told = known.sum() > 3 and len(set(score[known])) > 1
        found.append(spearmanr(score[known], gain[known]).statistic if told else np.nan)
    return bootstrap_mean(found)


def columns(features: Features, truth: Truth) -> dict[str, NDArray[np.float64]]:
    """Method → its scores [T, S]."""
    return {name: features.grid(name, truth.targets, truth.sources) for name in features.scores()}


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", RuntimeWarning)  # the mean of a task with itself, which has no runs
    study = opened(HERE, str(HERE / "no-store"))
    results, _ = results_for(study)
    features = features_for(study)
    assert features is not None
    table: dict[str, list[Interval]] = {}
    for metric in METRICS:
        truth = truth_of(results, metric)
        gains = np.nanmean(truth.gains(truth.test), axis=2)
        dev = np.nanmean(truth.gains(truth.dev), axis=2)
        for name, scores in {**columns(features, truth), "static": static(centred(dev).T).T}.items():
            table.setdefault(name, []).append(agreement(scores, gains))
    print("| method | average precision | F1 | seconds |\n| --- | --- | --- | --- |")
    for name, found in sorted(table.items(), key=lambda item: -np.nan_to_num(item[1][0].mean)):
        cells = [f"{one.mean:+.2f} [{one.low:+.2f}, {one.high:+.2f}]" for one in found]
        cost = features.costs.get(name)
        print(f"| `{name}` | {' | '.join(cells)} | {f'{cost.seconds:.0f}' if cost else '–'} |")


if __name__ == "__main__":
    main()
