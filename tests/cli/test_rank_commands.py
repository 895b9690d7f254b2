"""`rank` as a person runs it: the answer first, one clear error for a wrong word, cards."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.cli.test_commands import call, tree
from tests.families import small_study

from forelearn.estimators.methods import METHODS
from forelearn.experiment.prior import read_prior


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tasks whose single-task models stand already."""
    from forelearn.experiment.rank import rank

    path = small_study(tmp_path_factory.mktemp("rank"), tasks=3, more="[run]\nworkers = 1\n")
    rank(path, "01-amber", by=("hscore",))
    return path


def test_the_answer_comes_first_then_the_order_and_what_stands_beside_it(
    study: Path, monkeypatch, capsys
) -> None:
    code, out, _ = call(monkeypatch, capsys, "rank", study, "--target", "01-amber", "--by", "hscore,size")
    assert code == 0
    assert out.startswith("What to learn before 01-amber?")
    assert f"prior {read_prior().version}" in out
    assert "Rank: hscore, size, fused." in out
    for name in ("random", "size", "static"):
        assert f"Beside it, {name}" in out
    assert "hscore: " in out
    assert "forward passes" in out
    # nothing has run: all expected gains are alike, so no column of chances is shown, and no legend of it
    assert "much the same for every source" in out
    assert "P > 0" not in out


def test_scores_that_a_narrow_terminal_has_no_room_for_are_said_to_be_elsewhere(
    study: Path, monkeypatch, capsys
) -> None:
    arguments = ("rank", study, "--target", "01-amber", "--by", "hscore,size")
    said = "Single scores: on a wider terminal"
    monkeypatch.setenv("COLUMNS", "40")
    assert said in " ".join(call(monkeypatch, capsys, *arguments)[1].split())
    monkeypatch.setenv("COLUMNS", "120")
    assert said not in " ".join(call(monkeypatch, capsys, *arguments)[1].split())


def test_json_and_csv_go_to_stdout_alone(study: Path, monkeypatch, capsys) -> None:
    arguments = ("rank", study, "--target", "01-amber", "--by", "size")
    _, out, _ = call(monkeypatch, capsys, *arguments, "--json")
    value = json.loads(out)
    _, out, _ = call(monkeypatch, capsys, *arguments, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["source"] for row in rows] == [row["source"] for row in value["rows"]]


def test_the_list_of_methods_names_them_all(study: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    for given in ([study], []):  # the list is of no study
        code, out, _ = call(monkeypatch, capsys, "rank", *given, "--by", "list")
        assert code == 0
        assert all(
            (name in out) == (name != "rrf") for name in METHODS
        )  # what is named is fused by it, always
    code, _, err = call(monkeypatch, capsys, "rank")
    assert code == 2
    assert "needs a study" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "01-amber", "--by", "logmee"), "logme"),
        (("--target", "01-ambre"), "01-amber"),
        ((), "--target"),
        (("--target", "01-amber", "--prior", "nowhere.json"), "nowhere.json"),
        (("--cards", "nowhere"), "--target"),
        (("--target", "01-amber", "--cards", "nowhere"), "nowhere"),
    ],
)
def test_a_wrong_word_is_one_error_that_names_the_right_one(
    study: Path, arguments, said, monkeypatch, capsys
) -> None:
    before = tree(study.parent)
    code, _, err = call(monkeypatch, capsys, "rank", study, *arguments)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2
    assert len(errors) == 1
    assert said in errors[0]
    assert tree(study.parent) == before


def test_a_target_is_ranked_against_cards(study: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    library = tmp_path / "cards"
    code, out, _ = call(monkeypatch, capsys, "cards", "build", study, "--library", library)
    assert code == 0
    assert "02-amber: made" in out
    code, out, _ = call(
        monkeypatch, capsys, "rank", study, "--target", "01-amber", "--cards", library, "--json"
    )
    assert code == 0
    assert {card["name"] for card in json.loads(out)["cards"]} == {"02-amber", "03-amber"}
