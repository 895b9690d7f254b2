"""What is measured on predictions of classes: average precision, F1, accuracy, precision, recall; macro F1 for
many classes; Matthews correlation.

Measures are micro-averaged over groups: one pool holds the decisions of all groups (events), as Pugantsov &
McCreadie 2022 count them; each group's own measures stand beside it. Every measure lies in [0, 1], the Matthews
correlation in [−1, 1]; higher is better.

What is undefined. Precision without a predicted positive, and with it F1, is 0. The Matthews correlation is 0
where all predictions, or all labels, are of one class: its denominator is 0. Average precision, F1 and
recall without a true positive have no meaning: a pool without positives is refused, and in the table by
group they are left out. Macro F1 is the mean over the classes that occur among the labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forelearn.core.recipe import Threshold
from forelearn.core.run import Performance

Floats = NDArray[np.float64]


def performance(
    dev_logits: ArrayLike,
    dev_labels: Sequence[int],
    test_logits: ArrayLike,
    test_labels: Sequence[int],
    test_groups: Sequence[str] = (),
    *,
    rule: Threshold = "0.5",
) -> Performance:
    """Measures on dev and test at one threshold, which test labels never touch.

    dev_logits, test_logits: [n, C]. rule: the threshold is 0.5 or the best on dev (binary only).
    """
    threshold = threshold_by(rule, dev_logits, dev_labels)
    return Performance(
        dev=measure(dev_logits, dev_labels, threshold=threshold),
        test=measure(test_logits, test_labels, threshold=threshold),
        threshold=threshold,
        by_group=measure_groups(test_logits, test_labels, test_groups, threshold=threshold),
    )


def measure(logits: ArrayLike, labels: Sequence[int], *, threshold: float = 0.5) -> dict[str, float]:
    """Every measure of one pool of examples. With two classes the second is the positive one.

    logits: [n, C]. threshold: probability from which an example counts as positive.
    Raises `ValueError` if a measure is undefined (no examples, or no positive).
    """
    found = _defined(np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=np.int64), threshold)
    names = ("average_precision", "recall") if _classes(logits) == 2 else ("accuracy",)
    if any(name not in found for name in names):
        raise ValueError(f"{names[0]} is undefined: {len(labels)} examples, none of them positive")
    return found


def measure_groups(
    logits: ArrayLike, labels: Sequence[int], groups: Sequence[str], *, threshold: float = 0.5
) -> dict[str, Mapping[str, float]]:
    """Measures of each group by name, sorted; undefined ones are left out. Empty if there are no groups."""
    scores, truth, names = (
        np.asarray(logits, dtype=np.float64),
        np.asarray(labels, dtype=np.int64),
        np.asarray(groups),
    )
    if not len(names):
        return {}
    return {
        str(name): _defined(scores[names == name], truth[names == name], threshold)
        for name in sorted(set(groups))
    }


def threshold_by(rule: Threshold, logits: ArrayLike, labels: Sequence[int]) -> float:
    """0.5, or the best threshold on these examples where the rule is `dev` and the task binary."""
    return choose_threshold(logits, labels) if rule == "dev" and _classes(logits) == 2 else 0.5


def choose_threshold(logits: ArrayLike, labels: Sequence[int]) -> float:
    """The probability threshold of the highest F1 on these examples.

    Candidates are 0, 0.5 and the midpoints between neighbouring distinct probabilities; of equally good ones
    the nearest to 0.5 is taken. 0.5 if there is no positive.
    """
    chance = positive_probability(logits)
    truth = np.asarray(labels, dtype=np.int64) == 1
    if not truth.any():
        return 0.5
    levels = np.unique(chance)
    middle = (levels[1:] + levels[:-1]) / 2
    # between two neighbouring floats there is no midpoint: it rounds to the lower one
    middle = np.where(middle > levels[:-1], middle, levels[1:])
    candidates = np.concatenate([middle, [0.0, 0.5]])
    order = np.sort(chance)
    true_order = np.sort(chance[truth])
    predicted = len(order) - np.searchsorted(order, candidates, side="left")
    hits = len(true_order) - np.searchsorted(true_order, candidates, side="left")
    f1 = 2 * hits / (predicted + truth.sum())
    best = candidates[f1 >= f1.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])


def positive_probability(logits: ArrayLike) -> Floats:
    """[n] probability of the second of two classes."""
    margin = _margin(np.asarray(logits, dtype=np.float64))
    return np.asarray(np.exp(-np.logaddexp(0.0, -margin)), dtype=np.float64)


def average_precision(scores: ArrayLike, positive: ArrayLike) -> float:
    """Σ (recall_k − recall_{k−1}) · precision_k over the distinct scores from high to low; equal scores fall
    together.

    scores: [n]. positive: [n] true or false. NaN without a positive.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    if not truth.any():
        return float("nan")
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.append(np.diff(values[order]) != 0, True)
    hits, taken = hits[last], np.flatnonzero(last) + 1
    return float(np.sum(np.diff(hits, prepend=0) * hits / taken) / truth.sum())


def matthews(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Matthews correlation of two columns of classes, [n] each: Gorodkin 2004's R_K, for two classes the φ
    coefficient. In [−1, 1]; 0 where either column holds one class alone.

    With c right of n, and class k predicted p_k and true t_k times:
    (c·n − Σ p_k t_k) / √((n² − Σ p_k²)(n² − Σ t_k²)).
    """
    one, two = np.asarray(predicted, dtype=np.int64), np.asarray(truth, dtype=np.int64)
    if not len(one) or one.shape != two.shape:
        raise ValueError(
            f"matthews needs two columns of one length, at least 1; got {one.shape}, {two.shape}"
        )
    classes = int(max(one.max(), two.max())) + 1
    p, t = (np.bincount(column, minlength=classes).astype(np.float64) for column in (one, two))
    spread = np.sqrt(len(one) ** 2 - p @ p) * np.sqrt(len(one) ** 2 - t @ t)
    return float(((one == two).sum() * len(one) - p @ t) / spread) if spread else 0.0


def _defined(logits: Floats, labels: NDArray[np.int64], threshold: float) -> dict[str, float]:
    if not len(labels):
        return {}
    if logits.shape[1] == 2:
        return _binary(logits, labels == 1, threshold)
    predicted = logits.argmax(axis=1)
    f1 = [_f1(predicted == label, labels == label) for label in np.unique(labels)]
    return {
        "macro_f1": float(np.mean(f1)),
        "accuracy": float(np.mean(predicted == labels)),
        "matthews": matthews(predicted, labels),
    }


def _binary(logits: Floats, truth: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    predicted = positive_probability(logits) >= threshold
    hits = float((predicted & truth).sum())
    found = {
        "accuracy": float(np.mean(predicted == truth)),
        "precision": hits / float(predicted.sum()) if predicted.any() else 0.0,
        "matthews": matthews(predicted, truth),
    }
    if truth.any():
        found["average_precision"] = average_precision(_margin(logits), truth)
        found["f1"] = _f1(predicted, truth)
        found["recall"] = hits / float(truth.sum())
    return found


def _f1(predicted: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float(2 * (predicted & truth).sum() / (predicted.sum() + truth.sum()))


def _margin(logits: Floats) -> Floats:
    return np.asarray(logits[:, 1] - logits[:, 0], dtype=np.float64)


def _classes(logits: ArrayLike) -> int:
    return int(np.asarray(logits).shape[1])
