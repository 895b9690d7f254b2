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
from forelearn.evaluation.intervals import bootstrap_mean
from forelearn.evaluation.truth import Array, Side, Truth
from forelearn.experiment.features_table import Features

NAMES = ("RTE", "CoLA", "TREC", "WNUT-17", "ATIS slots", "BoolQ")


SCRIPTS = ("measured", "estimators", "lived", "choice", "factors", "full_and_chains", "readme")


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
    features = replace(features, costs={"knn": Cost(90, 3.0), "textemb_raw": Cost(90, 2.0)})
    found = measured.Measured(truth_of(KNOWS), features)
    figures = estimators.judged(found, draws=4)
    assert np.mean(figures["size"]["regret@1"]) < 0.5
    assert np.mean(figures["size"]["rank_of_best"]) == 1.0
    assert np.mean(figures["ansat"]["ndcg"]) == 1.0  # a group of many columns has one that orders
    assert np.mean(figures["overlap"]["regret@1"]) > np.mean(figures["random"]["regret@1"])
    # two equal orders fused are that order
    assert figures["knn + textemb_raw"]["ndcg"] == pytest.approx(figures["knn"]["ndcg"])
    table = estimators.lines(estimators.rows_by_regret(figures), found)
    assert next(row for row in table if row.startswith("| knn + textemb_raw ")).endswith("| 5 + m |")
    assert len({row.count("|") for row in table}) == 1
    apart = {row.split("|")[1].strip(): row.split("|") for row in estimators.paired(figures)}
    against = [cell.strip() for cell in apart["method"]].index("regret@3 less size")
    assert apart["overlap"][against].strip().startswith("+")  # its opposite loses more than what knows
    assert apart["size"][against].strip() == "–"  # itself


def test_what_shares_a_reading_is_paid_for_once(measured: ModuleType, estimators: ModuleType) -> None:
    features = features_of({"leep": LUCK, "knn": LUCK, "textemb_raw": LUCK})
    costs = {"leep": Cost(180, 5.0), "knn": Cost(108, 3.0), "textemb_raw": Cost(72, 2.0)}
    found = measured.Measured(
        truth_of(KNOWS), replace(features, costs=costs)
    )  # 36 runs of 100 units are everything
    assert estimators.cost_of("leep + knn + textemb_raw", found) == "10 + m"  # two readings, two methods
    assert estimators.cost_of("textemb_raw", found) == "2"
    assert estimators.cost_of("size", found) == "0"
    assert estimators.cost_of("curvegrad", found) == "0 + m"
    assert estimators.cost_of("static", found) == "83 + m"
    assert estimators.cost_of("a predictor", found) == "–"
    some = found.at_targets(["RTE", "CoLA"])
    assert estimators.cost_of("textemb_raw", some) == "2"  # of all pairs, whichever are judged


def test_rank_takes_the_former_default_where_parc_scores_no_source(
    measured: ModuleType, estimators: ModuleType
) -> None:
    parc = KNOWS.copy()
    parc[0] = np.nan
    found = measured.Measured(truth_of(KNOWS), features_of({"parc": parc, "size": -KNOWS}))
    figures = estimators.judged(found, draws=4)
    now, parc, before = (figures[name]["ndcg"] for name in (measured.NOW, "parc", "prior"))
    assert now[0] == pytest.approx(before[0])
    assert now[1:] == pytest.approx(parc[1:])
    assert (now[1:] > before[1:]).all()


def test_a_search_is_lived_on_dev_and_read_on_test_of_other_seeds(scripts: dict[str, ModuleType]) -> None:
    truth = truth_of(KNOWS)
    worse = replace(truth.test, pairs=1.0 - truth.test.pairs)  # what gains on dev loses on test
    told, misled = (
        scripts["lived"].searched(one, {"prior": KNOWS}, 1) for one in (truth, replace(truth, test=worse))
    )
    assert told["lost@49.5"].mean < 3
    assert misled["lost@49.5"].mean > 10
    assert told["lost@49.5 less no transfer"].high < 0
    assert misled["lost@49.5 less no transfer"].low > 0


def test_the_luck_of_a_seed_is_gone_on_the_other(
    measured: ModuleType, scripts: dict[str, ModuleType]
) -> None:
    truth = truth_of(np.zeros((6, 6)))
    pairs = truth.dev.pairs.copy()
    pairs[:, 1, 0] += 0.2
    pairs[1, 0, 0] += 0.2
    lucky = replace(truth.dev, pairs=pairs)
    found = measured.Measured(replace(truth, dev=lucky, test=lucky), features_of({"size": KNOWS}))
    first = scripts["readme"].luck_lines(found)[0]
    here, there = (float(part.split(" [")[0].split()[-1]) for part in first.split("]")[:2])
    assert here == pytest.approx(20, abs=0.2)
    assert there == pytest.approx(0, abs=0.2)


