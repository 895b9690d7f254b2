import importlib

import pytest

from forelearn.core.task import METRICS
from forelearn.estimators.methods import METHODS, NEEDS, method_named

NAMES = [
    "logme",
    "hscore",
    "nce",
    "leep",
    "transrate",
    "gbc",
    "parc",
    "knn",
    "curvegrad",
    "size",
    "overlap",
    "cooccurrence",
    "words",
    "random",
    "static",
    "textemb",
    "textemb_raw",
    "taskemb",
    "grademb",
    "esm",
    "ansat",
    "rrf",
]


def test_every_method_is_listed_under_its_name():
    assert list(METHODS) == NAMES
    assert all(method.name == name for name, method in METHODS.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_method_takes_a_kind_of_task_or_says_why_not(name):
    method = METHODS[name]
    assert set(method.kinds) | set(dict(method.otherwise)) == set(METRICS)
    assert not set(method.kinds) & set(dict(method.otherwise))
    for kind in METRICS:
        refusal = method.refusal(kind)
        assert (refusal is None) == (kind in method.kinds)
        assert refusal is None or ("\n" not in refusal and refusal.startswith(f"{name}: "))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_method_is_computed_by_exists(name):
    function = METHODS[name].function
    if function:
        module, attribute = function.split(".")
        assert callable(getattr(importlib.import_module(f"forelearn.estimators.{module}"), attribute))


def test_what_is_missing_is_named():
    esm = METHODS["esm"]
    assert esm.refusal("binary", have=("features", "source_features")) is None
    assert esm.refusal("binary", have=("features",)) == f"esm: needs {NEEDS['source_features']}"
    assert METHODS["random"].refusal("question_answering", have=()) is None


def test_the_kinds_of_targets_agree_with_what_the_functions_take():
    """Methods of classes alone are refused for values by the table, as by the functions themselves."""
    assert {name for name in NAMES if "regression" in METHODS[name].kinds} >= {"logme", "parc", "knn"}
    for name in ("hscore", "nce", "leep", "transrate", "gbc"):
        assert "a value has no class" in (METHODS[name].refusal("regression") or "")


def test_an_unknown_name_is_refused_with_the_nearest():
    assert method_named("logme") is METHODS["logme"]
    with pytest.raises(ValueError, match="Did you mean `hscore`"):
        method_named("hscor")
