"""Conductance of classifiers with three labels, and of pairs of texts."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from tests.representations.conftest import FAMILIES, FAST, TEXTS

from forelearn.representations.blocks import BlockEngine
from forelearn.representations.conductance import (
    FixedTrapezoid,
    Trapezoid,
    conductance,
    make_engine,
    token_conductance,
)
from forelearn.representations.hooked import HookedEngine
from forelearn.representations.path import embedding_ends, log_odds, make_batch
from forelearn.representations.words import read_documents

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
EVERY = sorted(FAMILIES)
SECONDS = [None, "the north school", None, "", "water rises", "thank you"]
DOCUMENTS = list(zip(TEXTS, SECONDS, strict=True))


@pytest.fixture
def make_divided(make_classifier):
    """family → a random classifier of three labels that does not predict the same one for all `DOCUMENTS`."""

    def make(family):
        classifier = copy.deepcopy(make_classifier(family, labels=3))
        logits = torch.stack([logits_of(classifier, document) for document in DOCUMENTS])
        head = classifier.model.classifier
        with torch.no_grad():
            (getattr(head, "out_proj", head)).bias -= logits.mean(0)
        assert len({predicted(classifier, document) for document in DOCUMENTS}) > 1
        return classifier

    return make


def tokens_of(classifier, documents, rule, *, engine=HookedEngine, micro_batch=None):
    texts, seconds = zip(*documents, strict=True)
    read = read_documents(classifier.tokenizer, texts, seconds, 64)
    made = engine(classifier.model, function="difference", precision="fp64", device=CPU)
    return dict(token_conductance(made, classifier, read, rule=rule, micro_batch=micro_batch))


def encoded(classifier, document):
    """The batch of one document, and what else its model reads."""
    text, second = document
    (read,) = read_documents(classifier.tokenizer, [text], [second], 64)
    batch = make_batch([read], classifier.tokenizer.pad_token_id, CPU)
    inputs = {"attention_mask": torch.ones_like(batch.ids)}
    if classifier.model.config.model_type != "distilbert":
        inputs["token_type_ids"] = batch.types
    return batch, inputs


def logits_of(classifier, document):
    model = copy.deepcopy(classifier.model).double()
    batch, inputs = encoded(classifier, document)
    with torch.no_grad():
        return model(input_ids=batch.ids, **inputs).logits[0]


def predicted(classifier, document):
    return int(logits_of(classifier, document).argmax())


def odds(logits, label):
    """ln p/(1 − p) of a label, written out with exponentials."""
    shares = logits.exp()
    return (shares[label] / sum(share for other, share in enumerate(shares) if other != label)).log()


def literal(classifier, document, places):
    """Trapezoid conductance of one document, point by point, of the label that its model predicts for it."""
    model = copy.deepcopy(classifier.model).double().eval()
    batch, inputs = encoded(classifier, document)
    label = predicted(classifier, document)
    start, end = embedding_ends(model.base_model, batch)
    states, gradients = [], []
    for alpha in places:
        point = (start + float(alpha) * (end - start)).requires_grad_()
        model.base_model.embeddings.forward = lambda *_, point=point, **__: point
        output = model(input_ids=batch.ids, **inputs, output_hidden_states=True)
        hidden = output.hidden_states[1:]
        value = odds(output.logits[0], label)
        gradients.append(torch.stack(torch.autograd.grad(value, hidden)))
        states.append(torch.stack([state.detach() for state in hidden]))
    total = torch.zeros(())
    for k in range(len(places) - 1):
        total = total + ((gradients[k] + gradients[k + 1]) / 2 * (states[k + 1] - states[k])).sum(-1)
    return total[:, 0].numpy()


def test_log_odds_by_hand():
    """Logits ln 1, ln 2, ln 5: shares 1/8, 2/8, 5/8; the odds of the last are 5 : 3, of the first 1 : 7."""
    logits = torch.tensor([[1.0, 2, 5], [1, 2, 5]]).log()
    found = log_odds(logits, torch.tensor([2, 0]))
    np.testing.assert_allclose(found, [math.log(5 / 3), math.log(1 / 7)], rtol=1e-6)


def test_of_two_labels_the_log_odds_of_the_positive_one_are_the_difference_of_logits():
    logits = torch.linspace(-3, 4, 20, dtype=torch.float64).view(10, 2).sin().requires_grad_()
    found = log_odds(logits, torch.ones(10, dtype=torch.int64))
    torch.testing.assert_close(found, logits[:, 1] - logits[:, 0], rtol=0, atol=1e-15)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    assert gradient.tolist() == [[-1.0, 1.0]] * 10


@pytest.mark.parametrize("family", EVERY)
def test_conductance_of_three_labels_agrees_with_the_literal_definition(make_divided, family):
    classifier = make_divided(family)
    rule = FixedTrapezoid(5)
    found = tokens_of(classifier, DOCUMENTS[:2], rule)
    for row in range(2):
        expected = literal(classifier, DOCUMENTS[row], rule.levels()[0])
        np.testing.assert_allclose(found[row].tokens, expected, atol=1e-12)


@pytest.mark.parametrize("family", FAST)
def test_the_fast_engine_follows_the_same_labels_as_the_general_one(make_divided, family):
    classifier = make_divided(family)
    fast = tokens_of(classifier, DOCUMENTS, FixedTrapezoid(5), engine=BlockEngine, micro_batch=10**6)
    general = tokens_of(classifier, DOCUMENTS, FixedTrapezoid(5), micro_batch=10**6)
    for row in range(len(DOCUMENTS)):
        np.testing.assert_allclose(fast[row].tokens, general[row].tokens, atol=1e-12)
        assert fast[row].value == pytest.approx(general[row].value, abs=1e-12)


@pytest.mark.parametrize("family", EVERY)
def test_conductance_of_three_labels_is_complete_for_the_label_predicted_at_the_input(make_divided, family):
    classifier = make_divided(family)
    texts, seconds = zip(*DOCUMENTS, strict=True)
    rule = Trapezoid(tolerance=0.0, first=65, most=129)
    found = conductance(classifier, texts, pairs=seconds, rule=rule, precision="fp64")
    model = copy.deepcopy(classifier.model).double()
    for row, document in enumerate(DOCUMENTS):
        batch, inputs = encoded(classifier, document)
        label = predicted(classifier, document)
        there = odds(logits_of(classifier, document), label)
        with torch.no_grad():
            start, _ = embedding_ends(model.base_model, batch)
            handle = model.base_model.embeddings.register_forward_hook(lambda *_, start=start: start)
            back = odds(model(input_ids=batch.ids, **inputs).logits[0], label)
            handle.remove()
        assert found.change[row] == pytest.approx(float(there - back), abs=1e-10)
    assert np.abs(found.change).max() > 0.05
    # DistilBERT's head has a ReLU: where the gradient jumps the error is O(1/n), not O(1/n²)
    np.testing.assert_allclose(found.completeness, 0, atol=0.05 if family == "distilbert" else 5e-3)


def test_a_label_is_followed_from_the_baseline_on_even_where_the_model_predicts_another(make_divided):
    classifier = make_divided("bert")
    engine = make_engine(classifier, precision="fp64")
    read = read_documents(classifier.tokenizer, TEXTS, SECONDS, 64)
    batch = make_batch(read, classifier.tokenizer.pad_token_id, CPU)
    ends = engine.ends(batch)
    labels = [predicted(classifier, document) for document in DOCUMENTS]
    assert ends.followed.tolist() == labels
    assert len(set(labels)) > 1
    # odds below 1 : 1 at the baseline can only be those of a label that the model does not predict there
    assert (engine.trace(batch, ends, [0.0]).values < -math.log(2)).any()


@pytest.mark.parametrize("family", ["bert", "deberta"])
def test_relabelling_changes_no_word_score(make_divided, family):
    classifier = make_divided(family)
    head = classifier.model.classifier
    texts, seconds = zip(*DOCUMENTS, strict=True)
    first = conductance(classifier, texts, pairs=seconds, precision="fp64")
    for order in itertools.permutations(range(3)):
        turned = copy.deepcopy(classifier)
        with torch.no_grad():
            turned.model.classifier.weight.copy_(head.weight[list(order)])
            turned.model.classifier.bias.copy_(head.bias[list(order)])
        found = conductance(turned, texts, pairs=seconds, precision="fp64")
        np.testing.assert_allclose(found.change, first.change, atol=1e-12)
        for a, b in zip(first.scores, found.scores, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("engine", [HookedEngine, BlockEngine])
def test_a_pair_alone_is_the_same_in_a_padded_batch_of_texts_and_pairs(make_classifier, engine, labels):
    classifier = make_classifier("bert", labels=labels)
    rule = Trapezoid(tolerance=0.01)
    together = tokens_of(classifier, DOCUMENTS, rule, engine=engine, micro_batch=10**6)
    for row, document in enumerate(DOCUMENTS):
        (alone,) = tokens_of(classifier, [document], rule, engine=engine, micro_batch=20).values()
        assert alone.points == together[row].points
        np.testing.assert_allclose(together[row].tokens, alone.tokens, atol=1e-12)


def test_words_of_both_texts_of_a_pair_have_scores_and_separators_have_none(make_divided):
    classifier = make_divided("bert")
    found = conductance(classifier, ["the road", "the road"], pairs=["is closed", None], precision="fp64")
    assert [len(scores) for scores in found.scores] == [4, 2]
    assert (found.scores[0] != 0).all()


@pytest.mark.parametrize("function", ["logit", "probability"])
def test_logit_and_probability_of_three_labels_are_those_of_the_predicted_one(make_divided, function):
    classifier = make_divided("bert")
    engine = make_engine(classifier, function=function, precision="fp64")
    read = read_documents(classifier.tokenizer, TEXTS, SECONDS, 64)
    found = dict(token_conductance(engine, classifier, read, rule=FixedTrapezoid(2)))
    for row, document in enumerate(DOCUMENTS):
        logits = logits_of(classifier, document)
        expected = logits.max() if function == "logit" else torch.softmax(logits, 0).max()
        assert found[row].value == pytest.approx(expected.item(), abs=1e-12)
