"""Several models together: the mean of what each predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from forelearn.core.data import Answer, Examples, TaskData
from forelearn.core.errors import InputError
from forelearn.models.batch import ragged
from forelearn.models.heads import Items, head_for
from forelearn.models.task_model import load_model, new_model, save_model
from forelearn.models.tiny import build_tiny
from forelearn.tasks.synthetic_kinds import Form, Sizes, lexicons, make_task
from forelearn.training.ensemble import (
    Member,
    Trained,
    mean_probabilities,
    mean_values,
    predict_together,
    softmax,
)
from forelearn.training.ensemble_spans import best_spans
from forelearn.training.predict import predict

FORMS: tuple[Form, ...] = ("binary", "multiclass", "pair", "regression", "choice", "spans", "tags", "answers")
LENGTH = 48


@pytest.fixture(scope="module")
def tasks() -> Mapping[Form, TaskData]:
    lexicon = lexicons(0, 1)[0]
    return {form: make_task(form, form, lexicon, sizes=Sizes(train=40, dev=10, test=12)) for form in FORMS}


@pytest.fixture(scope="module")
def folders(
    tasks: Mapping[Form, TaskData], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[Form, list[Path]]:
    """Two models a form with heads of two seeds; what they have learned does not matter here."""
    start = tmp_path_factory.mktemp("encoder")
    build_tiny(
        [text for data in tasks.values() for text in data.train.read()],
        start,
        layers=1,
        hidden=32,
        heads=2,
        vocabulary=700,
    )
    found: dict[Form, list[Path]] = {}
    for form, data in tasks.items():
        found[form] = [tmp_path_factory.mktemp(f"{form}-{seed}") for seed in range(2)]
        for seed, folder in enumerate(found[form]):
            save_model(new_model(start, head_for(data), seed=seed), folder)
    return found


def member(logits: object, name: str = "a", labels: tuple[str, ...] = ("no", "yes")) -> Member:
    return Member(name, "binary", labels, np.asarray(logits, np.float32))


def unlabelled(examples: Examples) -> Examples:
    """The same without what is to be found; tags and answers become stand-ins."""
    return replace(
        examples,
        labels=(),
        values=(),
        tags=tuple((0,) * len(words) for words in examples.words),
        answers=((Answer(0, ""),),) * len(examples) if examples.answers else (),
    )


def test_two_rows_by_hand():
    """Softmax of (0, 0) is (1/2, 1/2), of (0, ln 3) is (1/4, 3/4), of (ln 3, 0) is (3/4, 1/4).

    Row 1: the mean of (1/2, 1/2) and (1/4, 3/4) is (3/8, 5/8); row 2: of (3/4, 1/4) and (3/4, 1/4) is the same.
    """
    three = float(np.log(3))
    found = mean_probabilities([member([[0, 0], [three, 0]]), member([[0, three], [three, 0]], "b")])
    np.testing.assert_allclose(found, [[3 / 8, 5 / 8], [3 / 4, 1 / 4]], atol=1e-7)
    numbers = [
        replace(member([[1.0], [4.0]]), kind="regression"),
        replace(member([[2.0], [0.0]]), kind="regression"),
    ]
    np.testing.assert_array_equal(mean_values(numbers), [[1.5], [2.0]])


def test_a_sure_model_outweighs_two_that_hardly_lean_the_other_way():
    votes = [member([[0.1, 0.0]]), member([[0.1, 0.0]]), member([[0.0, 5.0]])]
    assert mean_probabilities(votes).argmax() == 1


def test_one_model_alone_is_itself():
    logits = np.random.default_rng(0).normal(size=(50, 2)) * 9
    np.testing.assert_array_equal(mean_probabilities([member(logits)]), softmax(np.float32(logits)))
    np.testing.assert_array_equal(mean_values([member(logits)]), np.float32(logits))


def test_the_order_of_the_models_changes_no_bit():
    draw = np.random.default_rng(1)
    members = [member(draw.normal(size=(40, 2)) * 10.0**scale) for scale in (-3, 0, 1, 1)]
    first = mean_probabilities(members), mean_values(members)
    for order in permutations(members):
        np.testing.assert_array_equal(mean_probabilities(order), first[0])
        np.testing.assert_array_equal(mean_values(order), first[1])


def test_large_logits_give_probabilities_and_no_overflow():
    np.testing.assert_array_equal(softmax(np.array([[3e38, -3e38]], np.float32)), [[1.0, 0.0]])


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (member([[0, 0]], "b", ("yes", "no")), "differ in labels: `yes`, `no` and `no`, `yes`"),
        (Member("b", "multiclass", ("no", "yes"), np.zeros((1, 2), np.float32)), "differ in kind of task"),
        (member([[0, 0], [0, 0]], "b"), "differ in shape"),
    ],
)
def test_models_that_are_not_of_one_task_are_refused_by_one_problem(other, said):
    with pytest.raises(InputError, match="model b") as refused:
        mean_probabilities([member([[0, 0]]), other])
    assert len(refused.value.problems) == 1
    assert said in str(refused.value)


def test_no_model_is_refused():
    with pytest.raises(InputError, match="has no model"):
        mean_values([])


@pytest.mark.parametrize("form", FORMS)
def test_one_model_of_every_kind_predicts_alone_what_it_predicts_and_needs_no_label(form, tasks, folders):
    examples = tasks[form].test
    alone = predict(load_model(folders[form][0]), examples, max_length=LENGTH)
    together = predict_together([Trained("a", folders[form][0], LENGTH)], unlabelled(examples))
    assert together.kind == tasks[form].task.kind
    assert together.labels == tasks[form].labels
    if together.kind in ("regression", "question_answering"):
        np.testing.assert_allclose(together.values, alone, rtol=1e-6)
    else:
        np.testing.assert_array_equal(together.values, softmax(alone))


@pytest.mark.parametrize("form", ["binary", "regression", "choice", "spans", "answers"])
def test_two_models_say_the_same_in_either_order_and_something_else_than_one(form, tasks, folders):
    models = [Trained(str(number), folder, LENGTH) for number, folder in enumerate(folders[form])]
    examples = unlabelled(tasks[form].test)
    both = predict_together(models, examples).values
    np.testing.assert_array_equal(predict_together(models[::-1], examples).values, both)
    assert not np.array_equal(predict_together(models[:1], examples).values, both)


def test_models_of_two_tasks_are_refused(tasks, folders):
    models = [Trained("a", folders["binary"][0], LENGTH), Trained("b", folders["regression"][0], LENGTH)]
    with pytest.raises(InputError, match="model b: and model a differ in kind of task"):
        predict_together(models, unlabelled(tasks["binary"].test))


def test_models_that_cut_contexts_into_other_windows_are_refused(tasks, folders):
    models = [Trained("a", folders["answers"][0], LENGTH), Trained("b", folders["answers"][1], 24)]
    with pytest.raises(InputError, match="model b: reads texts in other tokens than a"):
        predict_together(models, unlabelled(tasks["answers"].test))


def test_the_span_is_the_one_with_the_highest_sum_not_a_vote():
    """A context of three words, `aa bb cc`. One model scores them 5, 4, 0, the other 0, 4, 5, as first and as last.

    Alone they point at `aa` (10) and at `cc` (10). The means are 2.5, 4, 2.5: `bb`, with a score of 8.
    """
    spots = np.array([[-1, -1], [0, 2], [3, 5], [6, 8]], np.int64)
    tokens = ragged([[1, 5, 6, 7]], None)
    items = Items(tokens, np.array([0], np.int64), np.zeros((1, 2), np.int64), spots=spots)
    one, other = (np.array([[float(word)] * 2 for word in words]) for words in ([0, 5, 4, 0], [0, 0, 4, 5]))
    assert best_spans(one, items).tolist() == [[0, 2, 10]]
    assert best_spans(other, items).tolist() == [[6, 8, 10]]
    assert best_spans((one + other) / 2, items).tolist() == [[3, 5, 8]]
