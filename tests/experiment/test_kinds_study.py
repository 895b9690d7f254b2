"""One study over every kind of task, from files to the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console
from tests.mixed_studies import mixed_study

from forelearn.core.task import METRICS, Kind, metrics_of
from forelearn.experiment.api import search
from forelearn.experiment.explain import explain_key
from forelearn.experiment.opening import Options
from forelearn.experiment.status import status
from forelearn.models.export import usage
from forelearn.report.page import page
from forelearn.report.summary import Decision, PairRow, Summary
from forelearn.report.tables import rows
from forelearn.report.terminal import show
from forelearn.report.wording import signed
from forelearn.search.space import LONGER
from forelearn.tasks.synthetic_kinds import Sizes
from forelearn.tasks.synthetic_mixed import MixedFamily, mixed_family

pytestmark = pytest.mark.slow

TARGETS = ("target-spans", "3-kin-regression")
OPTIONS = Options(budget="34 runs", workers=1, confirm=0.3)


@pytest.fixture(scope="module")
def family() -> MixedFamily:
    return mixed_family(
        0,
        kin=("tags", "multiclass", "regression"),
        strangers=("answers", "choice", "pair"),
        sizes=Sizes(160, 60, 60),
    )


@pytest.fixture(scope="module")
def study(family: MixedFamily, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mixed_study(tmp_path_factory.mktemp("kinds"), family, targets=TARGETS, epochs=8)


@pytest.fixture(scope="module")
def summary(study: Path) -> Summary:
    return search(study, OPTIONS)


def tried(summary: Summary) -> list[PairRow]:
    return [pair for pair in summary.pairs if pair.status == "run"]


def test_every_kind_is_trained_and_measured_by_its_own_metric(summary: Summary) -> None:
    assert {task.kind for task in summary.tasks} == set(get_args(Kind))
    assert not summary.failures
    for task in summary.tasks:
        baseline = summary.baseline(task.name)
        assert baseline is not None
        measured = metrics_of(task.kind, task.labels)
        assert task.metric == measured[0]
        assert set(baseline.others) == set(measured) - {task.metric}
        assert all(-1 <= value <= 1 for value in (*baseline.test, *baseline.others.values()))


def test_what_belongs_to_one_kind_is_told_of_that_kind_alone(summary: Summary) -> None:
    for task in summary.tasks:
        baseline = summary.baseline(task.name)
        assert baseline is not None
        assert (task.positives is not None) == (task.kind == "binary")
        assert bool(baseline.thresholds) == (task.kind == "binary")
        assert (task.choices > 1) == (task.kind == "multiple_choice")


def test_a_task_is_learned_before_one_of_another_kind(summary: Summary) -> None:
    kinds = {task.name: task.kind for task in summary.tasks}
    across = [pair for pair in tried(summary) if kinds[pair.source] != kinds[pair.target]]
    assert across
    assert all(pair.obtained is not None for pair in across)


def test_each_target_has_one_of_the_four_answers_and_no_random_source(
    summary: Summary, family: MixedFamily
) -> None:
    assert [answer.target for answer in summary.answers] == list(TARGETS)
    assert all(answer.decision in get_args(Decision) for answer in summary.answers)
    (random,) = family.sources("random")
    answer = summary.answers[0]
    (pair,) = [pair for pair in summary.pairs if (pair.source, pair.target) == (random, family.target)]
    assert pair.status in ("run", "set aside")  # alone it is no better than chance
    assert answer.decision in ("transfer", "tied")
    named = set(answer.sources) - {LONGER}  # with so few seeds it may not be told from training longer
    assert named
    assert named <= set(family.sources("kin"))


def test_the_result_comes_back_from_json_as_it_was(summary: Summary) -> None:
    assert Summary.from_json(json.loads(json.dumps(summary.as_json()))) == summary


def test_csv_names_the_metric_of_every_row(summary: Summary) -> None:
    metrics = {task.name: task.metric for task in summary.tasks}
    assert all(row["metric"] == metrics[row["target"]] for row in rows(summary, "pairs"))
    assert {row["metric"] for row in rows(summary, "answers")} == {"span_f1", "pearson"}
    assert all(row["metric"] == metrics[row["task"]] for row in rows(summary, "baselines"))


def test_page_and_terminal_name_both_metrics_and_no_other_as_that_of_the_study(summary: Summary) -> None:
    console = Console(width=80)
    with console.capture() as shown:
        show(summary, console=console)
    said = shown.get()
    assert "span F1" in said
    assert "Pearson correlation" in said
    assert "each target in its own metric" in said
    assert max(map(len, said.splitlines())) <= 80
    text = page(summary)
    for words in ("multiple choice of 2", "4 tags".replace(" ", "\u00a0"), "answer F1", "in [−1, 1]"):
        assert words in text
    assert "mean test performance" in text
    assert "mean test span F1" not in text


@pytest.mark.parametrize(
    ("pair", "kind"),
    [
        ("1-kin-tags->target-spans", "sequence labelling"),
        ("1-kin-tags->3-kin-regression", "sequence labelling"),
    ],
)
def test_explain_says_in_one_line_why_a_pair_has_no_shared_terms(
    summary: Summary, study: Path, pair: str, kind: str
) -> None:
    found = explain_key(study, pair, OPTIONS)
    assert found.terms == ()
    assert found.without_terms.startswith("No shared terms: ")
    assert found.without_terms.endswith(f"and 1-kin-tags is {kind}.")
    lines = found.text().splitlines()
    assert lines[-1] == found.without_terms
    assert lines[1].startswith(("dev   span F1 ", "dev   Pearson correlation "))
    assert not any(line.startswith("threshold") for line in lines)
    run, alone = found.outcome, found.alone
    assert (alone.transfer.target, alone.transfer.seed) == (run.transfer.target, run.transfer.seed)
    gained = [signed(value, 4) for value in (run.dev() - alone.dev(), run.test() - alone.test())]
    (line,) = [line for line in lines if line.startswith("alone")]
    assert re.findall(r"\(gain (\S+)\)", line) == gained
    assert found.as_json()["without_terms"] == found.without_terms


def test_a_baseline_needs_no_shared_terms_and_a_binary_one_has_a_threshold(
    summary: Summary, study: Path
) -> None:
    pair = summary.baseline("6-stranger-pair")
    assert pair is not None
    found = explain_key(study, pair.keys[0], OPTIONS)
    assert found.without_terms == ""
    assert found.alone is None
    assert any(line.startswith("threshold 0.5") for line in found.text().splitlines())


def test_status_counts_the_runs_of_all_kinds(summary: Summary, study: Path) -> None:
    now = status(study, OPTIONS)
    assert now.stage == "done"
    assert now.runs == sum(row.runs for row in summary.costs)
    assert now.failed == ()


def test_what_was_trained_says_how_it_is_loaded(summary: Summary, study: Path) -> None:
    kinds = {task.name: task.kind for task in summary.tasks}
    found = {}
    for row in summary.baselines:
        folder = study.parent / "out" / "weights" / row.keys[0]
        if folder.is_dir():
            found[kinds[row.task]] = usage(folder).split("(")[0:2]
            card = (folder / "README.md").read_text(encoding="utf-8")
            assert ("| threshold |" in card) == (kinds[row.task] == "binary")
            hub = {
                "regression": "pearsonr",
                "question_answering": "exact_match",
                "binary": "matthews_correlation",
            }
            assert f'- "{hub.get(kinds[row.task], "accuracy")}"' in card
    assert set(found) == set(METRICS)
    assert found["binary"][1].startswith('"text-classification"')
    assert found["sequence_labelling"][1].startswith('"token-classification"')
    assert found["multiple_choice"][0] == "transformers.AutoModelForMultipleChoice.from_pretrained"
    assert found["question_answering"][0] == "transformers.AutoModelForQuestionAnswering.from_pretrained"
