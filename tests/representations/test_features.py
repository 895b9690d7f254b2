import numpy as np
import pytest
import torch
from tests.models.small_encoders import FAMILIES, build
from tests.representations.kinds import LENGTH, model, shuffled, task
from transformers import AutoModel, AutoTokenizer

from forelearn.core.errors import InputError
from forelearn.models.heads import head_for
from forelearn.representations import reading
from forelearn.representations.features import row_features
from forelearn.representations.source_predictions import source_predictions
from forelearn.tasks.synthetic_kinds import FORMS

ROWS = [form for form in FORMS if form != "answers"]
HOW = {"max_length": LENGTH, "precision": "fp64"}


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return build("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    return build(request.param, tmp_path_factory.mktemp(request.param))


CUT = {"truncation": True, "max_length": LENGTH, "return_tensors": "pt"}


def literal(folder, *given):
    """One text or pair at a time, no padding. Shape: [t, H]."""
    encoder = AutoModel.from_pretrained(folder).double().eval()
    batch = AutoTokenizer.from_pretrained(folder)(*given, **CUT)
    with torch.no_grad():
        return encoder(**batch).last_hidden_state[0].numpy()


def features(source, form, examples=None, **options):
    data = task(form)
    return row_features(source, examples or data.train, head_for(data), **{**HOW, **options})


@pytest.mark.parametrize("form", ["binary", "pair", "regression"])
def test_the_features_of_an_example_are_the_mean_over_its_tokens(bert, form):
    found, data = features(bert, form), task(form).train
    for row in (0, 7, 15):
        given = (data.texts[row],) if data.pairs is None else (data.texts[row], data.pairs[row])
        np.testing.assert_allclose(found.features[row], literal(bert, *given).mean(0), atol=1e-10)
    assert found.is_values == (form == "regression")
    assert found.targets.tolist() == list(data.values if found.is_values else data.labels)
    assert found.rows.tolist() == list(range(16))


def test_a_row_of_multiple_choice_is_a_choice_and_its_target_whether_it_is_right(bert):
    found, data = features(bert, "choice"), task("choice").train
    assert found.rows.tolist() == [row for row in range(16) for _ in range(2)]
    assert found.targets.tolist() == [int(choice == label) for label in data.labels for choice in range(2)]
    expected = literal(bert, data.texts[5], data.choices[5][1]).mean(0)
    np.testing.assert_allclose(found.features[11], expected, atol=1e-10)


def test_a_row_of_sequence_labelling_is_a_words_first_piece(bert):
    found, data = features(bert, "tags"), task("tags").train
    assert found.targets.tolist() == [tag for tags in data.tags for tag in tags]
    text = " ".join(data.words[2])
    offsets = AutoTokenizer.from_pretrained(bert)(text, return_offsets_mapping=True)["offset_mapping"]
    starts = np.cumsum([0, *(len(word) + 1 for word in data.words[2])])[:-1]
    places = [next(at for at, (first, last) in enumerate(offsets) if last > start) for start in starts]
    np.testing.assert_allclose(
        found.features[found.rows == 2], literal(bert, text)[[at if at else 1 for at in places]], atol=1e-10
    )


def test_question_answering_has_no_rows(bert):
    with pytest.raises(InputError, match="an answer is a span"):
        features(bert, "answers")


@pytest.mark.parametrize("form", ROWS)
def test_features_follow_the_examples_when_they_are_reordered(bert, form):
    mixed, order = shuffled(task(form).train)
    straight, found = features(bert, form), features(bert, form, mixed)
    for new, old in enumerate(order):
        ours, theirs = found.rows == new, straight.rows == old
        np.testing.assert_allclose(found.features[ours], straight.features[theirs], atol=1e-10)
        np.testing.assert_array_equal(found.targets[ours], straight.targets[theirs])


@pytest.mark.parametrize("form", ROWS)
def test_features_do_not_depend_on_the_batch_size_or_on_padding(bert, form, monkeypatch):
    at_once = features(bert, form)
    monkeypatch.setattr(reading, "_TOKENS", 1)
    np.testing.assert_allclose(features(bert, form).features, at_once.features, atol=1e-10)


@pytest.mark.parametrize(("form", "most"), [("multiclass", 10), ("choice", 10), ("spans", 50)])
def test_which_rows_are_drawn_depends_on_names_and_seed_alone(bert, form, most):
    mixed, order = shuffled(task(form).train)
    drawn, same = features(bert, form, most=most), features(bert, form, mixed, most=most)
    assert len(drawn) == most * (2 if form == "choice" else 1)
    assert sorted(order[same.rows]) == sorted(drawn.rows)
    np.testing.assert_allclose(same.features.sum(0), drawn.features.sum(0), atol=1e-9)
    assert features(bert, form, most=most, seed=1).rows.tolist() != drawn.rows.tolist()


@pytest.mark.parametrize("form", ["pair", "choice", "tags"])
def test_every_family_of_encoders_gives_features(family, form):
    # the norm of DeBERTa computes in 32 bits, whatever it is given
    mixed, order = shuffled(task(form).train)
    straight, found = features(family, form), features(family, form, mixed)
    assert np.ptp(straight.features, axis=0).max() > 1e-3
    ours, theirs = found.features[found.rows == 0], straight.features[straight.rows == order[0]]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("precision", "error"), [("fp32", 1e-5), ("bf16", 0.05)])
