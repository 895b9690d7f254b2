"""What transformers calls a head, out of the name of a whole model."""

from __future__ import annotations


def head_name(architecture: str) -> str:
    """`QuestionAnswering` of `BertForQuestionAnswering`, and of `XLNetForQuestionAnsweringSimple`."""
    return architecture.rpartition("For")[2].removesuffix("Simple")
