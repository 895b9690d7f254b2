import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.representations.conftest import FAMILIES, FAST, TEXTS

from forelearn.core.errors import InputError
from forelearn.models.heads.regression import Regression
from forelearn.representations.blocks import BlockEngine
from forelearn.representations.conductance import (
    CaptumGauss,
    FixedTrapezoid,
    Trapezoid,
    conductance,
    conductance_units,
    make_engine,
    token_conductance,
)
from forelearn.representations.hooked import HookedEngine
from forelearn.representations.path import embedding_ends, make_batch
from forelearn.representations.words import read_documents

CPU = torch.device("cpu")
EVERY = sorted(FAMILIES)


def tokens_of(classifier, texts, rule, *, engine=None, function="difference", micro_batch=None):
    engine = (engine or HookedEngine)(classifier.model, function=function, precision="fp64", device=CPU)
    documents = read_documents(classifier.tokenizer, texts, None, 64)
    return dict(token_conductance(engine, classifier, documents, rule=rule, micro_batch=micro_batch))


def literal(classifier, text, places):
    """Trapezoid conductance of one document, point by point and layer by layer, without hooks or batches."""
    model = copy.deepcopy(classifier.model).double().eval()
    (document,) = read_documents(classifier.tokenizer, [text], None, 64)
    batch = make_batch([document], classifier.tokenizer.pad_token_id, CPU)
    start, end = embedding_ends(model.base_model, batch)
    inputs = {"input_ids": batch.ids, "attention_mask": torch.ones_like(batch.ids)}
    if classifier.model.config.model_type != "distilbert":
        inputs["token_type_ids"] = batch.types
    states, gradients = [], []
    for alpha in places:
        point = (start + float(alpha) * (end - start)).requires_grad_()
        model.base_model.embeddings.forward = lambda *_, point=point, **__: point
        output = model(**inputs, output_hidden_states=True)
        value = output.logits[0, 1] - output.logits[0, 0]
        hidden = output.hidden_states[1:]
        gradients.append(torch.stack(torch.autograd.grad(value, hidden)))
        states.append(torch.stack([state.detach() for state in hidden]))
    total = torch.zeros(())
    for k in range(len(places) - 1):
        total = total + ((gradients[k] + gradients[k + 1]) / 2 * (states[k + 1] - states[k])).sum(-1)
    return total[:, 0].numpy()


@pytest.mark.parametrize("family", EVERY)
def test_conductance_of_every_family_agrees_with_the_literal_definition(make_classifier, family):
    classifier = make_classifier(family)
    rule = FixedTrapezoid(5)
    found = tokens_of(classifier, TEXTS[:2], rule)
    for row in range(2):
        expected = literal(classifier, TEXTS[row], rule.levels()[0])
        np.testing.assert_allclose(found[row].tokens, expected, atol=1e-12)


@pytest.mark.parametrize("family", FAST)
def test_the_fast_engine_agrees_with_the_general_one(make_classifier, family):
    classifier = make_classifier(family)
    assert BlockEngine.fits(classifier.model)
    fast = tokens_of(classifier, TEXTS, FixedTrapezoid(5), engine=BlockEngine)
    general = tokens_of(classifier, TEXTS, FixedTrapezoid(5))
    for row in range(len(TEXTS)):
        np.testing.assert_allclose(fast[row].tokens, general[row].tokens, atol=1e-12)
        assert fast[row].value == pytest.approx(general[row].value, abs=1e-12)
        assert fast[row].baseline == pytest.approx(general[row].baseline, abs=1e-12)


@pytest.mark.parametrize("family", sorted(set(EVERY) - set(FAST)))
def test_other_families_take_the_general_engine(make_classifier, family):
    assert isinstance(make_engine(make_classifier(family)), HookedEngine)


