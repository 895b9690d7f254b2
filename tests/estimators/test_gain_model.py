"""The model of gains against a dense Gaussian posterior, against simulation, and against brute force."""

import random
from itertools import product
from statistics import NormalDist

import numpy as np
import pytest

from forelearn.estimators import gain_model
from forelearn.estimators.gain_model import HIGH, LOW, SCALE, SLOPE, Prior, Variances, fit_gains

V = Variances()


def world(rows=5, columns=7, *, seed=0, scale=0.03, noise=0.4, share=0.7, slope=0.0, baselines=2):
    """A study as the model supposes it: (pairs, observed, baselines, scores, true gains by pair)."""
    rng = np.random.default_rng(seed)
    targets, sources = [f"t{i}" for i in range(rows)], [f"s{i}" for i in range(columns)]
    effect, level = rng.normal(0, V.source**0.5, columns), rng.normal(0, scale, rows)
    pairs = list(product(sources, targets))
    alone = {t: list(scale * rng.normal(0, noise**0.5, baselines)) for t in targets}
    observed, scores, truth = {}, {}, {}
    for s, t in pairs:
        scores[s, t] = rng.normal()
        own = effect[int(s[1:])] + rng.normal(0, V.pair**0.5) + slope * scores[s, t]
        truth[s, t] = level[int(t[1:])] + scale * own
        if rng.random() < share:
            runs = truth[s, t] + scale * rng.normal(0, noise**0.5, rng.integers(1, 3))
            observed[s, t] = list(runs - np.mean(alone[t]))
    return pairs, observed, alone, scores, truth


def levels_by_hand(runs):
    """runs: a list for each target, each longer than 3. Median and IQR / 1.349, at least a fifth of the best gain
    over the median, shrunk as the module says.
    """
    middles = np.array([np.median(r) for r in runs])
    wide = [np.ptp(np.percentile(r, [25, 75])) / 1.349 for r in runs]
    logs = np.log([max(w, (max(r) - m) / HIGH) for w, r, m in zip(wide, runs, middles)])
    n = np.array([len(r) for r in runs])
    pooled = np.median([*logs, np.log(SCALE)])
    return (n * middles + np.median(middles)) / (n + 1), np.exp((3 * pooled + n * logs) / (3 + n))


def dense(pairs, observed, alone, scores, noise):
    """Mean [T, S] and covariance [T, S, S] by conditioning one joint Gaussian of every effect there is.

    Effects: one a source, one a target, one a pair, and β with mean `SLOPE`. Noise is that of a run.
    """
    sources, targets = (sorted({pair[index] for pair in pairs}) for index in (0, 1))
    cells = [(s, t) for t in targets for s in sources]
    design = np.zeros((len(cells), len(sources) + len(targets) + len(cells) + 1))
    for row, (s, t) in enumerate(cells):
        design[row, sources.index(s)] = 1
        design[row, len(sources) + targets.index(t)] = 1
        design[row, len(sources) + len(targets) + row] = 1
        design[row, -1] = scores.get((s, t), 0.0)
    variances = [V.source] * len(sources) + [V.target] * len(targets) + [V.pair] * len(cells) + [V.score]
    prior = design @ np.diag(variances) @ design.T
    runs = [[v for s in sources for v in observed.get((s, t), [])] for t in targets]
    level, scale = levels_by_hand(runs)
    told = [row for row, cell in enumerate(cells) if cell in observed]
    of = [targets.index(cells[row][1]) for row in told]
    y = np.array(
        [
            np.clip((np.array(observed[cells[r]]) - level[t]) / scale[t], LOW, HIGH).mean()
            for r, t in zip(told, of)
        ]
    )
    errors = np.diag([noise / len(observed[cells[row]]) for row in told])
    weight = prior[:, told] @ np.linalg.inv(prior[np.ix_(told, told)] + errors)
    mean = SLOPE * design[:, -1] + weight @ (y - SLOPE * design[told, -1])
    covariance = prior - weight @ prior[told]
    size = len(sources)
    blocks = [covariance[i * size : (i + 1) * size, i * size : (i + 1) * size] for i in range(len(targets))]
    zero = [noise / len(alone[t]) for t in targets]
    return (
        level[:, None] + scale[:, None] * mean.reshape(-1, size),
        np.array([scale[i] ** 2 * (block + zero[i]) for i, block in enumerate(blocks)]),
        scale,
        np.array(zero),
    )


