"""`rank FILE --sources FOLDER`: without a study file, refused without a trace, and never twice the same work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.cli.test_commands import call
from tests.families import small_study


def test_rank_works_without_a_study_file(tmp_path, monkeypatch, capsys):
    small_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, out, _ = call(monkeypatch, capsys, "rank", "data/01-amber.csv", "--sources", "data")
    assert code == 0
    assert "02-birch" in out
    code, out, _ = call(monkeypatch, capsys, "rank", "data/01-amber.csv", "--sources", "data", "--csv")
    assert len(out.splitlines()) == 4


def test_of_two_tasks_there_is_no_mean_to_remove(tmp_path, monkeypatch, capsys):
    small_study(tmp_path, tasks=2)
    monkeypatch.chdir(tmp_path)
    files = ("rank", "data/01-amber.csv", "--sources", "data", "--by", "textemb", "--json")
    code, out, _ = call(monkeypatch, capsys, *files)
    assert code == 0
    assert "of fewer than 3 tasks there is no mean to remove" in out


@pytest.mark.parametrize("further", [("--by", "nonsense"), ("--target", "nobody")])
def test_a_refused_rank_of_files_leaves_nothing(further, tmp_path, monkeypatch, capsys):
    small_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert call(monkeypatch, capsys, "rank", "data/01-amber.csv", "--sources", "data", *further)[0] == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_a_refused_rank_of_files_leaves_what_an_earlier_one_wrote(tmp_path, monkeypatch, capsys):
    small_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    arguments = ("rank", "data/01-amber.csv", "--sources", "data", "--by")
    assert call(monkeypatch, capsys, *arguments, "size")[0] == 0
    (file,) = tmp_path.glob(".forelearn/*/study.toml")
    before = file.read_text()
    shutil.copy(tmp_path / "data" / "02-birch.csv", tmp_path / "data" / "04-new.csv")
    assert call(monkeypatch, capsys, *arguments, "nonsense")[0] == 2
    assert file.read_text() == before


def test_a_rank_of_files_writes_over_no_study_of_a_person(tmp_path, monkeypatch, capsys):
    study = small_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = study.read_text()
    files = ("rank", "data/01-amber.csv", "--sources", "data", "--by", "size", "--out")
    code, _, err = call(monkeypatch, capsys, *files, ".")
    assert (code, study.read_text()) == (2, before)
    assert "--out would write over it" in err
    assert [call(monkeypatch, capsys, *files, "here")[0] for _ in range(2)] == [0, 0]


def test_a_second_rank_of_files_trains_and_reads_nothing_again(tmp_path, monkeypatch, capsys):
    small_study(tmp_path, tasks=2)
    (tmp_path / "data" / "01-amber.csv").rename(tmp_path / "mine.csv")
    monkeypatch.chdir(tmp_path)

    def stored() -> dict[str, int]:
        kinds = ("runs", "weights", "features", "encoders")
        found = [path for kind in kinds for path in tmp_path.glob(f".forelearn/*/out/{kind}/*/*")]
        return {str(path): path.stat().st_mtime_ns for path in found}

    call(monkeypatch, capsys, "rank", "mine.csv", "--sources", "data", "--by", "logme")
    before = stored()
    assert {Path(path).parts[-3] for path in before} == {"runs", "weights", "features", "encoders"}
    code, _, _ = call(monkeypatch, capsys, "rank", "mine.csv", "--sources", "data", "--by", "logme")
    assert code == 0
    assert stored() == before


def test_a_further_source_finds_the_store_of_the_first_ranking(tmp_path, monkeypatch):
    from forelearn.experiment.rank import study_from_files

    small_study(tmp_path, tasks=3)
    monkeypatch.chdir(tmp_path)
    places = ("data/01-amber.csv", "data")
    (tmp_path / "data" / "03-amber.csv").rename(tmp_path / "later.csv")
    with study_from_files(*map(Path, places), encoder=None, out=None, target=None) as (before, _, _):
        text = before.read_text()
    (tmp_path / "later.csv").rename(tmp_path / "data" / "03-amber.csv")
    with study_from_files(*map(Path, places), encoder=None, out=None, target=None) as (after, _, _):
        pass
    assert after == before
    assert "03-amber" in after.read_text()
    assert "03-amber" not in text


def test_a_table_without_sources_is_told_to_name_them(tmp_path, monkeypatch, capsys):
    (tmp_path / "mine.csv").write_text("text,label\nwater,yes\n")
    code, _, err = call(monkeypatch, capsys, "rank", tmp_path / "mine.csv")
    assert code == 2
    assert "a table" in err
    assert "--sources FOLDER" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
