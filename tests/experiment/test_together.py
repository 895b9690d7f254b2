"""A target trained together with others, its controls beside it: complete, resumable, refused with a word."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.families import small_study

from forelearn.core.errors import ForelearnError, InputError
from forelearn.core.multitask import Multitask
from forelearn.core.run import Failure, Run
from forelearn.experiment import api, jobs
from forelearn.experiment.again import train_command
from forelearn.experiment.arms import ALONE, CONSTANT, DECAYING, RANDOM
from forelearn.experiment.chosen_runs import chosen_runs
from forelearn.experiment.explain import explain_key
from forelearn.experiment.keeping import weights_of
from forelearn.experiment.opening import Options
from forelearn.experiment.question import Request, asked_of
from forelearn.experiment.together import UNWATCHED, Unwatched, train_together
from forelearn.experiment.together_cost import expect_together
from forelearn.report.multitask_summary import Comparison
from forelearn.training.multitask import deltas

pytestmark = pytest.mark.slow

ONE = Options(workers=1)
MORE = '[multitask]\nmethod = "alpha-vil"\nalpha_steps = 2\n'
TARGET, OTHERS = "01-amber", ("02-amber", "03-amber")
WANTED = Request(OTHERS)


def make_study(folder: Path, more: str = MORE) -> Path:
    """Three tasks, two seeds, two epochs, two α-steps."""
    path = small_study(folder, tasks=3, more=more)
    path.write_text(path.read_text(encoding="utf-8").replace("epochs = 6", "epochs = 2"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison]:
    study = make_study(tmp_path_factory.mktemp("together"))
    return study, train_together(study, TARGET, WANTED, ONE)


def without_costs(value: Any) -> Any:
    """A comparison without what a stopwatch and the memory put into it."""
    if isinstance(value, dict):
        return {
            key: without_costs(item) for key, item in value.items() if key not in ("seconds", "peak_bytes")
        }
    return [without_costs(item) for item in value] if isinstance(value, list) else value


def stored(study: Path) -> dict[str, int]:
    return {folder.name: folder.stat().st_mtime_ns for folder in (study.parent / "out" / "runs").iterdir()}


def test_a_comparison_has_the_method_and_every_control_on_every_seed(finished):
    _, comparison = finished
    assert [arm.name for arm in comparison.arms] == ["alpha-vil", CONSTANT, DECAYING, ALONE, RANDOM]
    assert [arm.control for arm in comparison.arms] == [False, True, True, True, True]
    for arm in comparison.arms:
        assert arm.seeds == (0, 1)
        assert not arm.failed
        assert len(set(arm.keys)) == len(arm.test) == len(arm.histories) == 2
    assert comparison.method.auxiliaries == OTHERS
    assert comparison.arms[4].auxiliaries == tuple(f"{name} (random labels)" for name in OTHERS)
    assert [one.name for one in comparison.tasks] == list(OTHERS)
    assert comparison.reason


def test_no_arm_is_given_more_sample_gradients_than_the_method_spent(finished):
    """2 epochs × (60 + 60 + 40 training rows and 2 × 40 dev rows of the α-steps) = 480."""
    _, comparison = finished
    assert comparison.compute == 480
    assert all(0 < spent <= 480 for arm in comparison.arms for spent in arm.gradients)
    single = comparison.arms[1]
    assert single.gradients == (480, 480)
    assert [epoch.number for epoch in single.histories[0].epochs] == [
        3,
        7,
    ]  # 8 of 60 rows; two looks, as the method
    assert comparison.arms[3].gradients == (420, 420)  # 3 epochs of 60 + 80


def test_measures_are_of_the_best_epoch_within_the_compute(finished):
    _, comparison = finished
    for arm in comparison.arms:
        for select, test, history in zip(arm.select, arm.test, arm.histories):
            within = [epoch for epoch in history.epochs if epoch.gradients <= comparison.compute]
            assert select == max(epoch.select for epoch in within)
            assert test == next(epoch.test for epoch in within if epoch.select == select)


def test_controls_differ_from_the_method_in_one_thing(finished):
    _, comparison = finished
    constant, decaying, alone, dealt = comparison.arms[1:]
    assert dict(constant.options)["schedule"] == "constant"
    assert dict(decaying.options)["schedule"] == "linear"
    assert set(constant.options) ^ set(decaying.options) == {("schedule", "constant"), ("schedule", "linear")}
    assert set(alone.options) ^ set(comparison.method.options) == {("compute", 480), ("compute", 0)}
    assert set(dealt.options) ^ set(comparison.method.options) == {("compute", 480), ("compute", 0)}


def test_a_second_call_trains_nothing_and_says_the_same(finished):
    study, comparison = finished
    before = stored(study)
    assert train_together(study, TARGET, WANTED, ONE) == comparison
    assert stored(study) == before


def test_changes_of_parameters_that_do_not_fit_into_memory_lie_in_a_file_and_change_no_number(
    finished, tmp_path, monkeypatch
):
    files: list[Path] = []
    mapped = deltas._mapped

    def noted(file: Path, *others: Any) -> Any:
        files.append(file)
        return mapped(file, *others)

    monkeypatch.setattr(deltas, "_mapped", noted)
    study = make_study(tmp_path, MORE + "[run]\ndelta_gb = 0.0\n")
    found = train_together(study, TARGET, Request(OTHERS, seeds=1, controls=False), ONE)
    assert files
    assert not any(file.exists() for file in files)
    assert found.method.dev == finished[1].method.dev[:1]
    assert found.method.keys == finished[1].method.keys[:1]


def test_the_page_stands_in_the_studys_folder_and_holds_the_verdict(finished):
    study, comparison = finished
    page = (study.parent / "out" / f"multitask-{TARGET}.html").read_text(encoding="utf-8")
    assert comparison.worth in page.lower()


def test_weights_of_the_method_are_kept_and_those_of_beaten_controls_are_not(finished):
    study, comparison = finished
    kept = {folder.name for folder in (study.parent / "out" / "weights").iterdir()}
    prepared = api.open_prepared(study, ONE)
    dev = {
        arm.name: sum(run.dev() for key in arm.keys if isinstance(run := prepared.runs.get(key), Run))
        for arm in comparison.arms
    }
    best = max(dev, key=lambda name: dev[name])
    for arm in comparison.arms:
        assert set(arm.keys) <= kept if arm.name in ("alpha-vil", best) else not set(arm.keys) & kept


def test_weights_of_the_method_that_are_gone_are_made_again_by_the_command_that_is_named(finished):
    study, comparison = finished
    prepared = api.open_prepared(study, ONE)
    key = comparison.method.keys[1]
    transfer = prepared.runs.get(key).transfer
    command = train_command(prepared.study, prepared.options, transfer)
    assert "--with 02-amber,03-amber --method alpha-vil --option alpha_steps=2 --no-controls" in command
    twin = next(arm for arm in comparison.arms if arm.name == "random labels")
    of_twin = train_command(prepared.study, prepared.options, prepared.runs.get(twin.keys[1]).transfer)
    assert "--with 02-amber,03-amber --method alpha-vil --option alpha_steps=2 --retry-failed" in of_twin
    file = prepared.directory.whole("weights", key) / "model.safetensors"
    before = file.read_bytes()
    prepared.directory.remove("weights", key)
    train_together(study, TARGET, Request(OTHERS, seeds=(transfer.seed,), controls=False), ONE)
    assert file.read_bytes() == before


def test_the_command_that_makes_weights_again_says_what_the_study_says_otherwise(finished):
    """A share of 1 is the method's own; the study's is another since."""
    study, comparison = finished
    prepared = api.open_prepared(study, ONE)
    transfer = prepared.runs.get(comparison.method.keys[1]).transfer
    settings = prepared.study.settings
    held = settings.multitask.model_copy(update={"share": 0.25})
    other = replace(prepared.study, settings=settings.model_copy(update={"multitask": held}))
    assert "--option share=1.0" in train_command(other, prepared.options, transfer)
    needy = replace(transfer, multitask=Multitask("torchjd:CAGrad", (("c", 0.5), ("share", 1.0))))
    assert "--method torchjd:CAGrad --option c=0.5" in train_command(other, prepared.options, needy)


def test_where_its_own_compute_ends_the_method_the_others_are_looked_at_no_more_often(tmp_path):
    """Ten epochs at most, of which the method can pay for two: the target alone could pay for many more."""
    study = make_study(tmp_path)
    study.write_text(study.read_text(encoding="utf-8").replace("epochs = 2", "epochs = 10"), encoding="utf-8")
    asked = Request(OTHERS, seeds=1, given={"compute": 400})
    found = train_together(study, TARGET, asked, ONE)
    looks = len(found.method.histories[0].epochs)
    assert looks < 10
    for arm in found.arms:
        assert len(arm.histories[0].epochs) <= looks, arm.name


def test_weights_of_a_beaten_control_are_made_again_by_what_the_refusal_names(finished, tmp_path):
    study, comparison = finished
    shutil.copytree(study.parent, tmp_path / "copy")
    study = tmp_path / "copy" / study.name
    prepared = api.open_prepared(study, ONE)
    run = next(
        found
        for arm in comparison.arms[1:]
        if isinstance(found := prepared.runs.get(arm.keys[0]), Run)
        and prepared.directory.whole("weights", arm.keys[0]) is None
    )
    with pytest.raises(InputError, match='keep_weights = "all"'):
        chosen_runs(prepared, run.transfer.target, [run.transfer.key])
    with pytest.raises(InputError, match='keep_weights = "all"'):
        weights_of(study, run.transfer.key, None)
    assert 'keep_weights = "all"' in explain_key(study, run.transfer.key, ONE).text()
    kept = study.read_text(encoding="utf-8") + '\n[run]\nkeep_weights = "all"\n'
    study.write_text(kept, encoding="utf-8")
    train_together(study, TARGET, Request(OTHERS), ONE)
    assert weights_of(study, run.transfer.key, None).is_dir()


def test_a_further_seed_trains_that_seed_alone(finished):
    study, _ = finished
    expected = expect_together(study, TARGET, Request(OTHERS, seeds=3, controls=False), ONE)
    assert expected.arms == (("alpha-vil", 3, 1),)
    assert expected.seconds is not None
    assert expected.units == api.open_prepared(study, ONE).cost(_transfer(study))


def _transfer(study: Path) -> Any:
    prepared = api.open_prepared(study, ONE)
    found = [run.transfer for run in prepared.runs.all() if run.transfer.multitask]
    return next(one for one in found if tuple(source.name for source in one.sources) == OTHERS)


@dataclass(frozen=True, slots=True)
class Interrupting(Unwatched):
    """Presses Ctrl-C in a control, which has more epochs than the method."""

    def step(self, key: str, state: Mapping[str, Any]) -> None:
        """Ctrl-C at the first epoch that such a run reports."""
        if "of" in state and state["epochs"] > 2:
            raise KeyboardInterrupt


def test_a_comparison_that_is_killed_and_started_again_has_the_same_numbers(finished, tmp_path):
    _, comparison = finished
    study = make_study(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train_together(study, TARGET, WANTED, ONE, display=Interrupting())
    assert len(stored(study)) == 2  # the method's
    assert not (tmp_path / "out" / f"multitask-{TARGET}.html").exists()
    again = train_together(study, TARGET, WANTED, ONE)
    assert without_costs(again.as_json()) == without_costs(comparison.as_json())


def test_a_control_that_fails_is_a_value_and_is_tried_again_when_asked(tmp_path, monkeypatch):
    study = make_study(tmp_path)
    real = jobs.train_job

    def failing(place, transfer, start, rungs=None, *, report):
        if transfer["multitask"]["method"] == "single":
            raise ForelearnError("made to fail")
        return real(place, transfer, start, rungs, report=report)

    wanted = Request(OTHERS[:1], seeds=1)
    monkeypatch.setattr(jobs, "train_job", failing)
    failed = train_together(study, TARGET, wanted, ONE)
    assert failed.arms[1].failed == ("seed 0: made to fail",)
    assert failed.worth == "not enough evidence"
    monkeypatch.setattr(jobs, "train_job", real)
    assert train_together(study, TARGET, wanted, ONE).arms[1].failed  # a failure is kept
    healed = train_together(study, TARGET, Request(OTHERS[:1], seeds=1, retry_failed=True), ONE)
    assert not healed.arms[1].failed


def test_a_dry_run_counts_what_would_be_trained_again(finished, tmp_path):
    """Runs of the method whose weights are gone, and failures if they are to be tried again."""
    study = shutil.copytree(finished[0].parent, tmp_path / "copy") / "study.toml"
    runs = api.open_prepared(study, ONE).runs
    method, constant, *_ = finished[1].arms
    runs.directory.remove("weights", method.keys[0])
    failed = runs.get(constant.keys[0])
    runs.forget(constant.keys[0])
    runs.put(Failure(failed.transfer, "no luck", failed.cost, failed.made))
    expected = expect_together(study, TARGET, WANTED, ONE)
    assert [left for _, _, left in expected.arms] == [1, 0, 0, 0, 0]
    expected = expect_together(study, TARGET, replace(WANTED, retry_failed=True), ONE)
    assert [left for _, _, left in expected.arms] == [1, 1, 0, 0, 0]
    assert expected.missing == 2


def test_where_the_method_fails_on_every_seed_the_reason_is_raised(tmp_path, monkeypatch):
    study = make_study(tmp_path)

    def failing(place, transfer, start, rungs=None, *, report):
        raise ForelearnError("no luck")

    monkeypatch.setattr(jobs, "train_job", failing)
    with pytest.raises(ForelearnError, match="was not trained to its end: seed 0: no luck"):
        train_together(study, TARGET, WANTED, ONE)


def test_a_further_method_takes_the_same_common_options_and_compute(finished):
    study, _ = finished
    wanted = Request(OTHERS, seeds=1, controls=False, compare=("multitask",))
    found = train_together(study, TARGET, wanted, ONE)
    assert [arm.name for arm in found.arms] == ["alpha-vil", "multitask"]
    assert dict(found.arms[1].options)["compute"] == 480
    assert found.worth == "not enough evidence"
    assert found.arms[0].keys == finished[1].arms[0].keys[:1]


def test_auto_takes_the_best_by_rank(finished):
    from forelearn.experiment.rank import rank

    study, _ = finished
    first = next(row.source for row in rank(study, TARGET, ONE).rows)
    one = asked_of(study, TARGET, Request(("auto",), top=1), ONE, UNWATCHED)
    assert [data.task.name for data in one.asked.auxiliaries] == [first]
    assert one.chosen.startswith("the best 1 of 2 tasks by rank")
    assert expect_together(study, TARGET, Request(("auto",), top=2), ONE).missing == 0


def test_the_order_in_which_auxiliary_tasks_are_named_asks_nothing_else(finished):
    study, _ = finished
    for names in (OTHERS[::-1], (",".join(OTHERS),), (" 03-amber , 02-amber",)):
        assert expect_together(study, TARGET, Request(names), ONE).missing == 0


def test_a_method_that_is_a_control_itself_is_not_judged_against_itself(tmp_path):
    """The target alone at a constant rate is `single`; at a falling rate it is `single` with that schedule."""
    study = make_study(tmp_path)
    for schedule, left in (("constant", DECAYING), ("linear", CONSTANT)):
        request = Request((), method="single", given={"schedule": schedule})
        found = train_together(study, TARGET, request, ONE)
        assert [arm.name for arm in found.arms] == ["single", left]
        assert found.arms[0].test != found.arms[1].test


def test_the_method_alone_is_compared_with_the_single_task(tmp_path):
    study = make_study(tmp_path)
    found = train_together(study, TARGET, Request(seeds=1), ONE)
    assert [arm.name for arm in found.arms] == ["alpha-vil", CONSTANT, DECAYING]
    assert found.tasks == ()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Request(("02-ambre",)), "Did you mean `02-amber`"),
        (Request((TARGET,)), "is the target itself"),
        (Request(("02-amber", "02-amber")), "stands twice"),
        (Request(OTHERS, method="alpha-vill"), "Did you mean `alpha-vil`.*\n.*single: the target alone"),
        (Request(OTHERS, given={"alpha_rat": 1}), "Did you mean `alpha_rate`"),
        (Request(OTHERS, given={"share": 2}), r"must lie in \(0, 1\]"),
        (Request(OTHERS, seeds=0), "at least 1"),
        (Request(OTHERS, seeds=()), "each once, got none"),
        (Request(OTHERS, seeds=(1, 1)), "each once, got 1, 1"),
        (Request(OTHERS, seeds=(0, -1)), "at least 0, got -1"),
        (Request(OTHERS, given={"select": 0.001}), "leaves a part of the 40 dev examples"),
        (Request(("auto",), top=0), "at least 1"),
        (Request(OTHERS, compare=("alpha-vil",)), "is the method that is compared"),
        (Request(OTHERS, compare=("diww",)), "Did you mean `diw`"),
        (Request(OTHERS, method="single"), "method `single`: learns no other task"),
        (Request(OTHERS, compare=("single",)), "method `single`: learns no other task"),
        (Request(OTHERS[:1], method="torchjd:TrimmedMean", given={"trim_number": 1}), "torchjd:TrimmedMean"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_before_anything_is_written(wanted, message, tmp_path):
    study = make_study(tmp_path)
    with pytest.raises(InputError, match=message):
        train_together(study, TARGET, wanted, ONE)
    assert not (tmp_path / "out").exists()


def test_a_target_that_is_not_there_is_refused_with_the_nearest_name(tmp_path):
    study = make_study(tmp_path)
    with pytest.raises(InputError, match="Did you mean `01-amber`"):
        train_together(study, "01-ambr", WANTED, ONE)
