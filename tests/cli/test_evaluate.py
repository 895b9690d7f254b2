"""`forelearn evaluate` as a person runs it."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import forelearn.cli

pytestmark = pytest.mark.slow

COLUMNS = "target,source,seed,performance,baseline,score_good,score_bad"


def call(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["forelearn", "evaluate", *map(str, arguments)])
    try:
        forelearn.cli.main()
        code = 0
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def table(tmp_path) -> Path:
    """Eight targets, six sources, three seeds; `good` knows the truth and `bad` its opposite."""
    rng, rows = np.random.default_rng(0), [COLUMNS]
    for target in range(8):
        for source in range(6):
            truth = 0.02 * source + 0.02 * rng.normal()
            for seed in range(3):
                value = 0.5 + truth + 0.01 * rng.normal()
                rows.append(f"t{target},s{source},{seed},{value:.4f},0.5,{truth:.4f},{-truth:.4f}")
    path = tmp_path / "made.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_json_has_one_object_a_method_and_table(table, monkeypatch, capsys):
    code, out, err = call(monkeypatch, capsys, table, table, "--json", "--draws", 4)
    assert (code, err) == (0, "")
    rows = json.loads(out)
    methods = ["random", "static", "source effects", "good", "bad", "fusion", "forelearn", "no transfer"]
    assert [row["method"] for row in rows] == methods * 2
    by_name = {row["method"]: row for row in rows}
    assert set(by_name["good"]) == {
        *("table", "method", "kind", "sees", "figures", "band", "against", "targets", "sources", "pairs"),
        *(
            "seeds",
            "baseline_known",
            "scale",
            "reliability",
            "counts",
            "comparisons",
            "level",
            "draws",
            "seed",
        ),
    }
    assert set(by_name["good"]["figures"]["regret@1"]) == {"mean", "low", "high", "targets", "undefined"}
    regret = {n: row["figures"]["regret@1"]["mean"] for n, row in by_name.items() if row["kind"] != "search"}
    assert regret["good"] < 1 < regret["random"] < regret["bad"]
    assert by_name["good"]["against"]["random"]["regret@1"]["high"] < 0
    assert by_name["random"]["band"]["regret@1"][0] < regret["random"]
    assert by_name["good"]["reliability"]["agreement"]["mean"] > 0.5
    ours = by_name["forelearn"]
    assert (ours["kind"], ours["sees"]) == ("search", "single runs as it goes, 4 replays")
    assert set(ours["against"]) == {"random", "static"}
    assert ours["figures"]["lost@49.5"]["targets"] == 8


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(table, monkeypatch, capsys):
    first, again, other = (
        call(monkeypatch, capsys, table, "--json", "--draws", 4, "--seed", seed)[1] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_reliability_stands_before_any_method(table, monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, table, "--draws", 4)
    assert code == 0
    assert out.index("Reliability") < out.index("static")
    assert "comparisons were made" in out
    assert "points lost at 16.5" in out


def test_the_page_is_one_file_that_needs_nothing_else_and_escapes_names(table, tmp_path, monkeypatch, capsys):
    text = table.read_text(encoding="utf-8").replace("score_good", "score_<script>")
    table.write_text(text, encoding="utf-8")
    page = tmp_path / "pages" / "page.html"
    code, out, err = call(monkeypatch, capsys, table, "-o", page, "--draws", 4)
    assert (code, out) == (0, "")
    assert str(page) in err
    shown = page.read_text(encoding="utf-8")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert shown.count("<svg") == 2
    assert "src=" not in shown
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]


def test_every_bad_table_is_named_at_once_and_nothing_is_written(table, tmp_path, monkeypatch, capsys):
    broken = tmp_path / "broken.csv"
    broken.write_text("target,source,performance\na,b,high\n", encoding="utf-8")
    page = tmp_path / "page.html"
    code, out, err = call(monkeypatch, capsys, broken, table, tmp_path / "absent.csv", "-o", page)
    assert (code, out) == (2, "")
    assert "broken.csv, row 2" in err
    assert "absent.csv" in err
    assert not page.exists()


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        ("--columns", "target", "NAME=VALUE"),
        ("--scores", "nothing", "no column `nothing`"),
        ("--draws", "1", "at least 2"),
        ("--seed", "-1", "at least 0"),
        ("--scale", "inches", "auto, fraction, percent"),
        ("--baseline", "nobody", "No source is called"),
    ],
)
def test_a_bad_option_is_refused_with_the_rule(option, value, what, table, monkeypatch, capsys):
    code, out, err = call(monkeypatch, capsys, table, option, value)
    assert (code, out) == (2, "")
    assert what in err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--columns", "target=task"),
        ("--scores", "x"),
        ("--where", "a=b"),
        ("--baseline", "none"),
        ("--scale", "percent"),
        ("--encoding", "latin-1"),
    ],
)
def test_an_option_of_tables_is_refused_beside_studies_alone(option, value, tmp_path, monkeypatch, capsys):
    code, out, err = call(monkeypatch, capsys, tmp_path, option, value)
    assert (code, out) == (2, "")
    assert err == f"error: {option}: goes with a table. Leave it out.\n"


def test_options_reach_the_reader(table, monkeypatch, capsys):
    arguments = ("--scores", "score_bad", "--baseline", "none", "--where", "seed=1", "--draws", "3", "--json")
    code, out, _ = call(monkeypatch, capsys, table, *arguments)
    assert code == 0
    rows = json.loads(out)
    assert [row["method"] for row in rows] == ["random", "static", "source effects", "score_bad"]
    assert rows[0]["seeds"] == 1
    assert rows[0]["baseline_known"] == 0


def test_the_pairs_that_a_report_writes_can_be_judged(tmp_path, monkeypatch, capsys):
    path = tmp_path / "pairs.csv"
    path.write_text(
        "source,target,status,gain_dev,gain_test\nb,a,run,0.1,0.2\nc,a,run,0.2,0.1\nd,a,not tried,,\n"
        "a,b,run,0.1,0.0\nc,b,run,0.0,-0.1\n",
        encoding="utf-8",
    )
    arguments = ("--columns", "gain=gain_test", "--draws", "3", "--json")
    code, out, _ = call(monkeypatch, capsys, path, *arguments)
    assert code == 0
    assert json.loads(out)[0]["pairs"] == 4
