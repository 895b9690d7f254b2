"""The terminal's view of multitask training fits 80 columns, whatever decides."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from tests.report.fake_multitask import LONG, NAMES, fake_comparison

from forelearn.report.multitask_summary import Comparison
from forelearn.report.multitask_terminal import show_comparison


def shown(comparison: Comparison) -> str:
    text = io.StringIO()
    show_comparison(comparison, console=Console(file=text, width=80))
    return text.getvalue()


def divided(comparison: Comparison) -> Comparison:
    """As if a part of dev had been kept for choosing epochs, and flattered by .1."""
    arms = tuple(replace(arm, select=tuple(value + 0.1 for value in arm.dev)) for arm in comparison.arms)
    return replace(comparison, arms=arms)


@pytest.mark.parametrize("names", [NAMES, LONG], ids=["short", "long"])
@pytest.mark.parametrize("apart", [False, True])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(names: tuple[str, ...], apart: bool) -> None:
    found = fake_comparison(names, epochs=4)
    text = shown(divided(found) if apart else found)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_what_decides_has_its_column_and_is_explained() -> None:
    found = fake_comparison(epochs=4)
    plain, apart = shown(found), shown(divided(found))
    assert "select" not in plain
    assert "memory" in plain
    assert "select: the part of dev that chose epochs and decides; dev: the rest." in " ".join(apart.split())
    assert apart.count("select") >= 3  # in both tables, and in the legend
