"""The tables of the study of 23 real tasks, on made truths whose answers are known."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from tests.test_task_embeddings_study import ROOT

from forelearn.core.run import Cost
from forelearn.estimators.features import Columns
from forelearn.evaluation.truth import Array, Side, Truth
from forelearn.experiment.features_table import Features

NAMES = ("RTE", "CoLA", "TREC", "WNUT-17", "ATIS slots", "BoolQ")


SCRIPTS = ("measured", "estimators", "choice", "factors", "full_and_chains")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(ROOT / "studies" / "task-embeddings"))
    for name in SCRIPTS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return {name: importlib.import_module(name) for name in SCRIPTS}


@pytest.fixture
def measured(scripts: dict[str, ModuleType]) -> ModuleType:
    return scripts["measured"]


@pytest.fixture
def estimators(scripts: dict[str, ModuleType]) -> ModuleType:
    return scripts["estimators"]


@pytest.fixture
def factors(scripts: dict[str, ModuleType]) -> ModuleType:
    return scripts["factors"]


@pytest.fixture
def further(scripts: dict[str, ModuleType]) -> ModuleType:
    return scripts["full_and_chains"]


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


def test_what_knows_the_gains_has_no_regret_and_its_opposite_the_most(
    measured: ModuleType, estimators: ModuleType
) -> None:
    features = features_of(
        {"size": KNOWS, "overlap": -KNOWS, "knn": LUCK, "textemb_raw": LUCK, "ansat": KNOWS}
    )
    features = replace(features, costs={"knn": Cost(1, 3.0), "textemb_raw": Cost(1, 2.0)})
    found = measured.Measured(truth_of(KNOWS), features, {"knn": 3.0, "textemb_raw": 2.0})
    figures = estimators.judged(found, draws=4)
    assert np.mean(figures["size"]["regret@1"]) < 0.5
    assert np.mean(figures["size"]["rank_of_best"]) == 1.0
    assert np.mean(figures["ansat"]["ndcg"]) == 1.0  # a group of many columns has one that orders
    assert np.mean(figures["overlap"]["regret@1"]) > np.mean(figures["random"]["regret@1"])
    # two equal orders fused are that order
    assert figures["knn + textemb_raw"]["ndcg"] == pytest.approx(figures["knn"]["ndcg"])
    table = estimators.lines(estimators.rows_of(figures), found)
    assert next(row for row in table if row.startswith("| knn + textemb_raw ")).endswith("| 5 + m |")
    assert len({row.count("|") for row in table}) == 1


def test_what_shares_a_reading_is_paid_for_once(measured: ModuleType, estimators: ModuleType) -> None:
    features = features_of({"leep": LUCK, "knn": LUCK, "textemb_raw": LUCK})
    costs = {"leep": Cost(5, 5.0), "knn": Cost(3, 3.0), "textemb_raw": Cost(2, 2.0)}
    found = measured.Measured(
        truth_of(KNOWS), replace(features, costs=costs), {name: cost.seconds for name, cost in costs.items()}
    )
    assert estimators.seconds_of("leep + knn + textemb_raw", found) == "10 + m"  # two readings, two methods
    assert estimators.seconds_of("textemb_raw", found) == "2"


def test_a_search_is_lived_on_dev_and_read_on_test_of_other_seeds(
    measured: ModuleType, estimators: ModuleType
) -> None:
    truth = truth_of(KNOWS)
    worse = replace(truth.test, pairs=1.0 - truth.test.pairs)  # what gains on dev loses on test
    told = estimators.searched(truth, {"prior": KNOWS}, 1)["lost@49.5"].mean
    misled = estimators.searched(replace(truth, test=worse), {"prior": KNOWS}, 1)["lost@49.5"].mean
    assert told < 3
    assert misled > 10


def test_a_leak_is_no_candidate(measured: ModuleType, estimators: ModuleType) -> None:
    truth = measured.without(truth_of(KNOWS), [("CoLA", "RTE"), ("nobody", "RTE")])
    table = estimators.table_of(truth, {})
    assert not table.candidates[0, 1]
    assert table.candidates.sum() == 29


def test_static_learns_from_all_classes_whatever_are_candidates(
    measured: ModuleType, estimators: ModuleType
) -> None:
    by_source = np.tile(KNOWS[0], (6, 1))
    found = measured.Measured(truth_of(by_source), features_of({"size": LUCK}), {})
    figures = estimators.judged(found, in_class=True, draws=4)
    assert np.mean(figures["static"]["rank_of_best"]) < np.mean(figures["random"]["rank_of_best"])


def test_a_target_at_chance_is_told_from_one_that_learns(measured: ModuleType) -> None:
    found = measured.Measured(
        truth_of(KNOWS), features_of({"size": LUCK}), {}, chance={"RTE": 0.5, "CoLA": 0.1}
    )
    assert found.above_chance() == [name for name in NAMES if name != "RTE"]


def test_the_default_gives_way_only_to_what_is_better_on_every_count(scripts: dict[str, ModuleType]) -> None:
    choice = scripts["choice"]
    rng = np.random.default_rng(0)
    level = 0.7 + rng.normal(0, 0.01, 12)

    def draws(**more: float) -> dict[str, dict[str, Array]]:
        return {"prior": {"ndcg": level}} | {name: {"ndcg": level + gain} for name, gain in more.items()}

    better = draws(knn=0.1, overlap=0.05)
    assert choice.changes(better, draws(knn=0.1, overlap=0.05), models=True) == "knn"
    assert choice.changes(better, draws(knn=0.1, overlap=0.05), models=False) == "overlap"
    assert choice.changes(better, draws(knn=-0.1, overlap=0.05), models=True) is None  # not so elsewhere
    assert choice.changes(draws(knn=-0.1), draws(knn=0.1), models=True) is None
    noisy = {"prior": {"ndcg": level}, "knn": {"ndcg": level + rng.normal(0, 0.2, 12)}}
    assert choice.changes(noisy, draws(knn=0.1), models=True) is None
    assert len({row.count("|") for row in choice.choice_lines(better, better)}) == 1


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
    assert factors.repeatable(truth).mean > 0.99
    assert abs(factors.repeatable(truth_of(np.zeros((6, 6)))).mean) < 0.5
    assert np.nanmin(factors.within(truth, KNOWS)) > 0.99
    assert np.nanmax(factors.within(truth, -KNOWS)) < -0.99
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


def test_sources_in_full_are_set_against_the_same_sources_in_few(further: ModuleType) -> None:
    truth = truth_of(np.zeros((6, 6)), noise=0.0)
    runs = {
        ("RTE", "CoLA"): {"dev": 0.6, "test": 0.6, "rows": 4000},
        ("RTE", "TREC"): {"dev": 0.4, "test": 0.4, "rows": 4000},
        ("CoLA", ""): {"dev": 0.9, "test": 0.9, "rows": 4000},
    }
    assert further.full_lines(truth, runs)[2] == "| RTE | 2 | +0.0 | +0.0 | +0.0 | 1 of 2 |"


def test_more_rows_that_gain_more_are_an_order_of_sources_in_full(
    measured: ModuleType, further: ModuleType
) -> None:
    found = measured.Measured(truth_of(np.zeros((6, 6))), features_of({"overlap": -KNOWS}), {})
    runs = {
        ("RTE", source): {"dev": 0.0, "test": 0.5 + KNOWS[0, place], "rows": 1000 * np.exp(KNOWS[0, place])}
        for place, source in enumerate(NAMES)
        if source != "RTE"
    }
    rows = {
        row.split("|")[1].strip(): row.split("|")[2].strip() for row in further.full_order_lines(found, runs)
    }
    assert rows["source rows"].startswith("+1.00")
    assert rows["overlap"].startswith("-1.00")
    assert rows["textemb_raw"] == "–"


def test_chains_are_set_against_what_costs_as_much(further: ModuleType) -> None:
    truth = truth_of(np.zeros((6, 6)), noise=0.0)
    chain, again = {"dev": 0.7, "test": 0.7}, {"dev": 0.6, "test": 0.65}
    runs = {
        (target, f"{first} → {last}"): {**value, "rows": 400, "units": units}
        for target, share in (("RTE", 1.1), ("CoLA", 2.0))
        for first, last, value, units in (("BoolQ", "TREC", chain, share), ("TREC", "TREC", again, 1.0))
    }
    rows = {row.split("|")[1].strip(): row.split("|")[2:] for row in further.chain_lines(truth, runs)[2:]}
    assert [cell.strip() for cell in rows["2 in turn less the best one 2 times"][:3]] == [
        "2",
        "+5.0 [+5.0, +5.0]",
        "+10.0 [+10.0, +10.0]",
    ]
    assert rows["the same where both cost the same within 20 %"][0].strip() == "1"
    assert rows["the best source alone, over the mean baseline"][1].strip().startswith("+0.0")
