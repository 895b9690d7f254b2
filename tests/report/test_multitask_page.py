"""The page of multitask training: whole, escaped, without network, and silent about what is not known."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from dataclasses import replace

import pytest
from tests.report.fake_multitask import LONG, NAMES, fake_comparison
from tests.report.test_page import EVIL, Elements

from forelearn.report.epoch_chart import Chart, Series, epoch_chart, mean_points
from forelearn.report.multitask_page import SECTIONS, multitask_page
from forelearn.report.multitask_summary import Auxiliary, Comparison
from forelearn.report.multitask_words import decisive, effect, figure, lead, memory, over_seeds, paired
from forelearn.report.summary import Interval
from forelearn.training.multitask.history import Epoch, History, TaskEpoch


@pytest.fixture(scope="module")
def made() -> Comparison:
    return fake_comparison()


def sections(text: str) -> list[str]:
    return [attributes["id"] or "" for tag, attributes in Elements(text).found if tag == "section"]


def visible(text: str) -> str:
    body = text[text.index("<body>") : text.index("<script>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def evil_comparison() -> Comparison:
    """Markup in every place where text from data can stand."""
    found = fake_comparison((EVIL, "RTE"), target=f"{EVIL} target", seeds=(0, 1), epochs=3)
    shown = Epoch(0, found.method.histories[0].epochs[0].tasks, events=(EVIL,), select=0.5, dev=0.5, test=0.5)
    first = replace(found.method.histories[0], epochs=(shown,), gradients={EVIL: 3})
    method = replace(
        found.method,
        name=EVIL,
        about=EVIL,
        method=EVIL,
        options=((EVIL, EVIL),),
        keys=(EVIL, EVIL),
        histories=(first, found.method.histories[1]),
        failed=(EVIL,),
    )
    return replace(
        found,
        study=EVIL,
        encoder=EVIL,
        metric=EVIL,
        chosen=EVIL,
        reason=EVIL,
        recipe={EVIL: EVIL},
        arms=(method, *found.arms[1:]),
        differences=(replace(found.differences[0], arm=EVIL), *found.differences[1:]),
    )


def test_every_section_is_there_in_order_and_every_element_is_closed(made: Comparison) -> None:
    read = Elements(multitask_page(made))
    assert read.open == []
    assert sections(multitask_page(made)) == [key for key, _ in SECTIONS]
    ids = [attributes["id"] for _, attributes in read.found if attributes.get("id")]
    assert len(ids) == len(set(ids))


def test_the_page_needs_nothing_from_elsewhere_and_runs_its_own_script_alone(made: Comparison) -> None:
    text = multitask_page(made)
    for _, attributes in Elements(text).found:
        assert not {"src", "srcset", "action"} & set(attributes)
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))
    assert "http://" not in text
    assert "https://" not in text
    script = text.split("<script>")[1].split("</script>")[0]
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#x27;sha256-{known}&#x27;" in text


def test_text_from_data_never_becomes_markup() -> None:
    read = Elements(multitask_page(evil_comparison()))
    assert read.open == []
    assert [tag for tag, _ in read.found].count("script") == 1
    assert "img" not in [tag for tag, _ in read.found]
    assert not any(key.startswith("on") for _, attributes in read.found for key in attributes)


def test_the_answer_stands_first_with_its_reason(made: Comparison) -> None:
    text = visible(multitask_page(made))
    assert "Not enough evidence that CB, trained by alpha-vil together with RTE, MRPC and" in text
    assert text.index("the interval holds 0") < text.index("Against what else")
    assert "−0.004 to +0.020" in text


@pytest.mark.parametrize("worth", ["worth it", "not worth it", "not enough evidence"])
@pytest.mark.parametrize("auxiliaries", [(), ("A",), ("A", "B", "C", "D")])
def test_every_verdict_begins_the_answer(made: Comparison, worth: str, auxiliaries: tuple[str, ...]) -> None:
    verdict, rest = lead(replace(made, worth=worth, auxiliaries=auxiliaries))  # type: ignore[arg-type]
    assert verdict.lower() == worth
    assert ("alone" in rest) == (not auxiliaries)
    assert ("4 auxiliary tasks" in rest) == (len(auxiliaries) == 4)


def test_the_page_says_that_test_chose_nothing(made: Comparison) -> None:
    assert "Test chose nothing : snapshots and the verdict rest on dev" in visible(multitask_page(made))


def test_a_method_without_alpha_has_no_panels_of_alpha() -> None:
    text = multitask_page(fake_comparison(alpha=False))
    titles = re.findall(r"<figcaption><b>([^<]*)</b>", text)
    assert titles == ["Dev accuracy against compute", "Training loss"]
    assert "auxiliaries" in sections(text)
    assert "⟨g, δ⟩" not in visible(text)


def test_what_is_not_known_is_left_out(made: Comparison) -> None:
    bare = tuple(
        replace(
            arm,
            seeds=(),
            keys=(),
            select=(),
            dev=(),
            test=(),
            gradients=(),
            seconds=(),
            peak_bytes=(),
            histories=(),
            failed=("the loss was not finite.",),
        )
        for arm in made.arms
    )
    text = multitask_page(replace(made, arms=bare, differences=(), tasks=()))
    assert sections(text) == ["arms", "method"]
    assert "No seed of the method has run" in visible(text)
    assert visible(text).count("the loss was not finite.") == len(bare)


def test_one_seed_is_said_to_be_one_and_has_no_interval() -> None:
    found = fake_comparison(("RTE",), seeds=(7,))
    assert all(one.select is None for one in found.differences)
    text = visible(multitask_page(found))
    assert "One seed has run" in text
    assert text.count("1 seed, no interval") == 2 * len(found.differences)
    assert "one line a task" in text


def test_a_failed_seed_is_counted_and_leaves_the_pairs_that_remain(made: Comparison) -> None:
    other = made.arms[1]
    cut = replace(
        other,
        **{
            field: getattr(other, field)[1:]
            for field in (
                "seeds", "keys", "select", "dev", "test", "gradients", "seconds", "peak_bytes", "histories"
            )
        },
        failed=("seed 0: the loss was not finite.",),
    )  # fmt: skip
    found = replace(made, arms=(made.method, cut, *made.arms[2:]))
    assert len(paired(found, cut, "test")) == 4
    text = visible(multitask_page(found))
    assert "seed 0: the loss was not finite." in text
    assert "1 failed" in text


def test_numbers_that_are_not_finite_are_never_shown(made: Comparison) -> None:
    broken = tuple(
        replace(
            epoch,
            tasks={name: TaskEpoch(math.nan, math.inf, None, math.nan) for name in epoch.tasks},
            before=math.nan,
            after=math.inf,
        )
        for epoch in made.method.histories[0].epochs
    )
    first = replace(made.method.histories[0], epochs=broken)
    method = replace(
        made.method,
        histories=(first, *made.method.histories[1:]),
        test=(math.nan, *made.method.test[1:]),
    )
    lost = Auxiliary("RTE", math.nan, None, math.nan, math.inf, math.nan, 0, 0)
    text = multitask_page(replace(made, arms=(method, *made.arms[1:]), tasks=(lost, *made.tasks[1:])))
    assert not re.search(r"\b(nan|inf)\b", text[text.index("<body>") : text.index("<script>")], re.IGNORECASE)


def test_twelve_tasks_with_long_names_over_a_hundred_epochs_make_a_page_below_two_megabytes() -> None:
    text = multitask_page(fake_comparison(LONG, epochs=100))
    assert len(text.encode()) < 2_000_000
    assert "12 auxiliary tasks" in text
    assert "seeds of a task are drawn when it is shown alone" in text
    places = set(re.findall(r'class="series ([a-z0-9]+)" data-place="(\d+)"', text))
    assert {place for _, place in places} >= {str(place) for place in range(13)}


def test_every_event_is_listed_with_its_epoch_counted_from_one(made: Comparison) -> None:
    text = multitask_page(made)
    told = [
        (epoch.number + 1, said)
        for arm in made.arms
        for history in arm.histories
        for epoch in history.epochs
        for said in epoch.events
    ]
    assert told
    table = text.split('id="events-table"')[1].split("</table>")[0]
    assert [int(value) for value in re.findall(r'data-title="Epoch" data-value="(\d+)"', table)] == [
        number for number, _ in told
    ]


def test_keys_of_all_runs_stand_on_the_page(made: Comparison) -> None:
    text = multitask_page(made)
    assert all(f"<code>{key}</code>" in text for arm in made.arms for key in arm.keys)


def test_options_that_differ_from_the_method_are_marked(made: Comparison) -> None:
    first = replace(made.arms[1], options=(*made.method.options[:-1], ("optimiser", "sgd")))
    text = multitask_page(replace(made, arms=(made.method, first, *made.arms[2:])))
    assert "<b><bdi>sgd</bdi></b>" in text


def test_the_interval_over_seeds_is_students() -> None:
    """1, 2, 3: mean 2, variance 1, t(.95, 2) = 2.92, so 2 ± 2.92 / √3 = 2 ± 1.686."""
    found = over_seeds([1.0, 2.0, 3.0], 0.9)
    assert found is not None
    assert (found.mean, found.high) == pytest.approx((2.0, 3.686), abs=1e-3)
    assert found.low == pytest.approx(4 - found.high)
    assert over_seeds([1.0], 0.9) is None
    assert over_seeds([1.0, math.nan], 0.9) is None


def test_the_page_shows_the_lead_over_the_control_that_the_verdict_rests_on(made: Comparison) -> None:
    first, second, *rest = made.differences
    shown = Interval(0.004, -0.002, 0.01)
    found = replace(made, differences=(first, replace(second, select=shown), *rest), rests_on=second.arm)
    assert decisive(found) == replace(second, select=shown)
    text = multitask_page(found)
    assert f"over {second.arm}, on which the answer rests" in text
    assert "+0.004" in text
    assert decisive(replace(made, rests_on="")) is None


def slopes(*seeds: float) -> tuple[History, ...]:
    return tuple(
        History(
            "m", ("T", "A"), "f1", (Epoch(0, {"T": TaskEpoch(), "A": TaskEpoch(slope=slope)}),), 0, {}, 0, 0.0, 0
        )
        for slope in seeds
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ((0.2, 0.21, 0.19), ("hurt the target", "in 3 of 3 seeds", "loss")),
        ((-0.2, -0.21, -0.19), ("helped the target", "in 3 of 3 seeds", "won")),
        ((0.2, -0.1, -0.05), ("no clear effect", "hurt in 1 of 3 seeds", "quiet")),
        ((0.2,), ("hurt the target", "in one seed", "")),
    ],
)
def test_only_a_slope_whose_interval_leaves_out_zero_is_an_effect(
    made: Comparison, seeds: tuple[float, ...], said: tuple[str, str, str]
) -> None:
    arm = replace(made.method, histories=slopes(*seeds))
    one = Auxiliary("A", None, None, None, None, sum(seeds) / len(seeds), 0, 0)
    assert effect(arm, one, 0.9) == said


def test_a_task_that_the_method_does_not_look_at_has_no_effect_that_is_known(made: Comparison) -> None:
    one = Auxiliary("A", None, None, None, None, None, 0, 0)
    assert effect(replace(made.method, histories=slopes()), one, 0.9) == ("not known", "", "quiet")


def test_the_mean_over_seeds_stops_where_the_first_seed_stops() -> None:
    found = mean_points([[(1, 1.0), (2, 3.0), (3, 9.0)], [(1, 3.0), (2, math.nan)]])
    assert found == [(1, 2.0), (2, 3.0)]


def test_a_line_breaks_where_a_value_is_missing_and_a_chart_without_values_is_none() -> None:
    points = [(1.0, 0.1), (2.0, 0.2), (3.0, math.nan), (4.0, 0.3), (5.0, 0.4)]
    drawn = epoch_chart(Chart("one", "", "epoch", [Series("a", 0, points)], [(1.0, "x"), (5.0, "y")]))
    assert drawn is not None
    path = re.search(r'd="([^"]*)" class="mean-line"', drawn)
    assert path is not None
    assert path[1].count("M") == 2
    assert epoch_chart(Chart("none", "", "epoch", [Series("a", 0, [(1.0, math.nan)])], [(1.0, "x")])) is None


def test_seven_series_and_more_differ_in_colour_or_in_dash() -> None:
    series = [Series(str(place), place, [(1.0, 0.1), (2.0, 0.2)]) for place in range(18)]
    drawn = epoch_chart(Chart("many", "", "epoch", series, [(1.0, "x"), (2.0, "y")]))
    assert drawn is not None
    looks = re.findall(
        r'class="series (\w+)"[^>]*><path d="[^"]*" class="mean-line"( stroke-dasharray="[^"]*")?', drawn
    )
    assert len(looks) == 18
    assert len(set(looks)) == 18


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.0034, "1.003"),
        (-0.02, "−0.02"),
        (1e-6, "10⁻⁶"),
        (2.54e-5, "2.54 × 10⁻⁵"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_figures_are_short_and_never_say_e(value: float | None, said: str) -> None:
    assert figure(value) == said


def test_memory_is_said_in_units_of_its_size() -> None:
    assert [memory(size) for size in (812_000_000, 3_100_000_000, None)] == ["812 MB", "3.1 GB", "–"]


def test_names_of_the_auxiliaries_are_all_on_the_page(made: Comparison) -> None:
    assert all(task in visible(multitask_page(made)) for task in NAMES)


def test_the_axis_of_compute_ends_where_all_arms_are_held(made: Comparison) -> None:
    figure = multitask_page(made).split("<figure")[1].split("</figure>")[0]
    told = [int(text.replace("\u202f", "").replace("\u2009", "").replace("\xa0", "").replace(" ", ""))
            for text in re.findall(r"<title>([\d\s\u202f\u2009\xa0]+) sample gradients", figure)]  # fmt: skip
    assert told == sorted(told)
    assert told[-1] == made.compute
