"""Files for GLUE and SuperGLUE: each against lines written by hand, and labels against the values that are wanted."""

from __future__ import annotations

import json

import pytest

from forelearn.core.errors import InputError
from forelearn.tasks.predictions import Predicted
from forelearn.tasks.submissions import FORMS, file_for, form_of, submission, values_of


def written(benchmark, file, predicted, said=None):
    form = form_of(benchmark, file)
    values = values_of(form, predicted.kind, predicted.labels, said)
    return submission(benchmark, form, predicted, values)


def binary(labels, said, index=("0", "1", "2")):
    return Predicted("binary", labels, index, said)


def test_cola_by_hand():
    assert written("glue", "CoLA.tsv", binary(("0", "1"), ("1", "0", "1"))) == (
        "index\tprediction\n0\t1\n1\t0\n2\t1\n"
    )


def test_rte_of_glue_by_hand_keeps_the_index_of_the_file():
    predicted = binary(("not_entailment", "entailment"), ("entailment", "not_entailment"), ("7", "3"))
    assert written("glue", "RTE.tsv", predicted) == "index\tprediction\n7\tentailment\n3\tnot_entailment\n"


def test_mnli_by_hand():
    predicted = Predicted(
        "multiclass", ("contradiction", "entailment", "neutral"), ("0", "1"), ("neutral", "entailment")
    )
    for file in ("MNLI-m.tsv", "MNLI-mm.tsv", "AX.tsv"):
        assert written("glue", file, predicted) == "index\tprediction\n0\tneutral\n1\tentailment\n"


def test_stsb_by_hand_lies_in_0_to_5_with_three_decimals():
    predicted = Predicted("regression", (), ("0", "1", "2"), (2.34567, -0.2, 5.5))
    assert written("glue", "STS-B.tsv", predicted) == "index\tprediction\n0\t2.346\n1\t0.000\n2\t5.000\n"


def test_superglue_by_hand():
    assert written(
        "superglue", "RTE.jsonl", binary(("not_entailment", "entailment"), ("entailment",), ("0",))
    ) == ('{"idx": 0, "label": "entailment"}\n')
    truth = binary(("false", "true"), ("true", "false"), ("0", "1"))
    for file in ("BoolQ.jsonl", "WiC.jsonl"):
        assert (
            written("superglue", file, truth) == '{"idx": 0, "label": "true"}\n{"idx": 1, "label": "false"}\n'
        )
    assert (
        written("superglue", "WSC.jsonl", truth)
        == '{"idx": 0, "label": "True"}\n{"idx": 1, "label": "False"}\n'
    )
    choice = Predicted("multiple_choice", (), ("0", "1"), (1, 0), ((0.2, 0.8), (0.9, 0.1)))
    assert written("superglue", "COPA.jsonl", choice) == '{"idx": 0, "label": 1}\n{"idx": 1, "label": 0}\n'
    bank = Predicted("multiclass", ("contradiction", "entailment", "neutral"), ("5",), ("contradiction",))
    assert written("superglue", "CB.jsonl", bank) == '{"idx": 5, "label": "contradiction"}\n'


@pytest.mark.parametrize(
    ("file", "labels", "values"),
    [
        ("CoLA.tsv", ("not 1", "1"), (0, 1)),
        ("CoLA.tsv", ("not 0", "0"), (1, 0)),
        ("MRPC.tsv", ("not_equivalent", "equivalent"), (0, 1)),
        ("SST-2.tsv", ("Negative", "Positive"), (0, 1)),
        ("QQP.tsv", ("no", "yes"), (0, 1)),
        ("WNLI.tsv", ("entailment", "not entailment"), (1, 0)),
        ("RTE.tsv", ("not entailment", "entailment"), ("not_entailment", "entailment")),
        ("QNLI.tsv", ("not not_entailment", "not_entailment"), ("entailment", "not_entailment")),
        ("RTE.tsv", ("other", "Entailment"), ("not_entailment", "entailment")),
    ],
)
def test_two_labels_are_mapped_by_name_and_one_that_is_known_settles_the_other(file, labels, values):
    assert values_of(form_of("glue", file), "binary", labels) == dict(zip(labels, values))


