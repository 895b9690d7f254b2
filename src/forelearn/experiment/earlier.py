"""What earlier studies found, as rows for the predictor: a warm start.

A study leaves `pairs.json` in the folder that it fills: the features of every pair that it ran and the gain that
came of it. A later study that names that folder under `warm_start` fits its predictor on those rows too, from its
first round on. Rows of another metric are refused: gains of one do not add up with gains of another.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from forelearn.core.errors import InputError, Problem
from forelearn.estimators.features import FeatureTable

FILE = "pairs.json"


def save_pairs(
    table: FeatureTable, path: Path, *, study: str, metric: str, noise: float | None = None
) -> None:
    """Write the finished pairs of a study beside, then rename. noise: SD of one run between seeds, if known."""
    value = {
        "study": study,
        "metric": metric,
        "noise": noise,
        "columns": table.names,
        "pairs": [
            {
                "source": table.sources[row],
                "target": table.groups[row],
                "gain": float(table.gains[row]),
                "features": [None if math.isnan(item) else float(item) for item in table.rows[row]],
            }
            for row in range(len(table))
        ],
    }
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def load_pairs(folder: Path, columns: tuple[str, ...], *, metric: str) -> FeatureTable:
    """The pairs of an earlier study, under the column names of this one.

    folder: what that study filled. columns: of this study; one that the earlier study did not have is NaN.
    Targets and sources are named `study:task`, so that equal names of two studies stay apart.
    Raises InputError if the file is missing, damaged, or of another metric.
    """
    path = folder / FILE
    fix = "Name the folder that a finished study filled (its `out`)."
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = {name: place for place, name in enumerate(value["columns"])}
        pairs = value["pairs"]
        rows = np.full((len(pairs), len(columns)), np.nan)
        for row, pair in enumerate(pairs):
            for column, name in enumerate(columns):
                item = pair["features"][known[name]] if name in known else None
                rows[row, column] = math.nan if item is None else float(item)
        study = str(value["study"])
        table = FeatureTable(
            columns,
            rows,
            tuple(f"{study}:{pair['target']}" for pair in pairs),
            tuple(f"{study}:{pair['source']}" for pair in pairs),
            np.array([float(pair["gain"]) for pair in pairs], np.float64),
        )
    except OSError as error:
        raise InputError(
            Problem(f"[search] warm_start {path}", f"cannot be read: {error.strerror}.", fix)
        ) from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise InputError(
            Problem(f"[search] warm_start {path}", f"is not what a study writes: {error!r}.", fix)
        ) from error
    if value["metric"] != metric:
        rule = f"holds gains of {value['metric']}, but this study decides by {metric}."
        raise InputError(Problem(f"[search] warm_start {path}", rule, "Name a study of the same metric."))
    return table


def load_noise(folder: Path) -> float | None:
    """The standard deviation of one run in an earlier study; None if it had no replicates."""
    try:
        value = json.loads((folder / FILE).read_text(encoding="utf-8")).get("noise")
    except (OSError, ValueError, AttributeError):
        return None  # `load_pairs` says what is wrong with the file
    return float(value) if isinstance(value, int | float) and value > 0 else None


def joined(first: FeatureTable, *others: FeatureTable) -> FeatureTable:
    """All rows of tables with the same columns."""
    tables = (first, *others)
    return FeatureTable(
        first.names,
        np.concatenate([table.rows for table in tables]),
        tuple(name for table in tables for name in table.groups),
        tuple(name for table in tables for name in table.sources),
        np.concatenate([table.gains for table in tables]),
    )
