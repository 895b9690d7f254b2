"""Which documents the single-task models read, and ANSAT of studies whose tasks are of several kinds."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from tests.families import SMALL
from tests.mixed_studies import mixed_study

from forelearn.core.data import Examples, TaskData, task_data
from forelearn.core.keys import digest
from forelearn.experiment import attributions
from forelearn.experiment.api import open_prepared
from forelearn.experiment.attributions import EXPECTED_POINTS, Read, affordable, models, read_documents
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.documents import choose_documents
from forelearn.experiment.drive import Silent, new_search
from forelearn.experiment.explain import explain_pair, terms, without_terms
from forelearn.experiment.feature_shelf import computed
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.rank import rank
from forelearn.experiment.settings import BY_MODELS
from forelearn.search.search import Search
from forelearn.tasks.synthetic import family
from forelearn.tasks.synthetic_kinds import Sizes
from forelearn.tasks.synthetic_mixed import MixedFamily, mixed_family

pytestmark = pytest.mark.slow

TOPICS = ("red", "green", "blue")


def labelled(
    labels: list[int],
    *,
    names: tuple[str, ...] = TOPICS,
    seconds: list[str] | None = None,
    task: str = "colour",
) -> TaskData:
    """A task over documents d0, d1, … that carry these labels, the same in every split."""

    def part(split: str) -> Examples:
        rows = range(len(labels))
        return Examples(
            tuple(f"{split}{row}" for row in rows),
            tuple(f"text {row}" for row in rows),
            tuple(labels),
            pairs=None if seconds is None else tuple(seconds),
        )

    return task_data(task, names, part("train"), part("dev"), part("test"))


# which documents


def test_documents_of_binary_tasks_are_drawn_as_they_were_before_other_kinds_took_part() -> None:
    tasks = list(family(3, tasks=4, design=SMALL).tasks.values())
    for most, expected in ((7, "c6ed0a7bfacf209b068e"), (1000, "1784db88ed98da4059e2")):
        found = choose_documents(tasks, "dev", most)
        assert digest([found.texts, found.ids, found.positives]) == expected
        assert found.seconds is None
        assert found.content == found.texts
        assert {label for labels in found.labels.values() for label in labels} == {1}


def test_documents_of_three_labels_take_turns_by_label_until_the_rare_ones_are_used_up() -> None:
    data = labelled([0] * 20 + [1] * 2 + [2] * 5)
    few, all_of_them = choose_documents([data], "dev", 6), choose_documents([data], "dev", 100)
    assert Counter(few.labels["colour"]) == {0: 2, 1: 2, 2: 2}
    assert Counter(choose_documents([data], "dev", 12).labels["colour"]) == {0: 5, 1: 2, 2: 5}
    assert len(all_of_them) == 27
    assert all_of_them.positives["colour"] == tuple(range(27))
    assert all(name.startswith("dev") for name in all_of_them.ids)


def test_each_document_comes_with_the_label_that_its_task_gives_it() -> None:
    data = labelled([0, 1, 2] * 5)
    found = choose_documents([data], "train", 7)
    for row, label in zip(found.positives["colour"], found.labels["colour"], strict=True):
        assert data.train.labels[data.train.ids.index(found.ids[row])] == label


def test_a_document_that_two_tasks_share_is_read_once_and_stands_for_both_where_both_say_so() -> None:
    many = labelled([0, 1, 2, 1])
    one = labelled([0, 1, 0, 0], names=("no", "yes"), task="is green")
    found = choose_documents([many, one], "dev", 100)
    assert len(found) == 4
    assert len(found.positives["colour"]) == 4
    assert [found.ids[row] for row in found.positives["is green"]] == ["dev1"]


def test_texts_with_other_second_texts_are_other_documents() -> None:
    alone = labelled([0, 1, 2])
    paired = labelled([0, 1, 2], seconds=["x", "", "y"], task="pairs")
    found = choose_documents([alone, paired], "dev", 100)
    assert len(found) == 6
    assert Counter(found.pairs) == {None: 3, "x": 1, "": 1, "y": 1}
    assert set(found.positives["colour"]).isdisjoint(found.positives["pairs"])
    other = replace(found, pairs=tuple("z" if second == "x" else second for second in found.pairs))
    assert digest(other.content) != digest(found.content)
    assert {found.read[row] for row in found.positives["pairs"]} == {"text 0\nx", "text 1\n", "text 2\ny"}


# a study of several kinds


@dataclass(frozen=True)
class Made:
    """A study whose tasks have been trained alone and read. target: a multiclass task."""

    path: Path
    family: MixedFamily
    prepared: Prepared
    search: Search
    read: Read
    note: str

    def named(self, part: str) -> str:
        """The task whose name holds `part`."""
        return next(name for name in self.family.tasks if part in name)


def told(path: Path) -> tuple[Prepared, Search]:
    """The study with a search that knows what has run."""
    prepared = open_prepared(path, Options())
    search = new_search(prepared)
    for outcome in prepared.runs.all():
        search.tell(outcome)
    return prepared, search


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    kinds = mixed_family(
        5,
        target="multiclass",
        kin=("binary", "pair", "regression"),
        strangers=("spans",),
        random=(),
        target_rows=90,
        sizes=Sizes(90, 60, 30),
    )
    path = mixed_study(
        tmp_path_factory.mktemp("kinds"),
        kinds,
        targets=(kinds.target,),
        layers=2,
        search="[conductance]\nshare = 0.5",
    )
    rank(path, kinds.target, Options(), by=("ansat",))
    prepared, search = told(path)
    read, note = read_documents(prepared, search, None, Silent())
    assert read is not None
    return Made(path, kinds, prepared, search, read, note)


def test_single_texts_pairs_and_three_labels_are_compared_and_other_kinds_left_out_with_a_word(
    made: Made,
) -> None:
    classifiers = {made.family.target, made.named("binary"), made.named("pair")}
    assert set(made.read.attributions) == set(made.read.ansat.models) == classifiers
    assert np.isfinite(made.read.ansat.values[:, :, :2]).all()
    assert (made.read.ansat.values[:, :, 1, 0] > 0).all()
    assert made.note == (
        "conductance reads classifiers of texts: regression, sequence labelling tasks are left out of it and of "
        "ANSAT"
    )


def test_every_document_is_read_as_the_pair_it_is(made: Made) -> None:
    documents = made.read.documents
    paired = {row for row, second in enumerate(documents.pairs) if second is not None}
    assert paired == set(documents.positives[made.named("pair")])
    assert 0 < len(paired) < len(documents)
    for found in made.read.attributions.values():
        for row, text in enumerate(documents.read):
            assert [text[first:last] for first, last in found.spans[row]] == text.split()


def test_documents_are_as_many_as_the_share_pays_for_when_classifiers_alone_read_them(made: Made) -> None:
    """Units of reading at the expected number of points against half of the baselines' units."""
    assert len(made.read.documents) == affordable(made.prepared, made.search)
    spent = sum(
        run.cost.units for run in made.search.outcomes.values() if not made.search.is_candidate(run.transfer)
    )
    points = np.mean([found.points.mean() for found in made.read.attributions.values()])
    granted = made.read.cost.units * EXPECTED_POINTS / points
    assert granted == pytest.approx(0.5 * spent, rel=0.2)


