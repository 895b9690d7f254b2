"""`check` finds what is wrong, all of it, and writes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.broken_studies import BROKEN, EXPECTED, GOOD, good

from forelearn.core.errors import InputError
from forelearn.experiment.check import check
from forelearn.experiment.opening import Options


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_a_good_study_has_no_error_and_both_tasks(tmp_path):
    before = good(tmp_path)
    files = tree(tmp_path)
    checked = check(before)
    assert checked.errors == ()
    assert list(checked.tasks) == ["a", "b"]
    assert checked.study is not None
    assert checked.study.out == tmp_path / "out"
    assert tree(tmp_path) == files


def test_there_are_at_least_thirty_broken_studies():
    assert len(BROKEN) >= 30


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_study_gets_one_clear_error_and_nothing_is_written(name, tmp_path):
    study = BROKEN[name](tmp_path)
    files = tree(tmp_path)
    checked = check(study)
    where, what = EXPECTED[name]
    assert len(checked.errors) == 1, [str(problem) for problem in checked.errors]
    problem = checked.errors[0]
    assert where in problem.where
    assert what in problem.what
    assert problem.fix.strip().endswith((".", "?", "…"))
    assert "\n" not in str(problem)
    assert tree(tmp_path) == files


@pytest.mark.parametrize(("name", "near"), [("misspelt kind", "regression"), ("unknown metric", "accuracy")])
def test_a_misspelt_value_gets_the_nearest_known_one(name, near, tmp_path):
    assert check(BROKEN[name](tmp_path)).errors[0].fix == f"Did you mean `{near}`?"


def test_a_table_in_place_of_a_study_gets_the_option_that_takes_it(tmp_path):
    (problem,) = check(BROKEN["a table for a study"](tmp_path)).errors
    assert "--sources FOLDER" in problem.fix


def test_everything_wrong_is_found_at_once(tmp_path):
    text = GOOD.replace('encoder = "tiny"', 'encoder = "./none"\nsed = 1\n[search]\nbudget = "0 runs"\n')
    study = good(tmp_path, study=text.replace('files = "a.csv"', 'files = "a.csv"\ngroup = "evnt"'))
    found = " ".join(str(problem) for problem in check(study).errors)
    for part in (
        "`sed`",
        "Did you mean `seed`?",
        "above 0",
        "does not exist",
        "`evnt`",
    ):
        assert part in found
    assert "Did you mean `event`?" in found


def test_an_unknown_key_and_a_broken_row_in_one_section_are_both_found(tmp_path):
    study = good(tmp_path, study=GOOD.replace('files = "a.csv"', 'files = "a.csv"\ntxt = "text"'))
    data = tmp_path / "a.csv"
    data.write_bytes(data.read_bytes().replace(b"number 3", b"\xe9", 1))
    places = [problem.where for problem in check(study).errors]
    assert places == ["study.toml, [[data]] 1 txt", "a.csv, row 5"]


def test_options_take_the_place_of_what_the_file_says(tmp_path):
    study = good(tmp_path / "study")
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / "study" / name).rename(tmp_path / "data" / name)
    assert check(study).errors
    checked = check(study, Options(data_root=str(tmp_path / "data"), out=str(tmp_path / "o"), seed=3))
    assert not checked.errors
    assert checked.study is not None
    assert checked.study.out == tmp_path / "o"
    assert checked.study.settings.seed == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_said(tmp_path):
    study = good(tmp_path / "study")
    (tmp_path / "study").chmod(0)
    try:
        assert "cannot be read" in check(study.parent).errors[0].what
    finally:
        (tmp_path / "study").chmod(0o755)


def test_copies_between_train_and_test_are_warnings_with_both_places(tmp_path):
    study = good(tmp_path)
    lines = (tmp_path / "a.csv").read_text().split("\n")
    (tmp_path / "a.csv").write_text("\n".join([*lines[:61], *lines[1:61], ""]))
    checked = check(study)
    assert not checked.errors
    copies = [
        problem for problem in checked.warnings if "The same text stands in test and in train" in problem.what
    ]
    assert len(copies) == 1
    assert "a.csv, row " in copies[0].what
    assert "and" in copies[0].what


def test_checking_imports_neither_torch_nor_transformers():
    code = (
        "import sys, forelearn.tasks.assemble, forelearn.tasks.audit, forelearn.experiment.study\n"
        "import forelearn.experiment.check, forelearn.experiment.guess\n"
        "sys.exit(bool({'torch', 'transformers', 'datasets', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_encoder_and_the_data_are_looked_at_together_and_no_weight_is_read(tmp_path, monkeypatch):
    from forelearn.models import encoder
    from forelearn.models.tiny import build_tiny

    build_tiny(("high water in the street",), tmp_path / "body", layers=1, hidden=16, vocabulary=100)
    study = good(tmp_path, study=GOOD.replace('encoder = "tiny"', 'encoder = "body"'))
    monkeypatch.setattr(encoder, "_tensors", lambda folder: pytest.fail("weights were read"))
    assert check(study).errors == ()
    (tmp_path / "body" / "config.json").write_text("{")
    (tmp_path / "a.csv").unlink()
    places = [problem.where for problem in check(study).errors]
    assert places == [str(tmp_path / "body" / "config.json"), "study.toml, [[data]] 1 files"]


def test_a_hub_id_is_not_asked_about_and_said_to_be_looked_up_later(tmp_path):
    """It could be misspelt; `tiny` could not."""

    def warned(encoder: str) -> list[str]:
        study = good(tmp_path)
        text = study.read_text(encoding="utf-8").replace('encoder = "tiny"', f'encoder = "{encoder}"')
        study.write_text(text, encoding="utf-8")
        found = check(study)
        assert not found.errors
        return [problem.what for problem in found.warnings if "hub" in problem.what]

    assert warned("ownr/encoder") == ["`ownr/encoder` is looked up on the hub when the study runs."]
    assert warned("tiny") == []


@pytest.mark.parametrize(
    "name",
    [
        "warm start that is nowhere",
        "intervals that would cross",
        "a task as its own only source",
        "longer texts than the built-in encoder reads",
        "points between two doublings",
    ],
)
def test_what_would_fail_after_the_baselines_is_refused_by_a_run_before_anything_is_written(name, tmp_path):
    from forelearn.experiment import api

    study = BROKEN[name](tmp_path)
    files = tree(tmp_path)
    with pytest.raises(InputError) as refused:
        api.search(study)
    assert EXPECTED[name][1] in str(refused.value)
    assert tree(tmp_path) == files


def test_an_encoder_of_the_hub_is_measured_once_it_is_here_and_before_anything_is_written(
    tmp_path, monkeypatch
):
    from forelearn.experiment import api, prepare
    from forelearn.models.encoder import open_encoder
    from forelearn.models.tiny import build_tiny

    build_tiny(("high water in the street",), tmp_path / "cache", layers=1, hidden=16, vocabulary=100)
    monkeypatch.setattr(prepare, "open_encoder", lambda name: open_encoder(str(tmp_path / "cache")))
    text = GOOD.replace('encoder = "tiny"', 'encoder = "owner/name"\n[recipe]\nmax_length = 129\n')
    study = good(tmp_path / "study", study=text)
    files = tree(tmp_path)
    assert check(study).errors == ()
    with pytest.raises(InputError, match="`owner/name` has positions for 128 tokens"):
        api.search(study)
    assert tree(tmp_path) == files


@pytest.mark.parametrize("points", [9, 17, 33, 65, 129])
def test_points_that_conductance_takes_pass_the_check(points, tmp_path):
    from forelearn.representations.rules import Trapezoid

    assert len(Trapezoid(most=points).levels()[-1]) == points
    study = good(tmp_path, study=GOOD + f"\n[conductance]\nmost_points = {points}\n")
    assert check(study).errors == ()


def test_a_source_or_a_ready_encoder_beside_the_target_is_enough(tmp_path):
    for said in (
        'sources = ["a", "b"]\ntargets = ["a"]',
        'targets = ["a"]',
        'sources = ["b"]\ntargets = ["a", "b"]',
    ):
        study = good(tmp_path, study=GOOD.replace('encoder = "tiny"', f'encoder = "tiny"\n{said}'))
        assert check(study).errors == ()
