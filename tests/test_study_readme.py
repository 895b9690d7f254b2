"""The study's README is made from its runs: no part of it is without a maker, none is without its place."""

import sys
from pathlib import Path

import pytest
from tests.experiment.made_results import made_study

from forelearn.experiment.evaluate import evaluate_study
from forelearn.experiment.results_table import read_results

pytestmark = pytest.mark.slow

STUDY = Path(__file__).parents[1] / "studies" / "inductive-transfer"


@pytest.fixture
def readme(monkeypatch):
    monkeypatch.syspath_prepend(str(STUDY))
    for name in ("readme", "claims", "table1"):
        sys.modules.pop(name, None)
    import readme

    return readme


def test_every_marker_has_a_maker_and_every_maker_a_marker(readme):
    names = [found[2] for found in readme.MADE.finditer((STUDY / "README.md").read_text(encoding="utf-8"))]
    assert sorted(names) == sorted(readme.PARTS)


def test_making_a_readme_twice_changes_nothing_and_leaves_what_is_written_by_hand(readme, tmp_path):
    found = evaluate_study(made_study(tmp_path), draws=2)
    text = "\n".join(
        f"# {name}\n<!-- made: {name} -->\nto be replaced\n<!-- end -->" for name in readme.PARTS
    )
    once = readme.fill(text, found)
    assert readme.fill(once, found) == once
    assert "to be replaced" not in once
    assert all(f"# {name}\n" in once for name in readme.PARTS)
    assert "picked on dev" in once.lower()


def test_a_verdict_needs_an_interval_on_the_claims_side(readme):
    from claims import verdict

    from forelearn.evaluation.intervals import Interval

    assert verdict(Interval(1.0, 0.5, 1.5, 9, 0), above=True) == "yes"
    assert verdict(Interval(1.0, 0.5, 1.5, 9, 0), above=False) == "no, the opposite"
    assert verdict(Interval(1.0, -0.5, 1.5, 9, 0), above=True).startswith("not shown")
    assert verdict(Interval(float("nan"), 0, 0, 0, 9), above=True) == "not measured yet"


def test_the_committed_results_can_be_read():
    assert {row.source for row in read_results(STUDY / "results.csv")} >= {"", "Not related"}
