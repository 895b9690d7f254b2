import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forelearn.core.errors import InputError
from forelearn.representations import ansat as module
from forelearn.representations.ansat import SETS, THRESHOLDS, ansat


def literal(scores, positives, thresholds):
    """Definition 1, word by word."""
    names = list(scores)
    values = np.full((len(names), len(names), 3, len(thresholds)), np.nan)
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            own, other = set(positives[a]), set(positives[b])
            for k, documents in enumerate((own, other, own & other)):
                for q, t in enumerate(thresholds):
                    if documents:
                        shared = sum(
                            int(x >= np.float32(t) and y >= np.float32(t))
                            for d in documents
                            for x, y in zip(scores[a][d], scores[b][d], strict=True)
                        )
                        values[i, j, k, q] = shared / len(documents)
    return values


def f32(*rows):
    return [np.array(row, np.float32) for row in rows]


def test_ansat_by_hand():
    """Threshold 0.1. A: (.5 .05), (.2 .3), (.4); B: (.1 .9), (.3 .0), (.0). D_A = {0, 1}, D_B = {1, 2}.

    Active in both: document 0: the first word; 1: the first; 2: none. D_A: (1 + 1)/2 = 1; D_B: (1 + 0)/2 = ½;
    D_AB = {1}: 1.
    """
    scores = {"A": f32([0.5, 0.05], [0.2, 0.3], [0.4]), "B": f32([0.1, 0.9], [0.3, 0.0], [0.0])}
    found = ansat(scores, {"A": [0, 1], "B": [1, 2]}, thresholds=np.array([0.1]))
    np.testing.assert_array_equal(found.pair("A", "B")[:, 0], [1.0, 0.5, 1.0])
    np.testing.assert_array_equal(found.pair("B", "A")[:, 0], [0.5, 1.0, 1.0])
    np.testing.assert_array_equal(found.documents[0, 1], [2, 2, 1])


@st.composite
def settings_of(draw):
    lengths = draw(st.lists(st.integers(0, 5), min_size=1, max_size=8))
    models = draw(st.integers(1, 4))
    # multiples of 0.05 put many scores exactly on a threshold
    level = st.integers(-20, 20).map(lambda number: np.float32(number / 20))
    scores = {
        f"m{m}": [np.array(draw(st.lists(level, min_size=n, max_size=n)), np.float32) for n in lengths]
        for m in range(models)
    }
    rows = st.lists(st.integers(0, len(lengths) - 1), unique=True)
    return scores, {name: draw(rows) for name in scores}


@settings(max_examples=60, deadline=None)
@given(settings_of())
def test_all_pairs_at_once_agree_with_the_definition(given_):
    scores, positives = given_
    np.testing.assert_array_equal(ansat(scores, positives).values, literal(scores, positives, THRESHOLDS))


def test_thresholds_are_those_of_the_paper():
    np.testing.assert_allclose(
        THRESHOLDS, [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7]
    )
    assert SETS == ("source", "target", "both")


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_score_that_equals_the_threshold_is_active_in_any_precision(threshold, kind):
    scores = {"A": [np.array([threshold], kind)]}
    assert ansat(scores, {"A": [0]}, thresholds=np.array([threshold])).values[0, 0, 0, 0] == 1.0
    below = {"A": [np.array([threshold - 1e-6], kind)]}
    assert ansat(below, {"A": [0]}, thresholds=np.array([threshold])).values[0, 0, 0, 0] == 0.0


def test_no_documents_give_nan_and_no_active_terms_give_zero():
    scores = {"A": f32([-0.5], [0.0]), "B": f32([0.9], [0.9])}
    found = ansat(scores, {"A": [0], "B": []})
    assert (found.pair("A", "B")[0] == 0).all()
    assert np.isnan(found.pair("A", "B")[1:]).all()


def random_scores(models=5, documents=40, seed=0):
    chance = np.random.default_rng(seed)
    lengths = chance.integers(0, 9, documents)
    scores = {f"m{m}": [chance.normal(0, 0.3, n).astype(np.float32) for n in lengths] for m in range(models)}
    return scores, {name: np.flatnonzero(chance.random(documents) < 0.4).tolist() for name in scores}


def test_values_fall_as_the_threshold_rises():
    values = ansat(*random_scores()).values
    assert (np.diff(values, axis=-1) <= 0).all()


def test_source_and_target_sets_change_places_with_the_models():
    found = ansat(*random_scores()).values
    np.testing.assert_array_equal(found[:, :, 0], found[:, :, 1].transpose(1, 0, 2))
    np.testing.assert_array_equal(found[:, :, 2], found[:, :, 2].transpose(1, 0, 2))


def test_the_order_of_models_and_documents_does_not_matter():
    scores, positives = random_scores()
    turned = {name: scores[name][::-1] for name in reversed(scores)}
    last = len(scores["m0"]) - 1
    found = ansat(turned, {name: [last - row for row in rows] for name, rows in positives.items()})
    np.testing.assert_array_equal(found.values[::-1, ::-1], ansat(scores, positives).values)


def test_cutting_the_documents_into_parts_changes_nothing(monkeypatch):
    scores, positives = random_scores()
    whole = ansat(scores, positives).values
    monkeypatch.setattr(module, "_CHUNK", 64)
    np.testing.assert_array_equal(ansat(scores, positives).values, whole)


def test_models_that_see_other_words_are_refused():
    scores = {"A": f32([0.1, 0.2], [0.1]), "B": f32([0.1, 0.2], [0.1, 0.3])}
    with pytest.raises(InputError, match=r"`B` and `A` see different words in document 1\."):
        ansat(scores, {"A": [0], "B": [0]})
    with pytest.raises(InputError, match="`B` has 1 documents and `A` has 2"):
        ansat({"A": scores["A"], "B": scores["B"][:1]}, {"A": [0], "B": [0]})


def test_nan_scores_are_refused():
    with pytest.raises(InputError, match="NaN"):
        ansat({"A": f32([np.nan, 0.1])}, {"A": [0]})


def test_one_model_or_none_is_enough():
    assert ansat({}, {}).values.shape == (0, 0, 3, 14)
    assert ansat({"A": f32([0.1])}, {"A": [0]}).values.shape == (1, 1, 3, 14)


def test_tasks_that_share_words_have_higher_ansat_than_tasks_that_do_not():
    chance = np.random.default_rng(0)
    common = [chance.normal(0, 0.3, 8) for _ in range(200)]
    near = {f"near{n}": [row + chance.normal(0, 0.05, 8) for row in common] for n in range(2)}
    far = {"far": [chance.normal(0, 0.3, 8) for _ in range(200)]}
    scores = {name: [row.astype(np.float32) for row in rows] for name, rows in {**near, **far}.items()}
    found = ansat(scores, dict.fromkeys(scores, range(200)))
    assert (found.pair("near0", "near1")[0, :8] > found.pair("near0", "far")[0, :8]).all()
