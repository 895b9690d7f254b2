"""Options of methods: what is refused and how, what a command line gives, what a plan says."""

from __future__ import annotations

from dataclasses import fields

import pytest

from forelearn.core.errors import InputError
from forelearn.core.multitask import Scalar
from forelearn.training.multitask.methods import METHODS, multitask, options_of


def refused(method: str, **given: Scalar) -> str:
    with pytest.raises(InputError) as error:
        multitask(method, given)
    assert error.value.exit_code == 2
    (problem,) = error.value.problems
    return str(problem)


def test_an_unknown_option_is_refused_with_the_nearest_one() -> None:
    assert refused("alpha-vil", alpha_stepz=3) == (
        "option `alpha_stepz`: is none of alpha-vil. Did you mean `alpha_steps`?"
    )
    assert "is none of single. Did you mean" not in refused("single", zzz=1)
    assert "is none of single" in refused("single", alpha_steps=3)


def test_an_unknown_method_is_refused_with_the_nearest_one() -> None:
    assert refused("alpha-vill").startswith("method `alpha-vill`: is not known. Did you mean `alpha-vil`?")


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("alpha_steps", 2.5, "must be a whole number, got `2.5`"),
        ("alpha_steps", "many", "must be a whole number, got `many`"),
        ("alpha_steps", True, "must be a whole number"),
        ("alpha_steps", "inf", "must be a whole number"),
        ("alpha_steps", "nan", "must be a whole number"),
        ("alpha_rate", "fast", "must be a number, got `fast`"),
        ("alpha_rate", True, "must be a number"),
        ("dropout", "perhaps", "must be true or false, got `perhaps`"),
        ("dropout", 2, "must be true or false"),
        ("optimiser", "adam", "must be one of adamw, sgd, got `adam`"),
        ("deltas", "fp16", "must be one of fp32, bf16, got `fp16`"),
        ("schedule", 1, "must be one of constant, linear"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: Scalar, rule: str) -> None:
    said = refused("alpha-vil", **{name: value})
    assert said.startswith(f"option `{name}`: ")
    assert rule in said


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("share", [0, -0.1, 1.1, "nan"]),
        ("momentum", [-0.1, 1.0]),
        ("epsilon", [0.0, "inf"]),
        ("compute", [-1]),
        ("select", [-0.1, 1.0]),
        ("alpha_rate", [-1, "nan", "inf"]),
        ("alpha_momentum", [-0.5, 1]),
        ("alpha_steps", [-1]),
        ("alpha_share", [0, 1.01]),
        ("alpha_batch", [-1]),
        ("floor", [-1e-9, 0.0, 1.5]),  # weights of 0 alone have no shares
    ],
)
def test_a_value_out_of_range_is_refused(name: str, values: list[Scalar]) -> None:
    for value in values:
        said = refused("alpha-vil", **{name: value})
        assert said.startswith(f"option `{name}`: must ")


def test_texts_of_a_command_line_are_read_as_what_they_say() -> None:
    texts: dict[str, Scalar] = {
        "alpha_steps": "3",
        "alpha_rate": "1e-3",
        "dropout": "no",
        "optimiser": "sgd",
        "share": "0.25",
    }
    values: dict[str, Scalar] = {
        "alpha_steps": 3,
        "alpha_rate": 0.001,
        "dropout": False,
        "optimiser": "sgd",
        "share": 0.25,
    }
    plan = multitask("alpha-vil", texts)
    assert plan == multitask("alpha-vil", values)
    assert {name: plan.option(name) for name in values} == values
    assert [type(plan.option(name)) for name in values] == [type(value) for value in values.values()]
    assert multitask("single", {"share": 1}) == multitask("single")
    assert isinstance(multitask("single", {"share": 1}).option("share"), float)


@pytest.mark.parametrize("name", METHODS)
def test_a_plan_says_every_option_sorted_by_name_and_gives_them_back(name: str) -> None:
    plan = multitask(name)
    names = [option for option, _ in plan.options]
    assert names == sorted(names)
    assert {"share", "optimiser", "schedule", "dropout", "compute", "select"} <= set(names)
    options = options_of(plan)
    assert set(names) == {field.name for field in fields(options)}
    assert multitask(name, dict(plan.options)) == plan
    assert multitask(name, {"share": 0.5}) != plan
