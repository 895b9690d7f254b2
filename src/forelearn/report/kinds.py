"""Kinds of task and what is measured of them, in words: a study may hold several of both."""

from __future__ import annotations

from collections.abc import Sequence

from forelearn.core.task import CORRELATIONS, Kind, are_spans
from forelearn.report.summary import Summary, TaskRow
from forelearn.report.wording import metric_name, of

KINDS: dict[Kind, str] = {
    "binary": "binary",
    "multiclass": "multiclass",
    "regression": "regression",
    "multiple_choice": "multiple choice",
    "sequence_labelling": "sequence labelling",
    "question_answering": "question answering",
}
_MEANT = {
    "average_precision": "area under precision over recall as the threshold falls; needs no threshold",
    "f1": "harmonic mean of precision and recall of the positive label at the stated threshold",
    "macro_f1": "F1 of each label, averaged over labels",
    "accuracy": "share of examples with the right label",
    "precision": "share of examples called positive that are positive",
    "recall": "share of positive examples that are called positive",
    "matthews": "correlation between the labels that are given and the right ones",
    "pearson": "linear correlation between the numbers that are given and the right ones",
    "spearman": "correlation between the ranks of the numbers that are given and of the right ones",
    "span_f1": "harmonic mean of the share of found spans that are right and of right spans that are found; "
    "right is a span with both ends and the type",
    "span_precision": "share of the spans found that are right, with both ends and the type",
    "span_recall": "share of the right spans that are found, with both ends and the type",
    "answer_f1": "F1 of the words of an answer against the best of the right ones, averaged over questions",
    "exact_match": "share of questions whose answer is a right one, but for case, punctuation and articles",
}
_MEANT_OF: dict[tuple[str, Kind], str] = {
    ("accuracy", "sequence_labelling"): "share of words with the right tag",
    ("accuracy", "multiple_choice"): "share of examples whose right choice is taken",
}


def target_metrics(summary: Summary) -> tuple[str, ...]:
    """The metrics that decide for the study's targets, each once; of all tasks while nothing is answered."""
    targets = {answer.target for answer in summary.answers}
    found = [task.metric for task in summary.tasks if not targets or task.name in targets]
    return tuple(dict.fromkeys(found)) or (summary.metric,)


def measured_by(summary: Summary) -> str:
    """`average precision`, or `each target’s own metric` where targets have several."""
    metrics = target_metrics(summary)
    return metric_name(metrics[0]) if len(metrics) == 1 else "each target’s own metric"


def own_metrics(summary: Summary) -> dict[str, str]:
    """Target → its metric in words, to stand beside its figures; empty where all have the same."""
    if len(target_metrics(summary)) == 1:
        return {}
    return {task.name: metric_name(task.metric) for task in summary.tasks}


def kind_words(task: TaskRow) -> str:
    """`multiclass, 3 labels`, `sequence labelling, 4 types of span`, `multiple choice of 2`."""
    words = KINDS[task.kind]
    if task.kind == "multiclass":
        return f"{words}, {_together(of(len(task.labels), 'label'))}"
    if task.kind == "sequence_labelling":
        types = {label[2:] for label in task.labels if label != "O"}
        shown = of(len(types), "type of span", "types of span") if are_spans(task.labels) else None
        return f"{words}, {_together(shown or of(len(task.labels), 'tag'))}"
    if task.kind == "multiple_choice" and task.choices:
        return f"{words} of {task.choices}"
    return words


def _together(text: str) -> str:
    """`text` without a place to break the line."""
    return text.replace(" ", "\u00a0")


def definition(metric: str, kinds: Sequence[Kind]) -> str:
    """What a metric is for the kinds that it measures, and its range."""
    usual = _MEANT.get(metric, "the study’s metric")
    meant = dict.fromkeys(_MEANT_OF.get((metric, kind), usual) for kind in kinds) or {usual: None}
    low = "−1" if metric in CORRELATIONS else "0"
    return f"{', or '.join(meant)}; in [{low}, 1]."
