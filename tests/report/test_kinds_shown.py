"""Studies whose tasks differ in kind and metric, as the page, the terminal and the words show them."""

from dataclasses import replace

import pytest
from rich.console import Console
from tests.report.fake import fake_summary

from forelearn.report.heatmap import heat_map
from forelearn.report.kinds import definition, kind_words, measured_by, own_metrics, target_metrics
from forelearn.report.page import page
from forelearn.report.section_method import definitions
from forelearn.report.section_tasks import tasks
from forelearn.report.summary import Counts, Obtained, Summary, TaskRow
from forelearn.report.terminal import answer_table
from forelearn.report.wording import because, learned, metric_name, minus

CORRELATION = ("rating", "regression", (), "pearson")


def task(name: str, kind: str, labels: tuple[str, ...], metric: str, choices: int = 0) -> TaskRow:
    return TaskRow(name, kind, labels, metric, Counts(50, 10, 10), None, 0, name, choices)


def mixed() -> Summary:
    """The first of twelve binary tasks is a regression whose baseline correlates negatively."""
    whole = fake_summary()
    name = whole.tasks[0].name
    first = replace(whole.tasks[0], kind="regression", labels=(), metric="pearson", positives=None, groups=0)
    baseline = replace(whole.baselines[0], test=(-0.3, -0.2, -0.25), thresholds=(), others={"spearman": -0.4})
    pairs = [
        replace(pair, obtained=Obtained(1.2, -1.25, (0,))) if pair.target == name and pair.obtained else pair
        for pair in whole.pairs
    ]
    return replace(
        whole,
        metric="pearson",
        tasks=(first, *whole.tasks[1:]),
        baselines=(baseline, *whole.baselines[1:]),
        pairs=tuple(pairs),
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (task("a", "multiclass", ("x", "y", "z"), "macro_f1"), "multiclass, 3 labels"),
        (
            task("a", "sequence_labelling", ("O", "B-x", "I-x"), "span_f1"),
            "sequence labelling, 1 type of span",
        ),
        (task("a", "sequence_labelling", ("NOUN", "VERB"), "accuracy"), "sequence labelling, 2 tags"),
        (task("a", "multiple_choice", (), "accuracy", 4), "multiple choice of 4"),
        (task("a", "question_answering", (), "answer_f1"), "question answering"),
        (task(*CORRELATION), "regression"),
    ],
)
def test_a_kind_is_named_with_what_it_chooses_from(row, words):
    assert kind_words(row).replace("\u00a0", " ") == words


def test_a_metric_is_defined_as_the_kind_measures_it_and_with_its_range():
    assert definition("accuracy", ["sequence_labelling"]) == "share of words with the right tag; in [0, 1]."
    assert definition("accuracy", ["multiclass"]).startswith("share of examples with the right label")
    assert definition("pearson", ["regression"]).endswith("in [−1, 1].")


def test_one_metric_is_named_and_several_are_said_to_be_each_targets_own():
    assert measured_by(fake_summary()) == "average precision"
    assert own_metrics(fake_summary()) == {}
    assert target_metrics(mixed()) == ("pearson", "average_precision")
    assert measured_by(mixed()) == "each target’s own metric"
    assert own_metrics(mixed())[mixed().tasks[0].name] == "Pearson correlation"


def test_metrics_of_sources_do_not_make_a_study_of_several():
    whole = mixed()
    target = whole.tasks[1].name
    alone = replace(whole, answers=tuple(one for one in whole.answers if one.target == target))
    assert measured_by(alone) == "average precision"


def test_the_axis_of_seeds_goes_below_zero_for_a_negative_correlation_alone():
    assert "axis from −" in tasks(mixed())
    whole = fake_summary()
    zero = replace(whole.baselines[0], test=(0.0, 0.01, 0.02))
    assert "axis from 0.00" in tasks(replace(whole, baselines=(zero, *whole.baselines[1:])))


def test_columns_of_the_tasks_are_those_that_a_task_fills():
    text, binary = tasks(mixed()), tasks(fake_summary())
    assert "Metric</button>" in text
    assert "Also on test</button>" in text
    assert "Spearman correlation −0.400" in text
    assert "Metric</button>" not in binary
    assert "Recall</button>" in binary
    assert "regression</span>" in text
    none = replace(mixed(), tasks=mixed().tasks[:1], baselines=mixed().baselines[:1])
    for title in ("Positive", "Threshold", "Groups"):
        assert f"{title}</button>" in binary
        assert f"{title}</button>" not in tasks(none)


def test_a_column_of_the_heat_map_carries_its_metric_where_they_differ():
    assert '"metric">Pearson correlation</tspan>' in heat_map(mixed())
    assert '"metric">' not in heat_map(fake_summary())
    assert "Every column is in the metric of its target" in page(mixed())
    assert "Every column is in the metric of its target" not in page(fake_summary())


def test_a_gain_of_a_correlation_beyond_one_has_room_in_its_cell():
    assert ">−1.25</text>" in heat_map(replace(mixed(), pairs=tuple(p for p in mixed().pairs if p.obtained)))


def test_shared_terms_are_defined_only_where_there_are_any():
    without = replace(mixed(), pairs=tuple(replace(pair, ansat=None) for pair in mixed().pairs))
    assert "Conductance" in dict(definitions(mixed()))
    assert "Conductance" not in dict(definitions(without))
    assert {"Pearson correlation", "Average precision"} <= set(dict(definitions(without)))


def test_a_task_learned_again_is_counted_in_words_and_a_chain_is_not():
    assert learned("A → A") == "A twice"
    assert learned("A → A → A") == "A three times"
    assert learned("A → B") == "A → B"
    answer = replace(
        fake_summary().answers[0], sources=("A → A",), rival="B", reason="A → A gains -0.5 [-1.0, +0.1]."
    )
    assert because(answer) == "A twice gains −0.5 [−1.0, +0.1]."


def test_a_gain_without_advice_names_whose_it_is():
    whole = fake_summary()
    gain = next(answer.gain for answer in whole.answers if answer.gain)
    answer = replace(whole.answers[0], decision="do not transfer", sources=("train longer",), gain=gain)
    console = Console(width=80)
    with console.capture() as shown:
        console.print(answer_table(replace(whole, answers=(answer,))))
    assert "best: train longer" in " ".join(shown.get().split())
    assert "best tried: <bdi>train longer</bdi>" in page(replace(whole, answers=(answer,)))


def test_a_minus_sign_is_set_before_figures_and_not_inside_names():
    assert minus("7-pair-0.5 gains -0.004 over 2-0.5") == "7-pair-0.5 gains −0.004 over 2-0.5"


def test_a_metric_without_words_of_its_own_is_shown_without_underscores():
    assert metric_name("exact_match") == "exact match"
    assert metric_name("some_new_measure") == "some new measure"
