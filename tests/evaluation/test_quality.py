"""Figures of a whole table: by hand, and what must not change them."""

import math

import numpy as np
import pytest
from tests.evaluation.tables import noisy, table_of

from forelearn.evaluation.budget import Replay
from forelearn.evaluation.orders import Method, column, source_effects
from forelearn.evaluation.quality import evaluate, per_target
from forelearn.experiment.evaluate_table import by_fusion, orders_of

EFFECTS = Method("source effects", source_effects, "runs", chance=True, in_sequence=True)


def figures(quality, method):
    return next(verdict.figures for verdict in quality.verdicts if verdict.method == method)


def means(quality):
    return {
        (verdict.method, name): value.mean
        for verdict in quality.verdicts
        for name, value in verdict.figures.items()
    }


def test_a_small_table_by_hand():
    """Baseline 0.5, gains 0.1, 0.3, −0.1. The score prefers 0.1: regret@1 0.2 = 20 points, 0.2 / 0.8 of the
    best performance, IR 0.1 / 0.3; its first three hold the best. Random loses 0.3 − mean 0.1 = 20 points."""
    table = table_of([[0.1, 0.3, -0.1]] * 2, scores={"given": np.array([[3.0, 2.0, 1.0]] * 2)})
    quality = evaluate(table, [Method("given", column("given"), "")], draws=4)
    given = figures(quality, "given")
    assert given["regret@1"].mean == pytest.approx(20.0)
    assert given["relative_regret@1"].mean == pytest.approx(0.25)
    assert given["regret@3"].mean == pytest.approx(0.0)
    assert given["ir"].mean == pytest.approx(1 / 3)
    assert given["rank_of_best"].mean == 2.0
    assert [given[f"hit@{k}"].mean for k in (1, 3)] == [0.0, 1.0]
    chance = figures(quality, "random")
    assert chance["regret@1"].mean == pytest.approx(20.0)
    assert chance["ir"].mean == pytest.approx(1 / 3)
    assert chance["hit@1"].mean == pytest.approx(1 / 3)
    stay = figures(quality, "no transfer")
    assert stay["regret@1"].mean == pytest.approx(30.0)
    assert stay["ir"].mean == 0.0


def test_static_is_centred_so_that_an_easy_target_does_not_speak_for_its_sources():
    """Target 2 is easy (0.9 and 1.0) and lacks s0. Plain means for targets 0 and 1 would prefer s2 (1.1 / 2);
    centred, s0 has +0.13, s1 and s2 (−0.07 ∓ 0.05) / 2: s0, the best, and nothing is lost. Target 2 sees
    s1 = s2 on the others and loses half of the 10 points between them. Mean: 5 / 3."""
    table = table_of([[0.3, 0.1, 0.1], [0.3, 0.1, 0.1], [np.nan, 0.9, 1.0]])
    quality = evaluate(table, orders_of(table), draws=2)
    assert figures(quality, "static")["regret@1"].mean == pytest.approx(5 / 3)


@pytest.mark.slow
def test_the_band_of_random_orders_holds_their_mean():
    quality = evaluate(table_of(noisy()), draws=60)
    chance = next(verdict for verdict in quality.verdicts if verdict.method == "random")
    for name in ("regret@1", "ndcg", "lost@16.5"):
        low, high = chance.band[name]
        assert low < chance.figures[name].mean < high


def test_one_seed_has_no_reliability_and_no_budget():
    quality = evaluate(table_of(noisy()[:, :, :1]), [EFFECTS], draws=3)
    assert quality.reliability.agreement is None
    assert quality.reliability.seed_sd is None
    assert not any("lost" in name for name in figures(quality, "source effects"))


def test_seeds_that_agree_wholly_and_seeds_that_do_not():
    same = np.repeat(noisy(noise=0.0)[:, :, :1], 3, axis=2)
    found = evaluate(table_of(same), draws=2).reliability
    assert found.agreement.mean == pytest.approx(1.0)
    assert found.seed_sd.mean == pytest.approx(0.0)
    luck = np.random.default_rng(0).normal(0, 0.1, (60, 8, 3))
    found = evaluate(table_of(luck), draws=2).reliability
    assert abs(found.agreement.mean) < 0.1
    assert found.seed_sd.mean == pytest.approx(10.0, rel=0.05)
    assert found.harmful.mean == pytest.approx(0.5, abs=0.08)


@pytest.mark.slow
def test_on_pure_noise_what_learns_is_neither_better_nor_worse_than_random():
    """16 tables of pure noise, SD 10 points: the mean difference lies within three standard errors of 0, and
    the cross-fitted best is worth nothing, so that no order loses anything against it."""
    differences: dict[str, list[float]] = {}
    for number in range(16):
        table = table_of(np.random.default_rng(number).normal(0, 0.1, (15, 5, 4)))
        for verdict in evaluate(table, orders_of(table), draws=3).verdicts:
            for figure in ("regret@1", "lost@49.5"):
                if "random" in verdict.against:
                    difference = verdict.against["random"][figure].mean
                    differences.setdefault(f"{verdict.method} {figure}", []).append(difference)
                elif verdict.method == "random" and figure == "regret@1":
                    differences.setdefault("regret", []).append(verdict.figures[figure].mean)
    assert len(differences) == 5
    for name, values in differences.items():
        assert abs(np.mean(values)) < 3 * np.std(values, ddof=1) / 4, name


