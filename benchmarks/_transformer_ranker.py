"""transformer-ranker's estimators, run by the python of their own environment: answers requests on stdin.

A request is a line of JSON: {"method", "features", "targets", "double", "options"}, files in .npy; the answer a
line with the score and the CPU seconds of `fit` alone, from arrays in memory. The package's own `__init__` is
not run: it needs a hub and a trainer, its estimators need torch alone (and kNN torchmetrics).
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
import types

import numpy as np
import torch

NAMES = {"logme": "logme.LogME", "hscore": "hscore.HScore", "knn": "nearestneighbors.NearestNeighbors"}


def load_estimators() -> dict[str, type]:
    """Name → class."""
    for name in ("transformer_ranker", "transformer_ranker.estimators"):
        spec = importlib.util.find_spec(name)
        package = types.ModuleType(name)
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules[name] = package
    found = {}
    for name, place in NAMES.items():
        module, attribute = place.split(".")
        found[name] = getattr(importlib.import_module(f"transformer_ranker.estimators.{module}"), attribute)
    return found


def main() -> None:
    torch.set_num_threads(1)
    estimators = load_estimators()
    for line in sys.stdin:
        request = json.loads(line)
        features = torch.from_numpy(np.load(request["features"]))
        targets = torch.from_numpy(np.load(request["targets"]))
        if request["double"]:
            features = features.double()
        estimator = estimators[request["method"]](**request["options"])
        began = time.process_time()
        score = estimator.fit(embeddings=features, labels=targets)
        seconds = time.process_time() - began
        print(json.dumps({"score": float(score), "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
