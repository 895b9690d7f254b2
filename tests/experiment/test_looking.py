"""Who only looks at a study writes nothing into its folder, and builds no encoder; who is refused neither."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.test_commands import call, tree
from tests.families import small_study

import forelearn
from forelearn.cli.display import Live
from forelearn.core.errors import InputError
from forelearn.experiment import api
from forelearn.experiment.built_in import NOT_BUILT
from forelearn.experiment.keeping import gc
from forelearn.experiment.opening import Options
from forelearn.experiment.question import Request
from forelearn.models import tiny

pytestmark = pytest.mark.slow

WARM = "[tiny]\nlayers = 1\nhidden = 16\nvocabulary = 700\n"

LOOKS = {
    "dry run": ["run", "STUDY", "--dry-run"],
    "status": ["status", "STUDY"],
    "report": ["report", "STUDY"],
    "dry run of joint training": [
        "train",
        "STUDY",
        "--target",
        "01-amber",
        "--with",
        "02-birch",
        "--dry-run",
    ],
}
REFUSED = {
    "no target named": ["rank", "STUDY"],
    "unknown target": ["rank", "STUDY", "--target", "nobody"],
    "unknown method": ["rank", "STUDY", "--target", "01-amber", "--by", "guesswork"],
    "pair that has not run": ["explain", "01-amber->02-birch", "--study", "STUDY"],
    "unknown key": ["explain", "0123", "--study", "STUDY"],
    "key that nobody asked for": ["tell", "STUDY", "--key", "0123", "--failed", "node lost"],
    "budget below the baselines": ["run", "STUDY", "--budget", "3 runs"],
    "dry run below the baselines": ["run", "STUDY", "--budget", "3 runs", "--dry-run"],
    "share below the baselines": ["run", "STUDY", "--budget", "1%", "--dry-run"],
    "unknown target to train": ["train", "STUDY", "--target", "nobody"],
    "unknown source": ["train", "STUDY", "--target", "01-amber", "--source", "nobody"],
    "unknown auxiliary task": ["train", "STUDY", "--target", "01-amber", "--with", "nobody"],
    "card of an unknown target": ["rank", "STUDY", "--target", "nobody", "--cards", "STUDY"],
    "prediction before any run": [
        "predict",
        "STUDY",
        "--task",
        "01-amber",
        "--file",
        "rows.csv",
        "-o",
        "p.csv",
    ],
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose encoder is warmed by masked-language modelling; here that is an error."""

    def no_training(*given: object, **named: object) -> None:
        raise AssertionError("an encoder is trained by who only looks")

    path = small_study(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert WARM in text
    path.write_text(text.replace(WARM, WARM + "mlm_epochs = 1\n"), encoding="utf-8")
    (tmp_path / "rows.csv").write_text("text\namber rain\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tiny, "_warm_up", no_training)
    return path


@pytest.mark.parametrize("name", LOOKS)
def test_who_looks_at_a_study_that_has_not_run_writes_nothing_and_trains_nothing(
    name, study, monkeypatch, capsys
):
    before = tree(study.parent)
    code, out, _ = call(monkeypatch, capsys, *(study if word == "STUDY" else word for word in LOOKS[name]))
    assert code == 0
    assert out
    assert tree(study.parent) == before


@pytest.mark.parametrize("name", REFUSED)
def test_exit_code_2_means_that_nothing_was_written(name, study, monkeypatch, capsys):
    before = tree(study.parent)
    words = [study if word == "STUDY" else word for word in REFUSED[name]]
    code, out, err = call(monkeypatch, capsys, *words)
    assert code == 2
    assert err.startswith("error: ")
    assert out == ""
    assert tree(study.parent) == before


def test_a_negative_seed_is_refused_before_anything_is_written(study):
    before = tree(study.parent)
    with pytest.raises(InputError, match="seed: must be at least 0, got -1"):
        api.train(study, "01-amber", "02-birch", seed=-1)
    assert tree(study.parent) == before


def test_a_stand_in_costs_what_the_encoder_costs_and_has_no_runs(tmp_path):
    for epochs in (0, 1):
        study = small_study(tmp_path / str(epochs))
        study.write_text(study.read_text().replace(WARM, WARM + f"mlm_epochs = {epochs}\n"), encoding="utf-8")
        look, ready = api.open_prepared(study, build=False), api.open_prepared(study)
        assert look.stand_in is not None
        assert ready.stand_in is None
        assert look.shape == ready.shape
        plans = [look.space.baseline(task, look.space.recipes[0], 0) for task in look.space.tasks]
        assert [look.cost(plan) for plan in plans] == [ready.cost(plan) for plan in plans]
        digest = look.space.encoder.digest
        assert digest == (ready.space.encoder.digest if epochs == 0 else NOT_BUILT)
        assert api.open_prepared(study, build=False).space.encoder == ready.space.encoder


def test_the_folder_of_a_stand_in_goes_with_it(tmp_path):
    look = api.open_prepared(small_study(tmp_path), build=False)
    folder = look.stand_in.folder
    assert folder.is_dir()
    assert tmp_path not in folder.parents
    del look
    assert not folder.exists()


def test_ask_builds_the_encoder_whose_digest_is_in_the_keys_that_tell_takes(tmp_path):
    study = small_study(tmp_path)
    study.write_text(study.read_text().replace(WARM, WARM + "mlm_epochs = 1\n"), encoding="utf-8")
    first = api.ask(study)[0]
    assert first.start.digest == api.open_prepared(study, build=False).space.encoder.digest != NOT_BUILT
    scores = {first.target.metric: 0.5}
    assert api.tell(study, first.key, dev=scores, test=scores).transfer == first


def test_nothing_runs_on_a_stand_in(tmp_path):
    with pytest.raises(AssertionError, match="built"):
        _ = api.open_prepared(small_study(tmp_path), build=False).place


def test_a_budget_in_time_is_of_unknown_worth_before_the_first_run(tmp_path, monkeypatch, capsys):
    study = small_study(tmp_path)
    assert api.estimate(study, Options(budget="2h")).units is None
    code, out, _ = call(monkeypatch, capsys, "run", study, "--dry-run", "--budget", "2h")
    assert code == 0
    assert "budget:      2h (not known before the first run)\n" in out
    assert "pairs:       not known before the first run\n" in out
    api.search(study, Options(budget="9 runs", confirm=0.0, workers=1))
    code, out, _ = call(monkeypatch, capsys, "run", study, "--dry-run", "--budget", "0.01s")
    assert code == 0
    assert "pairs:       about 0 runs" in out
    assert "8 runs, more than the budget pays for; a budget in time does not stop them" in out


def test_a_dry_run_of_everything_is_priced_by_what_it_runs_and_not_by_the_budget(
    tmp_path, monkeypatch, capsys
):
    """Two tasks on two seeds: 2 × 2 baselines; a source and two controls a target, 2 × 3 × 2."""
    study = small_study(tmp_path, tasks=2)
    plan = api.estimate(study, Options(exhaustive=True))
    code, out, _ = call(monkeypatch, capsys, "run", study, "--dry-run", "--exhaustive")
    assert code == 0
    assert "budget:      exhaustive (every pair on every seed)\n" in out
    assert "baselines:   4 runs\n" in out
    assert "pairs:       12 runs, controls included\n" in out
    api.search(study, Options(workers=1), exhaustive=True)
    done = api.open_prepared(study).runs.all()
    assert len(done) == plan.baselines + plan.affordable_pairs == 16
    assert sum(run.cost.units for run in done) == pytest.approx(plan.units)


def test_a_study_under_way_blames_no_budget_for_what_it_has_not_come_to(tmp_path):
    study = small_study(tmp_path)
    for transfer in api.ask(study):
        scores = {transfer.target.metric: 0.5}
        api.tell(study, transfer.key, dev=scores, test=scores)
    reasons = {row.reason for row in api.report(study).pairs}
    assert reasons == {"the study has not come to it yet"}


def test_the_time_left_rests_on_the_workers_that_run(tmp_path, monkeypatch):
    run = api.open_prepared(small_study(tmp_path)).study.settings.run
    monkeypatch.setattr(api, "cores", lambda: 8)

    def workers(device: str, **changed: int) -> int:
        monkeypatch.setattr(api, "resolve_device", lambda name: device)
        return api.workers_of(run.model_copy(update=changed))

    assert workers("cpu") == 8
    assert workers("cpu", threads=3) == 2
    assert workers("cpu", threads=9) == 1
    assert workers("cuda") == 1
    assert workers("cuda", workers=3) == 3


def test_the_line_of_a_run_divides_the_time_left_by_the_workers_that_run(tmp_path, monkeypatch, capsys):
    shown = []

    class Noted(Live):
        def __init__(self, workers: int = 1) -> None:
            shown.append(workers)
            raise InputError([])

    study = small_study(tmp_path, more="[run]\nthreads = 4\n")
    monkeypatch.setattr(api, "cores", lambda: 8)
    monkeypatch.setattr("forelearn.cli.display.Live", Noted)
    call(monkeypatch, capsys, "run", study, "--device", "cpu")
    assert shown == [2]


def test_who_looks_imports_no_network():
    """They take seconds to import: a status or a report needs the tokenizer alone."""
    heavy = "{'transformers.modeling_utils', 'torch._dynamo', 'sklearn.ensemble', 'xgboost'}"
    code = f"import sys; import forelearn.experiment.api; print(*({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_a_dry_run_refuses_what_a_run_refuses(tmp_path):
    study = small_study(tmp_path)
    for budget in ("3 runs", "1%"):
        said = []
        for refuse in (api.estimate, api.search):
            with pytest.raises(InputError) as caught:
                refuse(study, Options(budget=budget))
            said.append(str(caught.value))
        assert said[0] == said[1]
        assert "--budget: " + budget in said[0].replace("1.0%", "1%").replace("1.0 %", "1%")
        assert "does not pay for the baselines" in said[0]
    assert {path.name for path in tmp_path.iterdir()} == {"data", "study.toml"}


def test_a_dry_run_promises_no_pair_where_the_open_part_of_the_budget_pays_for_baselines_alone(tmp_path):
    study = small_study(tmp_path)
    for runs, pairs in ((9, 0), (20, 12)):  # 8 baselines; a fifth is kept for confirmation
        found = api.estimate(study, Options(budget=f"{runs} runs", confirm=0.2))
        assert found.baselines == 8
        assert found.affordable_pairs == pairs


def test_sources_in_a_list_are_told_apart_from_sources_in_turn(tmp_path):
    study = small_study(tmp_path)
    with pytest.raises(
        InputError, match=r"In turn: 02-birch->03-amber. Together with 01-amber: --with 02-birch,03"
    ):
        api.train(study, "01-amber", "02-birch,03-amber")
    with pytest.raises(InputError, match="source `02-birch,nobody`: is no source"):
        api.train(study, "01-amber", "02-birch,nobody")


def test_off_a_terminal_a_run_says_now_and_then_how_far_it_is(tmp_path, monkeypatch, capsys):
    """At the start of a stage, and a minute after the last line at the soonest: here after every run."""
    monkeypatch.setattr("forelearn.cli.display._EVERY", 0.0)
    study = small_study(tmp_path, tasks=3)
    code, out, err = call(monkeypatch, capsys, "run", study, "--workers", "1", "--json")
    assert code == 0
    assert out.startswith("{")
    lines = err.splitlines()
    assert lines[0] == "single tasks: 0 of 3 runs"
    assert any(line.startswith("single tasks: 2 of 3 runs; ") and line.endswith(" on dev") for line in lines)
    assert any(line.startswith("trying sources: 6 of ") for line in lines)


def test_what_runs_first_builds_the_encoder_that_it_runs_on(tmp_path):
    def train_together(study: Path) -> None:
        options = Options(workers=1)
        forelearn.train_together(study, "01-amber", Request(["02-birch"], seeds=1, controls=False), options)

    firsts = {
        "rank": lambda study: forelearn.rank(study, "01-amber", Options(workers=1), by=["logme"]),
        "train": lambda study: api.train(study, "01-amber", "02-birch"),
        "train together": train_together,
    }
    for name, first in firsts.items():
        study = small_study(tmp_path / name)
        text = study.read_text().replace(WARM, WARM + "mlm_epochs = 1\n").replace("epochs = 6", "epochs = 1")
        study.write_text(text, encoding="utf-8")
        first(study)
        prepared = api.open_prepared(study, build=False)
        started = {outcome.transfer.start.digest for outcome in prepared.runs.all()}
        assert started == {prepared.space.encoder.digest} != {NOT_BUILT}, name


def test_a_damaged_encoder_is_said_by_who_looks_and_built_again_by_who_runs(tmp_path):
    """One byte: with it every key would be another, the study empty, and a tidy-up would clear it."""
    study = small_study(tmp_path, tasks=2)
    api.train(study, "01-amber", options=Options(workers=1))
    prepared = api.open_prepared(study, build=False)
    folder = prepared.folders[prepared.space.encoder.digest]
    (folder / ".DS_Store").write_bytes(b"a file of nobody's")
    assert api.open_prepared(study, build=False).space.encoder == prepared.space.encoder
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    rows = study.parent / "data" / "01-amber.csv"
    for look in (
        lambda: api.report(study),
        lambda: gc(study, None, None, dry_run=False),
        lambda: forelearn.predict(study, "01-amber", rows, tmp_path / "p.csv"),
    ):
        with pytest.raises(InputError, match="built-in encoder: is damaged"):
            look()
    assert list((tmp_path / "out" / "weights").iterdir())
    again = api.open_prepared(study)
    assert again.space.encoder == prepared.space.encoder
    assert file.read_bytes() == whole


def test_a_baseline_that_is_trained_by_itself_is_looked_at_as_the_search_does(tmp_path):
    run, _ = api.train(small_study(tmp_path, tasks=2), "01-amber", options=Options(workers=1))
    assert run.performance.rungs


@pytest.mark.parametrize("command", ["gc", "verify"])
def test_who_tidies_up_a_folder_that_is_not_there_is_told_and_makes_none(
    command, tmp_path, monkeypatch, capsys
):
    study = small_study(tmp_path, tasks=2)
    code, _, err = call(monkeypatch, capsys, command, study, "--out", tmp_path / "nowhere")
    assert code == 2
    assert "nothing of the study has run" in err
    assert not (tmp_path / "nowhere").exists()
