"""Drawings of a study: whole SVG, escaped, and honest about noise."""

import math
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
from tests.evaluation.truths import noisy_truth, truth_of

from forelearn.report.line_chart import Line, Panel, line_chart
from forelearn.report.noisy_heat import noisy_heat

SVG = "{http://www.w3.org/2000/svg}"


def test_a_gain_is_framed_only_where_run_noise_does_not_explain_it():
    """Seeds differ by ±.01. Gains of .10 and .00: only the first is more than luck."""
    truth = truth_of([[[0.09, 0.10, 0.11], [-0.01, 0.00, 0.01]]], baselines=[[0.49, 0.50, 0.51]])
    root = ElementTree.fromstring(noisy_heat(truth))
    assert [one.get("class") for one in root.iter(f"{SVG}rect")].count("frame") == 1
    shown = [one.text for one in root.iter(f"{SVG}text") if "in" in (one.get("class") or "").split()]
    assert shown == ["+10.0", "0.0"]


def test_names_from_data_are_escaped_and_missing_runs_drawn_as_missing():
    truth = replace(noisy_truth(2, 3), targets=("<b>&", "t1"))
    truth.test.pairs[0, 0] = np.nan
    root = ElementTree.fromstring(noisy_heat(truth))
    assert "<b>&" in [one.text for one in root.iter(f"{SVG}text")]
    assert "none" in [one.get("class") for one in root.iter(f"{SVG}rect")]


def test_rows_and_columns_stand_in_the_order_of_the_study_and_keep_their_gains():
    truth = replace(noisy_truth(3, 3), targets=("a", "b", "c"), sources=("a", "b", "c"))
    plain, turned = (
        ElementTree.fromstring(noisy_heat(truth, order=order)) for order in ((), ("c", "elsewhere", "a"))
    )
    names = [one.text for one in turned.iter(f"{SVG}text") if one.get("class") == "end"]
    assert names == ["c", "a", "b"]
    titles = [sorted(one.text or "" for one in root.iter(f"{SVG}title")) for root in (plain, turned)]
    assert titles[0] == titles[1]


def test_many_sources_fit_the_page():
    root = ElementTree.fromstring(noisy_heat(noisy_truth(4, 24)))
    assert float(root.get("width", "inf")) <= 1160


def test_a_line_without_values_and_a_panel_without_lines_are_left_out():
    known = Line(
        "known", "#123456", [(0.0, 1.0), (1.0, math.nan), (2.0, 3.0)], [(0.0, 0.5, 1.5), (2.0, 2.5, math.inf)]
    )
    empty = Line("empty", "#654321", [(0.0, math.nan)])
    text = line_chart([Panel("one", "x", [known, empty]), Panel("none", "x", [empty])], "two panels")
    ElementTree.fromstring(text)
    assert "known" in text
    assert "empty" not in text
    assert "nan" not in text
    assert "inf" not in text