@pytest.mark.parametrize("engine", [HookedEngine, BlockEngine])
def test_captums_rule_gives_what_captum_gives(bert, engine):
    from captum.attr import LayerConductance

    model = copy.deepcopy(bert.model).double().eval()
    found = tokens_of(bert, TEXTS[:1], CaptumGauss(), engine=engine)[0].tokens
    (document,) = read_documents(bert.tokenizer, TEXTS[:1], None, 64)
    batch = make_batch([document], bert.tokenizer.pad_token_id, CPU)
    start, end = embedding_ends(model.bert, batch)

    def difference(states):
        logits = model.classifier(model.bert.pooler(model.bert.encoder(states)[0]))
        return logits[:, 1] - logits[:, 0]

    for number, layer in enumerate(model.bert.encoder.layer):
        expected = LayerConductance(difference, layer).attribute(end, baselines=start).sum(-1)
        np.testing.assert_allclose(found[number], expected[0].detach().numpy(), atol=1e-12)


@pytest.mark.parametrize("family", EVERY)
def test_conductance_is_complete_at_every_layer(make_classifier, family):
    rule = Trapezoid(tolerance=0.0, first=65, most=129)
    found = conductance(make_classifier(family), TEXTS[:3], rule=rule, precision="fp64")
    assert np.abs(found.change).max() > 0.05
    # DistilBERT's head has a ReLU: where the gradient jumps the error is O(1/n), not O(1/n²)
    error = 0.05 if family == "distilbert" else 2e-3
    np.testing.assert_allclose(found.completeness, 0, atol=error)


@pytest.mark.parametrize("function", ["difference", "logit", "probability"])
def test_change_is_that_of_the_function_and_conductance_is_complete_for_it(bert, function):
    found = conductance(bert, TEXTS[:3], rule=Trapezoid(0.0, 33, 65), precision="fp64", function=function)
    logits = bert.model(**bert.tokenizer(TEXTS[:1], return_tensors="pt")).logits[0].double()
    value = {
        "difference": logits[1] - logits[0],
        "logit": logits[1],
        "probability": torch.softmax(logits, 0)[1],
    }
    engine = make_engine(bert, function=function, precision="fp64")
    documents = read_documents(bert.tokenizer, TEXTS[:1], None, 64)
    (_, one), *_ = token_conductance(engine, bert, documents, rule=FixedTrapezoid(2))
    assert one.value == pytest.approx(value[function].item(), abs=1e-5)
    assert one.value - one.baseline == pytest.approx(found.change[0])
    np.testing.assert_allclose(found.completeness, 0, atol=2e-3)


@pytest.mark.parametrize("engine", [HookedEngine, BlockEngine])
def test_a_document_alone_is_the_same_in_a_padded_batch(bert, engine):
    rule = Trapezoid(tolerance=0.01)
    # one batch of everything needs padding; micro-batches of 1 hold a document each
    together = tokens_of(bert, [TEXTS[4], *TEXTS], FixedTrapezoid(3), engine=engine, micro_batch=10**6)
    alone = tokens_of(bert, [TEXTS[4], *TEXTS], FixedTrapezoid(3), engine=engine, micro_batch=1)
    for row, found in together.items():
        np.testing.assert_allclose(found.tokens, alone[row].tokens, atol=1e-13)
    nested = tokens_of(bert, TEXTS, rule, engine=engine, micro_batch=10**6)
    for row, text in enumerate(TEXTS):
        (one,) = tokens_of(bert, [text], rule, engine=engine, micro_batch=20).values()
        assert one.points == nested[row].points
        np.testing.assert_allclose(nested[row].tokens, one.tokens, atol=1e-12)


@pytest.mark.parametrize("family", EVERY)
def test_padding_receives_exactly_nothing(make_classifier, family):
    classifier = make_classifier(family)
    documents = read_documents(classifier.tokenizer, [TEXTS[4], TEXTS[3]], None, 64)
    batch = make_batch(documents, classifier.tokenizer.pad_token_id, CPU)
    engine = HookedEngine(classifier.model, function="difference", precision="fp32", device=CPU)
    trace = engine.trace(batch, engine.ends(batch), [0.0, 0.5, 1.0])
    for gradients in trace.gradients:
        assert (gradients[0, :, len(documents[0]) :] == 0).all()
    (row, found), _ = token_conductance(
        engine, classifier, documents, rule=FixedTrapezoid(3), micro_batch=10**6
    )
    assert found.tokens.shape[1] == len(documents[row])


