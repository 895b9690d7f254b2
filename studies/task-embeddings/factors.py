"""What the gain depends on (Vu et al.'s factors): more tables of the README.

`python studies/task-embeddings/factors.py` prints them. Gains are on test, over the mean baseline of the target; means
are over targets, with 90 % bootstrap intervals over targets.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from measured import Array, Measured, class_of, gains_of, measured, said, scores_of
from scipy.stats import rankdata

from forelearn.evaluation.intervals import Interval, bootstrap_mean
from forelearn.evaluation.table import Mask, mean_known
from forelearn.evaluation.truth import Side, Truth

DRAWS = 2000
FLAT = 1e-9
"""What differs by less, in parts of its size, is rounding."""
ALL = "all of them"


def factors(found: Measured) -> dict[str, list[Array]]:
    """Factor → its columns, each [T, S], NaN unless all factors of the pair are known: all rest on the same pairs.

    What has the same value for all sources of a target explains nothing and is left out.
    """
    truth, scores = found.truth, scores_of(found)
    open_ = found.candidates() & np.isfinite(gains_of(truth))
    shape = truth.candidates.shape
    same = np.array([[class_of(s) == class_of(t) for s in truth.sources] for t in truth.targets], float)
    own, spread = learned(found)
    rest = {
        "source rows, logarithm": [scores["size"]],
        "vocabulary overlap": [scores["overlap"]],
        "TextEmb similarity": [scores["textemb_raw"]],
        "same class": [same],
        "how well the source is learned, and its SD over seeds": [
            np.broadcast_to(own, shape),
            np.broadcast_to(spread, shape),
        ],
    }
    kept = {
        name: columns
        for name, columns in rest.items()
        if any(np.nanmax(np.abs(_centred(values, open_))) > FLAT for values in columns)
    }
    for columns in kept.values():
        open_ = open_ & np.all([np.isfinite(values) for values in columns], axis=0)
    kept = {name: [np.where(open_, values, np.nan) for values in columns] for name, columns in kept.items()}
    return {**kept, ALL: [values for columns in kept.values() for values in columns]}


def learned(found: Measured) -> tuple[Array, Array]:
    """[S] twice: how far above chance each source is learned alone, (p − chance) / (1 − chance) on dev; its SD."""
    means, sds = [], []
    for name in found.truth.sources:
        dev = (found.alone or {}).get(name, np.full((1, 2), np.nan))[:, 0]
        chance = (found.chance or {}).get(name, 0.0)
        room = max(1.0 - chance, FLAT)
        means.append((dev.mean() - chance) / room)
        sds.append(dev.std() / room)
    return np.array(means), np.array(sds)


def _centred(values: Array, mask: Array) -> Array:
    """Less the mean over a target's candidates; NaN elsewhere."""
    inside = np.where(mask, values, np.nan)
    centred: Array = inside - mean_known(inside, axis=1)[:, None]
    return centred


def _standard(values: Array, mask: Array) -> Array:
    """Centred, with variance 1 within each target; all 0 where a target's values are alike."""
    centred = _centred(values, mask)
    scale = np.sqrt(mean_known(centred**2, axis=1))[:, None]
    flat = scale <= FLAT * np.nanmax(np.abs(np.where(mask, values, 0.0)), axis=1, initial=FLAT)[:, None]
    standard: Array = np.where(flat, 0.0 * centred, centred / np.where(flat, 1.0, scale))
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
    told = np.nansum(gain**2, axis=1) > 0  # gains that are all alike teach no slope
    shares = np.full(len(gain), np.nan)
    for row in range(len(gain)):
        here = known[row]
        rest = known & told[:, None]
        rest[row] = False
        if here.sum() < 3 or not told[row]:
            continue
        total = float((gain[row, here] ** 2).sum())
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
        guess = guess - guess[here].mean()
        total = float((gain[row, here] ** 2).sum())
        if total > 0:
            shares[row] = 1.0 - float(((gain[row, here] - guess[here]) ** 2).sum()) / total
    return shares


def repeatable(truth: Truth) -> Interval:
    """The share of the variance of mean gains, within targets, that another two seeds would show again.

    Spearman–Brown on the correlation of two seeds' gains over the sources that have both, pooled over targets, each
    scaled by the SD of its mean gains; targets are drawn anew for the interval.
    """
    values = truth.gains(truth.test)
    sums = []
    for row in range(len(values)):
        ran = np.isfinite(values[row]).sum(axis=0) > 2
        both = values[row][:, ran]
        both = both[np.isfinite(both).all(axis=1)]
        if both.shape[1] != 2 or len(both) < 3 or both.mean(axis=1).std() == 0:
            continue
        first, second = ((both - both.mean(axis=0)) / both.mean(axis=1).std()).T
        sums.append((float(first @ second), float(first @ first + second @ second) / 2))
    if len(sums) < 2:
        return Interval(np.nan, np.nan, np.nan, 0, len(values))

    def share(rows: Array) -> Array:
        r = rows[..., 0].sum(axis=-1) / rows[..., 1].sum(axis=-1)
        found: Array = 2 * r / (1 + r)
        return found

    parts = np.array(sums)
    drawn = np.random.default_rng(0).integers(0, len(parts), (DRAWS, len(parts)))
    low, high = np.quantile(share(parts[drawn]), [0.05, 0.95])
    return Interval(float(share(parts)), float(low), float(high), len(parts), len(values) - len(parts))


