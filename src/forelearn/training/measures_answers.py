"""What is measured on answers: exact match and F1 over words (Rajpurkar et al. 2016, §6.1: SQuAD 1.1).

Both compare normalised texts: lower case, without punctuation (ASCII), without the articles a, an, the, and
with single spaces. F1 is that of two bags of words. The best of a question's right answers counts; the mean is
over questions. Both lie in [0, 1], where the paper writes percent; higher is better.

Differs from the paper's script: two texts that are both empty once they are normalised are an exact match
there with F1 0; here F1 is 1 too.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from forelearn.training.measures_groups import Undefined

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def answer_measures(predicted: Sequence[str], answers: Sequence[Sequence[str]]) -> dict[str, float]:
    """`answer_f1` and `exact_match`.

    predicted: one answer a question, "" for none. answers: the right answers of each question, at least one.
    Raises `Undefined`, a `ValueError`, without questions; `ValueError` if lengths differ or a question has no
    right answer.
    """
    if len(predicted) != len(answers):
        raise ValueError(
            f"every question needs one answer: {len(predicted)} answers, {len(answers)} questions"
        )
    if not answers:
        raise Undefined("answer_f1 is undefined: 0 questions")
    if not all(answers):
        raise ValueError("every question needs at least one right answer")
    return {
        "answer_f1": fmean(
            max(answer_f1(guess, one) for one in right) for guess, right in zip(predicted, answers)
        ),
        "exact_match": fmean(
            float(normalised(guess) in [normalised(one) for one in right])
            for guess, right in zip(predicted, answers)
        ),
    }


def answer_f1(predicted: str, answer: str) -> float:
    """F1 between the bags of words of two normalised texts, in [0, 1]; symmetric; 1 if both are empty."""
    one, two = Counter(normalised(predicted).split()), Counter(normalised(answer).split())
    words = one.total() + two.total()
    return 2 * (one & two).total() / words if words else 1.0


def normalised(text: str) -> str:
    """The text as SQuAD 1.1 compares it."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())
