"""Several sources in turn, as the page, the terminal, CSV and JSON show them."""

import csv
import dataclasses
import io

from rich.console import Console
from tests.report.fake import fake_summary

from forelearn.report.heatmap import axes
from forelearn.report.page import page
from forelearn.report.summary import CostRow, Interval, Obtained, PairRow, Summary
from forelearn.report.tables import csv_text
from forelearn.report.terminal import show
from forelearn.report.wording import spent_share


def with_chain() -> Summary:
    """The first answer advises a chain of two, which has run beside its control."""
    made = fake_summary()
    first, second, target = (task.name for task in made.tasks[:3])
    gain = Interval(0.08, 0.05, 0.11)

    def row(names: tuple[str, ...], test: float) -> PairRow:
        obtained = Obtained(test, test, (0,), gain)
        return PairRow(" → ".join(names), target, "run", obtained=obtained, keys=(names[0],), chain=names)

    answers = tuple(
        dataclasses.replace(answer, decision="transfer", sources=(f"{first} → {second}",), gain=gain)
        if answer.target == target
        else answer
        for answer in made.answers
    )
    return dataclasses.replace(
        made,
        pairs=(*made.pairs, row((first, second), 0.0811)),
        controls=(*made.controls, row((second, second), 0.0622)),
        answers=answers,
        costs=(*made.costs, CostRow("chains", 2, 1e6, 60.0)),
    )


def test_the_page_shows_a_chain_with_its_control_and_what_chains_cost():
    text = page(with_chain())
    section = text[text.index('id="chains"') : text.index('id="cost"')]
    first, second = (task.name for task in with_chain().tasks[:2])
    assert f"{first} → {second}" in section.replace("<bdi>", "").replace("</bdi>", "")
    assert "+0.081" in section
    assert "+0.062" in section
    assert text.count("Several sources in turn") == 2


def test_a_page_without_chains_says_nothing_of_them():
    assert 'id="chains"' not in page(fake_summary())


def test_a_chain_follows_the_tasks_in_the_heat_map():
    sources, _ = axes(with_chain())
    assert sources[-1] == " → ".join(task.name for task in with_chain().tasks[:2])


def test_json_holds_the_sources_of_a_chain_in_order_and_reads_back():
    summary = with_chain()
    value = summary.as_json()
    assert value["pairs"][-1]["chain"] == [task.name for task in summary.tasks[:2]]
    assert Summary.from_json(value) == summary
    del value["pairs"][0]["chain"]
    assert Summary.from_json(value) == summary


def test_csv_and_terminal_name_a_chain_by_its_sources_in_order():
    summary = with_chain()
    name = " → ".join(task.name for task in summary.tasks[:2])
    assert [row["source"] for row in csv.DictReader(io.StringIO(csv_text(summary)))][-1] == name
    out = io.StringIO()
    show(summary, console=Console(file=out, width=200))
    assert name in out.getvalue()
    assert "pairs and 1 of 1 chain of sources trained" in out.getvalue()


def test_what_chains_cost_is_part_of_what_was_spent():
    """Baselines 40, pairs 60, chains 20 of 400: 30 %."""
    costs = tuple(CostRow(stage, 1, units, 1.0) for stage, units in
                  (("baselines", 40.0), ("pairs", 60.0), ("chains", 20.0)))  # fmt: skip
    whole = CostRow("exhaustive", 9, 400.0, 9.0)
    summary = dataclasses.replace(fake_summary(), costs=costs, exhaustive=whole)
    assert spent_share(summary, everything=False) == 0.3
