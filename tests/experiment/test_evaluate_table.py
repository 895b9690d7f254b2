"""`forelearn evaluate TABLE` with the scores of every method as columns."""

from pathlib import Path

import numpy as np
import pytest

from forelearn.estimators.methods import METHODS
from forelearn.experiment.evaluate_table import RESERVED, evaluate_table, orders_of
from forelearn.experiment.read_table import read_table
from forelearn.experiment.replay import TableSearch, live
from forelearn.experiment.table_file import TableOptions


def written(folder: Path, prefix: str) -> Path:
    """Five targets, four sources, two seeds: `logme` knows the gains, every other method is chance."""
    rng, rows = np.random.default_rng(0), []
    for target in "abcde":
        for source in range(4):
            gain = 0.05 * source
            scores = [gain if name == "logme" else rng.random() for name in METHODS]
            for seed in range(2):
                value = 0.5 + gain + 0.002 * rng.normal()
                cells = [target, f"s{source}", seed, f"{value:.4f}", 0.5, *(f"{one:.4f}" for one in scores)]
                rows.append(",".join(map(str, cells)))
    head = ["target", "source", "seed", "performance", "baseline", *(f"{prefix}{name}" for name in METHODS)]
    path = folder / "scores.csv"
    path.write_text("\n".join([",".join(head), *rows]), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("prefix", "options"),
    [("score_", TableOptions()), ("", TableOptions(scores=tuple(METHODS)))],
    ids=["by their prefix", "by their names"],
)
def test_the_scores_of_every_method_are_orders(tmp_path: Path, prefix: str, options: TableOptions) -> None:
    quality, _ = evaluate_table(written(tmp_path, prefix), options, searches={}, draws=4)
    judged = {verdict.method: verdict for verdict in quality.verdicts}
    shown = {name: f"score {name}" if name in RESERVED else name for name in METHODS}
    assert set(shown.values()) <= set(judged)
    lost = {name: judged[shown[name]].figures["lost@49.5"].mean for name in METHODS}
    assert lost["logme"] == pytest.approx(0.0, abs=0.2)
    assert min(lost, key=lambda name: lost[name]) == "logme"
    assert judged["static"] is not judged["score static"]


def test_the_search_can_be_replayed_with_the_scores_of_any_method(tmp_path: Path) -> None:
    """With little to spend, what is known beforehand decides what is tried; a score that is there is always taken."""
    table, _ = read_table(written(tmp_path, "score_"))
    assert set(table.scores) == set(METHODS)
    picks = {name: live(table, 0.35, 0, TableSearch(scores=(name,))).picks for name in METHODS}
    assert all(len(each) == len(table.targets) for each in picks.values())
    right = {name: sum(pick == "s3" for pick in each) for name, each in picks.items()}
    assert right["logme"] == max(right.values())
    assert right["logme"] > np.mean(list(right.values()))


def test_the_fusion_of_all_columns_is_an_order_too(tmp_path: Path) -> None:
    table, _ = read_table(written(tmp_path, "score_"))
    assert "fusion" in {method.name for method in orders_of(table)}