def single(seed=0, **how):
    """One run a pair and one a baseline: no replicate, so the noise is the stated one."""
    pairs, observed, alone, scores, truth = world(seed=seed, share=0.9, baselines=1, **how)
    return pairs, {pair: runs[:1] for pair, runs in observed.items()}, alone, scores, truth


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_posterior_of_the_dense_gaussian(seed):
    pairs, observed, alone, scores, _ = single(seed)
    found = fit_gains(pairs, observed, alone, scores=scores)
    mean, covariance, scale, _ = dense(pairs, observed, alone, scores, V.noise)
    np.testing.assert_allclose(found.mean, mean, atol=1e-12)
    np.testing.assert_allclose(found.sd**2, np.array([np.diag(block) for block in covariance]), atol=1e-12)
    np.testing.assert_allclose(found.noise, np.sqrt(V.noise) * scale)


def test_one_run_counted_by_hand():
    """One target, one source, one run gaining .06; one baseline. Level: (1 · .06 + .06) / 2 = .06, so the run
    lies at 0 and the mean is .06. Scale: the spread of (.06, .06) is 0, floored at .0003; pooled with .03 by
    the median of their logarithms, √(.0003 · .03) = .003; shrunk (3 · ln .003 + ln .0003) / 4: .0016870.
    Prior 1.9, noise .4: 1.9 − 1.9² / 2.3 + .4 = .730435; SD .0016870 · .854655 = .0014418.
    """
    found = fit_gains([("s", "t")], {("s", "t"): [0.06]}, {"t": [0.5]})
    assert found.mean[0, 0] == pytest.approx(0.06)
    assert found.sd[0, 0] == pytest.approx(0.0014418, abs=1e-7)


def test_the_noise_is_pooled_over_replicates_with_the_stated_one_as_ten_of_them():
    """35 pairs with two runs d apart in units of their target's scale: squares d² / 2 on one degree each."""
    pairs, observed, alone, _, _ = world(baselines=1, share=1.0)
    first = {pair: min(max(runs[0], -0.03), 0.03) for pair, runs in observed.items()}  # hardly one is clipped
    both = {pair: [gain, gain + 0.01] for pair, gain in first.items()}
    found = fit_gains(pairs, both, alone)
    _, scale = levels_by_hand(
        [[v for (_, t), r in both.items() if t == name for v in r] for name in found.targets]
    )
    squares = sum(7 * (0.01 / wide) ** 2 / 2 for wide in scale)
    np.testing.assert_allclose(found.noise, scale * np.sqrt((10 * V.noise + squares) / (10 + 35)), rtol=1e-3)


@pytest.mark.parametrize("seed", range(2))
def test_the_order_of_everything_is_without_effect(seed):
    pairs, observed, alone, scores, _ = world(seed=seed)
    first = fit_gains(pairs, observed, alone, scores=scores)
    shuffle = random.Random(seed)
    second = fit_gains(
        shuffle.sample(pairs, len(pairs)),
        {
            p: shuffle.sample(observed[p], len(observed[p]))
            for p in shuffle.sample(list(observed), len(observed))
        },
        dict(shuffle.sample(list(alone.items()), len(alone))),
        scores=dict(shuffle.sample(list(scores.items()), len(scores))),
    )
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.worth, second.worth)


def test_names_are_without_effect():
    pairs, observed, alone, scores, _ = world()
    first = fit_gains(pairs, observed, alone, scores=scores)
    back = {f"s{i}": f"s{6 - i}" for i in range(7)} | {f"t{i}": f"t{4 - i}" for i in range(5)}

    def renamed(values):
        return {(back[s], back[t]): value for (s, t), value in values.items()}

    second = fit_gains(
        [(back[s], back[t]) for s, t in pairs],
        renamed(observed),
        {back[t]: runs for t, runs in alone.items()},
        scores=renamed(scores),
    )
    np.testing.assert_allclose(second.mean[::-1, ::-1], first.mean, atol=1e-12)
    np.testing.assert_allclose(second.worth[::-1, ::-1], first.worth, atol=1e-12)


def test_before_any_run_all_candidates_are_alike_and_the_score_orders_them():
    pairs, _, alone, scores, _ = world()
    plain = fit_gains(pairs, {}, alone)
    assert np.ptp(plain.mean) == 0
    scored = fit_gains(pairs, {}, alone, scores=scores)
    for t, target in enumerate(scored.targets):
        assert np.array_equal(
            np.argsort(scored.mean[t]), np.argsort([scores[source, target] for source in scored.sources])
        )


