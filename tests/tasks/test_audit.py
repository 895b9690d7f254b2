"""The audit, and the search for near copies under it."""

import random
import time

import pytest

from forelearn.core.data import Examples, TaskData, task_data
from forelearn.tasks.audit import audit, balances, families
from forelearn.tasks.near import near_pairs, resemblance, shingles


def part(texts, *, first=0, name="d", labels=None):
    return Examples(
        ids=tuple(f"{name}{first + place}" for place in range(len(texts))),
        texts=tuple(texts),
        labels=tuple(labels or [place % 2 for place in range(len(texts))]),
    )


def unique(count, word):
    draw = random.Random(word)
    return [" ".join(f"{word}{draw.randrange(10**6)}" for _ in range(8)) for _ in range(count)]


def task(name, train, dev, test) -> TaskData:
    return task_data(
        name,
        ("no", "yes"),
        part(train, name=name),
        part(dev, first=1000, name=name),
        part(test, first=2000, name=name),
    )


def plain(name) -> TaskData:
    return task(name, unique(40, f"{name}t"), unique(20, f"{name}d"), unique(20, f"{name}e"))


def whats(problems):
    return " | ".join(f"{problem.where}: {problem.what}" for problem in problems)


def test_tasks_without_a_fault_have_no_problem():
    assert audit({"a": plain("a"), "b": plain("b")}) == []


def test_exact_copies_are_found_in_any_case_and_spacing_with_both_places():
    data = plain("a")
    copy = data.train.texts[3].upper().replace(" ", "  ")
    test = Examples(data.test.ids, (copy, *data.test.texts[1:]), data.test.labels)
    leaky = task_data("a", data.labels, data.train, data.dev, test)
    problem = audit({"a": leaky}, places={"a3": "t.csv, row 5", "a2000": "t.csv, row 90"})[-1]
    assert problem.level == "warning"
    assert "The same text stands in test and in train, once: t.csv, row 90 = t.csv, row 5" in problem.what


def test_near_copies_are_found_between_the_splits_of_a_task():
    data = plain("a")
    words = data.train.texts[3].split()
    copy = " ".join([*words, "http://t.co/x1"])
    near = " ".join([*words, "also"])
    test = Examples(data.test.ids, (copy, near, *data.test.texts[2:]), data.test.labels)
    found = whats(audit({"a": task_data("a", data.labels, data.train, data.dev, test)}))
    assert "Nearly the same text (resemblance from 0.7) stands in test and in train, 2 times" in found


def test_exact_and_near_copies_between_two_splits_are_one_warning():
    data = plain("a")
    near = data.train.texts[3] + " also"
    test = Examples(data.test.ids, (data.train.texts[4], near, *data.test.texts[2:]), data.test.labels)
    (problem,) = audit({"a": task_data("a", data.labels, data.train, data.dev, test)})
    assert problem.what == (
        "The same text stands in test and in train, once, and nearly the same (resemblance from 0.7) once: "
        "a2000 = a4; a2001 = a3."
    )


def test_copies_from_a_source_to_a_target_of_other_documents_are_named_with_both_tasks():
    source, target = plain("a"), plain("b")
    train = Examples(source.train.ids, (target.test.texts[0], *source.train.texts[1:]), source.train.labels)
    source = task_data("a", source.labels, train, source.dev, source.test)
    (problem,) = audit({"a": source, "b": target})
    assert problem.where == "task `b`"
    assert "stands in its test and in train or dev of other tasks: once in `a`; for example b2000 = a0." in (
        problem.what
    )


def test_the_copies_in_several_tasks_are_one_warning_that_counts_exact_and_near_ones():
    target = plain("t")
    near = target.test.texts[2] + " also"
    one = task("a", [*target.test.texts[:2], near, *unique(37, "a")], unique(20, "x"), unique(20, "y"))
    other = task("b", unique(40, "b"), [target.test.texts[1], *unique(19, "z")], unique(20, "w"))
    found = [problem for problem in audit({"t": target, "a": one, "b": other}) if problem.where == "task `t`"]
    assert [problem.what.split("tasks: ")[1].split(";")[:2] for problem in found] == [
        ["3 times in `a`, 1 of them nearly", " once in `b`"]
    ]


