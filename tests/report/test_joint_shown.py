"""Sources together with the target, as the page, the terminal, CSV and JSON show them."""

import csv
import dataclasses
import io

from rich.console import Console
from tests.report.fake import fake_summary

from forelearn.report.heatmap import axes, said
from forelearn.report.page import page
from forelearn.report.summary import CostRow, Interval, Obtained, PairRow, Summary
from forelearn.report.tables import csv_text
from forelearn.report.terminal import show
from forelearn.report.wording import headline, spent_share


def with_joint() -> Summary:
    """The first answer advises two auxiliary tasks, which have run beside their control."""
    made = fake_summary()
    first, second, target = (task.name for task in made.tasks[:3])
    gain = Interval(0.08, 0.05, 0.11)

    def row(names: tuple[str, ...], test: float) -> PairRow:
        source = f"{' + '.join(names) or 'alone'} (alpha-vil)"
        obtained = Obtained(test, test, (0,), gain)
        return PairRow(source, target, "run", obtained=obtained, mode="multitask", auxiliaries=names)

    joint = row((first, second), 0.0811)
    answers = tuple(
        dataclasses.replace(
            answer,
            decision="transfer",
            sources=(joint.source,),
            gain=gain,
            mode="multitask",
            negative=(joint.source,),
        )
        if answer.target == target
        else answer
        for answer in made.answers
    )
    return dataclasses.replace(
        made,
        pairs=(*made.pairs, joint),
        controls=(*made.controls, row((), 0.0622)),
        answers=answers,
        costs=(*made.costs, CostRow("joint", 2, 1e6, 60.0)),
    )


def printed(summary: Summary) -> str:
    out = io.StringIO()
    show(summary, console=Console(file=out, width=200))
    return out.getvalue()


def test_the_page_shows_it_beside_its_best_task_and_its_control():
    summary = with_joint()
    text = page(summary)
    section = text[text.index('id="joint"') : text.index('id="cost"')]
    first, second, target = (task.name for task in summary.tasks[:3])
    assert f"{first} + {second} (alpha-vil)" in section.replace("<bdi>", "").replace("</bdi>", "")
    assert "+0.081" in section
    assert "+0.062" in section
    single = summary.pair(first, target)
    assert single is not None
    assert single.obtained is None or f"{abs(single.obtained.test):.3f}" in section
    assert text.count("Sources together with the target") == 2
    assert "together with the target" in text[text.index('id="answers"') : text.index('id="joint"')]


def test_a_page_without_it_says_nothing_of_it():
    text = page(fake_summary())
    assert 'id="joint"' not in text
    assert "ogether with the target" not in text


def test_its_control_is_not_a_column_of_single_controls():
    """Where it is the only control that ran, there is no table of single ones."""
    summary = with_joint()
    bare = dataclasses.replace(summary, controls=summary.controls[-1:])
    assert 'id="controls"' not in page(bare)
    assert 'id="joint"' in page(bare)


def test_it_is_called_by_what_is_learned_with_what_and_never_by_an_arrow():
    summary = with_joint()
    first, second, target = (task.name for task in summary.tasks[:3])
    assert summary.pairs[-1].label == f"{target} with {first} + {second} (alpha-vil)"
    assert summary.controls[-1].label == f"{target} alone (alpha-vil)"
    assert said(summary.pairs[-1]).startswith(summary.pairs[-1].label)
    assert f"Negative transfer: {summary.pairs[-1].label}" in printed(with_only_its_answer(summary))
    assert axes(summary)[0][-1] == summary.pairs[-1].source


def with_only_its_answer(summary: Summary) -> Summary:
    return dataclasses.replace(
        summary, answers=tuple(answer for answer in summary.answers if answer.mode == "multitask")
    )


def test_the_headline_says_that_a_task_is_learned_together_only_where_one_is():
    assert "first, or together with the target, for" in headline(with_joint())
    assert "together" not in headline(fake_summary())


def test_json_holds_mode_and_tasks_and_reads_back_with_and_without_them():
    summary = with_joint()
    value = summary.as_json()
    assert value["pairs"][-1]["mode"] == "multitask"
    assert value["pairs"][-1]["auxiliaries"] == [task.name for task in summary.tasks[:2]]
    assert Summary.from_json(value) == summary
    del value["pairs"][0]["mode"], value["pairs"][0]["auxiliaries"], value["answers"][-1]["mode"]
    assert Summary.from_json(value) == summary


def test_csv_and_terminal_name_it_with_its_mode():
    summary = with_joint()
    name = summary.pairs[-1].source
    rows = list(csv.DictReader(io.StringIO(csv_text(summary))))
    assert (rows[-1]["source"], rows[-1]["mode"], rows[0]["mode"]) == (name, "multitask", "sequential")
    answers = csv.DictReader(io.StringIO(csv_text(summary, table="answers")))
    assert {row["sources"]: row["mode"] for row in answers}[name] == "multitask"
    text = printed(summary)
    assert name in text
    assert "together with the target" in text
    pairs = sum(row.is_single for row in summary.pairs)
    tried = sum(row.is_single and row.status == "run" for row in summary.pairs)
    assert f"{tried} of {pairs} pairs and 1 of 1 set of auxiliary tasks trained" in text


def test_what_it_costs_is_part_of_what_was_spent():
    """Baselines 40, pairs 60, learning together 20 of 400: 30 %."""
    costs = tuple(CostRow(stage, 1, units, 1.0) for stage, units in
                  (("baselines", 40.0), ("pairs", 60.0), ("joint", 20.0)))  # fmt: skip
    summary = dataclasses.replace(
        fake_summary(), costs=costs, exhaustive=CostRow("exhaustive", 9, 400.0, 9.0)
    )
    assert spent_share(summary, everything=False) == 0.3
