"""The methods as their papers write them, slowly and by other routines: what ours are compared with."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.stats import spearmanr
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


def logme(features: Array, labels: Labels) -> float:
    """Mean over classes of the largest dense log evidence, over n."""
    found = [dense_evidence(features, (labels == label).astype(float)) for label in np.unique(labels)]
    return float(np.mean(found)) / len(labels)


def dense_evidence(features: Array, y: Array) -> float:
    """The largest ln N(y; 0, FFᵀ/α + I/β) over (ln α, ln β), by a simplex search from several starts."""
    kernel, identity = features @ features.T, np.eye(len(y))

    def loss(place: Array) -> float:
        factor = cho_factor(kernel * np.exp(-place[0]) + identity * np.exp(-place[1]), lower=True)
        half = float(np.log(np.diag(factor[0])).sum())
        return half + float(y @ cho_solve(factor, y)) / 2 + len(y) / 2 * math.log(2 * math.pi)

    starts = [(a, b) for a in (0.0, 6.0) for b in (0.0, 4.0)]
    # the search need not go on where one start has come to another's maximum: the best of all is taken
    options = {"xatol": 1e-6, "fatol": 1e-10, "maxiter": 600}
    return -min(float(minimize(loss, start, method="Nelder-Mead", options=options).fun) for start in starts)


def hscore(features: Array, labels: Labels) -> float:
    """Shrunk by scikit-learn, inverted by a pseudo-inverse, the class means written to every row."""
    shrunk = LedoitWolf().fit(features)
    means = np.zeros_like(features)
    for label in np.unique(labels):
        means[labels == label] = features[labels == label].mean(axis=0)
    between = np.atleast_2d(np.cov(means, rowvar=False))
    return float((1 - shrunk.shrinkage_) * np.trace(np.linalg.pinv(shrunk.covariance_) @ between))


def nce(source: Labels, labels: Labels) -> float:
    """Loops over pairs of labels."""
    total = 0.0
    for z in np.unique(source):
        for y in np.unique(labels):
            both = float(((source == z) & (labels == y)).mean())
            total += both * math.log(both / (source == z).mean()) if both > 0 else 0.0
    return total


def leep(theta: Array, labels: Labels) -> float:
    """Loops over rows and source labels."""
    n, width = theta.shape
    inside = {y: theta[labels == y].sum(axis=0) / n for y in np.unique(labels)}
    marginal = theta.sum(axis=0) / n
    total = 0.0
    for row, y in zip(theta, labels, strict=True):
        shares = [inside[y][z] / marginal[z] * row[z] for z in range(width) if marginal[z] > 0]
        total += math.log(math.fsum(shares))
    return total / n


def transrate(features: Array, labels: Labels, epsilon: float = 1e-4) -> float:
    """ln det of the whole [d, d] matrix by its eigenvalues, each class by its mask."""

    def rate(z: Array) -> float:
        whole = np.eye(z.shape[1]) + z.T @ z / (len(z) * epsilon)
        return float(np.log(np.linalg.eigvalsh(whole)).sum()) / 2

    z = features - features.mean(axis=0)
    inside = sum(float((labels == y).mean()) * rate(z[labels == y]) for y in np.unique(labels))
    return rate(z) - inside


def gbc(features: Array, labels: Labels, components: int = 64) -> float:
    """scikit-learn's PCA, then the distance of every ordered pair with its matrices written out."""
    reduced = PCA(min(components, *features.shape), svd_solver="full").fit_transform(features)
    total = 0.0
    for a in np.unique(labels):
        for b in np.unique(labels):
            if a == b:
                continue
            one, two = reduced[labels == a], reduced[labels == b]
            first, second = (np.diag(np.maximum(part.var(axis=0), 1e-4)) for part in (one, two))
            between, apart = (first + second) / 2, one.mean(axis=0) - two.mean(axis=0)
            distance = apart @ np.linalg.inv(between) @ apart / 8
            logs = [np.linalg.slogdet(part)[1] for part in (between, first, second)]
            total += math.exp(-distance - (logs[0] - (logs[1] + logs[2]) / 2) / 2)
    return -total


def parc(features: Array, labels: Labels) -> float:
    """Correlation matrices of features and one-hot labels, their upper triangles, Spearman's correlation."""
    upper = np.triu_indices(len(features), 1)
    looks = (1 - np.corrcoef(features))[upper]
    classes = np.eye(labels.max() + 1)[labels]
    # equal classes must tie, whatever rounding does
    return 100 * float(spearmanr(looks, np.round((1 - np.corrcoef(classes))[upper], 9)).statistic)


def knn(features: Array, labels: Labels, neighbours: int = 3) -> float:
    """Row by row, all distances written out; a tied vote goes to the class with the nearer voters."""
    right = 0
    for place, row in enumerate(features):
        away = ((features - row) ** 2).sum(axis=1)
        away[place] = np.inf
        near = np.argsort(away)[:neighbours]
        votes = {
            y: (-int((labels[near] == y).sum()), away[near][labels[near] == y].sum()) for y in labels[near]
        }
        right += min(votes, key=lambda y: votes[y]) == labels[place]
    return right / len(labels)
