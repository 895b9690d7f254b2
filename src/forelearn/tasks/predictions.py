"""What was predicted of the rows of a file, and how it is written as CSV and as JSON lines.

| kind | prediction | beside it |
| --- | --- | --- |
| binary, multiclass | the label | the probability of each label |
| multiple_choice | the position of the choice, from 0 | the probability of each choice |
| regression | the number | nothing |
| sequence_labelling | a tag a word | the probability of each of these tags |
| question_answering | the text of the answer | its start and end in the context, in characters, and its score |
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.task import Kind

Said = str | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Predicted:
    """What was predicted of n rows.

    labels: of the task, as the model calls them; empty for kinds without.
    index: [n] what names each row. said: [n] the prediction, as the table of this file says.
    probabilities: [n, C] in the order of `labels` or of the choices; [n, words] of the tags that are said; else
        empty. spans: [n] (start, end, score) of answers; else empty.
    """

    kind: Kind
    labels: tuple[str, ...]
    index: tuple[str, ...]
    said: tuple[Said, ...]
    probabilities: tuple[tuple[float, ...], ...] = ()
    spans: tuple[tuple[int, int, float], ...] = ()

    def __len__(self) -> int:
        return len(self.index)

    @property
    def columns(self) -> tuple[str, ...]:
        """What the probabilities of a row are of: the labels, or the positions of the choices."""
        if self.kind == "multiple_choice":
            return tuple(
                str(place) for place in range(len(self.probabilities[0]) if self.probabilities else 0)
            )
        return self.labels if self.kind in ("binary", "multiclass") else ()


def renamed(predicted: Predicted, names: Mapping[str, str]) -> Predicted:
    """The same with other names of labels. names: label → what it is called. InputError for an unknown label."""
    for label in names:
        if label not in predicted.labels:
            known = did_you_mean(label, predicted.labels) or f"A {predicted.kind} task has no labels."
            raise InputError(Problem("--labels", f"there is no label `{label}`.", known))
    new = {label: names.get(label, label) for label in predicted.labels}
    if len(set(new.values())) < len(new):
        raise InputError(Problem("--labels", "gives two labels one name.", "Name them apart."))
    said = tuple(_renamed(one, new) for one in predicted.said) if names else predicted.said
    return replace(predicted, labels=tuple(new.values()), said=said)


def _renamed(said: Said, new: Mapping[str, str]) -> Said:
    if isinstance(said, tuple):
        return tuple(new[tag] for tag in said)
    return new[said] if isinstance(said, str) else said


def as_csv(predicted: Predicted) -> str:
    """A header and a line a row. Tags and their probabilities stand in one cell, separated by blanks."""
    tags = predicted.kind == "sequence_labelling"
    header = ["id", "prediction", *(f"probability of {name}" for name in predicted.columns)]
    lines = [_line([*header, *(["probability"] if tags else []), *(_SPAN if predicted.spans else ())])]
    for row, name in enumerate(predicted.index):
        said = predicted.said[row]
        cells: list[Any] = [name, " ".join(said) if isinstance(said, tuple) else said]
        if predicted.probabilities:
            shown = [f"{value:.6f}" for value in predicted.probabilities[row]]
            cells += [" ".join(shown)] if tags else shown
        lines.append(_line([*cells, *(predicted.spans[row] if predicted.spans else ())]))
    return "".join(lines)


def _line(cells: Sequence[Any]) -> str:
    """A line of the table. Python quotes a lone carriage return only where lines end in one."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


_SPAN = ("start", "end", "score")


def as_jsonl(predicted: Predicted) -> str:
    """An object a line: id, prediction, and what the kind has beside it."""
    lines = []
    for row, name in enumerate(predicted.index):
        value: dict[str, Any] = {"id": as_number(name), "prediction": predicted.said[row]}
        if predicted.columns:
            value["probabilities"] = dict(zip(predicted.columns, _rounded(predicted.probabilities[row])))
        elif predicted.probabilities:
            value["probabilities"] = _rounded(predicted.probabilities[row])
        if predicted.spans:
            value |= dict(zip(_SPAN, predicted.spans[row]))
        lines.append(json.dumps(value, ensure_ascii=False) + "\n")
    return "".join(lines)


def as_number(index: str) -> int | str:
    """An index as a number if it is one, written as numbers are."""
    return int(index) if index.isdecimal() and str(int(index)) == index else index


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 6) for value in values]
