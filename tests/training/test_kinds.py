"""Every kind of task is learned, saved, loaded and passed on by the same few lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.training.small_task import baseline, places
from transformers import AutoModel, pipeline

from forelearn.core.data import TaskData
from forelearn.core.recipe import Recipe
from forelearn.core.run import Run
from forelearn.core.transfer import Encoder, Source, Transfer
from forelearn.models.quiet import quiet
from forelearn.models.task_model import load_model
from forelearn.models.tiny import build_tiny
from forelearn.tasks.synthetic_kinds import Form, Sizes, lexicons, make_task
from forelearn.training.judge import measured, predicted_answers
from forelearn.training.predict import predict
from forelearn.training.sequential import train

FORMS: tuple[Form, ...] = (
    "binary", "multiclass", "pair", "regression", "choice", "spans", "tags", "answers",
)  # fmt: skip
RECIPE = Recipe(learning_rate=3e-3, epochs=2, batch_size=16, max_length=48)
SMALL = Sizes(train=80, dev=30, test=30)


@pytest.fixture(scope="module")
def tasks() -> Mapping[Form, TaskData]:
    lexicon = lexicons(0, 1)[0]
    return {form: make_task(form, form, lexicon, sizes=SMALL) for form in FORMS}


@pytest.fixture(scope="module")
def start(tasks: Mapping[Form, TaskData], tmp_path_factory: pytest.TempPathFactory) -> tuple[Encoder, Path]:
    folder = tmp_path_factory.mktemp("encoder")
    texts = [text for data in tasks.values() for text in data.train.read()]
    build_tiny(texts, folder, layers=1, hidden=32, heads=2, vocabulary=700)
    with quiet():  # a pretrained BERT comes with a pooler, a tiny one without
        torch.manual_seed(0)
        AutoModel.from_pretrained(folder).save_pretrained(folder)
    return Encoder("tiny", "0" * 20), folder


@pytest.fixture(scope="module")
def trained(
    tasks: Mapping[Form, TaskData], start: tuple[Encoder, Path], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[Form, tuple[Run, Path]]:
    found = {}
    for form, data in tasks.items():
        folder = tmp_path_factory.mktemp(form)
        run = train(baseline(data, start[0], recipe=RECIPE), data, start[1], **places(folder), device="cpu")
        assert isinstance(run, Run)
        found[form] = run, folder
    return found


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_is_measured_by_its_own_metric(
    form: Form, trained: Mapping[Form, tuple[Run, Path]]
) -> None:
    run, _ = trained[form]
    assert np.isfinite(run.dev())
    assert np.isfinite(run.test())
    assert run.transfer.target.metric in run.performance.test


@pytest.mark.parametrize("form", FORMS)
def test_a_saved_folder_predicts_what_was_measured(
    form: Form, trained: Mapping[Form, tuple[Run, Path]], tasks: Mapping[Form, TaskData]
) -> None:
    run, folder = trained[form]
    data = tasks[form]
    again = load_model(folder / "weights")
    assert again.kind == data.task.kind
    assert again.labels == data.labels
    found = predict(again, data.test, max_length=RECIPE.max_length)
    kept = load_file(folder / "files" / "predictions.safetensors")
    name = "test_spans" if form == "answers" else "test_logits"
    if (
        form == "regression"
    ):  # the saved head gives the task's own scale; the kept predictions are standardised
        values = np.asarray(data.train.values)
        np.testing.assert_allclose(found, kept[name] * values.std() + values.mean(), atol=1e-4)
    else:
        np.testing.assert_allclose(found, kept[name], atol=1e-4)
    if form not in ("binary", "multiclass", "pair"):
        assert measured(data, data.test, found) == pytest.approx(run.performance.test, abs=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_predictions_depend_neither_on_the_order_of_examples_nor_on_their_company(
    form: Form, trained: Mapping[Form, tuple[Run, Path]], tasks: Mapping[Form, TaskData]
) -> None:
    model = load_model(trained[form][1] / "weights")
    part = tasks[form].test
    whole = predict(model, part, max_length=48)
    alone = np.concatenate([predict(model, part.pick([row]), max_length=48) for row in range(len(part))])
    np.testing.assert_allclose(whole, alone, atol=1e-4)


@pytest.mark.parametrize("source", ["spans", "answers", "choice", "regression", "binary"])
@pytest.mark.parametrize("target", ["binary", "tags", "answers", "choice", "regression"])
def test_an_encoder_passes_from_any_kind_to_any_other(
    source: Form,
    target: Form,
    trained: Mapping[Form, tuple[Run, Path]],
    tasks: Mapping[Form, TaskData],
    start: tuple[Encoder, Path],
    tmp_path: Path,
) -> None:
    data = tasks[target]
    chain = Transfer(data.task, start[0], replace(RECIPE, epochs=1), 0, (Source(tasks[source].task, RECIPE),))
    run = train(chain, data, trained[source][1] / "weights", **places(tmp_path), device="cpu")
    assert isinstance(run, Run)
    # BERT's pooler arrives, whether the source had a use for it or not
    folders = (start[1], tmp_path / "weights")
    names = [
        {name.removeprefix("bert.") for file in folder.glob("*.safetensors") for name in load_file(file)}
        for folder in folders
    ]
    assert all("pooler.dense.weight" in found for found in names)


def test_the_pooler_travels_unchanged_past_a_head_that_does_not_read_it(
    trained: Mapping[Form, tuple[Run, Path]], start: tuple[Encoder, Path]
) -> None:
    first = load_file(start[1] / "model.safetensors")["pooler.dense.weight"]
    later = load_file(trained["spans"][1] / "weights" / "pooler.safetensors")["pooler.dense.weight"]
    np.testing.assert_array_equal(first, later)


@pytest.mark.parametrize("form", ["regression", "choice", "spans", "answers"])
def test_a_killed_run_of_any_kind_ends_with_the_same_weights(
    form: Form,
    trained: Mapping[Form, tuple[Run, Path]],
    tasks: Mapping[Form, TaskData],
    start: tuple[Encoder, Path],
    tmp_path: Path,
) -> None:
    class Stop(Exception):
        pass

    def stop(progress: Mapping[str, float]) -> None:
        if progress["step"] == 7:
            raise Stop

    data = tasks[form]
    transfer = baseline(data, start[0], recipe=RECIPE)
    with pytest.raises(Stop):
        train(transfer, data, start[1], **places(tmp_path), device="cpu", report=stop, checkpoint_seconds=0.0)
    train(transfer, data, start[1], **places(tmp_path), device="cpu")
    one, other = (
        load_file(folder / "weights" / "model.safetensors") for folder in (tmp_path, trained[form][1])
    )
    assert all(np.array_equal(one[name], other[name]) for name in other)


def test_a_tagger_is_a_folder_that_a_pipeline_loads(
    trained: Mapping[Form, tuple[Run, Path]], tasks: Mapping[Form, TaskData]
) -> None:
    with quiet():
        ask = pipeline("token-classification", str(trained["spans"][1] / "weights"))
    found = ask(tasks["spans"].test.texts[0])
    assert {answer["entity"] for answer in found} <= set(tasks["spans"].labels)


def test_words_cut_off_by_a_short_length_still_get_a_tag(
    trained: Mapping[Form, tuple[Run, Path]], tasks: Mapping[Form, TaskData]
) -> None:
    model = load_model(trained["tags"][1] / "weights")
    part = tasks["tags"].test
    assert len(predict(model, part, max_length=8)) == sum(len(words) for words in part.words)


def test_an_answer_in_any_window_is_found_by_its_characters(
    trained: Mapping[Form, tuple[Run, Path]], tasks: Mapping[Form, TaskData]
) -> None:
    model = load_model(trained["answers"][1] / "weights")
    part = tasks["answers"].train
    items = model.head.encode(model.tokenizer, part, 32)
    assert len(items) > len(part)  # some contexts take several windows
    held = set()
    assert items.spots is not None
    for row, (first, last) in enumerate(items.targets):
        if last:
            spots = items.spots[items.tokens.offsets[row] : items.tokens.offsets[row + 1]]
            example = items.example[row]
            context = (part.pairs or ())[example]
            answer = part.answers[example][0]
            assert context[spots[first, 0] : spots[last, 1]] == answer.text
            held.add(int(example))
    assert held == set(range(len(part)))  # each answer lies whole in at least one window
    assert all(text for text in predicted_answers(part, predict(model, part, max_length=32)))


@pytest.mark.parametrize("form", FORMS)
def test_the_loss_of_an_item_does_not_depend_on_its_company(
    form: Form, trained: Mapping[Form, tuple[Run, Path]], tasks: Mapping[Form, TaskData]
) -> None:
    model = load_model(trained[form][1] / "weights")
    items = model.head.encode(model.tokenizer, tasks[form].dev, 48)

    def losses(rows: np.ndarray) -> torch.Tensor:
        with torch.inference_mode():
            output = model.model(**items.batch(rows, model.pad_id))
            return model.head.losses(output, torch.from_numpy(model.head.targets(items, rows)))

    every = np.arange(len(items))
    alone = torch.cat([losses(every[row : row + 1]) for row in every])
    torch.testing.assert_close(losses(every), alone, atol=1e-4, rtol=1e-4)
