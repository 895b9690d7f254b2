"""The page in real Chromium, offline: no request, no script error, keyboard, narrow screens, contrast."""

import shutil
from contextlib import contextmanager

import pytest
from tests.report.fake import fake_summary
from tests.report.test_page import empty_summary, evil_summary

from forelearn.report.page import write_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)"
    ),
]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (css) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const back = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const bad = [];
  for (const node of document.querySelectorAll("body *:not(script)")) {
    if (node.closest("svg") || node.closest(".unseen")) continue;
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.getClientRects().length) continue;
    const found = ratio(rgb(getComputedStyle(node).color), back(node));
    if (found < 4.5) bad.push([node.className, node.textContent.slice(0, 30), found]);
  }
  for (const text of document.querySelectorAll("svg.heat .half text")) {
    const cell = getComputedStyle(text.previousElementSibling).fill;
    const found = ratio(rgb(getComputedStyle(text).fill), rgb(cell));
    if (found < 4.5) bad.push(["cell", text.textContent, found]);
  }
  for (const text of document.querySelectorAll("svg text:not(.half text)")) {
    const found = ratio(rgb(getComputedStyle(text).fill), back(text.closest("svg").parentElement));
    if (found < 4.5) bad.push(["svg", text.textContent, found]);
  }
  return bad;
}"""


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_page(fake_summary(), tmp_path_factory.mktemp("page") / "report.html")


@contextmanager
def opened(chromium, path, *, width=1280, scheme="light", fragment="", script=True):
    """The page in an offline context; leaving asserts that nothing was requested and nothing went wrong."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        offline=True,
        java_script_enabled=script,
    )
    tab = context.new_page()
    requests, errors = [], []
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on(
        "console",
        lambda message: errors.append(message.text) if message.type in ("error", "warning") else None,
    )
    tab.on("dialog", lambda dialog: (errors.append(dialog.message), dialog.dismiss()))
    tab.goto(path.as_uri() + fragment)
    yield tab
    asked = [url for url in requests if not url.startswith((path.as_uri(), "data:"))]
    context.close()
    assert asked == []
    assert errors == []


def column(tab, table, place):
    return tab.eval_on_selector_all(
        f"#{table} > tbody", f"bodies => bodies.map(body => body.rows[0].cells[{place}].dataset.value ?? '')"
    )


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_offline_without_sideways_scrolling(chromium, path, width, scheme):
    with opened(chromium, path, width=width, scheme=scheme) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.locator("h1").inner_text() == "Crisis messages"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(chromium, path, scheme):
    with opened(chromium, path, scheme=scheme) as tab:
        tab.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        assert tab.evaluate(CONTRAST) == []


def test_a_table_sorts_by_keyboard_both_ways_and_says_so(chromium, path):
    with opened(chromium, path) as tab:
        head = tab.locator("#tasks-table thead th", has_text="Mean test")
        place = head.evaluate("cell => cell.cellIndex")
        head.locator("button").focus()
        tab.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        values = [float(value) for value in column(tab, "tasks-table", place)]
        assert values == sorted(values, reverse=True)
        tab.keyboard.press("Space")
        assert head.get_attribute("aria-sort") == "ascending"
        assert [float(value) for value in column(tab, "tasks-table", place)] == values[::-1]


def test_what_has_no_value_stays_last_in_both_orders_and_details_move_along(chromium, path):
    with opened(chromium, path) as tab:
        before = set(tab.eval_on_selector_all("#pairs-table > tbody", "all => all.map(b => b.textContent)"))
        button = tab.locator("#pairs-table thead th", has_text="Gain on fresh seeds").locator("button")
        place = button.evaluate("button => button.parentElement.cellIndex")
        for _ in range(2):
            button.click()
            values = column(tab, "pairs-table", place)
            known = [value for value in values if value]
            assert values[: len(known)] == known
            assert 0 < len(known) < len(values)
        after = tab.eval_on_selector_all("#pairs-table > tbody", "all => all.map(b => b.textContent)")
        assert set(after) == before


def test_a_pair_opens_by_keyboard_and_shows_the_words_of_both_models(chromium, path):
    with opened(chromium, path) as tab:
        body = tab.locator("#pairs-table > tbody:not([hidden])", has_text="★").first
        opener = body.locator(".opener")
        opener.focus()
        tab.keyboard.press("Enter")
        assert opener.get_attribute("aria-expanded") == "true"
        assert body.locator("mark").first.is_visible()
        tab.keyboard.press("Enter")
        assert not body.locator(".below").is_visible()


def test_arrow_keys_move_over_the_heat_map_and_enter_opens_the_pair(chromium, path):
    with opened(chromium, path) as tab:
        tab.locator("#heat").focus()
        first = tab.locator("#heat-said").inner_text()
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("ArrowRight")
        assert tab.locator("#heat-said").inner_text() != first
        tab.keyboard.press("Enter")
        assert tab.locator("#pairs-table .opener[aria-expanded=true]").count() == 1
        assert tab.evaluate("document.activeElement.className") == "opener"


def test_the_heat_map_shows_one_side_alone(chromium, path):
    with opened(chromium, path) as tab:
        assert tab.locator("#heat .half.p").first.is_visible()
        tab.get_by_label("Obtained").check(force=True)
        assert not tab.locator("#heat .half.p").first.is_visible()
        assert tab.locator("#heat .half.o rect").first.evaluate("rect => rect.getBBox().width") > 50


def test_pairs_are_filtered_by_target_and_by_status(chromium, path):
    with opened(chromium, path) as tab:
        shown = tab.locator("#pairs-table > tbody:visible")
        tried = sum(pair.status == "run" for pair in fake_summary().pairs)
        assert shown.count() == tried
        tab.get_by_label("trained pairs only").uncheck()
        assert shown.count() == 132
        tab.locator("#filter-target").select_option("3")
        assert shown.count() == 11


def test_a_link_to_a_pair_opens_it_even_if_the_filter_hides_it(chromium, path):
    summary = fake_summary()
    untried = next(pair for pair in summary.pairs if pair.status == "not tried")
    order = [task.name for task in summary.tasks]
    identity = f"pair-{order.index(untried.source)}-{order.index(untried.target)}"
    with opened(chromium, path, fragment=f"#{identity}") as tab:
        assert tab.locator(f"#{identity}").is_visible()


def test_markup_in_names_and_texts_is_inert(chromium, tmp_path):
    with opened(chromium, write_page(evil_summary(), tmp_path / "evil.html"), width=400) as tab:
        assert tab.locator("h1").inner_text().startswith("<script>alert(1)</script>")
        assert tab.locator("img").count() == 0
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_without_script_the_details_of_pairs_can_be_read(chromium, path):
    with opened(chromium, path, script=False) as tab:
        assert tab.locator("#pairs-table .below").first.is_visible()


def test_the_page_of_a_study_that_has_not_run_opens(chromium, tmp_path):
    with opened(chromium, write_page(empty_summary(), tmp_path / "empty.html"), width=400) as tab:
        assert "No target" in tab.locator(".lead").inner_text()


def test_the_page_prints(chromium, path):
    with opened(chromium, path, scheme="dark") as tab:
        tab.emulate_media(media="print", color_scheme="dark")
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert tab.pdf()[:5] == b"%PDF-"
