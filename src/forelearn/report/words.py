"""Documents as two models read them: each word shaded by its conductance in the source's model (upper half)
and in the target's (lower half), shared active words marked."""

from __future__ import annotations

import math

from forelearn.report.markup import Markup, element, join, name
from forelearn.report.summary import Document, Explanation, Word
from forelearn.report.wording import number, signed

STRONGEST = 75
"""Percent of the full colour at a conductance of 1: the text must stay readable on it."""


def explanation(shown: Explanation) -> Markup:
    """All documents of one pair."""
    line = (
        "Upper half of a word: conductance in the source’s own model; lower half: in the target’s. Blue "
        "speaks for a label, orange against it: the positive one, or of three or more the one that is predicted. "
        "Framed words are active in both "
        f"(from {number(shown.threshold, 2)} on)."
    )
    return element(
        "div",
        {"class": "reading"},
        element("p", {"class": "quiet"}, line),
        [_document(item) for item in shown.documents],
    )


def shared(document: Document) -> int:
    """How many words of the document are active in both models."""
    return sum(word.active_source and word.active_target for word in document.words)


def _document(document: Document) -> Markup:
    head = join(
        element("b", {}, name(document.id)), " · ", document.label, f" · {shared(document)} shared active"
    )
    body = [document.before, [_word(word) for word in document.words]]
    return element(
        "figure", {"class": "document"}, element("figcaption", {}, head), element("p", {"dir": "auto"}, body)
    )


def _word(word: Word) -> Markup:
    style = f"--a:{_strength(word.score_source)};--b:{_strength(word.score_target)}"
    kind = " ".join(
        part
        for part, wanted in (("w", True), ("na", word.score_source < 0), ("nb", word.score_target < 0))
        if wanted
    )
    both = word.active_source and word.active_target
    title = f"source {signed(word.score_source, 2)}, target {signed(word.score_target, 2)}"
    shown = element("mark" if both else "span", {"class": kind, "style": style, "title": title}, word.text)
    return join(shown, word.after)


def _strength(score: float) -> int:
    """Percent of the full colour: the square root lets weak and strong words be told apart."""
    return round(STRONGEST * math.sqrt(min(1.0, abs(score))))
