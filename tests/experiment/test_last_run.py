"""What `run` was told is what the other commands look at, and what a tidy-up keeps."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.cli.test_commands import call
from tests.families import small_study

from forelearn.core.errors import ForelearnError, InputError
from forelearn.executors.inline import Inline
from forelearn.experiment import api
from forelearn.experiment.drive import Silent
from forelearn.experiment.keeping import gc, verify
from forelearn.experiment.keeping import weights_of as folder_of
from forelearn.experiment.last_run import as_last_run, as_run, going_on, in_words, remember, remembered
from forelearn.experiment.opening import Options
from forelearn.experiment.status import status
from forelearn.store.directory import Directory

pytestmark = pytest.mark.slow

WRONG = (
    '{"runs": [{"budget": null, "seed": null, "limit": null, "confirm": null, "exhaustive": null, '
    '"device": null, "precision": "int8"}]}'
)
WHOLE = Options(workers=1, budget="100%")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A study whose file says 70 %, run with 100 %."""
    study = small_study(tmp_path_factory.mktemp("whole"), tasks=3, budget="70%")
    api.search(study, WHOLE)
    return study


@pytest.fixture
def study(whole, tmp_path) -> Path:
    """A copy of it."""
    shutil.copytree(whole.parent, tmp_path / "copy")
    return tmp_path / "copy" / "study.toml"


def runs_of(summary) -> int:
    return sum(row.runs for row in summary.costs)


def weights_of(study: Path) -> set[str]:
    return {folder.name for folder in (study.parent / "out" / "weights").iterdir()}


def test_every_command_looks_at_what_was_last_run_and_says_so(study, monkeypatch, capsys):
    monkeypatch.setattr(api, "Local", lambda workers, threads: Inline())  # no processes for a moment's work
    key = next((study.parent / "out" / "runs").iterdir()).name
    for command in (
        ["status", study],
        ["report", study],
        ["explain", key, "--study", study],
        ["ask", study],
        ["rank", study, "--target", "01-amber"],
    ):
        code, _, err = call(monkeypatch, capsys, *command)
        assert code == 0
        assert err.count("as last run: --budget 100%\n") == 1, command
    assert api.report(study).budget == "100%"
    assert runs_of(api.report(study)) == len(api.open_prepared(study).runs.all())


def test_an_option_that_is_given_wins(study, monkeypatch, capsys):
    code, out, err = call(monkeypatch, capsys, "report", study, "--budget", "70%", "--json")
    assert code == 0
    assert "as last run" not in err
    assert json.loads(out)["budget"] == "70%"
    assert runs_of(api.report(study, Options(budget="70%"))) < runs_of(api.report(study))
    assert status(study, Options(seed=5)).runs == 0


def test_a_run_takes_the_files_settings_for_what_it_is_not_told(study, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "run", study, "--workers", "1")
    assert code == 0
    assert "this run leaves out what the last one was told: --budget 100%" in err
    assert api.report(study).budget == "70%"
    code, _, err = call(monkeypatch, capsys, "status", study)
    assert err == ""


def test_a_tidy_up_keeps_what_any_run_needs(study):
    before = weights_of(study)
    assert not [removal for removal in gc(study, None, None, dry_run=False) if "weights" in removal.place]
    api.search(study, Options(workers=1, seed=3, limit=40))
    both = weights_of(study)
    assert before < both
    assert not [removal for removal in gc(study, None, None, dry_run=False) if "weights" in removal.place]
    assert weights_of(study) == both
    assert runs_of(api.report(study)) > 0  # of seed 3
    (study.parent / "out" / "options.json").unlink()
    assert [removal for removal in gc(study, None, None, dry_run=True) if "weights" in removal.place]


class Killed(Exception):
    """What ends a run here."""


@dataclass(frozen=True, slots=True)
class Killing(Silent):
    """Ends the run after as many transfers as it counts down from, in the middle of a round."""

    left: list[None]

    def end(self, label, outcome):
        if not self.left:
            raise Killed
        self.left.pop()