@pytest.mark.parametrize("slope", [0.0, 1.0])
def test_the_weight_of_a_score_follows_the_runs(slope):
    """A score that is only noise loses its say (it starts at .35); one that orders the gains gains it.

    Scales are estimated from spreads that hold the score's part too, so 1.0 shows as about .7.
    """
    found = []
    for seed in range(5):
        pairs, observed, alone, scores, _ = world(15, 20, seed=seed, slope=slope)
        found.append(fit_gains(pairs, observed, alone, scores=scores).slope)
    low, high = (-0.1, 0.1) if slope == 0 else (0.5, 1.0)
    assert low < np.mean(found) < high


@pytest.mark.parametrize("share", [0.6, 0.9])
@pytest.mark.slow
def test_mean_and_sd_cover_the_truth_as_often_as_they_say(share):
    """15 studies of the model's own making, 12 × 20: within one SD 68 %, within 1.645 SD 90 %, of the pairs that
    have run and of those that have not. Levels and scales are estimated, not known, so a few percent either way.
    """
    ran, untried = [], []
    for seed in range(15):
        pairs, observed, alone, _, truth = world(12, 20, seed=seed, share=share)
        found = fit_gains(pairs, observed, alone)
        for (t, target), (s, source) in product(enumerate(found.targets), enumerate(found.sources)):
            z = (truth[source, target] - found.mean[t, s]) / found.sd[t, s]
            (ran if (source, target) in observed else untried).append(abs(z))
    for values in (ran, untried):
        assert 0.62 <= np.mean(np.array(values) < 1) <= 0.76
        assert 0.84 <= np.mean(np.array(values) < 1.645) <= 0.94


@pytest.mark.parametrize("seed", range(3))
def test_the_worth_of_a_run_is_what_brute_force_finds(seed, monkeypatch):
    """200,000 draws of the gains and of the baseline's error, each independent of the other; one more run, of the pair
    over the baseline as measured or of the baseline alone; the belief after it by regression on the draws.

    24 quantiles miss some of the far tail, so that what is unlikely is worth too little: here by at most a
    fiftieth of a point.
    """
    pairs, observed, alone, scores, _ = single(seed)
    coarse = fit_gains(pairs, observed, alone, scores=scores)
    quantiles = np.array([NormalDist().inv_cdf((index + 0.5) / 2000) for index in range(2000)])
    monkeypatch.setattr(gain_model, "_QUANTILES", quantiles)
    found = fit_gains(pairs, observed, alone, scores=scores)
    mean, covariance, scale, zero = dense(pairs, observed, alone, scores, V.noise)
    half = np.random.default_rng(seed).normal(size=(100_000, mean.shape[1] + 2))
    draws = np.concatenate([half, -half])  # in pairs, so that their means are exactly 0
    for t, s in ((0, 0), (1, 3), (2, 6)):
        noise, common = V.noise * scale[t] ** 2, zero[t] * scale[t] ** 2
        over_measured = draws[:, :-2] @ np.linalg.cholesky(covariance[t] - common).T
        off, luck = common**0.5 * draws[:, -2], noise**0.5 * draws[:, -1]
        gains = over_measured + off[:, None]
        of_pair, of_baseline = over_measured[:, s] + luck, luck - off

        def worth(seen, gains=gains, before=mean[t]):
            after = before + np.outer(seen, gains.T @ seen / (seen @ seen))
            return np.maximum(after.max(axis=1), 0).mean() - max(before.max(), 0)

        assert found.worth[t, s] == pytest.approx(worth(of_pair), rel=0.03, abs=3e-6)
        assert coarse.worth[t, s] == pytest.approx(worth(of_pair), abs=2e-4)
        assert found.baseline_worth[t] == pytest.approx(worth(of_baseline), rel=0.03, abs=1e-5)
        assert coarse.baseline_worth[t] == pytest.approx(worth(of_baseline), abs=2e-4)


def test_a_pair_that_is_known_over_its_baseline_is_worth_no_run_however_unsure_the_baseline_is():
    """50 runs of the one source at .002 over the mean of two baselines: what is open is the baseline."""
    runs = list(0.002 + 0.02 * np.linspace(-1, 1, 50))
    found = fit_gains([("s", "t")], {("s", "t"): runs}, {"t": [0.5, 0.52]})
    assert found.worth[0, 0] < found.baseline_worth[0] / 20