def test_a_source_that_trains_on_its_targets_test_documents_is_said():
    data = plain("a")
    turned = task_data("b", data.labels, data.test, data.dev, data.train)
    found = whats(audit({"a": data, "b": turned}))
    assert "task `a`: As a source it learns 40 documents that `b` is tested on" in found


def test_tasks_over_the_same_documents_and_splits_are_counted_once():
    data = plain("a")
    test = Examples(data.test.ids, (data.train.texts[0], *data.test.texts[1:]), data.test.labels)
    leaky = {name: task_data(name, data.labels, data.train, data.dev, test) for name in ("a", "b", "c")}
    assert families(leaky) == [["a", "b", "c"]]
    (copies,) = [problem for problem in audit(leaky) if "same text stands" in problem.what]
    assert copies.where == "task `a` and 2 more tasks"


def test_conflicting_labels_of_one_text_are_counted_by_task():
    data = plain("a")
    train = Examples(data.train.ids, (data.train.texts[1], *data.train.texts[1:]), data.train.labels)
    (problem,) = audit({"a": task_data("a", data.labels, train, data.dev, data.test)})
    assert "The same text carries different labels: 1 in `a`; for example a0 and a1." in problem.what


def test_few_positives_are_said_for_each_split():
    data = plain("a")
    train = Examples(data.train.ids, data.train.texts, (1,) * 3 + (0,) * 37)
    (problem,) = audit({"a": task_data("a", data.labels, train, data.dev, data.test)})
    assert "3 in train" in problem.what


def test_the_table_of_labels_counts_by_hand():
    """40, 20 and 20 documents, every second one positive."""
    table = balances({"a": plain("a")})
    assert [(line.split, line.examples, line.positives, line.prevalence) for line in table] == [
        ("train", 40, 20, 0.5),
        ("dev", 20, 10, 0.5),
        ("test", 20, 10, 0.5),
    ]


def test_resemblance_by_hand():
    """a b c d has the pairs ab bc cd, a b c e has ab bc ce: 2 of 4 are common."""
    one, other, same, single, nothing = shingles(["a b c d", "A, b c e", "a b... c d http://x.y", "a", "!"])
    assert resemblance(one, other) == pytest.approx(2 / 4)
    assert resemblance(one, same) == 1.0
    assert len(single) == 1
    assert len(nothing) == 0
    assert resemblance(nothing, nothing) == 0.0


def test_the_banded_search_finds_what_comparing_all_pairs_finds():
    draw = random.Random(7)
    words = [f"w{number}" for number in range(300)]
    texts, sides = [], []
    for number in range(150):
        text = [draw.choice(words) for _ in range(14)]
        texts.append(" ".join(text))
        sides.append(0)
        changed = list(text)
        for _ in range(number % 3):
            changed[draw.randrange(14)] = draw.choice(words)
        texts.append(" ".join(changed))
        sides.append(1)
    sets = shingles(texts)
    exhaustive = {
        (one, other)
        for one in range(len(texts))
        for other in range(one + 1, len(texts))
        if sides[one] != sides[other] and resemblance(sets[one], sets[other]) >= 0.75
    }
    found = {(one, other) for one, other, _ in near_pairs(texts, sides, threshold=0.75)}
    assert found <= exhaustive
    assert len(found) >= 0.98 * len(exhaustive)
    assert len(exhaustive) > 60


def test_texts_of_one_side_are_not_compared():
    assert near_pairs(["a b c", "a b c"], [0, 0]) == []
    assert near_pairs(["a b c", "a b c"], [0, 1]) == [(0, 1, 1.0)]
    assert near_pairs([], []) == []
    assert near_pairs(["!", "?"], [0, 1]) == []


@pytest.mark.slow
def test_many_copies_of_one_text_do_not_make_the_search_quadratic():
    start = time.perf_counter()
    near_pairs(
        [f"the same words in every one {number}" for number in range(4000)], [n % 2 for n in range(4000)]
    )
    assert time.perf_counter() - start < 20