@pytest.mark.parametrize("ended", [0, 2, 7])
def test_who_looks_at_a_round_that_is_not_whole_sees_what_has_finished_of_it(ended, tmp_path):
    study = small_study(tmp_path, tasks=3)
    with pytest.raises(Killed):
        api.search(study, WHOLE, display=Killing([None] * ended))
    stored = len(api.open_prepared(study, WHOLE).runs.all())
    assert stored >= ended + 1
    assert status(study, Options()).runs == stored
    assert sum(row.runs for row in api.report(study).costs) == stored
    wanted = [transfer.key for transfer in api.ask(study)]
    assert api.search(study, WHOLE).answers
    assert wanted


@pytest.mark.parametrize("ended", [0, 3, 7])
def test_a_tidy_up_keeps_the_weights_of_a_round_that_is_not_whole(ended, tmp_path):
    study = small_study(tmp_path, tasks=3)
    with pytest.raises(Killed):
        api.search(study, WHOLE, display=Killing([None] * ended))
    before = weights_of(study)
    assert len(before) >= min(ended, 3) + 1
    assert not [removal for removal in gc(study, None, None, dry_run=False) if "weights/" in removal.place]
    assert weights_of(study) == before


def test_a_tidy_up_keeps_what_comes_after_a_run_that_is_to_be_tried_again(study):
    prepared = api.open_prepared(study, WHOLE)
    baseline = prepared.space.baseline(prepared.space.targets[0], prepared.space.recipes[0], 0)
    before = weights_of(study)
    prepared.runs.forget(baseline.key)
    assert status(study, Options()).stage == "grid"
    assert {removal.place for removal in gc(study, None, None, dry_run=False)} <= {f"weights/{baseline.key}"}
    assert weights_of(study) | {baseline.key} == before


def test_a_tidy_up_holds_the_study_while_it_looks_at_what_is_needed(study, monkeypatch):
    real = api.standing
    held = []

    def standing(path, options, *, last):
        with (
            pytest.raises(ForelearnError, match="at work on this study"),
            api.open_prepared(path, options).directory.lock(),
        ):
            pass
        held.append(options)
        return real(path, options, last=last)

    monkeypatch.setattr(api, "standing", standing)
    gc(study, None, None, dry_run=True)
    assert [options.budget for options in held] == [None, "100%"]


def test_a_run_of_everything_is_looked_at_as_such_until_a_budget_is_given(tmp_path):
    study = small_study(tmp_path, tasks=2, seeds=1)
    api.search(study, Options(workers=1), exhaustive=True)
    assert api.report(study).budget == status(study, Options()).budget == "exhaustive"
    assert api.report(study, Options(budget="90%")).budget == "90%"
    assert as_last_run(study, Options(budget="90%")).exhaustive is False
    assert in_words(study, Options(), as_last_run(study, Options())) == "--exhaustive"


def test_what_runs_were_told_is_kept_once_each_the_last_one_last(tmp_path):
    told = [Options(budget="2h"), Options(seed=3), Options(limit=40, confirm=0.0), Options(exhaustive=True)]
    for options in (*told, told[0]):
        remember(tmp_path, replace(options, workers=4, out="elsewhere"))
    assert remembered(tmp_path) == (*told[1:], told[0])
    assert [path.name for path in tmp_path.iterdir()] == ["options.json"]
    assert remembered(tmp_path / "none") == ()


@pytest.mark.parametrize(
    "text", ["", "[]", WRONG, '{"runs": [{"budget": 5}]}', '{"runs": [1]}', '{"runs": null}']
)
def test_a_damaged_memory_is_refused_and_no_weights_are_removed_for_it(text, study):
    (study.parent / "out" / "options.json").write_text(text, encoding="utf-8")
    before = weights_of(study)
    for look in (lambda: gc(study, None, None, dry_run=False), lambda: api.report(study)):
        with pytest.raises(InputError, match="Remove it"):
            look()
    assert weights_of(study) == before


def test_a_device_is_remembered_where_it_decides_the_precision(tmp_path):
    study = small_study(tmp_path)
    told = Options(device="cpu")
    assert as_run(study, Options(), told).device is None  # the file says fp32
    study.write_text(study.read_text().replace('precision = "fp32"', 'precision = "auto"'), encoding="utf-8")
    assert as_run(study, Options(), told).device == "cpu"
    assert as_run(study, Options(device="auto"), told).device == "auto"


