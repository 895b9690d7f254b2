import dataclasses
import re

from tests.report.fake import fake_summary

from forelearn.report.curve import curve_chart
from forelearn.report.forest import forest_row, forest_scale
from forelearn.report.heatmap import axes, cell_width, heat_map
from forelearn.report.strips import ansat_bars, dots
from forelearn.report.summary import Answer, CurvePoint, Interval, Obtained, PairRow
from forelearn.report.words import _strength, explanation


def answer(gain=None, predicted=None):
    return Answer("T", "transfer", ("S",), gain, 3, predicted, 0.5, 0.6, "because")


def study(*pairs):
    return dataclasses.replace(fake_summary(), tasks=(), answers=(), pairs=pairs)


def test_a_forest_axis_holds_every_gain_and_zero():
    scale = forest_scale([answer(Interval(0.05, 0.03, 0.08)), answer(Interval(0.2, 0.1, 0.3))])
    assert all(scale.holds(value) for value in (0.0, 0.03, 0.3))


def test_a_prediction_that_is_too_wide_is_cut_and_marked():
    rows = [answer(Interval(0.01, 0.0, 0.02), Interval(0.01, -0.5, 0.5))]
    drawn = forest_row(rows[0], forest_scale(rows))
    assert drawn.count('class="cut"') == 2


def test_an_interval_without_ends_is_drawn_from_edge_to_edge():
    """One fresh seed, no replicate: the gain has a mean alone."""
    rows = [answer(Interval(0.05, float("-inf"), float("inf"))), answer(Interval(0.2, 0.1, 0.3))]
    scale = forest_scale(rows)
    assert scale.holds(0.3)
    assert "inf" not in f"{scale.low} {scale.high}"
    assert forest_row(rows[0], scale).count('class="cut"') == 2


def test_an_answer_without_gain_or_prediction_says_so():
    rows = [answer()]
    assert "no gain was measured or predicted" in forest_row(rows[0], forest_scale(rows))


def test_the_place_of_a_gain_against_zero_is_told_without_colour_too():
    rows = [
        answer(Interval(0.05, 0.01, 0.09)),
        answer(Interval(0.0, -0.1, 0.1)),
        answer(Interval(-0.1, -0.2, -0.01)),
    ]
    scale = forest_scale(rows)
    assert [re.search("gain (above|unsure|below)", forest_row(row, scale))[1] for row in rows] == [
        "above",
        "unsure",
        "below",
    ]
    assert "gain −0.100 (−0.200 to −0.010)" in forest_row(rows[2], scale)


def test_each_pair_has_a_cell_and_a_task_is_not_its_own_source():
    drawn = heat_map(fake_summary())
    assert drawn.count("data-said=") == 132
    assert drawn.count("cell none") == 12


def test_a_half_without_a_value_is_hatched_and_a_failure_is_crossed():
    drawn = heat_map(
        study(PairRow("A", "B", "failed", "no memory"), PairRow("B", "A", "not tried", "budget"))
    )
    assert drawn.count("url(#hatch)") == 4
    assert drawn.count("cross") == 1
    assert "A → B: no prediction; failed (no memory)" in drawn


def test_a_loss_and_a_gain_differ_in_hue_and_in_sign():
    drawn = heat_map(
        study(
            PairRow("A", "B", "run", obtained=Obtained(0.0, -0.051, (0,))),
            PairRow("B", "A", "run", obtained=Obtained(0.0, 0.051, (0,))),
        )
    )
    assert re.search(r'half o down"><rect[^>]*></rect><text[^>]*>−\.051<', drawn)
    assert re.search(r'half o up"><rect[^>]*></rect><text[^>]*>\+\.051<', drawn)


def test_tasks_stand_in_the_order_of_the_study_and_other_sources_follow():
    summary = fake_summary()
    extra = PairRow("encoder@a", summary.tasks[0].name, "not tried")
    sources, targets = axes(dataclasses.replace(summary, pairs=(extra, *summary.pairs)))
    assert sources == [*(task.name for task in summary.tasks), "encoder@a"]
    assert targets == [task.name for task in summary.tasks]


def test_cells_of_many_tasks_are_narrow_and_carry_no_numbers():
    assert cell_width(33) == 34
    assert cell_width(1) == 70


def test_the_curve_marks_the_baseline_and_the_cost_of_everything():
    points = [CurvePoint(0.1, 60.0, 0.5, 3), CurvePoint(0.2, 90.0, 0.55, 9)]
    drawn = curve_chart(points, baseline=0.48, metric="F1")
    assert "without transfer 0.480" in drawn
    assert 'class="whole"' in drawn
    assert "0.550 after 9 runs, 20.0 % of the cost of everything, 90 s" in drawn


def test_a_curve_of_one_point_is_drawn():
    assert "<circle" in curve_chart([CurvePoint(0.1, 60.0, 0.5, 1)], baseline=None, metric="F1")


def test_every_seed_is_a_dot():
    drawn = dots((0.4, 0.5, 0.6), low=0.0, high=1.0)
    assert drawn.count('class="seed"') == 3
    assert "0.400, 0.500, 0.600" in drawn


def test_ansat_without_documents_draws_no_bar():
    assert ansat_bars((None,) * 14).count("<rect") == 0
    assert ansat_bars((2.0, None, 0.0)).count("<rect") == 2


def test_a_document_reads_as_it_was_and_shared_words_are_marked():
    shown = fake_summary().explanations[0]
    drawn = explanation(shown)
    for document in shown.documents:
        both = sum(word.active_source and word.active_target for word in document.words)
        assert f"{both} shared active" in drawn
    total = sum(w.active_source and w.active_target for d in shown.documents for w in d.words)
    assert drawn.count("<mark") == total
    text = re.sub("<[^>]+>", "", drawn)
    assert (
        "Please RT: donate to the relief fund — text GIVE to 90999, volunteers still needed tonight!" in text
    )


def test_the_shade_grows_with_the_conductance_and_stays_readable():
    """√0.25 = 0.5, half of the strongest shade."""
    assert [_strength(score) for score in (0.0, 0.25, -0.25, 1.0, 3.0)] == [0, 38, 38, 75, 75]
