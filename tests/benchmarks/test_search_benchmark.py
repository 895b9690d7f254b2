"""The figures of the search's benchmark."""

import numpy as np
import pytest
from benchmarks.search import METHODS, SHARES, Lost, figures, live_all, mean_of, tables
from tests.evaluation.tables import noisy, table_of


def test_absent_tables_are_named_with_what_to_set(tmp_path, monkeypatch):
    monkeypatch.setenv("FORELEARN_SHARED_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"finetune-gpt2m\.csv is not there: set FORELEARN_SHARED_DATA"):
        tables()


def test_every_method_is_judged_at_every_budget_and_only_sources_claim_anything():
    found = live_all(table_of(noisy(noise=0.05)), 0)
    assert set(found) == {(method, share) for method in METHODS for share in SHARES}
    assert all(points.shape == over.shape == (8,) for points, over in found.values())
    assert np.isnan(found["no transfer", 0.165][1]).all()
    assert np.isfinite(found["random", 0.495][1]).any()


def test_the_error_of_a_mean_holds_the_spread_of_targets_and_of_replays():
    """400 replays × 25 targets, effects of both with SD 1: √(1/25 + 1/400) = .206."""
    rng = np.random.default_rng(0)
    replays, targets = (effects / effects.std() for effects in (rng.normal(size=400), rng.normal(size=25)))
    found = mean_of(replays[:, None] + targets[None, :])
    assert found.error == pytest.approx(0.206, rel=0.05)
    assert found.low < found.value < found.high


def test_what_is_undefined_is_left_out():
    values = np.ones((4, 3))
    values[0, 0] = np.nan
    assert (mean_of(values).value, mean_of(values).error) == (1.0, 0.0)
    assert np.isnan(mean_of(np.full((2, 2), np.nan)).value)


def test_the_last_line_holds_the_worst_of_all_tables_and_budgets():
    """Ours loses 1 everywhere, random 2 and on one table at one budget .5: the worst difference is .5."""

    def table(last):
        cells = {(m, s): Lost(np.ones((3, 2)), np.full((3, 2), 0.1)) for m in METHODS for s in SHARES}
        cells |= {("random", s): Lost(np.full((3, 2), 2.0), np.zeros((3, 2))) for s in SHARES}
        cells["random", SHARES[1]] = Lost(np.full((3, 2), last), np.zeros((3, 2)))
        return cells

    found = figures({"a": table(2.0), "b": table(0.5)})
    assert found["worst_vs_random"] == 0.5
    assert found["worst_vs_source_effects"] == 0.0
    assert found["max_abs_overstatement"] == 0.1
