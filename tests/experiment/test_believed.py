"""What was believed is kept: a replay fits nothing again, and believes the same."""

from dataclasses import replace

import pytest
from tests.families import small_study, without_costs

from forelearn.experiment import api, beliefs
from forelearn.experiment.believed import Believed
from forelearn.experiment.opening import Options
from forelearn.search.value import BASELINE, Guess

ONE = Options(workers=1)


def test_guesses_are_read_to_the_last_bit_and_a_damaged_file_is_none(tmp_path):
    kept = Believed(tmp_path, writes=True)
    guesses = {
        ("A → B", "C"): Guess(0.1 + 0.2, 1 / 3, 1e-300),
        (BASELINE, "C"): Guess(0.0, float("inf"), 0.0),
    }
    kept.put("a", guesses, "too few")
    assert Believed(tmp_path, writes=False).get("a") == (guesses, "too few")
    assert kept.get("b") is None
    for text in (
        "{",
        "[]",
        '{"guesses": [["A"]], "note": ""}',
        '{"guesses": [["A", "B", "x", 1, 2]], "note": ""}',
    ):
        (tmp_path / "a.json").write_text(text)
        assert kept.get("a") is None


def test_who_only_looks_writes_and_removes_nothing(tmp_path):
    Believed(tmp_path, writes=True).put("a", {}, "")
    looking = Believed(tmp_path, writes=False)
    looking.put("b", {}, "")
    looking.drop_unused()
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    driver = Believed(tmp_path, writes=True)
    driver.put("b", {}, "")
    driver.drop_unused()
    assert [file.name for file in tmp_path.iterdir()] == ["b.json"]


@pytest.mark.slow
def test_a_second_start_and_who_looks_fit_nothing_and_see_the_same(tmp_path, monkeypatch):
    study = small_study(tmp_path)
    first = api.search(study, ONE)
    files = sorted((tmp_path / "out" / "beliefs").iterdir())
    assert files

    def never(*given, **more):
        raise AssertionError("fitted again")

    with monkeypatch.context() as patched:
        patched.setattr(beliefs, "posterior", never)
        patched.setattr(beliefs, "fit_predictor", never)
        assert without_costs(api.search(study, ONE).as_json()) == without_costs(first.as_json())
        assert without_costs(api.report(study, ONE).as_json()) == without_costs(first.as_json())
    assert sorted((tmp_path / "out" / "beliefs").iterdir()) == files
    for file in files:
        file.unlink()
    assert without_costs(api.report(study, ONE).as_json()) == without_costs(first.as_json())
    assert not list((tmp_path / "out" / "beliefs").iterdir())  # a report writes nothing
    assert without_costs(api.search(study, ONE).as_json()) == without_costs(first.as_json())
    assert sorted((tmp_path / "out" / "beliefs").iterdir()) == files


@pytest.mark.slow
def test_what_decides_a_belief_decides_its_file(tmp_path):
    """A score that differs in its last bits, and a gain that is not known any more."""
    study = small_study(tmp_path, tasks=3, seeds=1)
    api.search(study, ONE)
    _, search, held = api.standing(study, ONE)
    columns = held.columns(search)
    key = held._key(search, columns)
    assert held._key(search, columns) == key
    assert held._key(search, replace(columns, rows=columns.rows + 1e-12)) != key
    name = next(one for one, outcome in search.outcomes.items() if outcome.transfer.sources)
    target = search.outcomes.pop(name).transfer.target
    search._gains.pop(target.name)
    assert held._key(search, columns) != key
