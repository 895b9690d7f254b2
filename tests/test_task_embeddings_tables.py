"""The tables of the study of 23 real tasks, on made truths whose answers are known."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import numpy as np
import pytest
from tests.test_task_embeddings_study import ROOT

from forelearn.estimators.features import Columns
from forelearn.evaluation.truth import Array, Side, Truth
from forelearn.experiment.features_table import Features

NAMES = ("RTE", "CoLA", "TREC", "WNUT-17", "ATIS slots", "BoolQ")


@pytest.fixture
def estimators(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return loaded("estimators", monkeypatch)


@pytest.fixture
def factors(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return loaded("factors", monkeypatch)


def loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "studies" / "task-embeddings"))
    for known in ("estimators", "factors"):
        monkeypatch.delitem(sys.modules, known, raising=False)
    return importlib.import_module(name)


def truth_of(gains: Array, *, noise: float = 0.001) -> Truth:
    """Baselines of .5 on three seeds; pairs that gain `gains` [T, S] on two, `B → B` nothing."""
    rng = np.random.default_rng(0)
    count = len(NAMES)
    pairs = 0.5 + gains[:, :, None] + rng.normal(0, noise, (count, count, 3))
    pairs[:, :, 2] = np.nan
    pairs[np.arange(count), np.arange(count)] = np.nan
    alone = 0.5 + rng.normal(0, noise, (count, 3))
    side = Side(pairs, alone, alone, np.full((count, 3), np.nan))
    return Truth("deciding", NAMES, NAMES, (0, 1, 2), side, side, np.full(count, 100.0))


def features_of(columns: dict[str, Array]) -> Features:
    """columns: name → [T, S]."""
    pairs = tuple((source, target) for target in NAMES for source in NAMES if source != target)
    rows = [[values[NAMES.index(t), NAMES.index(s)] for values in columns.values()] for s, t in pairs]
    return Features(pairs, Columns(tuple(columns), np.array(rows)), {})


KNOWS = np.random.default_rng(1).normal(0, 0.1, (6, 6))
LUCK = np.random.default_rng(2).normal(0, 0.1, (6, 6))


def test_what_knows_the_gains_has_no_regret_and_its_opposite_the_most(estimators: ModuleType) -> None:
    features = features_of({"size": KNOWS, "overlap": -KNOWS, "knn": LUCK, "textemb_raw": LUCK})
    found = estimators.Measured(truth_of(KNOWS), features, {"knn": 3.0, "textemb_raw": 2.0})
    quality = estimators.judged(found, replays=1)
    figures = {verdict.method: verdict.figures for verdict in quality.verdicts}
    assert figures["size"]["regret@1"].mean < 0.5
    assert figures["size"]["rank_of_best"].mean == 1.0
    assert figures["overlap"]["regret@1"].mean > figures["random"]["regret@1"].mean
    # two equal orders fused are that order
    assert figures["knn + textemb_raw"]["ndcg"].mean == pytest.approx(figures["knn"]["ndcg"].mean)
    assert "forelearn" in figures
    table = estimators.lines(quality, found)
    assert next(row for row in table if row.startswith("| knn + textemb_raw ")).endswith("| 5 |")
    assert len({row.count("|") for row in table}) == 1


def test_in_class_only_sources_of_the_targets_class_are_candidates(estimators: ModuleType) -> None:
    table = estimators.table_of(truth_of(KNOWS), {}, in_class=True)
    assert table.targets == ("RTE", "CoLA", "TREC")  # the other classes have one source each, or none
    for row in range(3):
        assert [NAMES[place] for place in np.flatnonzero(table.candidates[row])] == [
            name for name in NAMES[:3] if name != NAMES[row]
        ]
    assert table.seeds == ("0", "1")  # on the third, baselines alone have run


def test_a_factor_that_makes_the_gains_explains_them_and_chance_explains_nothing(factors: ModuleType) -> None:
    truth = truth_of(KNOWS)
    assert np.nanmin(factors.explained(truth, [KNOWS])) > 0.99
    assert np.nanmean(factors.explained(truth, [LUCK])) < 0.3
    assert np.nanmean(factors.repeatable(truth)) > 0.99
    by_source = truth_of(np.broadcast_to(KNOWS[0], (6, 6)))
    assert np.nanmedian(factors.by_source(by_source)) > 0.9  # six targets lack each another source
    assert np.nanmean(factors.by_source(truth)) < 0.3


def test_a_source_of_the_same_class_is_told_apart(factors: ModuleType) -> None:
    own = [[factors.class_of(source) == factors.class_of(target) for source in NAMES] for target in NAMES]
    rows = factors.class_lines(truth_of(0.1 * np.array(own)))
    first = rows[2].split("|")
    assert first[2].strip().startswith("+10.")
    assert "100 % of 6 gain" in first[2]
    assert abs(float(first[3].strip().split(" ")[0])) < 0.5


def test_sources_in_full_are_set_against_the_same_sources_in_few(factors: ModuleType) -> None:
    truth = truth_of(np.zeros((6, 6)), noise=0.0)
    runs = {
        ("RTE", "CoLA"): {"dev": 0.6, "test": 0.6, "rows": 4000},
        ("RTE", "TREC"): {"dev": 0.4, "test": 0.4, "rows": 4000},
        ("CoLA", ""): {"dev": 0.9, "test": 0.9, "rows": 4000},
    }
    assert factors.full_lines(truth, runs)[2] == "| RTE | 2 | +0.0 | +0.0 | +0.0 | 1 of 2 |"


def test_chains_are_set_against_what_costs_as_much(factors: ModuleType) -> None:
    truth = truth_of(np.zeros((6, 6)), noise=0.0)
    chain, again = {"dev": 0.7, "test": 0.7}, {"dev": 0.6, "test": 0.65}
    runs = {
        (target, f"{first} → {last}"): {**value, "rows": 400}
        for target in ("RTE", "CoLA")
        for first, last, value in (("BoolQ", "TREC", chain), ("TREC", "TREC", again))
    }
    rows = {row.split("|")[1].strip(): row.split("|")[2:] for row in factors.chain_lines(truth, runs)[2:]}
    assert [cell.strip() for cell in rows["2 in turn less the best one 2 times (same cost)"][:3]] == [
        "2",
        "+5.0 [+5.0, +5.0]",
        "+10.0 [+10.0, +10.0]",
    ]
    assert rows["the best source alone, over the mean baseline"][1].strip().startswith("+0.0")
