"""The predictor on disk: one JSON file, nothing pickled.

XGBoost's trees are stored in its own JSON. scikit-learn has no such format, so there the training table is
enough: fitting is deterministic and is done again on loading.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from forelearn.core.errors import InputError, Problem
from forelearn.estimators.boosting import Boosting, trees_from_text
from forelearn.estimators.conformal import target_folds
from forelearn.estimators.features import FeatureTable
from forelearn.estimators.predictor import Predictor, PredictorOptions, fit_predictor

FORMAT = 1


def save_predictor(predictor: Predictor, path: Path) -> None:
    """Write the predictor to `path`: beside first, then renamed, so that the file is whole or absent."""
    table = predictor.table
    content = {
        "format": FORMAT,
        # the backend that was used, not `auto`: loading elsewhere must not change it
        "options": {**dataclasses.asdict(predictor.options), "backend": predictor.backend},
        "table": {
            "names": table.names,
            "rows": [[None if math.isnan(value) else value for value in row] for row in table.rows.tolist()],
            "groups": table.groups,
            "sources": table.sources,
            "gains": table.gains.tolist(),
            "baselines": None if table.baselines is None else table.baselines.tolist(),
        },
        "residuals": predictor.residuals.tolist(),
        "whole": predictor.whole and predictor.whole.text(),
        "folded": [regressor.text() for regressor in predictor.folded],
    }
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    beside.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")
    beside.replace(path)


def load_predictor(path: Path) -> Predictor:
    """The predictor that `save_predictor` wrote: the same predictions, bit for bit with XGBoost.

    Raises `InputError` for a file that is not one, or that needs XGBoost where it cannot be imported.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']} is not {FORMAT}")
        return _restore(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"this is not a saved predictor that can be read here ({error})."
        raise InputError(Problem(str(path), what, "Fit it again from the study's runs.")) from error


def _restore(content: dict[str, Any]) -> Predictor:
    options = PredictorOptions(
        **{**content["options"], "boosting": Boosting(**content["options"]["boosting"])}
    )
    stored = content["table"]
    names = tuple(stored["names"])
    rows = np.array(stored["rows"], np.float64).reshape(len(stored["gains"]), len(names))
    table = FeatureTable(
        names,
        rows,
        tuple(stored["groups"]),
        tuple(stored["sources"]),
        np.array(stored["gains"], np.float64),
        None if stored["baselines"] is None else np.array(stored["baselines"], np.float64),
    )
    if content["whole"] is None:
        return fit_predictor(table, options=options)
    return Predictor(
        options,
        "xgboost",
        table,
        trees_from_text(content["whole"]),
        tuple(trees_from_text(text) for text in content["folded"]),
        target_folds(table.groups, folds=options.folds),
        np.array(content["residuals"], np.float64),
        None,
    )
