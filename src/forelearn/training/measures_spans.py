"""What is measured on tags: accuracy over words and, for BIO tags, F1, precision and recall over spans.

A span opens at `B-x`, or at an `I-x` that does not follow a tag of the same type (as the evaluation of
CoNLL-2000 reads it, Tjong Kim Sang & Buchholz 2000), and goes on through the `I-x` behind it. A predicted span
is right if a true one has the same first word, last word and type. Counts are pooled over sequences and types
(micro average). All measures lie in [0, 1], higher is better.

What is undefined. Precision without a predicted span, and with it F1, is 0. Recall and F1 without a true span
have no meaning and are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forelearn.training.measures_groups import Undefined

Span = tuple[int, int, str]
"""First word, the word behind the last, and the type."""


def tag_measures(
    predicted: Sequence[Sequence[str]], truth: Sequence[Sequence[str]], *, spans: bool
) -> dict[str, float]:
    """`span_f1`, `span_precision`, `span_recall` and `accuracy`; without `spans` the accuracy alone.

    predicted, truth: the tags of each sequence, as many predicted as true ones.
    Raises `Undefined`, a `ValueError`, without a word, or without a true span where spans are measured;
    `ValueError` if lengths differ or a tag is not BIO.
    """
    if [len(tags) for tags in predicted] != [len(tags) for tags in truth]:
        raise ValueError("every sequence needs as many predicted tags as true ones")
    words = sum(len(tags) for tags in truth)
    if not words:
        raise Undefined("accuracy is undefined: no words")
    right = sum(one == two for row in zip(predicted, truth) for one, two in zip(*row))
    accuracy = {"accuracy": right / words}
    if not spans:
        return accuracy
    guessed, known = (
        {(row, *span) for row, tags in enumerate(side) for span in spans_of(tags)}
        for side in (predicted, truth)
    )
    if not known:
        raise Undefined(f"span_recall is undefined: {words} words, none in a span")
    hits = len(guessed & known)
    return {
        "span_f1": 2 * hits / (len(guessed) + len(known)),
        "span_precision": hits / len(guessed) if guessed else 0.0,
        "span_recall": hits / len(known),
        **accuracy,
    }


def spans_of(tags: Sequence[str]) -> Iterator[Span]:
    """The spans that BIO tags mark, from left to right. `ValueError` for a tag that is not BIO."""
    start, inside = 0, ""
    for place, tag in enumerate([*tags, "O"]):
        if tag != "O" and (tag[:2] not in ("B-", "I-") or len(tag) < 3):
            raise ValueError(f"a tag must be O, B-type or I-type; got {tag!r}")
        kind = tag[2:]
        if inside and (tag[:2] != "I-" or kind != inside):
            yield start, place, inside
            inside = ""
        if kind and not inside:
            start, inside = place, kind
