"""Estimators of features: LogME, H-score and kNN beside transformer-ranker's, the others beside their definition.

    python -m benchmarks.estimators [--quick]

transformer-ranker lives in `.venv-bench/estimators/`, an environment of its own that borrows this project's
torch and numpy, and is asked over a pipe. Both sides start from the same single-precision features in memory,
as an encoder leaves them; one thread, CPU seconds (other load on the machine does not count), medians of
interleaved repeats. The features are generated: class means in a few directions, a spectrum that falls as
encoders' do, and a common offset.

- `logme_speedup`, `hscore_speedup`, `knn_speedup`: their seconds over ours, the smallest over all sizes.
- `max_rel_diff_n_gt_d`: largest relative difference of a score from theirs over all sizes (n > d). Three things
  about their kNN call for a like question: one neighbour (of three that all differ theirs elects the smallest
  class index, ours the nearest: `knn_max_diff_3`), double precision, and one row in a class of its own (with two
  classes theirs is F1 of the second, with more the accuracy).
- `logme_n200_d384_rel_err`: against a search for the largest dense log evidence of N(0, FFᵀ/α + I/β) over
  (ln α, ln β), over three strengths of signal; `peer_logme_n200_d384_rel_err` is theirs, on the same features.
- `literal_max_rel_diff` and `literal_speedups`: every method against its definition written out (`_literal.py`)
  at n = 1000, d = 384, six classes; LogME's, whose definition takes minutes there, at n = 200.
- `esm_few_rows_speedup` and `esm_few_rows_rel_diff`: ESM of a target of 200 rows, d = 384, by its rows against
  the same by its moments alone.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks import _literal as literal
from benchmarks._peer import Features, Labels, Peer, Timed, prepare_peer
from forelearn.estimators.esm import esm_score, fit_esm, moments
from forelearn.estimators.gbc import gbc
from forelearn.estimators.hscore import hscore
from forelearn.estimators.knn import knn
from forelearn.estimators.leep import leep
from forelearn.estimators.logme import logme
from forelearn.estimators.nce import nce
from forelearn.estimators.parc import parc
from forelearn.estimators.transrate import transrate

SIZES = tuple((n, d, classes) for n in (1000, 5000) for d in (384, 768) for classes in (2, 6, 20))
OURS: Mapping[str, Callable[[Any, Any], float]] = {"logme": logme, "hscore": hscore, "knn": knn}


def generate(n: int, d: int, classes: int, *, seed: int, gap: float = 1.2) -> tuple[Features, Labels]:
    """Features [n, d] as an encoder leaves them, and labels [n]; gap: distance of a class mean from the middle."""
    chance = np.random.default_rng(seed)
    labels = np.append(np.arange(classes), chance.integers(0, classes, n - classes))
    directions = np.linalg.qr(chance.normal(size=(d, max(classes, 2))))[0][:, :classes]
    spread = (1.0 + np.arange(d)) ** -0.4
    turn = np.linalg.qr(chance.normal(size=(d, d)))[0]
    noise = (chance.normal(size=(n, d)) * spread) @ turn
    offset = 2.0 * chance.normal(size=d) / np.sqrt(d)
    return (gap * directions.T[labels] + noise + offset).astype(np.float32), labels


def timed(work: Callable[..., float], *given: object) -> Timed:
    began = time.process_time()
    score = work(*given)
    return Timed(score, time.process_time() - began)


def relative(ours: float, theirs: float) -> float:
    return abs(ours - theirs) / max(abs(theirs), 1e-12)


def compare_peer(peer: Peer, *, quick: bool) -> dict[str, float]:
    """The table of sizes, and its figures."""
    speedups: dict[str, list[float]] = {method: [] for method in OURS}
    differences: dict[str, list[float]] = {method: [] for method in OURS}
    votes: list[float] = []
    print(f"{'n':>5} {'d':>4} {'C':>3}" + "".join(f" | {m:>7} {'theirs':>8} {'times':>6}" for m in OURS))
    for n, d, classes in SIZES:
        features, labels = generate(n, d, classes, seed=n + d + classes)
        peer.put(features, labels)
        line = f"{n:>5} {d:>4} {classes:>3}"
        for method, function in OURS.items():
            repeats = (3 if quick else 9) if n == 1000 else (1 if quick and method == "knn" else 3)
            ours, theirs = [], []
            for _ in range(repeats):
                ours.append(timed(function, features, labels))
                theirs.append(peer.ask(method))
            mine, other = (statistics.median(t.seconds for t in side) for side in (ours, theirs))
            speedups[method].append(other / mine)
            line += f" | {mine:>7.4f} {other:>8.4f} {other / mine:>6.1f}"
            if method != "knn":
                differences[method].append(relative(ours[0].score, theirs[0].score))
            elif classes > 2:
                votes.append(abs(ours[0].score - theirs[0].score))
        labels[-1] = classes
        peer.put(features, labels)
        one = peer.ask("knn", double=True, options={"k": 1}).score
        differences["knn"].append(relative(knn(features, labels, neighbours=1), one))
        print(line, flush=True)
    found = {f"{method}_speedup": min(speedups[method]) for method in OURS}
    found |= {f"{method}_speedup_median": statistics.median(speedups[method]) for method in OURS}
    found["max_rel_diff_n_gt_d"] = max(max(differences[method]) for method in OURS)
    found |= {f"{method}_rel_diff": max(differences[method]) for method in OURS}
    found["knn_max_diff_3"] = max(votes)
    return found


def compare_evidence(peer: Peer) -> dict[str, float]:
    """LogME with fewer rows than columns, against the dense evidence."""
    ours, theirs = [], []
    print("\nLogME at n = 200, d = 384, six classes: dense evidence, ours, theirs")
    for gap in (0.0, 1.2, 3.0):
        features, labels = generate(200, 384, 6, seed=7, gap=gap)
        peer.put(features, labels)
        dense = literal.logme(features.astype(np.float64), labels)
        mine, other = logme(features, labels), peer.ask("logme").score
        ours.append(relative(mine, dense))
        theirs.append(relative(other, dense))
        print(f"  class means {gap:.1f} from the middle: {dense:.6f} {mine:.6f} {other:.6f}")
    return {"logme_n200_d384_rel_err": max(ours), "peer_logme_n200_d384_rel_err": max(theirs)}


def compare_literal() -> dict[str, object]:
    """Every method against its definition."""
    features, labels = generate(1000, 384, 6, seed=1)
    rows = features.astype(np.float64)
    chance = np.random.default_rng(2)
    theta = chance.dirichlet(np.full(10, 0.2), 1000)
    hard = theta.argmax(axis=1)
    small, few = generate(200, 384, 6, seed=1)
    contests: dict[str, tuple[Callable[..., float], Callable[..., float], tuple[object, ...]]] = {
        "logme": (logme, literal.logme, (small.astype(np.float64), few)),
        "hscore": (hscore, literal.hscore, (rows, labels)),
        "nce": (nce, literal.nce, (hard, labels)),
        "leep": (leep, literal.leep, (theta, labels)),
        "transrate": (transrate, literal.transrate, (rows, labels)),
        "gbc": (gbc, literal.gbc, (rows, labels)),
        "parc": (parc, literal.parc, (rows, labels)),
        "knn": (knn, literal.knn, (rows, labels)),
    }
    print(f"\n{'':>10} {'score':>11} {'seconds':>9} {'written out':>12} {'times':>7} {'rel. diff':>10}")
    worst, speedups = 0.0, {}
    for name, (ours, theirs, given) in contests.items():
        mine = [timed(ours, *given) for _ in range(5)]
        other = timed(theirs, *given)
        seconds = statistics.median(t.seconds for t in mine)
        difference = relative(mine[0].score, other.score)
        worst = max(worst, difference)
        speedups[name] = round(other.seconds / seconds, 1)
        print(
            f"{name:>10} {mine[0].score:>11.5f} {seconds:>9.5f} {other.seconds:>12.4f} {speedups[name]:>7.1f}"
            f" {difference:>10.1e}"
        )
    return {"literal_max_rel_diff": worst, "literal_speedups": speedups}


def compare_esm(*, repeats: int = 15) -> dict[str, float]:
    """ESM of fewer rows than the map has axes: by the rows, and by the moments."""
    base, _ = generate(400, 384, 6, seed=3)
    tuned, _ = generate(400, 384, 6, seed=4)
    esm = fit_esm(base, base + 0.5 * tuned)
    by_rows = moments(*generate(200, 384, 6, seed=5))
    by_moments = replace(by_rows, few=None)
    pairs = [(timed(esm_score, esm, by_rows), timed(esm_score, esm, by_moments)) for _ in range(repeats)]
    mine, other = (statistics.median(one.seconds for one in side) for side in zip(*pairs, strict=True))
    difference = relative(pairs[0][0].score, pairs[0][1].score)
    print(f"\nESM, 200 rows, d = 384: {mine:.4f} s by rows, {other:.4f} by moments, {other / mine:.1f} times")
    return {"esm_few_rows_speedup": other / mine, "esm_few_rows_rel_diff": difference}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    options = parser.parse_args()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [str(prepare_peer()), str(Path(__file__).with_name("_transformer_ranker.py"))]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        peer = Peer(process, Path(folder))
        # the first call of either side loads libraries
        warm = generate(300, 64, 3, seed=0)
        peer.put(*warm)
        for method, function in OURS.items():
            peer.ask(method)
            function(*warm)
        print("CPU seconds of one thread: ours, transformer-ranker's, theirs over ours")
        found: dict[str, object] = {**compare_peer(peer, quick=options.quick), **compare_evidence(peer)}
        peer.leave()
    found |= compare_literal()
    found |= compare_esm()
    found["threads"] = 1
    print(json.dumps({name: rounded(value) for name, value in found.items()}))


def rounded(value: object) -> object:
    """Four significant digits are as many as hold."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
