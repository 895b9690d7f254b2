"""A study of images: checked like any other, and refused in one sentence by what needs texts."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

import forelearn.cli
from forelearn.core.errors import InputError
from forelearn.core.run import Cost, Performance, Run
from forelearn.experiment.api import open_prepared
from forelearn.experiment.check import check
from forelearn.experiment.keeping import gc
from forelearn.experiment.opening import Options
from forelearn.training.multitask.methods import multitask

STUDY = """\
name = "digits"
encoder = "lenet"
metric = "accuracy"

[[data]]
format = "digits"
composites = {train = 300, dev = 120, test = 150}
"""

TEXTS = """
[[data]]
files = "a.csv"
label = "label"
positive = "yes"
"""


def study(folder: Path, text: str = STUDY) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    rows = "\n".join(f"message {row} of topic {row % 7},{('yes', 'no')[row % 2]}" for row in range(60))
    (folder / "a.csv").write_text(f"text,label\n{rows}\n", encoding="utf-8")
    return path


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, path: Path
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command, in which STUDY stands for the path."""
    monkeypatch.setattr(sys, "argv", ["forelearn", *command.replace("STUDY", str(path)).split()])
    code = 0
    try:
        forelearn.cli.main()
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_a_study_of_images_is_checked_and_its_balances_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = study(tmp_path)
    code, out, err = call(monkeypatch, capsys, "check STUDY", path)
    assert code == 0
    assert "2 tasks, 0 warnings" in err
    for word in ("top-left", "bottom-right", "300", "120", "150", "rarest label"):
        assert word in out
    checked = check(path)
    assert [data.task.metric for data in checked.tasks.values()] == ["accuracy"] * 2


@pytest.mark.parametrize(
    "command",
    [
        "run STUDY",
        "run STUDY --dry-run",
        "rank STUDY --target top-left",
        "report STUDY",
        "status STUDY",
        "ask STUDY",
        "explain bottom-right->top-left --study STUDY",
        "cards build STUDY",
    ],
)
def test_what_needs_texts_ends_with_one_error_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = study(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, _, err = call(monkeypatch, capsys, command, path)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert f"Images are trained jointly: forelearn train {path} --target" in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_study_of_images_is_tidied_up_and_what_was_trained_together_stays(tmp_path: Path) -> None:
    path = study(tmp_path)
    prepared = open_prepared(path, images=True)
    space = prepared.space
    kept, dropped = (space.baseline(target, space.recipes[0], 0) for target in space.targets[:2])
    kept = replace(kept, mode="multitask", multitask=multitask("single", {}))
    for transfer in (kept, dropped):
        measures = {"accuracy": 0.5}
        prepared.runs.put(Run(transfer, Performance(measures, measures), Cost(), "now"))
        (prepared.directory.work("weights", transfer.key) / "config.json").write_text("{}")
        prepared.directory.finish("weights", transfer.key)
    gone = gc(path, None, None, dry_run=False)
    assert [removal.place for removal in gone] == [f"weights/{dropped.key}"]
    assert prepared.directory.whole("weights", kept.key) is not None


def test_a_head_of_texts_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "train STUDY --target top-left --with bottom-right --option head=two-layer"
    code, _, err = call(monkeypatch, capsys, command, study(tmp_path))
    assert code == 2
    assert "is of texts: a network for images has one linear layer a task" in err
    assert not (tmp_path / "out").exists()


def test_what_accepts_images_gets_them_with_a_cost_of_a_token_each(tmp_path: Path) -> None:
    prepared = open_prepared(study(tmp_path), images=True)
    assert prepared.space.encoder.name == "lenet"
    assert prepared.shape.layers == 3
    space = prepared.space
    recipe = space.recipes[0]
    assert prepared.cost(space.baseline(space.targets[0], recipe, 0)) == 300 * 3 * recipe.epochs


def test_a_limit_holds_for_composites(tmp_path: Path) -> None:
    checked = check(study(tmp_path), Options(limit=50))
    assert {len(data.train) for data in checked.tasks.values()} == {50}
    assert {len(data.dev) for data in checked.tasks.values()} == {120}


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (STUDY.replace('encoder = "lenet"\n', ""), "encoder", "`tiny` cannot read images: `top-left`;"),
        (STUDY + TEXTS, "encoder", "`lenet` cannot read texts: `a`"),
        (STUDY + 'text = "text"\n', "[[data]] 1", '`text` is not for format = "digits"'),
        (STUDY + 'files = "a.csv"\n', "[[data]] 1", '`files` is not for format = "digits"'),
        (STUDY.replace('digits"\ncomp', 'multimnist"\ncomp'), "[[data]] 1 files", "`files` is missing"),
        (STUDY.replace("dev = 120", "dev = 1"), "composites", "`composites` cannot be 1"),
        (STUDY.replace("dev = 120", "dve = 120"), "composites", "`composites` cannot be 'dve'"),
        (TEXTS + "composites = {train = 10}\n", "[[data]] 1", "`composites` is not for texts"),
        (STUDY + 'metric = "f1"\n', "[[data]] 1 metric", "`f1` is not measured for multiclass"),
        (STUDY + STUDY[STUDY.index("[[data]]") :], "[[data]] 2 name", "`top-left` is taken"),
    ],
)
def test_what_does_not_fit_images_is_refused(tmp_path: Path, text: str, where: str, said: str) -> None:
    checked = check(study(tmp_path, text))
    (problem, *_) = [one for one in checked.errors if said in one.what] or [None]
    assert problem is not None, checked.errors
    assert where in problem.where


def test_two_sections_have_tasks_and_images_of_their_own(tmp_path: Path) -> None:
    second = STUDY[STUDY.index("[[data]]") :] + 'name = "b"\n'
    tasks = check(study(tmp_path, STUDY + second)).tasks
    assert list(tasks) == ["top-left", "bottom-right", "b top-left", "b bottom-right"]
    assert not set(tasks["top-left"].train.ids) & set(tasks["b top-left"].train.ids)


def test_a_study_of_images_opens_with_images_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="study of images"):
        open_prepared(study(tmp_path))
