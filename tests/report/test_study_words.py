"""What is said of a study before any claim."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from forelearn.evaluation.intervals import Interval
from forelearn.report.study_words import warning


@pytest.mark.parametrize(
    ("agreed", "said"),
    [
        (Interval(0.4, 0.2, 0.6, 12, 0), []),
        (Interval(0.1, -0.1, 0.3, 12, 0), ["seeds do not agree"]),
        (Interval(0.4, -math.inf, math.inf, 1, 0), ["seeds do not agree"]),
        (Interval(math.nan, math.nan, math.nan, 0, 12), ["no two seeds have run"]),
    ],
)
def test_a_lead_is_no_lead_where_seeds_disagree_or_a_single_one_has_run(agreed, said):
    quality = SimpleNamespace(
        truth=SimpleNamespace(metric="f1"), noise=SimpleNamespace(agreement={"test": agreed})
    )
    lines = warning(SimpleNamespace(metrics=[SimpleNamespace(quality=quality)]))
    assert [line.startswith(f"F1: {words}") for line, words in zip(lines, said, strict=True)] == [True] * len(
        said
    )
    assert all(line.endswith("read no order's lead as real.") for line in lines)
