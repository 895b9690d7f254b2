"""What of a target's test rows stands in a source."""

import random
import time

from tests.tasks.test_audit import plain, task, unique

from forelearn.core.data import Answer, Examples, task_data
from forelearn.tasks.leaks import all_leaks, leaks
from forelearn.tasks.near import THRESHOLD, resemblance, shingles


def test_tasks_of_different_texts_leak_nothing():
    leak = leaks(plain("a"), plain("b"))
    assert (leak.rows, leak.exact, leak.near, leak.share, leak.pairs) == (20, 0, 0, 0.0, ())


def test_exact_and_near_copies_are_counted_once_each_with_both_documents():
    """Of 20 test rows one stands in train in capitals, one in dev with a word more: 2 of 20 leak."""
    target = plain("b")
    train, dev = unique(40, "t"), unique(20, "d")
    train[7] = target.test.texts[3].upper()
    dev[2] = target.test.texts[5] + " also"
    leak = leaks(task("a", train, dev, unique(20, "e")), target)
    assert (leak.exact, leak.near, leak.share) == (1, 1, 0.1)
    assert leak.pairs == (("b2003", "a7"), ("b2005", "a1002"))


def test_what_the_source_is_tested_on_leaks_nothing():
    target = plain("b")
    source = task("a", unique(40, "t"), unique(20, "d"), list(target.test.texts))
    assert leaks(source, target).pairs == ()
    assert leaks(target, source).pairs == ()


def test_all_pairs_are_compared_in_both_directions_and_only_leaks_are_kept():
    target, clean = plain("b"), plain("c")
    source = task("a", [*unique(39, "t"), target.test.texts[0]], unique(20, "d"), unique(20, "e"))
    found = all_leaks({"a": source, "b": target, "c": clean})
    assert list(found) == [("a", "b")]
    assert found[("a", "b")] == leaks(source, target)


def test_near_copies_are_those_that_comparing_all_rows_finds():
    draw = random.Random(3)
    texts = unique(400, "w")
    changed = [
        " ".join(word for place, word in enumerate(text.split()) if place not in draw.sample(range(8), k % 3))
        for k, text in enumerate(texts)
    ]
    source = task("a", texts, unique(20, "d"), unique(20, "e"))
    target = task("b", unique(40, "t"), unique(20, "f"), changed)
    ones, others = shingles(changed), shingles(texts)
    near = sum(
        changed[row] != texts[row] and resemblance(ones[row], others[row]) >= THRESHOLD for row in range(400)
    )
    leak = leaks(source, target)
    assert leak.exact == sum(one == other for one, other in zip(changed, texts))
    assert 0.97 * near <= leak.near <= near
    assert near > 20


def test_kinds_are_compared_by_all_that_is_read_of_an_example():
    """A question with its context, and the same words as a sequence of words."""
    question = Examples(
        ("q1",),
        ("who ran to the river that night",),
        pairs=("Ann ran to the river",),
        answers=((Answer(0, "Ann"),),),
    )
    words = ("who", "ran", "to", "the", "river", "that", "night", "Ann", "ran", "to", "the", "river")
    sequence = Examples(("s1",), (" ".join(words),), words=(words,), tags=((0,) * len(words),))
    asked = task_data("qa", (), question, question, question, kind="question_answering")
    tagged = task_data("pos", ("X", "Y"), sequence, sequence, sequence, kind="sequence_labelling")
    assert leaks(tagged, asked).exact == leaks(asked, tagged).exact == 1


def test_a_text_without_words_is_no_near_copy_of_another():
    first, second = Examples(("a",), ("!",), (0,)), Examples(("b",), ("?",), (0,))
    one = task_data("a", ("x", "y"), first, first, first)
    other = task_data("b", ("x", "y"), second, second, second)
    assert leaks(one, other).pairs == ()


def test_thirty_tasks_of_a_thousand_rows_are_compared_in_seconds():
    tasks = {
        f"t{n}": task(f"t{n}", unique(1000, f"t{n}"), unique(200, f"d{n}"), unique(1000, f"e{n}"))
        for n in range(30)
    }
    start = time.process_time()
    assert all_leaks(tasks) == {}
    assert time.process_time() - start < 30


def test_many_copies_of_one_text_do_not_make_the_comparison_quadratic():
    copies = [f"the same words in every one {number}" for number in range(2000)]
    start = time.process_time()
    leak = leaks(
        task("a", copies, unique(5, "d"), unique(5, "e")), task("b", unique(5, "t"), unique(5, "f"), copies)
    )
    assert leak.exact == 2000
    assert time.process_time() - start < 10
