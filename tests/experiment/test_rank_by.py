"""Ranking sources by any methods, over tasks of several kinds, without training a pair."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from tests.mixed_studies import mixed_study

from forelearn.core.errors import InputError
from forelearn.core.run import Run
from forelearn.core.task import Task
from forelearn.experiment.api import open_prepared, search
from forelearn.experiment.drive import new_search
from forelearn.experiment.estimates import Estimates, Table
from forelearn.experiment.opening import Options
from forelearn.experiment.rank import rank
from forelearn.experiment.row_scores import Scored
from forelearn.experiment.settings import BY_MODELS, FEATURES
from forelearn.report.ranking import Ranking, ranking_csv
from forelearn.search.space import source_name
from forelearn.tasks.synthetic_kinds import Sizes
from forelearn.tasks.synthetic_mixed import MixedFamily, mixed_family, null_family

pytestmark = pytest.mark.slow

SIZES = Sizes(train=160, dev=60, test=60)
MODELS = ("logme", "hscore", "leep", "textemb")


@pytest.fixture(scope="module")
def family() -> MixedFamily:
    return mixed_family(0, sizes=SIZES)


@pytest.fixture(scope="module")
def study(family: MixedFamily, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mixed_study(tmp_path_factory.mktemp("mixed"), family, targets=(family.target,))


@pytest.fixture(scope="module")
def by_models(study: Path) -> Ranking:
    """Every task is trained alone once, then read."""
    return rank(study, by=MODELS)


def test_every_source_is_ranked_or_listed_with_its_reason(by_models: Ranking, family: MixedFamily) -> None:
    assert {row.source for row in by_models.rows} == set(family.roles)
    for row in by_models.rows:
        assert (row.rank is None) == (row.score is None)
        assert row.rank is not None or row.reason
        for cell in row.scores.values():
            assert (cell.value is None) == bool(cell.reason)


def test_a_source_with_random_labels_is_not_recommended(by_models: Ranking, family: MixedFamily) -> None:
    (random,) = family.sources("random")
    kin = {row.source: row.rank for row in by_models.rows if row.source in family.sources("kin")}
    row = next(row for row in by_models.rows if row.source == random)
    assert by_models.advice.source != random
    assert random not in by_models.advice.tied
    assert not row.eligible or (row.rank or 99) > min(rank or 99 for rank in kin.values())


def test_a_kin_leads_what_reads_the_models(by_models: Ranking, family: MixedFamily) -> None:
    assert by_models.rows[0].source in family.sources("kin")


def test_a_rank_lies_within_its_interval(by_models: Ranking) -> None:
    placed = [row for row in by_models.rows if row.rank is not None]
    assert all((row.low or 0) <= (row.rank or 0) <= (row.high or 0) for row in placed)
    assert any(row.low != row.high for row in placed)
    assert placed[0].tied  # the best is level with itself


def test_random_size_and_static_stand_beside_every_ranking(by_models: Ranking) -> None:
    assert [one.method for one in by_models.beside] == ["random", "size", "static"]
    assert by_models.beside[2].first is None  # no pair has run
    assert by_models.beside[2].reason


def test_each_method_says_what_it_took(by_models: Ranking) -> None:
    efforts = {one.method: one for one in by_models.efforts}
    assert efforts["logme"].forward > 0
    assert efforts["logme"].backward == 0
    assert efforts["logme"].units > 0


def test_a_second_ranking_trains_and_reads_nothing_and_says_the_same(study: Path, by_models: Ranking) -> None:
    prepared = open_prepared(study)
    before = sorted(path.name for path in (prepared.study.out / "runs").iterdir())
    features = sorted(path.name for path in (prepared.study.out / "features").iterdir())
    again = rank(study, by=MODELS)
    assert [row.source for row in again.rows] == [row.source for row in by_models.rows]
    assert [row.scores for row in again.rows] == [row.scores for row in by_models.rows]
    assert sorted(path.name for path in (prepared.study.out / "runs").iterdir()) == before
    assert sorted(path.name for path in (prepared.study.out / "features").iterdir()) == features


def test_a_ranking_that_was_killed_in_the_middle_of_training_ends_the_same(
    study: Path, by_models: Ranking
) -> None:
    """One single-task model is lost, as if it had not been reached: it is trained again, the others are found."""
    prepared = open_prepared(study)
    lost = prepared.runs.all()[2].transfer
    for room in ("runs", "weights"):
        shutil.rmtree(prepared.study.out / room / lost.key)
    again = rank(study, by=MODELS)
    assert [row.source for row in again.rows] == [row.source for row in by_models.rows]
    assert [row.scores for row in again.rows] == [row.scores for row in by_models.rows]


def test_no_pair_is_trained(study: Path, by_models: Ranking) -> None:
    assert all(outcome.transfer.is_baseline for outcome in open_prepared(study).runs.all())


def test_a_method_that_does_not_apply_says_why_in_one_line(study: Path) -> None:
    found = rank(study, by=("cooccurrence", "size"))
    assert found.estimators == ("size",)
    assert any(note.startswith("cooccurrence: not defined for sequence labelling") for note in found.notes)


def test_one_method_alone_gives_its_own_order(study: Path, by_models: Ranking) -> None:
    found = rank(study, by=("hscore",))
    values = [row.scores["hscore"].value for row in found.rows if row.rank is not None]
    assert values == sorted(values, key=lambda value: -(value or 0.0))


def test_what_reads_models_waits_for_them_unless_it_is_named(family: MixedFamily, tmp_path: Path) -> None:
    study = mixed_study(tmp_path, family, targets=(family.target,), search='features = ["knn", "overlap"]')
    found = rank(study)
    assert found.estimators == ("overlap",)
    assert any("without knn (name them with --by" in note for note in found.notes)
    assert not list(open_prepared(study).runs.all())


def test_a_study_without_models_says_what_would_order_better(family: MixedFamily, tmp_path: Path) -> None:
    found = rank(mixed_study(tmp_path, family, targets=(family.target,)))
    assert set(found.estimators) <= set(FEATURES)
    assert any("without parc, which orders better (--by parc trains them)" in note for note in found.notes)
    assert not list(open_prepared(tmp_path / "study.toml").runs.all())


def test_tasks_that_have_been_trained_alone_are_ordered_by_their_models(
    study: Path, by_models: Ranking
) -> None:
    """And nothing else is read: no attributions, which that order does not need."""
    shelf = open_prepared(study).study.out / "features"
    before = sorted(path.name for path in shelf.iterdir())
    found = rank(study)
    assert found.estimators == BY_MODELS
    assert [row.source for row in found.rows] == [row.source for row in rank(study, by=BY_MODELS).rows]
    assert sorted(path.name for path in shelf.iterdir()) == before


def test_features_that_the_study_names_stay_its_order(
    study: Path, by_models: Ranking, family: MixedFamily, tmp_path: Path
) -> None:
    named = mixed_study(tmp_path, family, targets=(family.target,), search='features = ["overlap", "size"]')
    found = rank(named, options=Options(out=str(open_prepared(study).study.out), workers=1))
    assert found.estimators == ("overlap", "size")


def test_a_target_of_a_kind_that_they_cannot_order_keeps_the_features(
    study: Path, by_models: Ranking, family: MixedFamily, tmp_path: Path
) -> None:
    other = mixed_study(tmp_path, family, targets=("5-stranger-answers",))
    found = rank(other, options=Options(out=str(open_prepared(study).study.out)))
    assert found.estimators
    assert set(found.estimators) <= set(FEATURES)


def test_where_no_model_can_be_read_the_free_features_order(
    study: Path, by_models: Ranking, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Estimates.table

    def broken(self: Estimates, method: str, target: Task) -> Table:
        if method in BY_MODELS:
            return dict.fromkeys(family_names(self, target), Scored(None, reason="the model is lost"))
        return made(self, method, target)

    monkeypatch.setattr(Estimates, "table", broken)
    found = rank(study)
    assert found.estimators
    assert not set(found.estimators) & {*BY_MODELS, "ansat"}
    assert set(found.estimators) <= set(FEATURES)
    assert any(note.startswith("parc: the model is lost") for note in found.notes)
    assert all(row.rank is not None for row in found.rows)


def family_names(estimates: Estimates, target: Task) -> list[str]:
    """The sources of a target, by name."""
    return [source_name(source) for source in estimates.prepared.space.sources_of(target)]


def test_an_unknown_method_is_one_error_with_the_nearest_name(study: Path) -> None:
    with pytest.raises(InputError, match="logme") as caught:
        rank(study, by=("logmee",))
    assert len(caught.value.problems) == 1


def test_the_csv_and_the_json_hold_every_source(by_models: Ranking) -> None:
    rows = list(csv.DictReader(ranking_csv(by_models).splitlines()))
    assert [row["source"] for row in rows] == [row.source for row in by_models.rows]
    value = json.loads(json.dumps(by_models.as_json(), allow_nan=False))
    assert [row["source"] for row in value["rows"]] == [row["source"] for row in rows]
    assert value["advice"]["decision"] == by_models.advice.decision


def test_a_source_that_holds_the_targets_test_is_kept_out_unless_allowed(
    family: MixedFamily, tmp_path: Path
) -> None:
    path = mixed_study(tmp_path, family, targets=(family.target,))
    target = family.tasks[family.target]
    leaky = tmp_path / "data" / "2-kin-multiclass.csv"
    with leaky.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, text in zip([row for row in rows if row["split"] == "train"], target.test.texts):
        row["text"] = text
    with leaky.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    found = {row.source: row for row in rank(path, by=("overlap", "textemb")).rows}
    assert "60 exactly" in found["2-kin-multiclass"].leak
    assert not found["2-kin-multiclass"].eligible
    assert all(row.eligible for name, row in found.items() if not row.leak)
    allowed = {row.source: row for row in rank(path, by=("overlap", "textemb"), allow_leaks=True).rows}
    assert allowed["2-kin-multiclass"].eligible
    assert allowed["2-kin-multiclass"].leak == "holds 60 exactly of the 60 test rows"  # and no word of advice


def test_another_prior_can_take_the_place_of_the_shipped_one(study: Path, tmp_path: Path) -> None:
    hopeful = tmp_path / "prior.json"
    value = {
        "version": 7,
        "studies": ["mine"],
        "runs": 12,
        "level": 0.5,
        "scale": 0.03,
        "slope": 0.35,
        "variances": {"source": 0.3, "target": 0.3, "pair": 0.3, "noise": 0.4, "score": 0.1},
    }
    hopeful.write_text(json.dumps(value), encoding="utf-8")
    found = rank(study, by=("size", "textemb"), prior=hopeful)
    assert found.advice.decision in ("transfer", "tied")
    assert "prior 7" in found.advice.basis
    value["scale"] = 0
    hopeful.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError, match="scale"):
        rank(study, by=("size",), prior=hopeful)


def test_after_the_runs_of_a_family_in_which_nothing_helps_the_answer_is_no(tmp_path: Path) -> None:
    family = null_family(1, target_rows=120, sizes=Sizes(train=80, dev=80, test=40))
    path = mixed_study(tmp_path, family, targets=(family.target,), epochs=3)
    search(path, exhaustive=True)
    found = rank(path)
    assert found.advice.decision == "do not transfer"
    assert "12 finished transfers and 4 controls of this study" in found.advice.basis


def test_baselines_that_a_ranking_trains_are_looked_at_on_the_way_as_a_search_does(
    by_models, study: Path
) -> None:
    """Else the search could stop nothing early: its floor is what the baselines had at that epoch."""
    prepared = open_prepared(study, build=False)
    runs = [one for one in prepared.runs.all() if isinstance(one, Run) and one.transfer.is_baseline]
    looks = new_search(prepared).looks(runs[0].transfer)
    assert looks
    assert all(set(run.performance.rungs) == set(looks) for run in runs)


def test_a_source_is_no_target(family: MixedFamily, tmp_path: Path) -> None:
    study = mixed_study(tmp_path, family, targets=(family.target,), search='features = ["overlap"]')
    other = next(name for name in family.tasks if name != family.target)
    with pytest.raises(InputError, match="is a source of this study, and none of its targets"):
        rank(study, target=other)
