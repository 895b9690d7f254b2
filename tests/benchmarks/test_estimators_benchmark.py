"""The benchmark of estimators, without its peer."""

import subprocess
import sys

import numpy as np
import pytest
from benchmarks import _literal as literal
from benchmarks._peer import Peer
from benchmarks.estimators import compare_esm, compare_literal, generate, relative
from scipy.stats import multivariate_normal

ECHO = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"score": request["options"]["k"], "seconds": 0.5}), flush=True)
"""


def start(script, folder):
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return Peer(process, folder)


@pytest.mark.slow
def test_every_method_agrees_with_its_definition_on_the_benchmarks_own_features():
    found = compare_literal()
    assert found["literal_max_rel_diff"] < 1e-10
    assert len(found["literal_speedups"]) == 8


def test_esm_by_rows_is_esm_by_moments():
    assert compare_esm(repeats=1)["esm_few_rows_rel_diff"] < 1e-10


def test_generated_features_are_single_precision_informative_and_the_same_for_a_seed():
    features, labels = generate(300, 40, 6, seed=1)
    again, same = generate(300, 40, 6, seed=1)
    assert features.dtype == np.float32
    assert np.array_equal(features, again)
    assert np.array_equal(labels, same)
    assert set(labels) == set(range(6))
    assert literal.knn(features, labels) > 0.5


def test_the_dense_evidence_is_the_density_where_it_is_largest():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(8, 3))
    y = features[:, 0] + rng.normal(size=8)
    best = literal.dense_evidence(features, y)
    kernel = features @ features.T
    densities = [
        multivariate_normal(cov=kernel * a + np.eye(8) * b).logpdf(y)
        for a in np.geomspace(1e-3, 30, 60)
        for b in np.geomspace(1e-2, 30, 60)
    ]
    assert best - 0.01 < max(densities) <= best + 1e-9


def test_a_peer_is_asked_over_a_pipe_and_its_end_is_reported(tmp_path):
    peer = start(ECHO, tmp_path)
    peer.put(*generate(20, 5, 2, seed=0))
    assert peer.ask("knn", options={"k": 7}).score == 7
    assert peer.ask("knn", options={"k": 2}).seconds == 0.5
    peer.leave()
    assert peer.process.wait(10) == 0
    broken = start("import sys; sys.stdin.readline()", tmp_path)
    with pytest.raises(SystemExit, match="process ended"):
        broken.ask("knn")
    broken.leave()
    broken.process.wait(10)


def test_differences_are_relative_to_the_peer():
    """|2.2 − 2| / 2 = .1."""
    assert relative(2.2, 2.0) == pytest.approx(0.1)
    assert relative(0.0, 0.0) == 0.0