def test_a_study_is_looked_at_and_tidied_up_on_another_chip_as_it_was_run(tmp_path, monkeypatch):
    study = small_study(tmp_path, tasks=3)
    study.write_text(study.read_text().replace('precision = "fp32"', 'precision = "auto"'), encoding="utf-8")

    def chip(good_at):
        for place in ("prepare", "api"):
            monkeypatch.setattr(f"forelearn.experiment.{place}.resolve_precision", lambda device: good_at)

    chip("fp32")
    api.search(study, WHOLE)
    here, before = status(study, Options()), weights_of(study)
    chip("bf16")
    there = status(study, Options())
    assert (there.runs, there.stage) == (here.runs, "done")
    assert there.runs > 0
    assert status(study, Options(device="cpu")).runs == 0  # what is asked for wins
    assert not [removal for removal in gc(study, None, None, dry_run=False) if "weights" in removal.place]
    assert weights_of(study) == before
    told = remembered(study.parent / "out")
    assert [one.precision for one in told] == ["fp32"]
    remember(study.parent / "out", replace(told[0], precision="bf16"))
    assert [one.precision for one in remembered(study.parent / "out")] == ["fp32", "bf16"]


@pytest.fixture
def chip(monkeypatch):
    """Which precision `auto` means."""

    def good_at(precision):
        for place in ("prepare", "api", "last_run"):
            monkeypatch.setattr(f"forelearn.experiment.{place}.resolve_precision", lambda device: precision)

    return good_at


def test_a_study_that_began_in_fp32_goes_on_in_it_on_a_chip_that_is_faster_in_bf16(
    tmp_path, chip, monkeypatch, capsys
):
    study = small_study(tmp_path, tasks=2)
    study.write_text(study.read_text().replace('precision = "fp32"', 'precision = "auto"'), encoding="utf-8")
    chip("fp32")
    api.search(study, WHOLE)
    before = {run.transfer.key for run in api.open_prepared(study).runs.all()}
    chip("bf16")
    code, _, err = call(monkeypatch, capsys, "run", study, "--budget", "100%", "--workers", "1")
    assert code == 0
    assert f"{len(before)} runs in {tmp_path / 'out'} are in fp32, and the study goes on in it" in err
    assert {run.transfer.key for run in api.open_prepared(study).runs.all()} == before
    assert [one.precision for one in remembered(tmp_path / "out")] == ["fp32"]
    assert api.estimate(study, Options(budget="100%")).seconds is not None  # known from what has run
    asked, said = going_on(study, Options(device="cpu"))  # what is asked for wins
    assert asked.precision is None
    assert "do not count in bf16" in said
    assert going_on(study, Options(precision="bf16")) == (Options(precision="bf16"), "")


def test_what_ran_in_bf16_is_said_not_to_count_where_it_is_slow(tmp_path, chip):
    study = small_study(tmp_path, tasks=2)
    study.write_text(study.read_text().replace('precision = "fp32"', 'precision = "auto"'), encoding="utf-8")
    chip("fp32")
    assert going_on(study, Options()) == (Options(), "")  # nothing has run
    remember(tmp_path / "out", Options(precision="bf16"))
    assert going_on(study, Options()) == (Options(), "")  # it ended before its first run did
    chip("bf16")
    api.search(study, WHOLE)
    chip("fp32")
    asked, said = going_on(study, Options())
    assert asked == Options()
    assert "in bf16 and do not count in fp32" in said
    assert '`precision = "bf16"` in [recipe] goes on with them (slowly)' in said
    study.write_text(study.read_text().replace('precision = "auto"', 'precision = "fp32"'), encoding="utf-8")
    assert going_on(study, Options()) == (Options(), "")