@pytest.mark.parametrize(
    ("file", "kind", "labels"),
    [
        ("RTE.tsv", "binary", ("0", "1")),
        ("CoLA.tsv", "binary", ("good", "bad")),
        ("CoLA.tsv", "binary", ("1", "yes")),
        ("MNLI-m.tsv", "binary", ("not entailment", "entailment")),
        ("MNLI-m.tsv", "binary", ("contradiction", "entailment")),
        ("RTE.tsv", "multiclass", ("contradiction", "entailment", "neutral")),
        ("MNLI-m.tsv", "multiclass", ("0", "1", "2")),
    ],
)
def test_labels_that_cannot_be_mapped_are_refused_with_both_sides(file, kind, labels):
    form = form_of("glue", file)
    with pytest.raises(InputError, match="--labels") as refused:
        values_of(form, kind, labels)
    assert len(refused.value.problems) == 1
    for name in (*labels, *form.values):
        assert f"`{name}`" in str(refused.value)


def test_what_the_user_says_comes_first_and_may_give_several_labels_one_value():
    form = form_of("superglue", "AX-b.jsonl")
    labels = ("contradiction", "entailment", "neutral")
    said = {"contradiction": "not_entailment", "neutral": "not_entailment"}
    assert values_of(form, "multiclass", labels, said) == {
        "contradiction": "not_entailment",
        "entailment": "entailment",
        "neutral": "not_entailment",
    }
    turned = values_of(form_of("glue", "RTE.tsv"), "binary", ("0", "1"), {"0": "entailment"})
    assert turned == {"0": "entailment", "1": "not_entailment"}


@pytest.mark.parametrize("said", [{"maybe": "0"}, {"0": "perhaps"}])
def test_a_mapping_of_an_unknown_label_or_to_an_unknown_value_is_refused(said):
    with pytest.raises(InputError, match="names no label or no value"):
        values_of(form_of("glue", "CoLA.tsv"), "binary", ("0", "1"), said)


def test_one_of_two_labels_settles_nothing_where_three_values_are_wanted():
    with pytest.raises(InputError, match="`rest` is none of the values"):
        values_of(form_of("glue", "MNLI-m.tsv"), "binary", ("rest", "yes"), {"yes": "entailment"})


@pytest.mark.parametrize(
    ("benchmark", "file", "kind"),
    [
        ("glue", "STS-B.tsv", "binary"),
        ("glue", "CoLA.tsv", "regression"),
        ("superglue", "COPA.jsonl", "binary"),
        ("superglue", "BoolQ.jsonl", "question_answering"),
    ],
)
def test_a_task_of_another_kind_is_refused(benchmark, file, kind):
    with pytest.raises(InputError, match="and this task is"):
        values_of(form_of(benchmark, file), kind, ("0", "1"))


@pytest.mark.parametrize(
    ("index", "said"), [(("0", "0"), "stands twice"), (("0", "a7"), "`a7` is no number")]
)
def test_an_index_that_the_server_would_refuse_is_refused(index, said):
    with pytest.raises(InputError, match=said):
        written("glue", "CoLA.tsv", binary(("0", "1"), ("0", "1"), index))


def test_a_file_of_another_name_is_refused_with_the_right_one():
    with pytest.raises(InputError, match=r"Call it `CoLA\.tsv`"):
        form_of("glue", "cola.tsv")
    with pytest.raises(InputError, match=r"BoolQ\.jsonl, CB\.jsonl"):
        form_of("superglue", "MultiRC.jsonl")


def test_the_file_of_a_task_is_found_by_its_name_however_it_is_written():
    assert file_for("glue", "sst2") == "SST-2.tsv"
    assert file_for("glue", "STS-B") == "STS-B.tsv"
    assert file_for("superglue", "boolq") == "BoolQ.jsonl"
    with pytest.raises(InputError, match="MNLI"):
        file_for("glue", "mnli")


def test_every_form_is_written_and_read_back():
    for benchmark, forms in FORMS.items():
        for form in forms:
            kind = {"label": "multiclass" if len(form.values) > 2 else "binary"}.get(form.kind)
            if kind is None:
                continue
            labels = tuple(str(value) for value in form.values)
            text = written(benchmark, form.file, Predicted(kind, labels, ("0", "1"), labels[:2]))
            if benchmark == "glue":
                assert [line.split("\t")[1] for line in text.splitlines()[1:]] == list(labels[:2])
            else:
                assert [str(json.loads(line)["label"]) for line in text.splitlines()] == list(labels[:2])
