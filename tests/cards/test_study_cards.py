"""Cards of a study's tasks, made and ranked through the functions and commands that people call."""

import json
import sys

import numpy as np
import pytest
from tests.cards.made import made_card
from tests.families import small_study
from typer.testing import CliRunner

from forelearn.cards.card import file_name
from forelearn.cards.library import Library
from forelearn.cli import app
from forelearn.core.errors import InputError
from forelearn.experiment import api
from forelearn.experiment.card_rows import text_rows
from forelearn.experiment.cards import build_cards, rank_library
from forelearn.experiment.opening import Options

ONE = Options(workers=1)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Four tasks, three of which have been trained alone; their cards, and what the build said."""
    path = small_study(tmp_path_factory.mktemp("cards"))
    prepared = api.open_prepared(path, ONE)
    names = sorted(prepared.tasks)
    for name in names[:3]:
        api.train(path, name, options=ONE)
    return path, names, build_cards(path, licence="CC0-1.0", options=ONE)


def library(path):
    return str(path.parent / "out" / "cards")


def test_every_task_that_was_trained_alone_has_a_card_and_the_others_a_reason(study):
    path, names, built = study
    assert sorted(built.written) == names[:3]
    assert built.left_out == {names[3]: "it has not been trained alone"}
    assert sorted(card.name for card in Library(library(path)).cards()) == names[:3]


def test_a_card_says_what_the_study_knows_of_its_task(study):
    path, names, _ = study
    prepared = api.open_prepared(path, ONE)
    card, data = Library(library(path)).get(names[0]), prepared.tasks[names[0]]
    assert card.train == len(data.train)
    assert card.labels == data.labels
    assert card.encoder == prepared.space.encoder
    assert card.prints.distinct == len({*data.train.texts, *data.dev.texts})
    assert list(card.performance) == [prepared.space.first_seed]
    assert card.licence == "CC0-1.0"
    assert card.cost.units > 0
    assert card.esm.dimensions == 16
    assert card.made


def test_the_vector_is_the_mean_embedding_of_the_training_texts(study):
    """Oracle: `textemb`, which reads the same texts on its own."""
    from forelearn.representations.textemb import textemb

    path, names, _ = study
    prepared = api.open_prepared(path, ONE)
    texts = prepared.tasks[names[0]].train.texts
    folder = prepared.folders[prepared.space.encoder.digest]
    expected = textemb(folder, texts, max_length=prepared.space.recipes[0].max_length).vector
    assert Library(library(path)).get(names[0]).vectors["textemb"] == pytest.approx(expected, abs=1e-5)


def test_a_second_build_makes_the_same_cards_and_reads_no_text_again(study, monkeypatch):
    path, names, _ = study
    monkeypatch.setattr("forelearn.representations.features.row_features", None)
    built = build_cards(path, licence="CC0-1.0", options=ONE)
    assert (built.written, sorted(built.same)) == ((), names[:3])


def test_a_build_over_other_cards_writes_nothing_unless_told(study, tmp_path):
    path, names, _ = study
    other = Library(tmp_path)
    other.add(made_card(names[1]))
    with pytest.raises(InputError, match="other content"):
        build_cards(path, str(tmp_path), options=ONE)
    assert other.files() == [file_name(names[1])]
    assert len(build_cards(path, str(tmp_path), replace=True, options=ONE).written) == 3


def test_a_target_that_was_never_trained_is_ranked_against_the_library(study):
    path, names, _ = study
    found = rank_library(path, names[3], library(path), options=ONE).ranking
    assert sorted(card.name for card in found.cards) == names[:3]
    assert all(value is not None for card in found.cards for value in card.scores.values())
    assert all(np.isfinite(card.fused) for card in found.cards)


def test_a_targets_own_card_is_no_source(study):
    path, names, _ = study
    found = rank_library(path, names[0], library(path), options=ONE).ranking
    assert sorted(card.name for card in found.cards) == names[1:3]


def test_another_source_of_the_targets_name_is_ranked(study, tmp_path):
    path, names, _ = study
    Library(tmp_path).add(made_card(names[0]))
    found = rank_library(path, names[0], str(tmp_path), options=ONE).ranking
    assert [card.name for card in found.cards] == [names[0]]


def test_a_maps_score_is_nearer_to_the_sources_own_model_than_the_base_encoders(study):
    """Oracle: LogME of the target's rows under the source's model, which the map stands for."""
    from forelearn.estimators.logme import logme
    from forelearn.models.heads import head_for
    from forelearn.representations.features import row_features

    path, names, _ = study
    prepared = api.open_prepared(path, ONE)
    space, target = prepared.space, prepared.tasks[names[3]]

    def score(folder):
        rows = row_features(folder, target.train, head_for(target), max_length=space.recipes[0].max_length)
        return logme(rows.features, rows.targets)

    base = score(prepared.folders[space.encoder.digest])
    for card in rank_library(path, names[3], library(path), options=ONE).ranking.cards:
        alone = space.baseline(prepared.tasks[card.name].task, space.recipes[0], space.first_seed)
        own = score(prepared.directory.whole("weights", alone.key))
        assert abs(card.scores["esm"] - own) < abs(base - own) / 2


def test_cards_under_another_base_encoder_are_named_in_a_note(study, tmp_path):
    path, names, _ = study
    Library(tmp_path).add(made_card("stranger"))
    Library(tmp_path).add(Library(library(path)).get(names[0]))
    found = rank_library(path, names[3], str(tmp_path), options=ONE)
    assert "1 card was made under another base encoder than the study's, `tiny`" in found.notes[0]
    assert found.warning == ""
    (stranger,) = (card for card in found.ranking.cards if card.name == "stranger")
    assert "another base encoder" in stranger.reasons["esm"]


def test_a_library_of_another_base_encoder_is_said_before_the_table(study, tmp_path):
    path, names, _ = study
    Library(tmp_path).add(made_card("stranger"))
    command = ["rank", str(path), "--target", names[3], "--cards", str(tmp_path)]
    shown = CliRunner().invoke(app, command, env={"COLUMNS": "500"}).stdout
    assert shown.startswith(f"No card of {tmp_path} was made under the study's encoder, `tiny`:")
    assert "Note: " not in shown


def test_a_library_without_a_card_is_refused_with_the_command_that_makes_one(study, tmp_path):
    path, names, _ = study
    for empty in (
        lambda: rank_library(path, names[3], str(tmp_path), options=ONE),
        lambda: list(Library(tmp_path).cards()),
    ):
        with pytest.raises(InputError, match="holds no card") as error:
            empty()
        assert f"forelearn cards build STUDY --library {tmp_path}" in error.value.problems[0].fix
    assert isinstance(run("list", tmp_path).exception, InputError)


def test_a_library_of_the_targets_own_card_alone_is_refused(study, tmp_path):
    path, names, _ = study
    Library(tmp_path).add(Library(library(path)).get(names[0]))
    with pytest.raises(InputError, match=f"no card but that of `{names[0]}`"):
        rank_library(path, names[0], str(tmp_path), options=ONE)


def test_a_source_that_holds_the_targets_test_rows_is_named_in_a_note(study, tmp_path):
    from forelearn.cards.fingerprints import fingerprints

    path, names, _ = study
    test = api.open_prepared(path, ONE).tasks[names[3]].test.texts
    Library(tmp_path).add(made_card("thief", prints=fingerprints(test)))
    found = rank_library(path, names[3], str(tmp_path), options=ONE)
    assert found.ranking.cards[0].leak.exact == len(set(test))
    assert any("have learned: thief" in note for note in found.notes)


def test_an_estimator_that_nobody_knows_is_refused_in_one_line(study):
    path, names, _ = study
    with pytest.raises(InputError, match="no vector `leep`"):
        rank_library(path, names[3], library(path), by=["leep"], options=ONE)


@pytest.mark.slow
def test_task_embeddings_rank_a_target_that_has_been_trained_alone(study, tmp_path):
    """Oracle: the cosine of the two tasks' whole vectors, for a component that is kept whole."""
    from forelearn.models.task_model import load_model
    from forelearn.representations.taskemb import taskemb

    path, names, _ = study
    build_cards(path, str(tmp_path), taskemb=True, options=ONE)
    by = ["taskemb", "taskemb/pooled_output"]
    found = {
        card.name: card
        for card in rank_library(path, names[0], str(tmp_path), by=by, options=ONE).ranking.cards
    }
    assert sorted(found) == names[1:3]
    prepared = api.open_prepared(path, ONE)
    vectors = []
    for name in names[:2]:
        space, data = prepared.space, prepared.tasks[name]
        alone = space.baseline(data.task, space.recipes[0], space.first_seed)
        model = load_model(prepared.directory.whole("weights", alone.key))
        vectors.append(
            taskemb(model, data.train, max_length=space.recipes[0].max_length).vectors["pooled_output"]
        )
    one, other = (vector / np.linalg.norm(vector) for vector in vectors)
    assert found[names[1]].scores["taskemb/pooled_output"] == pytest.approx(one @ other, abs=1e-5)
    assert found[names[1]].scores["taskemb"] is not None