def test_lower_precision_stays_near(bert, precision, error):
    found = features(bert, "pair", precision=precision)
    assert found.features.dtype == np.float32
    np.testing.assert_allclose(found.features, features(bert, "pair").features, atol=error)


def test_a_model_in_memory_is_left_as_it_is(bert):
    made = model(bert, "binary")
    made.model.float()
    features(made, "multiclass")
    assert next(made.model.parameters()).dtype == torch.float32


def test_the_effort_of_features_is_one_forward_pass_an_example(bert):
    found = features(bert, "choice", most=10)
    assert (found.effort.forward, found.effort.backward) == (10, 0)
    assert found.effort.units > 0
    assert found.effort.cost.seconds == found.effort.seconds > 0


def predictions(source, form, examples=None, **options):
    data = task(form)
    return source_predictions(source, examples or data.train, head_for(data), **{**HOW, **options})


@pytest.mark.parametrize("form", ["binary", "pair", "regression", "choice"])
def test_a_classifier_says_of_each_text_what_it_says_of_it_alone(bert, form):
    source, data = model(bert, "multiclass"), task(form).train
    found = predictions(source, form)
    assert found.labels == ("red", "green", "blue")
    texts = [option for options in data.choices for option in options] if form == "choice" else data.pairs
    firsts = [text for text in data.texts for _ in range(2)] if form == "choice" else data.texts
    for row in (0, 9):
        given = (firsts[row],) if texts is None else (firsts[row], texts[row])
        with torch.no_grad():
            logits = source.model(**source.tokenizer(*given, **CUT)).logits[0]
        np.testing.assert_allclose(found.probabilities[row], logits.softmax(-1).numpy(), atol=1e-10)
        assert found.hard[row] == logits.argmax()
    np.testing.assert_array_equal(found.rows, features(bert, form).rows)


def test_a_tagger_says_of_each_word_what_it_says_of_it_alone(bert):
    source = model(bert, "spans")
    found = predictions(source, "tags")
    np.testing.assert_allclose(found.probabilities.sum(1), 1, atol=1e-12)
    np.testing.assert_array_equal(found.targets, features(bert, "tags").targets)
    for row in (0, 5):
        alone = predictions(source, "tags", task("tags").train.pick([row]))
        np.testing.assert_allclose(found.probabilities[found.rows == row], alone.probabilities, atol=1e-10)


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("regression", "binary", "gives no probabilities"),
        ("choice", "binary", "gives no probabilities"),
        ("answers", "binary", "gives no probabilities"),
        ("binary", "tags", "labels whole texts, and the target labels words"),
        ("tags", "binary", "labels words, and the target labels whole texts"),
        ("binary", "answers", "an answer is a span"),
    ],
)
def test_a_head_that_has_nothing_to_say_of_the_rows_is_refused_in_words(bert, source, target, why):
    with pytest.raises(InputError, match=why):
        predictions(model(bert, source), target)
