"""Predictions in the forms that the servers of GLUE and SuperGLUE take.

Source: Wang et al. 2019, "GLUE", and Wang et al. 2019, "SuperGLUE", and the submission pages of both benchmarks.
GLUE takes tab-separated lines under the header `index`, `prediction`; SuperGLUE JSON lines `{"idx": 0, "label": …}`.
In SuperGLUE the truth values are texts: `true` and `false`, but `True` and `False` for WSC.

How a model's labels become the values that a task wants, names compared without case, blanks, `-` and `_`:
1. A label that is called as a value, or as the hub calls that value (`equivalent` of MRPC), is that value.
2. Of two labels and two values, a label that is a value by rule 1 leaves the other value to the other label: `not 1`
   beside `1` is 0.
3. Every label must then have a value, and no two the same one. What the user says (`--labels`) comes first, and may
   give several labels one value.
So `0` and `1` are nothing for RTE: which of them is `entailment` must be said.

Not covered: MultiRC and ReCoRD, whose answers are nested in questions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from forelearn.core.errors import InputError, Problem
from forelearn.core.task import CLASSIFICATION, Kind
from forelearn.tasks.predictions import Predicted, as_number

Benchmark = Literal["glue", "superglue"]
Value = str | int

TITLES: dict[Benchmark, str] = {"glue": "GLUE", "superglue": "SuperGLUE"}


@dataclass(frozen=True, slots=True)
class Form:
    """What a benchmark wants of one of its tasks.

    file: the name of the file. values: value → what else it is called. Empty for numbers.
    kind: `choice` says the position of a choice, `number` a number in [0, 5], `label` one of the values.
    """

    file: str
    values: Mapping[Value, tuple[str, ...]]
    kind: Literal["label", "choice", "number"] = "label"

    @property
    def name(self) -> str:
        """The task's name: the file's, without suffix."""
        return self.file.rpartition(".")[0]


_BINARY: dict[Value, tuple[str, ...]] = {0: ("false", "no"), 1: ("true", "yes")}
_ENTAILED: dict[Value, tuple[str, ...]] = {"not_entailment": (), "entailment": ()}
_THREE: dict[Value, tuple[str, ...]] = {"contradiction": (), "neutral": (), "entailment": ()}
_TRUTH: dict[Value, tuple[str, ...]] = {"false": ("0", "no"), "true": ("1", "yes")}


def _zero_one(zero: str, one: str) -> dict[Value, tuple[str, ...]]:
    return {0: (*_BINARY[0], zero), 1: (*_BINARY[1], one)}


FORMS: dict[Benchmark, tuple[Form, ...]] = {
    "glue": (
        Form("CoLA.tsv", _zero_one("unacceptable", "acceptable")),
        Form("SST-2.tsv", _zero_one("negative", "positive")),
        Form("MRPC.tsv", _zero_one("not_equivalent", "equivalent")),
        Form("STS-B.tsv", {}, "number"),
        Form("QQP.tsv", _zero_one("not_duplicate", "duplicate")),
        Form("MNLI-m.tsv", _THREE),
        Form("MNLI-mm.tsv", _THREE),
        Form("QNLI.tsv", _ENTAILED),
        Form("RTE.tsv", _ENTAILED),
        Form("WNLI.tsv", _zero_one("not_entailment", "entailment")),
        Form("AX.tsv", _THREE),
    ),
    "superglue": (
        Form("BoolQ.jsonl", _TRUTH),
        Form("CB.jsonl", _THREE),
        Form("COPA.jsonl", {0: ("choice1",), 1: ("choice2",)}, "choice"),
        Form("RTE.jsonl", _ENTAILED),
        Form("WiC.jsonl", _TRUTH),
        Form("WSC.jsonl", {"False": ("0", "no"), "True": ("1", "yes")}),
        Form("AX-b.jsonl", _ENTAILED),
        Form("AX-g.jsonl", _ENTAILED),
    ),
}


def form_of(benchmark: Benchmark, file: str) -> Form:
    """The form that is written to a file of this name. InputError, with the names that the benchmark takes."""
    for form in FORMS[benchmark]:
        if form.file == file:
            return form
    near = next((form.file for form in FORMS[benchmark] if form.file.lower() == file.lower()), None)
    rule = f"`{file}` is no file that {TITLES[benchmark]} takes."
    fix = f"Call it `{near}`." if near else f"It takes {', '.join(form.file for form in FORMS[benchmark])}."
    raise InputError(Problem("-o", rule, fix))


def file_for(benchmark: Benchmark, task: str) -> str:
    """The name of the file for a task of this name, compared as labels are. InputError if there is none."""
    for form in FORMS[benchmark]:
        if _bare(form.name) == _bare(task):
            return form.file
    known = ", ".join(form.file for form in FORMS[benchmark])
    raise InputError(
        Problem("-o", f"{TITLES[benchmark]} has no file for a task called `{task}`.", f"Name one of {known}.")
    )


def values_of(
    form: Form, kind: Kind, labels: Sequence[str], said: Mapping[str, str] | None = None
) -> dict[str, Value]:
    """The value of every label; empty where predictions need none (numbers, choices).

    labels: of the model. said: label → value, what the user says. InputError, which lists both sides, for a task of
    another kind than the form wants, and for labels that cannot be mapped.
    """
    wanted = {"label": CLASSIFICATION, "choice": ("multiple_choice",), "number": ("regression",)}[form.kind]
    if kind not in wanted:
        kinds = " or ".join(wanted).replace("_", " ")
        rule = f"wants {kinds}, and this task is {kind.replace('_', ' ')}."
        raise InputError(Problem(form.name, rule, "Write it as csv or jsonl, or name another file."))
    if form.kind != "label":
        return {}
    found = _mapped(form, labels, said or {})
    return {label: found[label] for label in labels}


def _mapped(form: Form, labels: Sequence[str], said: Mapping[str, str]) -> dict[str, Value]:
    """By the rules of this file."""
    texts = {str(value): value for value in form.values}
    for label, text in said.items():
        if label not in labels or text not in texts:
            raise InputError(_unmapped(form, labels, f"`{label}={text}` names no label or no value."))
    called = {_bare(name): value for value, names in form.values.items() for name in (str(value), *names)}
    found = {label: called[_bare(label)] for label in labels if _bare(label) in called}
    found |= {label: texts[text] for label, text in said.items()}
    if len(labels) == 2 == len(form.values) and len(found) == 1:
        known, value = next(iter(found.items()))
        other = next(label for label in labels if label != known)
        found[other] = next(one for one in form.values if one != value)
    without = [label for label in labels if label not in found]
    if without:
        raise InputError(_unmapped(form, labels, f"`{without[0]}` is none of the values."))
    guessed = [value for label, value in found.items() if label not in said]
    if len(set(guessed)) < len(guessed) or (not said and len(labels) != len(form.values)):
        raise InputError(_unmapped(form, labels, "They do not stand for one value each."))
    return found


def _unmapped(form: Form, labels: Sequence[str], what: str) -> Problem:
    values = ", ".join(f"`{value}`" for value in form.values)
    names = ", ".join(f"`{label}`" for label in labels)
    fix = f'Say it for each label: --labels "{labels[0]}={next(iter(form.values))}" …'
    return Problem(form.name, f"wants {values}; the model's labels are {names}. {what}", fix)


def submission(benchmark: Benchmark, form: Form, predicted: Predicted, values: Mapping[str, Value]) -> str:
    """The text of the file. values: from `values_of`. Lines stand in the order of the rows.

    Numbers are cut to [0, 5] and written with three decimals. InputError for an index that is no number, or that
    stands twice.
    """
    index = [as_number(name) for name in predicted.index]
    odd = next((name for name in index if isinstance(name, str)), None)
    if odd is not None or len(set(index)) < len(index):
        rule = f"`{odd}` is no number." if odd is not None else "A number stands twice."
        fix = "Number the rows in a column `index` or `idx`, or leave that column (and `id`) out."
        raise InputError(
            Problem("index of the rows", f"{TITLES[benchmark]} wants a number a row. {rule}", fix)
        )
    found: list[Value] = []
    for said in predicted.said:
        match form.kind:
            case "number":
                assert isinstance(said, float)
                found.append(f"{min(max(said, 0.0), 5.0):.3f}")
            case "choice":
                assert isinstance(said, int)
                found.append(said)
            case "label":
                assert isinstance(said, str)
                found.append(values[said])
    rows = list(zip(index, found, strict=True))
    if benchmark == "glue":
        return "index\tprediction\n" + "".join(f"{name}\t{value}\n" for name, value in rows)
    return "".join(json.dumps({"idx": name, "label": value}) + "\n" for name, value in rows)


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()