def test_a_baseline_that_is_known_is_worth_no_run_and_adds_no_doubt():
    pairs, observed, alone, _, _ = world()
    once = {target: [0.0] for target in alone}
    known = fit_gains(pairs, observed, once, exact=set(alone))
    unsure = fit_gains(pairs, observed, once)
    assert not known.baseline_worth.any()
    assert (known.sd < unsure.sd).all()


def test_two_baselines_that_happen_to_be_equal_are_two_runs_like_any():
    """Accuracy on 200 rows is often the same twice: that is no knowledge."""
    pairs, observed, alone, _, _ = world()
    equal = fit_gains(pairs, observed, {target: [0.545, 0.545] for target in alone}, noise=0.02)
    nearly = fit_gains(pairs, observed, {target: [0.545, 0.5451] for target in alone}, noise=0.02)
    assert equal.baseline_worth.any()
    np.testing.assert_allclose(equal.sd, nearly.sd, rtol=0.2)


@pytest.mark.parametrize("alone", [{}, {"t": [0.5]}, {"t": [0.5, 0.6]}])
@pytest.mark.parametrize("noise", [0.01, 0.7, 5.0])
def test_before_any_transfer_the_spread_is_that_of_the_true_gain_whatever_the_noise_of_a_run(noise, alone):
    """Source .3, target 1, pair .6: √1.9 scales."""
    prior = Prior(variances=Variances(source=0.3, target=1.0, pair=0.6, noise=noise, score=0.1))
    found = fit_gains([("s", "t"), ("u", "t")], {}, alone, prior=prior)
    assert found.sd == pytest.approx(np.full((1, 2), SCALE * 1.9**0.5))
    assert not found.baseline_worth.any()


def test_more_runs_make_surer_and_a_source_speaks_for_its_other_targets():
    pairs, _, alone, _, _ = world(share=0.0)
    once = fit_gains(pairs, {("s0", "t0"): [0.05]}, alone)
    often = fit_gains(pairs, {("s0", "t0"): [0.05] * 4}, alone)
    assert often.sd[0, 0] < once.sd[0, 0]
    some = {("s0", "t0"): [0.08], ("s1", "t0"): [-0.02], ("s2", "t0"): [0.0], ("s3", "t0"): [0.01]}
    spread = fit_gains(pairs, some, alone)
    assert spread.mean[1, 0] > spread.mean[1, 1]


def test_a_run_that_collapsed_does_not_drag_its_target_down():
    """One of seven runs at −.6: the others' means move by less than a scale."""
    pairs, observed, alone, _, _ = world(share=1.0)
    one = {pair: runs[:1] for pair, runs in observed.items()}
    fallen = fit_gains(pairs, {**one, ("s0", "t0"): [-0.6]}, alone)
    plain = fit_gains(pairs, {pair: runs for pair, runs in one.items() if pair != ("s0", "t0")}, alone)
    assert np.abs(fallen.mean[0, 1:] - plain.mean[0, 1:]).max() < 0.03


def test_pairs_that_do_not_exist_have_no_gain():
    found = fit_gains([("a", "x"), ("b", "y")], {("a", "x"): [0.1]}, {"x": [0.5, 0.6]})
    assert np.isnan(found.mean).tolist() == [[False, True], [True, False]]
    assert np.isnan(found.worth).tolist() == [[False, True], [True, False]]


def test_a_score_that_is_missing_or_not_a_number_is_average():
    pairs, observed, alone, scores, _ = world()
    some = {pair: value for pair, value in scores.items() if pair != ("s0", "t0")}
    gap = fit_gains(pairs, observed, alone, scores=some)
    nan = fit_gains(pairs, observed, alone, scores={**some, ("s0", "t0"): float("nan")})
    zero = fit_gains(pairs, observed, alone, scores={**some, ("s0", "t0"): 0.0})
    np.testing.assert_array_equal(gap.mean, nan.mean)
    np.testing.assert_array_equal(gap.mean, zero.mean)


def test_the_one_source_that_moves_a_collapsed_target_is_seen():
    """Seven sources leave a target where it was; one lifts it by half, on two seeds, and is believed to."""
    pairs = [(f"s{index}", target) for index in range(8) for target in ("t", "u", "v")]
    observed = {(f"s{index}", "t"): [0.0, 0.0] for index in range(7)} | {("s7", "t"): [0.5, 0.52]}
    found = fit_gains(pairs, observed, {"t": [0.0]}, exact={"t"})
    row = found.targets.index("t")
    best, *others = (found.mean[row, found.sources.index(f"s{index}")] for index in (7, 0, 1, 2))
    assert best > 0.1
    assert best > 3 * max(others)
