"""Why a row cannot be used: each cause is said once, with all the rows that it holds for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Cause:
    """Why rows cannot be used, or are doubtful: said once with all of them."""

    what: str
    fix: str
    level: Literal["error", "warning"] = "error"


class Refused(Exception):
    """A row that cannot be used. detail: what of it, after its place."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(cause.what, detail)
        self.cause = cause
        self.detail = detail


class Dropped(Exception):
    """A row whose label the section drops."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


ODD_TEXT = Cause("The text is a list, not one text", "Name a column of texts.")
HALF_SIGN = Cause(
    "A text holds half a character (a lone surrogate such as \\ud83d)",
    "It cannot be stored: write both halves, or remove it.",
)
SEVERAL = Cause("A row has several labels", "Set one_vs_rest = true, so that each label is a task.")
NO_NUMBER = Cause(
    "The label of a regression is not a finite number",
    "Correct it, add it to `drop`, or leave `kind` out if the column holds names.",
)
UNEVEN = Cause(
    "A row has not as many tags as words",
    "Give a tag to each word; words and tags in one cell are separated by blanks.",
)
EMPTY_WORD = Cause("A word is empty", "Remove it with its tag, or check what separates columns.")
EMPTY_TAG = Cause(
    "A word has no tag", "Tag it (`O` is outside of every span), or check what separates columns."
)
NO_CHOICE = Cause(
    "The label says no choice",
    "It is the position counted from 0, the name of the choice's column, or a name listed in `labels`.",
)
EMPTY_CHOICE = Cause("A choice is empty", "Fill it in, or remove the row.")
EQUAL_CHOICES = Cause(
    "Rows with two equal choices are left out",
    "One of them cannot be right and the other wrong; mend the rows.",
    "warning",
)
OFF = Cause(
    "An answer does not stand in its context where `start` says",
    "Positions count characters from 0 in the context as it is, white space included; correct them.",
)
NO_START = Cause(
    "A row has not as many positions as answers", "Name the column of positions as `start`, one an answer."
)
ODD_START = Cause(
    "The position of an answer is no whole number of 0 or more",
    "Positions count characters from 0; where there is no answer, leave both cells empty.",
)
EMPTY_ANSWER = Cause("An answer is empty", "Remove it; a question without an answer is left out.")
NO_CONTEXT = Cause("Contexts that are empty are left out", "Check the column and the rows.", "warning")
EMPTY = Cause("Empty texts are left out", "Check the column and the rows.", "warning")
UNLABELLED = Cause("Rows without a label are left out", "Check the column and the rows.", "warning")
UNANSWERABLE = Cause(
    "Questions without an answer are left out",
    "What is learned is where an answer stands, not whether there is one.",
    "warning",
)
