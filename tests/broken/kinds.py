"""Studies whose sections do not fit their kind."""

import json
from collections.abc import Callable

from tests.broken.base import TOP, with_study
from tests.broken.formats import SECTION, with_file

Values = dict[str, object]


def lines(
    make: Callable[[int], Values], *, third: Values | None = None, count: int = 60
) -> Callable[[], str]:
    """JSON lines, the third of them changed."""

    def write() -> str:
        values = [make(number) for number in range(count)]
        values[2] |= third or {}
        return "\n".join(map(json.dumps, values))

    return write


def number(row: int) -> Values:
    return {"text": f"text {row}", "label": row % 9 / 2}


def choice(row: int) -> Values:
    return {"text": f"text {row}", "one": f"first {row}", "two": f"second {row}", "label": row // 2 % 2}


def sequence(row: int) -> Values:
    return {"text": ["Ann", "saw", f"w{row}"], "label": ["B-per", "O", ("O", "B-num")[row % 2]]}


J = 'files = "k.jsonl"\n'
REGRESSION = f'{J}kind = "regression"'
CHOICE = f'{J}kind = "multiple_choice"\nchoices = ["one", "two"]'
SEQUENCE = f'{J}kind = "sequence_labelling"'

with_study(
    "unknown kind", "[[data]] 1 kind", "`kind` cannot be 'ranking'", SECTION, f'{SECTION}\nkind = "ranking"'
)
with_study(
    "positive label of a regression",
    "[[data]] 1",
    "`positive` is not for regression",
    SECTION,
    f'{SECTION}\nkind = "regression"',
)
with_study(
    "choices of a classification",
    "[[data]] 1",
    "`choices` is not for classification",
    SECTION,
    f'{SECTION}\nchoices = ["id", "text"]',
)
with_study(
    "no choices",
    "[[data]] 1",
    "needs the columns of its choices",
    SECTION,
    'files = "a.csv"\nkind = "multiple_choice"',
)
with_study("part that is none", "[[data]] 1", "no part 3/2", SECTION, f'{SECTION}\npart = "3/2"')
with_study(
    "metric of another kind in a section",
    "[[data]] 1 metric",
    "`pearson` is not measured for binary tasks",
    SECTION,
    f'{SECTION}\nmetric = "pearson"',
)
with_study(
    "metric that no kind has here",
    "study.toml, metric",
    "`exact_match` is not measured for binary",
    TOP,
    f'{TOP}\nmetric = "exact_match"',
)

with_file(
    "score that is no number",
    "[[data]] 1: k.jsonl, row 3",
    "has `high`",
    REGRESSION,
    "k.jsonl",
    lines(number, third={"label": "high"}),
)
with_file(
    "one score everywhere",
    "task `k`",
    "holds the value 2 only",
    REGRESSION,
    "k.jsonl",
    lines(lambda row: number(row) | {"label": 2}),
)
with_file(
    "scores read as labels",
    "[[data]] 1 label",
    "different values",
    J,
    "k.jsonl",
    lines(lambda row: number(row) | {"label": row / 7}),
)
with_file(
    "choice that is not there",
    "[[data]] 1: k.jsonl, row 3",
    "says no choice",
    CHOICE,
    "k.jsonl",
    lines(choice, third={"label": 2}),
)
with_file(
    "empty choice",
    "[[data]] 1: k.jsonl, row 3",
    "A choice is empty",
    CHOICE,
    "k.jsonl",
    lines(choice, third={"two": ""}),
)
with_file(
    "one choice always right",
    "task `k`",
    "choice 1 is always right",
    CHOICE,
    "k.jsonl",
    lines(lambda row: choice(row) | {"label": 1}),
)
with_file(
    "fewer tags than words",
    "[[data]] 1: k.jsonl, row 3",
    "has 3 words and 2 tags",
    SEQUENCE,
    "k.jsonl",
    lines(sequence, third={"label": ["O", "O"]}),
)
with_file(
    "one tag everywhere",
    "[[data]] 1 label",
    "1 different tags",
    SEQUENCE,
    "k.jsonl",
    lines(lambda row: sequence(row) | {"label": ["O"] * 3}),
)
with_file(
    "answers without positions",
    "[[data]] 1 start",
    "no column `answers.answer_start`",
    f'{J}kind = "question_answering"\nlabel = "answer"',
    "k.jsonl",
    lines(lambda row: {"question": f"q {row}", "context": f"c {row}", "answer": "c"}),
)
