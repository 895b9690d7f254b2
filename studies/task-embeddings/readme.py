"""The tables of the README, by the names of their marks; `make.py readme` puts them in."""

from __future__ import annotations

import warnings

from estimators import judged, lines, measured
from factors import chain_lines, class_lines, factor_lines, full_lines, further


def tables() -> dict[str, list[str]]:
    """Name → its lines, from results.csv, features.csv and further.csv."""
    warnings.simplefilter("ignore", RuntimeWarning)  # the mean of what has not run
    found = measured()
    return {
        "all classes": lines(judged(found), found),
        "in class": lines(judged(found, in_class=True), found),
        "classes": class_lines(found.truth),
        "factors": factor_lines(found),
        "full": full_lines(found.truth, further("full")),
        "chains": chain_lines(found.truth, further("chain")),
    }
