"""The page of multitask training in real Chromium, offline: narrow, dark, by keyboard, without script, printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from tests.report.fake_multitask import LONG, fake_comparison
from tests.report.test_browser import CONTRAST, column, opened, pytestmark  # noqa: F401 (marks this module)
from tests.report.test_browser import chromium as chromium  # a fixture
from tests.report.test_multitask_page import evil_comparison

from forelearn.report.multitask_page import multitask_page


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(multitask_page(fake_comparison()), tmp_path_factory.mktemp("page"))


def written(text: str, folder: Path) -> Path:
    place = folder / "multitask.html"
    place.write_text(text, encoding="utf-8")
    return place


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_offline_without_sideways_scrolling_and_with_enough_contrast(
    chromium: Any, path: Path, width: int, scheme: str
) -> None:
    with opened(chromium, path, width=width, scheme=scheme) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert tab.evaluate(CONTRAST) == []


def test_twelve_long_names_do_not_widen_the_page(chromium: Any, tmp_path: Path) -> None:
    place = written(multitask_page(fake_comparison(LONG, epochs=8)), tmp_path)
    for width in (1280, 400):
        with opened(chromium, place, width=width) as tab:
            assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_markup_in_names_is_inert(chromium: Any, tmp_path: Path) -> None:
    with opened(chromium, written(multitask_page(evil_comparison()), tmp_path), width=400) as tab:
        assert tab.locator("h1").inner_text().startswith("<script>alert(1)</script>")
        assert tab.locator("img").count() == 0
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize(
    ("table", "title"),
    [
        ("arms-table", "Test by seed"),
        ("differences-table", "Dev (dot)"),
        ("auxiliaries-table", "⟨g, δ⟩"),
        ("events-table", "Epoch"),
        ("ledger-table", "All gradients"),
    ],
)
def test_tables_sort_by_keyboard(chromium: Any, path: Path, table: str, title: str) -> None:
    with opened(chromium, path) as tab:
        head = tab.locator(f"#{table} thead th", has_text=title)
        place = head.evaluate("cell => cell.cellIndex")
        head.locator("button").focus()
        tab.keyboard.press("Enter")
        first = [float(value) for value in column(tab, table, place)]
        tab.keyboard.press("Enter")
        second = [float(value) for value in column(tab, table, place)]
        assert first == sorted(first, reverse=first[0] > first[-1])
        assert second == sorted(first, reverse=first[0] < first[-1])


def test_arrow_keys_read_the_values_of_a_chart(chromium: Any, path: Path) -> None:
    with opened(chromium, path) as tab:
        figure = tab.locator("figure", has_text="Share of all weights")
        values = figure.locator(".values")
        figure.locator("svg").focus()
        assert values.inner_text().startswith("Epoch 20: CB ")
        tab.keyboard.press("ArrowLeft")
        assert values.inner_text().startswith("Epoch 19: CB ")
        tab.keyboard.press("Home")
        tab.keyboard.press("ArrowLeft")
        assert values.inner_text().startswith("Epoch 1: CB ")
        assert figure.locator(".cross").get_attribute("visibility") == "visible"


def test_the_pointer_reads_the_values_of_a_chart(chromium: Any, path: Path) -> None:
    with opened(chromium, path) as tab:
        figure = tab.locator("figure", has_text="Dev accuracy against compute")
        figure.locator("svg").hover()
        assert "sample gradients: αVIL 0." in figure.locator(".values").inner_text()


def test_the_legend_shows_one_series_alone_and_all_again(chromium: Any, path: Path) -> None:
    with opened(chromium, path) as tab:
        box = tab.locator("#curves .curves")
        button = box.locator(".legend button", has_text="MRPC")
        button.focus()
        tab.keyboard.press("Enter")
        assert button.get_attribute("aria-pressed") == "true"
        of_tasks = box.locator("figure:not(:has(b:text-is('Target’s dev loss'))) .series:not(.dimmed)")
        assert set(of_tasks.evaluate_all("all => all.map(one => one.dataset.place)")) == {"2"}
        assert box.locator("figure:has(b:text-is('Target’s dev loss')) .dimmed").count() == 0
        assert tab.locator("#arms .series.dimmed").count() == 0
        tab.keyboard.press("Enter")
        assert button.get_attribute("aria-pressed") == "false"
        assert box.locator(".dimmed").count() == 0


def test_without_script_every_value_is_still_there(chromium: Any, path: Path) -> None:
    with opened(chromium, path, script=False) as tab:
        titles = tab.locator("#curves .strip-catch title")
        assert titles.first.evaluate("title => title.textContent").startswith("Epoch 1: CB ")
        assert tab.locator("#arms-table tbody").first.is_visible()


def test_the_page_prints(chromium: Any, path: Path) -> None:
    with opened(chromium, path, scheme="dark") as tab:
        tab.emulate_media(media="print", color_scheme="dark")
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert tab.pdf()[:5] == b"%PDF-"
        tab.set_viewport_size({"width": 700, "height": 1000})  # what an A4 sheet has
        assert tab.evaluate("document.documentElement.scrollWidth") <= 700
        assert tab.locator("#arms .legend").evaluate("legend => legend.offsetHeight") < 200
