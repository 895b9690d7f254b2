"""A small study with results and features on disk, made up, so that every answer is known."""

from pathlib import Path

import numpy as np

from forelearn.core.run import Cost
from forelearn.estimators.features import Columns
from forelearn.experiment.features_table import Features, write_features
from forelearn.experiment.results_table import Result, write_results

NAMES = ("a", "b", "c", "d", "e", "f")
STUDY = 'name = "made"\nmetric = "average_precision"\n\n[[data]]\nfiles = "none.csv"\n'


def made_results(*, seeds: int = 3, noise: float = 0.01, luck: int = 0) -> list[Result]:
    """Six tasks. As a source, task number k gains (k − 2.5) / 50 everywhere: f is the best, a the worst."""
    rng = np.random.default_rng(luck)
    found = []
    for row, target in enumerate(NAMES):
        for source in ("", *NAMES, "train longer"):
            for seed in range(seeds + 2 * (source == "")):
                gain = (NAMES.index(source) - 2.5) / 50 if source in NAMES and source != target else 0.0
                dev, test = 0.4 + 0.05 * row + gain + rng.normal(0, noise, 2)
                found.append(
                    Result(
                        target,
                        source,
                        seed,
                        "0.0001, 3 epochs, batch 16" if source in NAMES else "",
                        "0.0001, 3 epochs, batch 16",
                        {"average_precision": dev, "f1": dev - 0.1, "accuracy": 0.9},
                        {"average_precision": test, "f1": test - 0.1, "accuracy": 0.9},
                        0.5,
                        200.0 if source == "train longer" else 100.0,
                        2.0,
                        f"{target}-{source}-{seed}",
                    )
                )
    return found


def made_features() -> Features:
    """`size` knows the truth, `overlap` its opposite; ANSAT is noise; ANSAT costs six runs in all."""
    pairs = tuple((source, target) for target in NAMES for source in NAMES if source != target)
    knows = [float(NAMES.index(source)) for source, _ in pairs]
    luck = np.random.default_rng(1).random(len(pairs))
    columns = Columns(
        ("ansat.target@0.05", "size", "overlap"), np.stack([luck, knows, [-value for value in knows]], axis=1)
    )
    return Features(pairs, columns, {"ansat": Cost(600.0, 12.0)})


def made_study(folder: Path, results: list[Result] | None = None) -> Path:
    """The study file, results.csv and features.csv in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(STUDY)
    write_results(made_results() if results is None else results, folder / "results.csv")
    write_features(made_features(), folder / "features.csv")
    return folder
