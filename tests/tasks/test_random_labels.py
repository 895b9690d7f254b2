"""The control of an auxiliary task: the same texts, answers that say nothing."""

from __future__ import annotations

from collections import Counter

import pytest

from forelearn.core.data import TaskData
from forelearn.tasks.random_labels import find_data, with_random_labels
from forelearn.tasks.synthetic_kinds import Form, Sizes, lexicons, make_task

FORMS: tuple[Form, ...] = ("binary", "multiclass", "pair", "regression", "choice", "spans", "answers")


def make(form: Form) -> TaskData:
    return make_task(form, form, lexicons(0, 1)[0], sizes=Sizes(train=80, dev=10, test=10))


@pytest.mark.parametrize("form", FORMS)
def test_texts_and_the_frequencies_of_answers_stay_and_the_answers_do_not(form: Form) -> None:
    data = make(form)
    other = with_random_labels(data)
    assert other.train.texts == data.train.texts
    assert (other.dev, other.test, other.labels) == (data.dev, data.test, data.labels)
    for column in ("labels", "values"):
        assert Counter(getattr(other.train, column)) == Counter(getattr(data.train, column))
    flat, before = ([tag for tags in one.train.tags for tag in tags] for one in (other, data))
    assert Counter(flat) == Counter(before)
    assert other.train != data.train
    assert other.task.digest != data.task.digest
    assert with_random_labels(data) == other


def test_a_random_answer_is_a_span_of_its_context() -> None:
    other = with_random_labels(make("answers"))
    for context, answers in zip(other.train.pairs or (), other.train.answers, strict=True):
        for answer in answers:
            assert answer.text
            assert context[answer.start : answer.start + len(answer.text)] == answer.text


def test_a_control_is_found_by_its_name() -> None:
    data = make("binary")
    other = with_random_labels(data)
    assert find_data({"binary": data}, data.task.name) is data
    assert find_data({"binary": data}, other.task.name) == other
    with pytest.raises(KeyError):
        find_data({"pair": data}, other.task.name)