def test_task_embeddings_of_an_untrained_target_are_refused_with_the_next_step(study):
    path, names, _ = study
    with pytest.raises(InputError, match=r"has not been trained alone.*forelearn train"):
        rank_library(path, names[3], library(path), by=["taskemb"], options=ONE)


def run(*command):
    return CliRunner().invoke(app, ["cards", *map(str, command)])


def test_the_commands_build_list_push_pull_and_add(study, tmp_path):
    path, names, _ = study
    assert run("build", path, "--library", tmp_path / "a", "--name", names[0]).stdout == f"{names[0]}: made\n"
    listed = json.loads(run("list", tmp_path / "a", "--json").stdout)
    assert [card["name"] for card in listed] == [names[0]]
    assert 0 <= listed[0]["map_error"] < 1
    assert names[0] in run("list", tmp_path / "a").stdout
    assert run("push", tmp_path / "a", tmp_path / "b").stdout == f"{names[0]}: copied\n"
    assert run("pull", tmp_path / "b", tmp_path / "c").stdout == f"{names[0]}: copied\n"
    assert run("add", tmp_path / "c" / file_name(names[0]), tmp_path / "d").exit_code == 0
    assert Library(tmp_path / "d").get(names[0]).name == names[0]


def test_a_list_shows_signs_of_a_card_as_plain_text(tmp_path):
    Library(tmp_path).add(made_card("flood", licence="\x1b[31m[bold]MIT\nx"))
    shown = run("list", tmp_path).stdout
    assert "\x1b[31m" not in shown
    assert "[bold]" in shown


def test_a_file_that_is_no_card_is_refused_with_exit_code_2(tmp_path, capsys, monkeypatch):
    from forelearn.cli import main

    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    monkeypatch.setattr(
        sys, "argv", ["forelearn", "cards", "add", str(tmp_path / "x.safetensors"), str(tmp_path / "lib")]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "x.safetensors, field `header`" in capsys.readouterr().err
    assert not (tmp_path / "lib").exists()


def test_texts_are_read_alike_for_cards_whatever_a_study_trains_with(tmp_path) -> None:
    """Else a card made at 8 tokens would be compared with a target read at 64, and nothing would say so."""
    means = []
    for length in (8, 64):
        study = small_study(tmp_path / str(length), tasks=2)
        text = study.read_text(encoding="utf-8").replace("[recipe]\n", f"[recipe]\nmax_length = {length}\n")
        study.write_text(text, encoding="utf-8")
        prepared = api.open_prepared(study)
        encoder = prepared.space.encoder.digest
        data = prepared.tasks["01-amber"]
        means.append(text_rows(prepared, prepared.folders[encoder], encoder, data)[1])
    assert np.array_equal(*means)