@pytest.mark.parametrize("family", EVERY)
def test_the_baseline_keeps_special_tokens_and_positions(make_classifier, family):
    classifier = make_classifier(family)
    documents = read_documents(classifier.tokenizer, TEXTS[:1], None, 64)
    batch = make_batch(documents, classifier.tokenizer.pad_token_id, CPU)
    start, end = embedding_ends(classifier.model.base_model, batch)
    same = (start == end).all(-1)[0].numpy()
    np.testing.assert_array_equal(same, documents[0].special)


@pytest.mark.parametrize("family", EVERY)
def test_the_last_layer_gives_words_exactly_zero_where_only_the_first_token_is_read(make_classifier, family):
    found = tokens_of(make_classifier(family), TEXTS[:1], FixedTrapezoid(3))[0].tokens
    assert (found[-1, 1:] == 0).all()
    assert (found[-2, 1:] != 0).all()


def test_exchanging_the_labels_changes_the_sign_of_every_score(bert):
    turned = copy.deepcopy(bert)
    with torch.no_grad():
        turned.model.classifier.weight.copy_(bert.model.classifier.weight.flip(0))
        turned.model.classifier.bias.copy_(bert.model.classifier.bias.flip(0))
    there = conductance(bert, TEXTS, precision="fp64")
    back = conductance(turned, TEXTS, precision="fp64")
    for a, b in zip(there.scores, back.scores, strict=True):
        np.testing.assert_allclose(a, -b, atol=1e-6)