def limited(truth: Truth, known: Mask) -> Truth:
    """The truth of some pairs alone, [T, S]."""

    def of_pairs(side: Side) -> Side:
        return replace(side, pairs=np.where(known[:, :, None], side.pairs, np.nan))

    return replace(truth, dev=of_pairs(truth.dev), test=of_pairs(truth.test))


def within(truth: Truth, column: Array) -> Array:
    """[T], the correlation of a factor with the mean gain over the sources of a target; NaN where there is none."""
    known = truth.candidates & np.isfinite(gains_of(truth)) & np.isfinite(column)
    gain, factor = _standard(gains_of(truth), known), _standard(column, known)
    told = (known.sum(axis=1) > 2) & (np.nansum(factor**2, axis=1) > 0) & (np.nansum(gain**2, axis=1) > 0)
    return np.where(told, mean_known(gain * factor, axis=1), np.nan)


def by_level(found: Measured) -> Interval:
    """Rank correlation over targets of the mean gain from all sources with how well the target is learned alone."""
    mean = mean_known(np.where(found.candidates(), gains_of(found.truth), np.nan), axis=1)
    chance = np.array([(found.chance or {}).get(name, 0.0) for name in found.truth.targets])
    level = (mean_known(found.truth.dev.baselines, axis=1) - chance) / np.maximum(1.0 - chance, 1e-9)
    known = np.isfinite(mean) & np.isfinite(level)
    pairs = np.stack([mean[known], level[known]], axis=1)
    if len(pairs) < 4:
        return Interval(np.nan, np.nan, np.nan, len(pairs), len(mean) - len(pairs))

    def rho(rows: Array) -> float:
        one, other = (rankdata(side) for side in rows.T)
        return float(np.corrcoef(one, other)[0, 1])

    drawn = np.random.default_rng(0).integers(0, len(pairs), (DRAWS, len(pairs)))
    low, high = np.nanquantile([rho(pairs[rows]) for rows in drawn], [0.05, 0.95])
    return Interval(rho(pairs), float(low), float(high), len(pairs), len(mean) - len(pairs))


def factor_lines(found: Measured) -> list[str]:
    """The table of factors."""
    rows = [
        "| what is known of the pair | correlation with the gain | explained of a left-out target's gains, % |",
        "| --- | ---: | ---: |",
    ]
    rows_of_all = factors(found)
    known = np.isfinite(rows_of_all[ALL][0])
    truth = limited(found.truth, known)
    for name, columns in rows_of_all.items():
        sign = said(bootstrap_mean(within(truth, columns[0])), 2, signed=True)
        share = said(bootstrap_mean(100 * explained(truth, columns)))
        rows.append(f"| {name} | {'' if name == ALL else sign} | {share} |")
    rows.append(f"| which source it is (static) | | {said(bootstrap_mean(100 * by_source(truth)))} |")
    whole = repeatable(truth)
    percent = Interval(100 * whole.mean, 100 * whole.low, 100 * whole.high, whole.targets, whole.undefined)
    rows.append(f"| what is not noise of the seeds | | {said(percent)} |")
    rows.append(
        f"| *over targets: how well the target is learned alone* | {said(by_level(found), 2, signed=True)} | |"
    )
    return rows


def class_lines(found: Measured) -> list[str]:
    """Mean gain and share of pairs that gain, by classes of source and target."""
    truth = found.truth
    gain = np.where(found.candidates(), gains_of(truth), np.nan)
    own = 100.0 * (mean_known(truth.test.itself, axis=1) - mean_known(truth.test.baselines, axis=1))
    classes = list(dict.fromkeys(map(class_of, truth.targets)))
    rows = [
        "| target \\ source | " + " | ".join(classes) + " | itself (`B → B`) |",
        "| --- |" + " ---: |" * (len(classes) + 1),
    ]
    for target_class in classes:
        cells = []
        for source_class in classes:
            means, helped, pairs = [], 0, 0
            for row, target in enumerate(truth.targets):
                inside = [
                    gain[row, place]
                    for place, source in enumerate(truth.sources)
                    if class_of(source) == source_class and np.isfinite(gain[row, place])
                ]
                if class_of(target) == target_class and inside:
                    means.append(float(np.mean(inside)))
                    helped += sum(value > 0 for value in inside)
                    pairs += len(inside)
            share = f"; {100 * helped / pairs:.0f} % of {pairs} gain" if pairs else ""
            cells.append(said(bootstrap_mean(means), signed=True) + share if means else "–")
        again = [own[row] for row, target in enumerate(truth.targets) if class_of(target) == target_class]
        cells.append(said(bootstrap_mean(again), signed=True))
        rows.append(f"| {target_class} | {' | '.join(cells)} |")
    return rows


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore", RuntimeWarning)
    found = measured().whole()
    for lines in (factor_lines(found), class_lines(found)):
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
