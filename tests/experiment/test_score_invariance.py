"""What must not change a score: names of classes, order of examples, batches, padding. In 64 bits, on a tiny model.

Exempt, and said so where they stand: the released batch form of TaskEmb, CURVEGRAD, and rank fusion, which are
functions of an order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.models.small_encoders import build

from forelearn.core.data import Examples, TaskData
from forelearn.estimators.esm import esm_score, fit_esm, moments
from forelearn.experiment.row_scores import BY_FEATURES, BY_PREDICTIONS, by_features, by_predictions
from forelearn.models.heads import Head, head_for
from forelearn.models.heads.classification import Classification
from forelearn.models.task_model import TaskModel, new_model
from forelearn.representations import reading
from forelearn.representations.features import row_features
from forelearn.representations.source_predictions import source_predictions
from forelearn.representations.textemb import task_textemb
from forelearn.tasks.synthetic_kinds import Form, Sizes, lexicons, make_task

pytestmark = pytest.mark.slow

FORMS: tuple[Form, ...] = ("multiclass", "pair", "choice", "regression", "spans")
TOLERANCE = 1e-6
Values = dict[str, float]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> TaskModel:
    """A random classifier of three labels, in 64 bits; its weights are wide enough that rows differ."""
    start = build("bert", tmp_path_factory.mktemp("bert"))
    model = new_model(start, Classification(("a", "b", "c")), seed=1)
    with torch.no_grad():
        for parameter in model.model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(8.0)
    return model


def task(form: Form) -> TaskData:
    return make_task(form, form, lexicons(0, 1)[0], sizes=Sizes(train=60, dev=4, test=4))


def scores(source: TaskModel, examples: Examples, head: Head) -> Values:
    """Every score of a source for the examples of a target."""
    how = {"max_length": 40, "precision": "fp64"}
    rows = row_features(source, examples, head, **how)  # type: ignore[arg-type]
    found = {name: one.value for name, one in by_features(rows.features, rows.targets, seed=0).items()}
    if head.kind in ("binary", "multiclass", "multiple_choice"):
        said = source_predictions(source, examples, head, **how)  # type: ignore[arg-type]
        found |= {
            name: one.value for name, one in by_predictions(said.probabilities, said.targets, seed=0).items()
        }
    base = rows.features[:, ::-1].copy()  # any other features of the same rows
    found["esm"] = esm_score(fit_esm(base, rows.features), moments(base, rows.targets))
    vector = task_textemb(source, examples, head, **how).vector  # type: ignore[arg-type]
    found["textemb"] = float(vector @ np.linspace(-1, 1, len(vector)))
    return {name: value for name, value in found.items() if value is not None}


def same(one: Values, other: Values) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert other[name] == pytest.approx(value, abs=TOLERANCE), name


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_examples_changes_no_score(form: Form, source: TaskModel) -> None:
    data = task(form)
    before = scores(source, data.train, head_for(data))
    assert len(before) >= 3
    turned = np.random.default_rng(3).permutation(len(data.train)).tolist()
    same(before, scores(source, data.train.pick(turned), head_for(data)))


@pytest.mark.parametrize("form", ["multiclass", "pair", "spans"])
def test_the_names_of_classes_change_no_score(form: Form, source: TaskModel) -> None:
    data = task(form)
    order = np.random.default_rng(1).permutation(len(data.labels))
    names: list[str] = [""] * len(order)
    for old, new in enumerate(order):
        names[new] = data.labels[old]
    renamed = replace(
        data.train,
        labels=tuple(int(order[label]) for label in data.train.labels),
        tags=tuple(tuple(int(order[tag]) for tag in tags) for tags in data.train.tags),
    )
    head: Callable[[tuple[str, ...]], Head] = type(head_for(data))  # type: ignore[assignment]
    same(scores(source, data.train, head_for(data)), scores(source, renamed, head(tuple(names))))


@pytest.mark.parametrize("form", FORMS)
def test_batches_and_padding_change_no_score(
    form: Form, source: TaskModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = task(form)
    together = scores(source, data.train, head_for(data))
    monkeypatch.setattr(reading, "_TOKENS", 1)  # a batch an example: nothing is padded
    same(together, scores(source, data.train, head_for(data)))


def test_every_method_of_rows_takes_part(source: TaskModel) -> None:
    data = task("multiclass")
    found = scores(source, data.train, head_for(data))
    assert {*BY_FEATURES, *BY_PREDICTIONS, "esm", "textemb"} == found.keys()


def test_features_that_are_dealt_out_anew_score_below_the_true_ones() -> None:
    """A source whose features have nothing to do with the target's rows comes last by every method."""
    chance = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    features: NDArray[np.float64] = chance.standard_normal((120, 16))
    features[:, :3] += 4.0 * np.eye(3)[labels]
    true = by_features(features, labels, seed=0)
    dealt = by_features(chance.permutation(features), labels, seed=0)
    for name, one in true.items():
        assert (one.value or 0) > (dealt[name].value or 0), name
        # and on nearly every half of the rows
        wins = np.array(one.halves) > np.array(dealt[name].halves)
        assert wins.mean() > 0.9, name


def test_which_rows_are_drawn_depends_on_what_they_say_not_on_their_names(source: TaskModel) -> None:
    data = task("multiclass")
    renamed = replace(data.train, ids=tuple(f"other {row}" for row in range(len(data.train))))
    how = {"max_length": 40, "precision": "fp64", "most": 20}
    one, other = (
        row_features(source, part, head_for(data), **how)  # type: ignore[arg-type]
        for part in (data.train, renamed)
    )
    np.testing.assert_array_equal(one.rows, other.rows)