def test_scores_keep_the_order_of_the_texts(bert):
    forward = conductance(bert, TEXTS)
    backward = conductance(bert, TEXTS[::-1])
    for a, b in zip(forward.scores, backward.scores[::-1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert [len(scores) for scores in forward.scores] == [len(spans) for spans in forward.spans]


def test_nested_sums_report_the_richardson_value_of_their_last_two_levels(bert):
    coarse, fine = (tokens_of(bert, TEXTS[:2], FixedTrapezoid(points)) for points in (9, 17))
    nested = tokens_of(bert, TEXTS[:2], Trapezoid(tolerance=0.0, first=9, most=17))
    for row in range(2):
        expected = fine[row].tokens + (fine[row].tokens - coarse[row].tokens) / 3
        np.testing.assert_allclose(nested[row].tokens, expected, atol=1e-13)
        assert nested[row].points == 17


def test_a_tighter_tolerance_takes_more_points_and_errs_less(bert):
    exact = conductance(bert, TEXTS, rule=Trapezoid(0.0, 129, 257), precision="fp64")
    errors, points = [], []
    for tolerance in (1.0, 0.05, 0.001):
        found = conductance(bert, TEXTS, rule=Trapezoid(tolerance, 5, 129), precision="fp64")
        errors.append(max(np.abs(a - b).max() for a, b in zip(found.scores, exact.scores, strict=True)))
        points.append(found.points.sum())
    assert points[0] == 9 * len(TEXTS)
    assert points[0] < points[1] < points[2]
    assert errors[0] > errors[2]
    assert errors[2] < 0.001


@pytest.mark.parametrize("family", EVERY)
def test_bf16_scores_are_near_those_of_fp64(make_classifier, family):
    classifier = make_classifier(family)
    exact = conductance(classifier, TEXTS, rule=FixedTrapezoid(17), precision="fp64")
    rough = conductance(classifier, TEXTS, rule=FixedTrapezoid(17), precision="bf16")
    moved = np.abs(np.concatenate(exact.scores) - np.concatenate(rough.scores))
    assert 0 < moved.mean() < 0.02


def test_cost_counts_tokens_layers_and_points(bert):
    found = conductance(bert, TEXTS[:2], rule=FixedTrapezoid(5))
    lengths = np.array([len(document) for document in read_documents(bert.tokenizer, TEXTS[:2], None, 64)])
    assert found.units == conductance_units(lengths, 5, layers=3) == lengths.sum() * 3 * 5
    assert found.cost.units == found.units
    assert found.seconds > 0


def test_the_classifier_is_left_as_it_was(make_classifier):
    classifier = make_classifier("bert")
    classifier.model.train()
    before = {name: tensor.clone() for name, tensor in classifier.model.state_dict().items()}
    state = torch.random.get_rng_state()
    conductance(classifier, TEXTS[:1], precision="bf16")
    assert classifier.model.training
    assert all(parameter.requires_grad for parameter in classifier.model.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in classifier.model.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())


def test_dropout_does_not_touch_the_scores(make_classifier):
    classifier = make_classifier("bert")
    quiet = conductance(classifier, TEXTS[:1])
    classifier.model.train()
    np.testing.assert_array_equal(quiet.scores[0], conductance(classifier, TEXTS[:1]).scores[0])


def test_progress_counts_documents_up_to_all(bert):
    seen = []
    conductance(bert, TEXTS, rule=FixedTrapezoid(3), report=seen.append)
    assert [step["documents"] for step in seen] == list(range(1, len(TEXTS) + 1))
    assert {step["of"] for step in seen} == {len(TEXTS)}


def test_no_documents_give_no_scores(bert):
    found = conductance(bert, [])
    assert len(found) == 0
    assert found.completeness.shape == (0, 3)
    assert found.units == 0


def test_an_empty_text_has_no_change_and_no_words(bert):
    found = conductance(bert, ["", TEXTS[0]], precision="fp64")
    assert len(found.scores[0]) == 0
    assert found.change[0] == pytest.approx(0, abs=1e-12)
    assert len(found.scores[1]) > 0


def test_a_pair_is_read_as_one_document(bert):
    found = conductance(
        bert, ["the road"], pairs=["is closed"], precision="fp64", rule=Trapezoid(0.0, 33, 65)
    )
    assert len(found.scores[0]) == 4
    np.testing.assert_allclose(found.completeness, 0, atol=2e-3)


def test_a_single_output_is_the_positive_logit(make_classifier):
    found = conductance(
        make_classifier("bert", labels=1), TEXTS[:2], rule=Trapezoid(0.0, 33, 65), precision="fp64"
    )
    np.testing.assert_allclose(found.completeness, 0, atol=2e-3)


def test_a_model_that_gives_no_text_a_label_is_refused_in_one_line(bert):
    with pytest.raises(InputError, match="reads classifiers of texts, and this model does") as caught:
        conductance(replace(bert, head=Regression()), TEXTS)
    assert "\n" not in str(caught.value)


def test_an_encoder_without_known_parts_is_refused(bert):
    broken = copy.deepcopy(bert)
    broken.model.bert.encoder.layer = broken.model.bert.encoder.layer[:2]
    with pytest.raises(InputError, match="no list of its 3 layers"):
        HookedEngine(broken.model, function="difference", precision="fp32", device=CPU)


def test_an_unknown_function_is_refused(bert):
    with pytest.raises(InputError, match="Use difference"):
        conductance(bert, TEXTS, function="loss")


@pytest.mark.parametrize(
    ("family", "first", "change", "points"),
    [
        ("bert", [0.20656, 0.126554, 0.002824, 0.014319, -0.04877, 0.150027], -0.07611525, 33),
        ("deberta", [0.233596, 0.412979, -0.006505, 0.008544, -0.087208, 0.436015], 1.81962817, 65),
    ],
)
def test_scores_of_two_labels_stay_what_they_were_before_three_could_be_read(
    make_classifier, family, first, change, points
):
    found = conductance(make_classifier(family), TEXTS[:1], rule=Trapezoid(0.001, 5, 65), precision="fp64")
    np.testing.assert_allclose(found.scores[0], first, atol=2e-6)
    assert found.change[0] == pytest.approx(change, abs=1e-6)  # chips differ by 2e-7
    assert found.points[0] == points
