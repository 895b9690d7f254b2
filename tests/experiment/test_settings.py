"""The study file: its values, its budget, its grid, its paths."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broken_studies import GOOD, good

from forelearn.core.budget import Budget
from forelearn.core.errors import InputError
from forelearn.core.recipe import Recipe
from forelearn.experiment.settings import Settings
from forelearn.experiment.study import load_study, parse_study

FULL = """\
name = "full"
encoder = "owner/name"
metric = "f1"
targets = ["a"]
seed = 7

[[data]]
files = {train = "x.csv", test = ["y.csv", "z.csv"]}
label = "label"

[[data]]
files = ["u.csv", "v/*.csv"]
one_vs_rest = true

[splits]
by = "group"
dev = 0.2
train_rows = 100

[recipe]
learning_rate = [2e-5, 5e-5]
epochs = [1, 2]
threshold = ["dev", 0.5]
precision = "auto"

[search]
budget = "90m"
features = ["f1", "size"]

[run]
device = "cuda:1"
"""


def parse(text, folder=Path(".")):
    return parse_study(text, path=folder / "study.toml")


def settings(text):
    return parse(text).settings


@pytest.mark.parametrize(
    ("text", "kind", "amount", "shown"),
    [
        ("120 runs", "runs", 120, "120 runs"),
        ("1 run", "runs", 1, "1 run"),
        ("2h", "seconds", 7200, "2h"),
        ("90m", "seconds", 5400, "1.5h"),
        ("3600s", "seconds", 3600, "1h"),
        (" 45 s ", "seconds", 45, "45s"),
        ("16.5%", "share", 0.165, "16.5%"),
        ("100%", "share", 1, "100%"),
    ],
)
def test_budgets_read_and_show(text, kind, amount, shown):
    assert Budget.parse(text) == Budget(kind, amount)
    assert str(Budget.parse(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "120",
        "0 runs",
        "-1 runs",
        "1.5 runs",
        "0s",
        "0%",
        "101%",
        "nan%",
        "inf h",
        "2 weeks",
        "1h30m",
        "%",
        "1..2h",
    ],
)
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(ValueError, match="budget"):
        Budget.parse(text)


@given(st.floats(0.01, 1e6))
def test_a_budget_in_seconds_shows_as_a_text_that_reads_as_nearly_the_same(amount):
    assert Budget.parse(str(Budget("seconds", amount))).amount == pytest.approx(amount, rel=1e-6)


def test_every_section_of_a_full_file_is_read():
    study = settings(FULL)
    assert study.data[0].files == {"train": ("x.csv",), "test": ("y.csv", "z.csv")}
    assert study.data[1].files == {"": ("u.csv", "v/*.csv")}
    assert study.search.budget == Budget("seconds", 5400)
    assert study.search.features == ("f1", "size")
    assert study.splits.plan().train_rows == 100
    assert study.tiny.layers == 2


def test_lists_make_the_grid_in_the_order_of_the_lists():
    """2 rates × 2 epochs × 2 thresholds = 8 recipes."""
    grid = settings(FULL).grid("bf16")
    assert len(grid) == len(set(grid)) == 8
    assert grid[0] == Recipe(learning_rate=2e-5, epochs=1, threshold="dev", precision="bf16")
    assert [recipe.threshold for recipe in grid[:2]] == ["dev", "0.5"]
    assert [recipe.epochs for recipe in grid[:4]] == [1, 1, 2, 2]


def test_without_a_recipe_the_grid_is_the_default_recipe():
    assert settings(GOOD).grid("fp32") == (Recipe(),)


def test_auto_beside_the_precision_that_it_means_is_one_recipe():
    text = GOOD + '\n[recipe]\nprecision = ["auto", "fp32"]\n'
    assert len(settings(text).grid("fp32")) == 1
    assert len(settings(text).grid("bf16")) == 2


def test_settings_read_again_from_their_values_are_equal():
    study = settings(FULL)
    assert Settings.model_validate(study.model_dump()) == study


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        settings(FULL).seed = 1


@pytest.mark.parametrize("value", ["true", '"3"', "2.0"])
def test_nothing_is_converted_silently(value):
    with pytest.raises(InputError, match="`epochs` cannot be"):
        settings(GOOD + f"\n[recipe]\nepochs = {value}\n")


def test_every_problem_of_a_file_is_in_one_error_with_its_section_and_key():
    text = FULL.replace("seed = 7", "seed = -7").replace("dev = 0.2", "dev = 2").replace('"90m"', '"0m"')
    with pytest.raises(InputError) as error:
        settings(text.replace("label =", "lable ="))
    assert [problem.where for problem in error.value.problems] == [
        "study.toml, seed",
        "study.toml, [[data]] 1 lable",
        "study.toml, [splits] dev",
        "study.toml, [search] budget",
    ]
    assert "Did you mean `label`?" in str(error.value)


def test_a_study_is_found_by_its_folder_or_its_file_and_fills_out_beside_it(tmp_path):
    path = good(tmp_path)
    assert load_study(tmp_path) == load_study(path) == load_study(str(path))
    study = load_study(tmp_path)
    assert (study.folder, study.out, study.data_root) == (tmp_path, tmp_path / "out", tmp_path)
    assert load_study(tmp_path, out=tmp_path / "o").out == tmp_path / "o"


def test_variables_are_expanded_in_the_data_root_and_the_encoder(tmp_path, monkeypatch):
    (tmp_path / "data" / "sub").mkdir(parents=True)
    body = tmp_path / "body"
    body.mkdir()
    (body / "config.json").write_text("{}")
    (body / "model.safetensors").write_bytes(b"")
    monkeypatch.setenv("FORELEARN_TEST_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FORELEARN_TEST_BODY", str(body))
    text = GOOD.replace('"tiny"', '"${FORELEARN_TEST_BODY}"\ndata_root = "$FORELEARN_TEST_DATA/sub"')
    study = parse(text, tmp_path)
    assert study.data_root == tmp_path / "data" / "sub"
    assert study.resolve(study.settings.encoder) == str(body)
    assert study.resolve("body") == str(body)
    assert study.resolve("owner/name") == "owner/name"
    assert study.resolve("tiny") == "tiny"


def test_a_hub_id_is_not_looked_up(tmp_path):
    for name in ("bert-base-uncased", "google/electra-small-discriminator"):
        assert parse(GOOD.replace('"tiny"', f'"{name}"'), tmp_path).settings.encoder == name


def test_a_wrong_study_name_gets_the_nearest_one(tmp_path):
    good(tmp_path)
    with pytest.raises(InputError, match=r"Did you mean `study\.toml`"):
        load_study(tmp_path / "studi.toml")


def test_chains_of_sources_are_off_unless_asked_for():
    assert settings(GOOD).search.chain == 1
    assert settings(GOOD + "\n[search]\nchain = 3\n").search.chain == 3


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("chain = 0", "chain"),
        ("chain = 4", "chain"),
        ("chain = 2\nchain_share = 0.8", "leave nothing for single sources"),
        ("chain_share = 0.0", "chain_share"),
    ],
)
def test_what_chains_may_spend_leaves_something_for_single_sources(text, rule):
    with pytest.raises(InputError, match=rule):
        settings(GOOD + f"\n[search]\n{text}\n")
    assert settings(GOOD + "\n[search]\nchain_share = 0.8\n").search.chain == 1