def test_a_leak_is_no_candidate(measured: ModuleType, estimators: ModuleType) -> None:
    leaks = frozenset({("CoLA", "RTE"), ("nobody", "RTE")})
    found = measured.Measured(truth_of(KNOWS), features_of({"size": LUCK, "overlap": LUCK}), leaks)
    table = estimators.table_of(found, {})
    assert not table.candidates[0, 1]
    assert table.candidates.sum() == 29
    scores = measured.scores_of(found)
    assert np.isnan(scores["size"][0, 1])
    assert np.isnan(scores["prior"][0, 1])  # and takes no rank from others
    assert np.isfinite(scores["prior"]).sum() == 29
    assert np.isnan(found.whole().truth.test.pairs[0, 1]).all()


def test_targets_and_seeds_that_are_half_run_are_not_judged(measured: ModuleType) -> None:
    truth = truth_of(KNOWS)
    found = measured.Measured(truth, features_of({"size": LUCK}), frozenset({("TREC", "RTE")}))
    assert found.whole().truth.targets == NAMES
    assert found.whole().seeds == [0, 1]
    half = truth.test.pairs.copy()
    half[0, 2] = np.nan  # a leak that has not run is not missing
    half[5, 1:4] = np.nan  # the last target has run after two of five
    some = replace(found, truth=replace(truth, test=replace(truth.test, pairs=half))).whole()
    assert some.truth.targets == NAMES[:5]
    assert some.every.targets == NAMES
    half[:4, :, 1] = np.nan  # the second seed has begun
    one = replace(found, truth=replace(truth, test=replace(truth.test, pairs=half))).whole()
    assert one.seeds == [0]
    assert one.truth.targets == NAMES[:5]
    assert np.isnan(one.truth.dev.pairs[:, :, 1]).all()
    assert np.isfinite(one.truth.dev.baselines).all()
    assert not found.at_targets([]).whole().truth.targets


def test_fusions_rank_the_candidates_alone(measured: ModuleType) -> None:
    """In class the first two are equal: what lies between them elsewhere must not tell them apart."""
    size, overlap = np.zeros((6, 6)), np.zeros((6, 6))
    size[0] = [0, 6, 5, 4, 3, 2]
    overlap[0] = [0, 2, 6, 5, 4, 3]
    found = measured.Measured(truth_of(KNOWS), features_of({"size": size, "overlap": overlap}))
    everywhere, here = (measured.scores_of(found, in_class=one)["prior"][0] for one in (False, True))
    assert everywhere[1] != everywhere[2]
    assert here[1] == here[2]
    assert np.isnan(here[3:]).all()


def test_static_learns_from_all_classes_whatever_are_candidates(
    measured: ModuleType, estimators: ModuleType
) -> None:
    by_source = np.tile(KNOWS[0], (6, 1))
    found = measured.Measured(truth_of(by_source), features_of({"size": LUCK}))
    few = found.at_targets(["RTE", "CoLA"]).whole(in_class=True)
    figures = estimators.judged(few, in_class=True, draws=4)
    assert np.mean(figures["static"]["rank_of_best"]) == 1.0  # of two targets alone it would not know this
    figures = estimators.judged(found.whole(in_class=True), in_class=True, draws=4)
    assert np.mean(figures["static"]["rank_of_best"]) < np.mean(figures["random"]["rank_of_best"])


def test_a_target_at_chance_is_told_from_one_that_learns(measured: ModuleType) -> None:
    found = measured.Measured(truth_of(KNOWS), features_of({"size": LUCK}), chance={"RTE": 0.5, "CoLA": 0.1})
    assert found.above_chance() == [name for name in NAMES if name != "RTE"]


def test_the_default_gives_way_only_to_what_is_better_on_every_count(scripts: dict[str, ModuleType]) -> None:
    choice = scripts["choice"]
    rng = np.random.default_rng(0)
    level = 0.7 + rng.normal(0, 0.01, 12)

    def draws(**more: float) -> dict[str, dict[str, Array]]:
        default = {"ndcg": level, "scored": np.ones(12)}
        return {"prior": default, "prior without models": default} | {
            name: {"ndcg": level + gain, "scored": np.ones(12)} for name, gain in more.items()
        }

    better = draws(knn=0.1, overlap=0.05)
    assert choice.changes(better, draws(knn=0.1, overlap=0.05), models=True) == "knn"
    assert choice.changes(better, draws(knn=0.1, overlap=0.05), models=False) == "overlap"
    assert choice.changes(better, draws(knn=-0.1, overlap=0.05), models=True) is None  # not so elsewhere
    assert choice.changes(draws(knn=-0.1), draws(knn=0.1), models=True) is None
    noisy = draws(knn=0.0)
    noisy["knn"]["ndcg"] = level + rng.normal(0, 0.2, 12)
    assert choice.changes(noisy, draws(knn=0.1), models=True) is None
    assert choice.changes(draws(overlap=0.1), draws(overlap=0.1), models=True) is None  # it reads none
    table = choice.choice_lines(better, better)
    assert table[-2:] == [
        "- Without single-task models: `overlap` takes the place of the default.",
        "- With single-task models: `knn` takes the place of the default.",
    ]
    assert len({row.count("|") for row in table[: table.index("")]}) == 1