@pytest.mark.slow
def test_names_and_the_order_of_targets_and_sources_change_nothing():
    gains = noisy(6, 5, 4)
    scores = {"a": gains[:, :, 0], "b": -gains[:, :, 1]}
    table = table_of(gains, scores=scores, itself=((2, 3),))
    first = evaluate(table, orders_of(table), draws=8)
    moved = table.arranged([3, 1, 5, 0, 2, 4], [4, 2, 0, 1, 3])
    renamed = table_of(
        moved.gains,
        scores=moved.scores,
        itself=moved.itself,
        targets=tuple("zyxwvu"),
        sources=tuple("qrspt"),
    )
    second = evaluate(renamed, orders_of(renamed), draws=8)
    assert means(first) == pytest.approx(means(second), nan_ok=True)


def test_a_constant_added_to_a_targets_performances_changes_no_regret_in_points():
    gains = noisy(6, 5, 4)
    table = table_of(gains, baseline=None)
    raised = table_of(gains + np.arange(6.0)[:, None, None] / 10, baseline=None)
    first, second = (evaluate(each, orders_of(each), draws=8) for each in (table, raised))
    for (method, name), value in means(first).items():
        if not name.startswith("relative"):
            assert means(second)[method, name] == pytest.approx(value, nan_ok=True), (method, name)


def test_one_more_method_changes_no_other():
    table = table_of(noisy(6, 5, 4))
    alone, both = evaluate(table, [EFFECTS], draws=5), evaluate(table, orders_of(table), draws=5)
    assert figures(alone, "source effects") == figures(both, "source effects")


def test_a_search_sees_the_learning_seeds_alone_and_is_judged_on_the_others():
    """The truth is worth 0.1 on every seed; the search reports 0.3: overstated by 20 points, nothing lost."""
    gains = np.tile(np.array([[0.1, -0.1, -0.2]])[:, :, None], (4, 1, 4))
    looked = []

    def search(table, number):
        looked.append((len(table.seeds), number))
        pick = tuple(table.sources[int(row.mean(axis=1).argmax())] for row in table.gains)
        return Replay({0.165: pick, 0.495: (None,) * 4}, {0.165: (0.3,) * 4})

    quality = evaluate(table_of(gains), searches={"forelearn search": search}, draws=3)
    found = figures(quality, "forelearn search")
    assert looked == [(2, 0), (2, 1), (2, 2)]
    assert found["lost@16.5"].mean == pytest.approx(0.0)
    assert found["overstated@16.5"].mean == pytest.approx(20.0)
    assert found["lost@49.5"].mean == pytest.approx(10.0)
    assert found["lost_share@49.5"].mean == pytest.approx(1.0)
    verdict = next(each for each in quality.verdicts if each.kind == "search")
    assert set(verdict.against["random"]) == {"lost@16.5", "lost@49.5"}


def test_missing_seeds_and_cells_leave_every_figure_finite():
    gains = noisy(6, 5, 4)
    gains[0, 1], gains[1, 2, 1:], gains[2, 3, 0] = np.nan, np.nan, np.nan
    table = table_of(gains)
    quality = evaluate(table, orders_of(table), draws=10)
    for (method, name), value in means(quality).items():
        assert math.isfinite(value), (method, name)


def test_a_target_where_nothing_gains_is_counted_out_of_ir():
    quality = evaluate(table_of([[0.1, 0.2], [-0.1, -0.2]]), draws=2)
    assert figures(quality, "random")["ir"].undefined == 1


def test_comparisons_are_counted():
    table = table_of(noisy(6, 5, 4))
    quality = evaluate(table, orders_of(table), draws=3)
    made = sum(len(each) for verdict in quality.verdicts for each in verdict.against.values())
    assert quality.comparisons == made == 18


def test_fusion_prefers_what_both_scores_prefer():
    scores = {"a": np.array([[3.0, 2.0, 1.0]]), "b": np.array([[2.0, np.nan, 3.0]])}
    table = table_of(np.zeros((1, 3)), scores=scores)
    from forelearn.evaluation.orders import seen

    fused = by_fusion(seen(table, (0,), np.random.default_rng(0)))[0]
    assert fused[0] == pytest.approx(1 / 61 + 1 / 62)
    assert fused[0] > fused[1]
    assert fused[2] == pytest.approx(1 / 63 + 1 / 61)


def test_each_targets_figures_stand_in_the_order_of_the_table_and_have_the_mean_that_is_said():
    table = table_of(noisy(6, 5, 4))
    backwards = table.arranged(range(6)[::-1], range(5))
    single, turned = (per_target(one, orders_of(one), draws=8)["static"] for one in (table, backwards))
    assert single["regret@1"] == pytest.approx(turned["regret@1"][::-1])
    assert len(set(single["regret@1"].tolist())) > 1
    said = figures(evaluate(table, orders_of(table), draws=8), "static")
    assert single["regret@1"].mean() == pytest.approx(said["regret@1"].mean)