def test_a_device_that_is_not_here_is_no_hindrance_where_the_precision_of_its_run_is_known(tmp_path):
    study = small_study(tmp_path)
    study.write_text(study.read_text().replace('precision = "fp32"', 'precision = "auto"'), encoding="utf-8")
    known = as_run(study, Options(), Options(device="tpu", precision="bf16"))
    assert (known.device, known.precision) == (None, "bf16")
    unknown = as_run(study, Options(), Options(device="tpu"))
    assert unknown.device == "tpu"  # refused: nobody knows which runs belong to it
    asked = as_run(study, Options(device="cpu"), Options(device="tpu", precision="bf16"))
    assert (asked.device, asked.precision) == ("cpu", None)


def test_what_was_noted_before_precisions_were_is_read(study):
    file = study.parent / "out" / "options.json"
    runs = json.loads(file.read_text(encoding="utf-8"))["runs"]
    for run in runs:
        del run["precision"]
    file.write_text(json.dumps({"runs": runs}), encoding="utf-8")
    assert remembered(file.parent) == (replace(WHOLE, workers=None),)


def test_a_dry_run_remembers_nothing_and_is_as_the_file_says(study):
    assert api.estimate(study).budget == "70%"
    assert api.estimate(study, Options(budget="2h")).budget == "2h"
    assert remembered(study.parent / "out") == (replace(WHOLE, workers=None),)


def test_a_tidy_up_keeps_what_a_run_on_other_data_needs(tmp_path):
    """A sample beside the study's file, the whole elsewhere: `gc STUDY` alone looks at what was run, too."""
    study = small_study(tmp_path / "study", tasks=2)
    other = small_study(tmp_path / "whole", tasks=3).parent
    options = Options(workers=1, data_root=str(other), budget="60%")
    api.search(study, options)
    kept = weights_of(study)
    assert kept
    assert in_words(study, Options(), as_last_run(study, Options())) == f"--budget 60% --data {other}"
    gc(study, None, None, dry_run=False)
    assert weights_of(study) == kept


def test_a_tidy_up_on_other_data_keeps_what_the_runs_before_need(tmp_path):
    """`gc --data WHOLE` removes nothing that the run on the sample beside the file needs, nor the other way round."""
    study = small_study(tmp_path / "study", tasks=2)
    other = small_study(tmp_path / "whole", tasks=3).parent
    for data in (None, str(other)):
        api.search(study, Options(workers=1, data_root=data))
    kept = weights_of(study)
    for data in (str(other), None):
        gc(study, None, data, dry_run=False)
        assert weights_of(study) == kept


def test_data_that_are_not_beside_the_file_or_have_gone_since_cost_no_weights(tmp_path, monkeypatch):
    study = small_study(tmp_path / "study", tasks=2)
    whole = tmp_path / "whole"
    (study.parent / "data").rename(tmp_path / "data")
    whole.mkdir()
    (tmp_path / "data").rename(whole / "data")
    study.write_text('data_root = "$NOWHERE_AT_ALL"\n' + study.read_text())
    monkeypatch.delenv("NOWHERE_AT_ALL", raising=False)
    api.search(study, Options(workers=1, data_root=str(whole)))
    kept = weights_of(study)
    assert as_last_run(study, Options()).data_root == str(whole)
    assert status(study, Options()).stage == "done"
    assert verify(study, None)[0] == []
    assert folder_of(study, next(iter(kept)), None).is_dir()
    gc(study, None, None, dry_run=False)
    assert weights_of(study) == kept
    shutil.copytree(whole, tmp_path / "moved")
    shutil.rmtree(whole)
    for data in (None, str(tmp_path / "moved")):
        gc(study, None, data, dry_run=False)
        assert weights_of(study) == kept


def test_a_tidy_up_of_a_study_that_keeps_all_weights_keeps_them(tmp_path):
    study = small_study(tmp_path, tasks=2, seeds=1, more='[run]\nkeep_weights = "all"')
    api.search(study, Options(workers=1))
    directory = Directory(tmp_path / "out")
    (directory.work("weights", "beaten") / "model.safetensors").write_text("1")
    directory.finish("weights", "beaten")
    assert gc(study, None, None, dry_run=False) == []
    study.write_text(study.read_text().replace('"all"', '"best"'))
    assert [one.place for one in gc(study, None, None, dry_run=False)] == ["weights/beaten"]