def test_a_target_without_a_score_counts_as_the_default(scripts: dict[str, ModuleType]) -> None:
    choice = scripts["choice"]
    default = {"ndcg": np.full(4, 0.9), "scored": np.ones(4)}
    some = {"ndcg": np.full(4, 0.8), "scored": np.array([1.0, 0.0, 1.0, 0.0])}
    found = choice.candidates({"prior": default, "knn": some, "size": some}, models=True)
    assert {name: values.tolist() for name, values in found.items()} == {
        "prior": [0.9] * 4,
        "knn": [0.8, 0.9, 0.8, 0.9],
    }


def test_a_method_that_scores_nothing_is_known_to(measured: ModuleType, estimators: ModuleType) -> None:
    some = np.where(np.arange(6)[:, None] < 3, KNOWS, np.nan)
    figures = estimators.judged(measured.Measured(truth_of(KNOWS), features_of({"words": some})), draws=4)
    assert figures["words"]["scored"].tolist() == [1, 1, 1, 0, 0, 0]


def test_in_class_only_sources_of_the_targets_class_are_candidates(
    measured: ModuleType, estimators: ModuleType
) -> None:
    found = measured.Measured(truth_of(KNOWS), features_of({"size": LUCK})).whole(in_class=True)
    table = estimators.table_of(found, {}, in_class=True)
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


def test_all_rows_of_the_factors_rest_on_the_same_pairs(measured: ModuleType, factors: ModuleType) -> None:
    found = measured.Measured(
        truth_of(KNOWS),
        features_of({"size": KNOWS, "overlap": LUCK, "textemb_raw": LUCK}),
        alone={name: np.array([[0.5, 0.5], [0.6 + 0.01 * row, 0.5]]) for row, name in enumerate(NAMES[:5])},
    )
    columns = factors.factors(found)
    assert all(
        np.isnan(one[:, 5]).all() for many in columns.values() for one in many
    )  # it was not learned alone
    assert {int(np.isfinite(one).sum()) for many in columns.values() for one in many} == {25 - 5 + 5}
    assert len({row.count("|") for row in factors.factor_lines(found)}) == 1


def test_gains_that_are_all_alike_are_no_gains(factors: ModuleType) -> None:
    truth = truth_of(KNOWS)
    flat = truth.test.pairs.copy()
    flat[0] = np.where(np.isfinite(flat[0]), 0.1, np.nan)
    truth = replace(truth, test=replace(truth.test, pairs=flat))
    assert np.isnan(factors.by_source(truth)[0])
    assert np.isnan(factors.explained(truth, [KNOWS])[0])
    assert np.isnan(factors.within(truth, KNOWS)[0])
    assert np.nanmin(factors.explained(truth, [KNOWS])) > 0.99


def test_a_source_of_the_same_class_is_told_apart(measured: ModuleType, factors: ModuleType) -> None:
    own = [[factors.class_of(source) == factors.class_of(target) for source in NAMES] for target in NAMES]
    truth = truth_of(0.1 * np.array(own))
    rows = factors.class_lines(measured.Measured(truth, features_of({"size": LUCK})))
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
    found = measured.Measured(truth_of(np.zeros((6, 6))), features_of({"overlap": -KNOWS}))
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
    assert rows["2 in turn, where both cost the same within 20 %"][0].strip() == "1"
    assert rows["the best source alone, over the mean baseline"][1].strip().startswith("+0.0")


@pytest.mark.parametrize(
    ("values", "cell"),
    [
        ([2.14], "+2.1 (one target)"),
        ([-0.01, -0.01], "+0.0 [+0.0, +0.0]"),
        ([1.0, 1.0], "+1.0 [+1.0, +1.0]"),
        ([np.nan], "–"),
    ],
)
def test_a_cell_has_no_endless_interval_and_no_minus_before_zero(measured: ModuleType, values, cell) -> None:
    assert measured.said(bootstrap_mean(values), signed=True) == cell
