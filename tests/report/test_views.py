import csv
import dataclasses
import io
import sys

import pytest
from rich.console import Console
from tests.report.fake import NAMES, fake_summary

from forelearn.core.errors import InputError
from forelearn.report.page import page
from forelearn.report.summary import Further
from forelearn.report.tables import csv_text, rows
from forelearn.report.terminal import more_runs, show

EVIL = "[red]x[/] \x1b[31m<b>"


def shown(summary, width=80):
    out = io.StringIO()
    show(summary, console=Console(file=out, width=width, force_terminal=False))
    return out.getvalue()


def test_the_terminal_answer_fits_eighty_columns_and_names_every_target():
    text = shown(fake_summary())
    assert max(len(line) for line in text.splitlines()) <= 80
    for name in NAMES:
        assert name.split()[0] in text


def test_the_terminal_shows_gain_interval_and_cost():
    summary = fake_summary()
    text = shown(summary, width=120)
    best = next(answer for answer in summary.answers if answer.decision == "transfer")
    assert f"+{best.gain.mean:.3f}" in text
    assert "65 min, 28.8 % of trying everything" in text


def test_the_terminal_and_the_page_say_what_more_runs_and_an_hour_buy():
    summary = fake_summary()
    text, html = shown(summary, width=120), page(summary)
    assert "To try it takes 12 runs, 6 min on one worker; an hour buys 116 runs." in html
    known = [answer for answer in summary.answers if answer.further.seconds is not None]
    assert "More runs (an hour of one worker buys about 116):\n" in text
    assert len(known) > 3
    without = dataclasses.replace(summary.answers[0], further=None)
    assert "More runs" not in shown(dataclasses.replace(summary, answers=(without,)), width=120)


def test_many_targets_that_want_the_same_are_one_line_and_few_are_named():
    def answers(runs: list[int], purpose: str = "to try them"):
        summary = fake_summary()
        pairs = zip(summary.answers, runs, strict=False)
        return [
            dataclasses.replace(answer, further=Further(count, purpose, 60.0 * count, 60.0))
            for answer, count in pairs
        ]

    assert more_runs(answers([2, 2, 2, 2])) == [
        "More runs (an hour of one worker buys about 60):",
        "  to try them: 2 runs for each of 4 targets, 8 min in all",
    ]
    few = answers([1, 2])
    assert more_runs(few)[1] == f"  to try them: {few[0].target} 1 run (60 s); {few[1].target} 2 runs (2 min)"
    assert len(more_runs([*few, *answers([5], "to settle it")])) == 3
    assert more_runs([]) == []


def test_text_from_data_is_no_markup_in_the_terminal():
    text = shown(fake_summary((EVIL, *NAMES[1:])), width=200)
    assert "[red]x[/] \ufffd[31m<b>" in text
    assert "\x1b" not in text


def test_many_notes_are_cut_and_counted():
    text = shown(
        dataclasses.replace(fake_summary(), notes=tuple(f"note {row}" for row in range(20)), set_aside={})
    )
    assert text.count("Note:") == 6
    assert "14 more notes on the page." in text


@pytest.mark.parametrize("table", ["answers", "pairs", "baselines", "costs", "failures"])
def test_csv_reads_back_as_the_rows(table):
    summary = fake_summary()
    found = rows(summary, table)
    read = list(csv.DictReader(io.StringIO(csv_text(summary, table=table))))
    assert [list(row) for row in read] == [list(row) for row in found]
    assert [list(row.values()) for row in read] == [
        ["" if value is None else str(value) for value in row.values()] for row in found
    ]


def test_a_table_without_rows_is_an_empty_text():
    assert csv_text(dataclasses.replace(fake_summary(), failures=()), table="failures") == ""


def test_an_unknown_table_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean `pairs`"):
        rows(fake_summary(), "pair")


def test_a_frame_has_a_row_a_pair():
    pytest.importorskip("pandas")
    frame = fake_summary().frame()
    assert len(frame) == 132
    assert frame["gain_test"].notna().sum() == sum(p.obtained is not None for p in fake_summary().pairs)


def test_without_pandas_the_message_names_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"forelearn\[pandas\]"):
        fake_summary().frame()


def test_a_notebook_shows_the_answers_escaped():
    html = fake_summary(("<script>x</script>", *NAMES[1:]))._repr_html_()
    assert "<script" not in html
    assert html.count("<tr") == 13
