"""The audit of tasks that are no classification."""

from forelearn.core.data import Answer, Examples, task_data
from forelearn.tasks.audit import audit, balances


def ids(count: int, split: str) -> tuple[str, ...]:
    return tuple(f"{split}{place}" for place in range(count))


def splits(make, **options):
    """A task of 30, 10 and 10 examples; make(number, split) gives the columns of one as a dict."""
    parts = []
    for split, count in (("train", 30), ("dev", 10), ("test", 10)):
        rows = [make(number, split) for number in range(count)]
        parts.append(Examples(ids(count, split), **{key: tuple(row[key] for row in rows) for key in rows[0]}))
    return task_data("t", options.pop("labels", ()), *parts, **options)


def regression(same=False):
    def make(number, split):
        place = "one" if same and number < 2 else number
        return {"texts": f"{split} text of number {place} here", "values": float(number)}

    return splits(make, kind="regression")


def tagging(tags=(0, 1)):
    def make(number, split):
        words = (f"{split}{number}", f"river{number}")
        return {"texts": " ".join(words), "words": words, "tags": tags}

    return splits(make, labels=("O", "B-x"), kind="sequence_labelling")


def question(context="context {split} {number} of its own"):
    def make(number, split):
        own = context.format(number=number, split=split)
        return {
            "texts": f"what is {split} {number}",
            "pairs": own,
            "answers": (Answer(0, own.split()[0]),),
        }

    return splits(make, kind="question_answering")


def choice():
    def make(number, split):
        return {
            "texts": f"{split} premise {number}",
            "choices": (f"{split} a {number}", f"{split} b {number}"),
            "labels": number % 2,
        }

    return splits(make, kind="multiple_choice")


def whats(data):
    return " | ".join(problem.what for problem in audit({"t": data}))


def test_sound_tasks_of_every_kind_have_no_problem():
    for data in (regression(), tagging(), question(), choice()):
        assert whats(data) == ""


def test_what_counts_as_positive_is_said_by_kind():
    """30 train examples: every value, every sequence with a tag, every question; half of them choice 1."""
    counts = [balances({"t": data})[0] for data in (regression(), tagging(), question(), choice())]
    assert [(one.positives, one.counted) for one in counts] == [
        (30, "documents"),
        (30, "sequences with a tag"),
        (30, "documents"),
        (15, "documents of the rarest choice"),
    ]


def test_few_spans_are_said_as_spans():
    assert "Few sequences with a tag: 0 in train, 0 in dev, 0 in test" in whats(tagging(tags=(0, 0)))


def test_one_text_with_two_numbers_is_a_conflict():
    assert "The same text carries different labels: 3 in `t`" in whats(regression(same=True))


def test_two_answers_to_one_question_are_no_conflict():
    data = question()
    twice = Examples(
        data.train.ids,
        (data.train.texts[0],) * 30,
        pairs=(data.train.pairs[0],) * 30,
        answers=data.train.answers,
    )
    doubled = task_data("t", (), twice, data.dev, data.test, kind="question_answering")
    assert whats(doubled) == ""


def test_questions_of_one_context_in_two_splits_are_near_copies():
    long = "the same long context of many words about a river and the people who lived beside it for years"
    assert "Nearly the same text (resemblance from 0.7) stands in test and in train" in whats(
        question(context=long)
    )