def test_the_study_goes_on_where_a_kind_is_left_out(made: Made) -> None:
    beliefs = Beliefs(made.prepared)
    beliefs.get_ready(made.search)
    assert beliefs.notes["attributions"] == made.note
    scores = beliefs.scores()
    for source in made.family.roles:
        value = scores["ansat"][source, made.family.target]
        assert math.isfinite(value) == (source in made.read.attributions)
        assert math.isfinite(scores["overlap"][source, made.family.target])
    ranking = rank(made.path, made.family.target, Options(), attributions=True)
    assert ranking.estimators == (*BY_MODELS, "ansat")
    assert {row.source for row in ranking.rows} >= set(made.read.attributions) - {made.family.target}


def test_a_model_that_cannot_be_read_is_left_out_and_the_others_are_read_and_charged(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = made.named("pair")
    names = iter(models(made.prepared, made.search))
    monkeypatch.setattr(
        attributions, "computed", lambda *place: None if next(names) == lost else computed(*place)
    )
    found, note = read_documents(made.prepared, made.search, None, Silent())
    assert found is not None
    assert set(found.attributions) == set(made.read.attributions) - {lost}
    assert note == f"{made.note}; conductance of {lost} failed: what it wrote is gone: left out of ANSAT"
    assert 0 < found.cost.units < made.read.cost.units
    others = [made.read.ansat.models.index(name) for name in found.ansat.models]
    assert np.array_equal(found.ansat.values, made.read.ansat.values[np.ix_(others, others)], equal_nan=True)


def test_documents_of_three_labels_and_of_pairs_are_explained_with_their_own_label_and_words(
    made: Made,
) -> None:
    target, source = made.family.target, made.named("pair")
    beliefs = Beliefs(made.prepared, read=made.read)
    found = explain_pair(beliefs, made.prepared, (source, target))
    part = made.prepared.tasks[target].dev
    assert found.documents
    for document in found.documents:
        row = part.ids.index(document.id)
        assert document.label == made.prepared.tasks[target].labels[part.labels[row]]
        assert document.before + "".join(word.text + word.after for word in document.words) == part.texts[row]
    shared = terms(beliefs, (target, source))
    words = " ".join(made.read.documents.read[row] for row in made.read.documents.positives[source]).split()
    assert shared
    assert {term.word for term in shared} <= set(words)
    assert "sequence labelling" in without_terms(made.prepared, beliefs, (made.named("spans"), target))


def test_what_single_texts_are_stored_under_has_not_changed(made: Made) -> None:
    """Where no document has a second text, the key is the digest that earlier stores have; with one it is not."""
    recipe = made.prepared.space.recipes[0]
    settings = made.prepared.study.settings.conductance
    how = {
        "tolerance": settings.tolerance,
        "most": settings.most_points,
        "precision": recipe.precision,
        "max_length": recipe.max_length,
    }
    plan = models(made.prepared, made.search)[made.family.target]
    old = ["conductance", plan.key, made.read.documents.texts, how]
    assert made.prepared.directory.whole("features", digest(old)) is None
    new = ["conductance", plan.key, [made.read.documents.texts, made.read.documents.pairs], how]
    assert made.prepared.directory.whole("features", digest(new)) is not None
    alone = replace(made.read.documents, pairs=(None,) * len(made.read.documents))
    assert digest(["conductance", plan.key, alone.content, how]) == digest(old)


def test_a_study_without_classifiers_has_no_conductance_and_says_so(tmp_path: Path) -> None:
    kinds = mixed_family(
        2,
        target="regression",
        kin=("tags",),
        strangers=(),
        random=(),
        target_rows=30,
        sizes=Sizes(30, 10, 10),
    )
    prepared, search = told(mixed_study(tmp_path, kinds))
    assert affordable(prepared, search) == 0
    read, why = read_documents(prepared, search, None, Silent())
    assert read is None
    assert why == "conductance needs two trained classifiers of texts: attributions and ANSAT are left out"


def test_three_labels_over_the_same_words_share_more_active_terms_than_over_others(tmp_path: Path) -> None:
    """Kin and stranger differ in nothing but their lexicon. Measured on family seeds 0 to 4: 0.23 to 0.48 terms a
    document with the kin, 0.04 to 0.14 with the stranger."""
    kinds = mixed_family(
        4,
        target="multiclass",
        kin=("multiclass",),
        strangers=("multiclass",),
        random=(),
        target_rows=300,
        sizes=Sizes(300, 90, 30),
    )
    search = "[conductance]\nshare = 0.9"
    path = mixed_study(tmp_path, kinds, targets=(kinds.target,), layers=2, epochs=10, search=search)
    first, second = rank(path, kinds.target, Options(), by=("ansat",)).rows
    assert first.source == "1-kin-multiclass"
    kin, stranger = first.scores["ansat"].value, second.scores["ansat"].value
    assert kin is not None
    assert stranger is not None
    assert kin > 2 * stranger
