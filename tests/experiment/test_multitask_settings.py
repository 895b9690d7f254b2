"""The [multitask] section of a study file: a method and its options, refused by section and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from forelearn.core.errors import InputError
from forelearn.experiment.multitask_settings import chosen_method, read_given
from forelearn.experiment.study import parse_study

DATA = '[[data]]\nfiles = "x.csv"\n\n[multitask]\n'


def section(text: str):
    return parse_study(DATA + text, path=Path("study.toml")).settings.multitask


def test_without_the_section_the_method_is_the_one_that_the_docs_recommend_with_its_defaults():
    found = chosen_method(section(""), None, {})
    assert found.method == "alpha-vil-robust"
    assert found.option("alpha_steps") == 5


def test_the_command_line_goes_over_the_section_and_the_section_over_the_defaults():
    held = section("alpha_steps = 4\nshare = 0.5")
    found = chosen_method(held, None, {"share": "0.25"})
    assert (found.option("alpha_steps"), found.option("share")) == (4, 0.25)


def test_another_method_keeps_those_options_of_the_section_that_every_method_has():
    found = chosen_method(section("alpha_steps = 4\nshare = 0.5"), "multitask", {})
    assert found.method == "multitask"
    assert found.option("share") == 0.5


def test_a_method_beside_takes_what_was_said_of_all_and_nothing_of_the_first():
    held = section("alpha_steps = 4\nshare = 0.5")
    beside = chosen_method(held, None, {"optimiser": "sgd", "alpha_rate": 1.0}, "alpha-vil")
    assert beside.method == "alpha-vil"
    assert (beside.option("optimiser"), beside.option("share")) == ("sgd", 0.5)
    assert beside.option("alpha_steps") != 4
    assert beside.option("alpha_rate") != 1.0


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('method = "alpha-vill"', "[multitask] method", "Did you mean `alpha-vil`?"),
        ("alpha_rat = 1.0", "[multitask] alpha_rat", "Did you mean `alpha_rate`?"),
        ("alpha_rate = -1.0", "[multitask] alpha_rate", "must be 0 or more"),
        ("alpha_rate = inf", "[multitask] alpha_rate", "must be a number"),
        ("share = [0.5]", "[multitask] share", "is one value"),
        ("method = 3", "[multitask] method", "cannot be 3"),
        ('method = "multitask"\nalpha_rate = 1.0', "[multitask] alpha_rate", "is none of multitask"),
    ],
)
def test_what_the_method_refuses_is_named_by_section_and_key(text, place, message):
    with pytest.raises(InputError) as refused:
        section(text)
    [problem] = refused.value.problems
    assert problem.where == f"study.toml, {place}"
    assert message in str(problem)


def test_two_wrong_options_are_both_said():
    with pytest.raises(InputError) as refused:
        section("alpha_rate = -1.0\nshare = 3")
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize("text", ["floor = 0.2\nprobe = 0.3", "floor = 0.001\nprobe = 0.005"])
def test_options_that_are_right_together_are_taken_though_one_alone_were_wrong(text):
    assert section(text).options["floor"] < section(text).options["probe"]


def test_two_options_that_are_wrong_only_together_are_said_once():
    with pytest.raises(InputError) as refused:
        section("floor = 0.09\nprobe = 0.02")
    assert len(refused.value.problems) == 1
    assert "floor" in str(refused.value)


def test_a_value_that_an_aggregator_needs_may_stand_in_the_section():
    pytest.importorskip("torchjd")
    text = 'method = "torchjd:TrimmedMean"\ntrim_number = 1'
    assert section(text).options == {"trim_number": 1}
    joint = DATA.replace("[multitask]", '[search]\njoint = "torchjd:TrimmedMean"\n\n[multitask]')
    assert parse_study(joint + text, path=Path("study.toml")).settings.search.joint
    with pytest.raises(InputError, match="needs a value"):
        section('method = "torchjd:TrimmedMean"')


def test_options_of_a_command_line_are_read_as_texts():
    assert read_given(["share=0.5", " optimiser = sgd"]) == {"share": "0.5", "optimiser": "sgd"}
