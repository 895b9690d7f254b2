"""A prior from finished studies: what it finds where the truth is known, and the command."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.experiment.made_results import NAMES, made_features, made_results, made_study

import forelearn.cli
from forelearn.core.errors import InputError
from forelearn.estimators.features import Columns
from forelearn.experiment.features_table import Features, write_features
from forelearn.experiment.make_prior import make_prior, write_prior
from forelearn.experiment.prior import read_prior


def test_source_effects_are_found_and_what_is_left_out_is_foretold(tmp_path: Path) -> None:
    """Source k gains (k − 2.5) / 50 on every target, whatever the pair: the effects are the sources' alone.

    With the runs of other targets known, which source gains is known too, and chances beat the base rate.
    """
    made = make_prior([made_study(tmp_path / "study")])
    variances = made.prior.variances
    assert variances.source > 5 * variances.pair  # half of the way from the gain model's own 0.3 and 0.6
    assert made.after_others.brier.mean < 0.1
    assert made.after_others.brier.mean < made.alone.brier.mean
    assert made.after_others.coverage.mean > 0.85
    assert made.alone.coverage.mean > 0.85
    assert made.alone.pairs == 30


@pytest.mark.slow
def test_a_study_that_is_left_out_as_a_whole_is_foretold_by_the_others(tmp_path: Path) -> None:
    """Another study's source effects do not depend on it: only its level, scale and spread speak."""
    studies = [made_study(tmp_path / name) for name in ("one", "two")]
    assert make_prior(studies[:1]).other_studies is None
    made = make_prior(studies)
    found = made.other_studies
    assert found is not None
    assert found.pairs == 60
    assert found.coverage.mean > 0.85
    assert made.as_json()["measured"]["other_studies.coverage.mean"] == round(found.coverage.mean, 4)
    assert sum(one.pairs for one in made.by_study.values()) == found.pairs
    # a study of the same gains, ten times as large, is not foretold by one that has never seen such a scale
    far = [
        replace(
            row,
            dev={name: 0.5 + 10 * (value - 0.5) for name, value in row.dev.items()},
            test={name: 0.5 + 10 * (value - 0.5) for name, value in row.test.items()},
        )
        for row in made_results()
    ]
    strange = make_prior([studies[0], made_study(tmp_path / "far", far)]).other_studies
    assert strange is not None
    assert strange.coverage.mean < found.coverage.mean


def test_the_slope_is_that_of_the_order_that_rank_gives_where_the_models_have_been_read(
    tmp_path: Path,
) -> None:
    """PARC knows the truth, `prior` its opposite: the slope is PARC's, and of `prior` only where PARC is not known."""
    study = made_study(tmp_path / "study")
    pairs = made_features().pairs
    truth = [float(NAMES.index(source)) for source, _ in pairs]

    def slope(parc: list[float]) -> float:
        values = np.stack([parc, [-value for value in truth]], axis=1)
        write_features(Features(pairs, Columns(("parc", "prior"), values), {}), study / "features.csv")
        return make_prior([study]).prior.slope

    assert slope(truth) > 0.1
    assert slope([math.nan] * len(pairs)) < slope(truth) - 0.1


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    made = make_prior([made_study(tmp_path / "study")], version=3)
    write_prior(made, tmp_path / "prior.json")
    read = read_prior(tmp_path / "prior.json")
    assert read.version == 3
    assert read.prior.scale == pytest.approx(made.prior.scale, abs=1e-6)
    assert read.prior.variances.source == pytest.approx(made.prior.variances.source, abs=1e-4)
    assert "prior 3 of prior.json, fitted on" in read.says


def test_a_study_without_runs_is_refused(tmp_path: Path) -> None:
    folder = made_study(tmp_path / "study")
    (folder / "results.csv").unlink()
    with pytest.raises(InputError, match=r"results\.csv"):
        make_prior([folder])


def test_too_few_targets_are_refused(tmp_path: Path) -> None:
    few = [row for row in made_results() if row.target in "abc"]
    with pytest.raises(InputError, match="at least 4 targets"):
        make_prior([made_study(tmp_path / "study", few)])


def test_the_shipped_prior_says_what_it_was_fitted_on_and_how_well_it_did() -> None:
    shipped = read_prior()
    assert shipped.version >= 1
    assert "inductive-transfer, task-embeddings" in shipped.says
    file = Path(sys.modules["forelearn.experiment.prior"].__file__ or "").with_name("prior.json")
    measured = json.loads(file.read_text(encoding="utf-8"))["measured"]
    for left_out in ("alone", "other_studies", "without inductive-transfer", "without task-embeddings"):
        assert 0.8 <= measured[f"{left_out}.coverage.mean"] <= 1.0


def test_a_damaged_prior_is_one_error_that_names_file_and_field(tmp_path: Path) -> None:
    file = tmp_path / "prior.json"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"prior\.json"):
        read_prior(file)
    file.write_text(json.dumps({"version": 1}), encoding="utf-8")
    with pytest.raises(InputError, match="studies"):
        read_prior(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_prior(tmp_path / "none.json")


def test_the_command_writes_the_file_and_says_how_well_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = made_study(tmp_path / "study")
    arguments = ["forelearn", "prior", str(study), "-o", str(tmp_path / "mine.json")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as left:
        forelearn.cli.main()
    assert not left.value.code
    out = capsys.readouterr().out
    assert "Brier score" in out
    assert "of 30 pairs" in out
    assert read_prior(tmp_path / "mine.json").version == 1


def test_a_study_of_one_target_beside_another_makes_a_file_that_can_be_read(tmp_path: Path) -> None:
    """What the others say of a single target has a mean and no interval: JSON has no infinity."""
    one = [row for row in made_results() if row.target == "a" or not row.source]
    made = make_prior([made_study(tmp_path / "whole"), made_study(tmp_path / "one", one)])
    write_prior(made, tmp_path / "prior.json")
    assert "Infinity" not in (tmp_path / "prior.json").read_text()
    assert read_prior(tmp_path / "prior.json").version == 1
