from collections import Counter
from dataclasses import replace
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from forelearn.core.data import Examples, TaskData
from forelearn.tasks.synthetic import BREAK_EVEN, Design, Family, cleanliness, family, size

SPLITS = ("train", "dev", "test")
QUICK = Design(train=((40, 0.0), (30, 0.25)), dev=20, test=20)


def group(name: str) -> str:
    return name.split("-")[1]


def decided_by_rule(data: TaskData, split: str, lexicon: frozenset[str]) -> list[int]:
    """Labels by the stated rule: positive if the document holds a word of the lexicon."""
    return [int(not lexicon.isdisjoint(text.split())) for text in data.split(split).texts]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**40), null=st.booleans())
def test_same_arguments_give_the_same_family_and_another_seed_gives_other_texts(
    seed: int, null: bool
) -> None:
    one, two, other = (family(value, null=null, design=QUICK) for value in (seed, seed, seed + 1))
    assert one == two
    digests = [{data.task.digest for data in made.tasks.values()} for made in (one, other)]
    assert not digests[0] & digests[1]
    assert len(digests[0]) == 12


def test_the_first_document_of_family_0_stays_what_it_is() -> None:
    """A change here changes every run of the demo: raise the version and measure the quality of the demo again."""
    first = family(0).tasks["01-amber"]
    assert first.train.texts[0] == "mumele mebi nidrome turo vlita ruduvu bori vlaroro mamatu dere tutane"
    assert first.task.digest == "eae849cae43634d32c10"


@pytest.mark.parametrize("null", [False, True])
def test_a_clean_document_is_positive_exactly_if_it_holds_a_word_of_the_lexicon(null: bool) -> None:
    made = family(4, null=null)
    for name, data in made.tasks.items():
        for split in ("dev", "test"):
            assert list(data.split(split).labels) == decided_by_rule(data, split, made.lexicons[name])


def test_label_noise_is_in_train_alone_and_trades_as_many_positives_as_negatives() -> None:
    """300 examples, 120 positive, noise 0.25: 30 positives and 30 negatives carry the wrong label."""
    made = family(4)
    wrong = []
    for name, data in made.tasks.items():
        clean = decided_by_rule(data, "train", made.lexicons[name])
        kinds = Counter(zip(clean, data.train.labels, strict=True))
        assert kinds[0, 1] == kinds[1, 0]
        wrong.append((len(data.train), kinds[1, 0]))
    assert sorted(wrong) == sorted([(300, 0), (300, 30), (220, 0), (140, 0)] * 3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), null=st.booleans())
def test_every_split_has_the_stated_prevalence_and_no_document_appears_twice(seed: int, null: bool) -> None:
    made = family(seed, null=null, design=QUICK)
    texts: list[str] = []
    for data in made.tasks.values():
        for split in SPLITS:
            part = data.split(split)
            assert part.positives() == round(0.4 * len(part))
            assert len(set(part.ids)) == len(part)
            assert all(9 <= len(set(text.split())) == len(text.split()) <= 11 for text in part.texts)
            texts += part.texts
    assert len(set(texts)) == len(texts)


def test_a_task_uses_its_deciding_words_no_more_often_than_any_other_words() -> None:
    """44 of 560 words are 7.9 %; a positive document holds two of ten on average, and 40 % are positive: 8 %."""
    made = family(5)
    for name, data in made.tasks.items():
        words = [word for split in SPLITS for text in data.split(split).texts for word in text.split()]
        share = sum(word in made.lexicons[name] for word in words) / len(words)
        assert share == pytest.approx(44 / 560, abs=0.008)


def test_overlap_of_the_texts_says_nothing_about_usefulness_among_sources_of_one_size() -> None:
    kin, strangers = [], []
    for seed in range(4):
        made = family(seed, design=Design(train=((300, 0.0),), dev=20, test=20))
        columns = columns_of(made)
        used = {name: word_counts(data.train, columns).sum(0) for name, data in made.tasks.items()}
        for one, two in combinations(made.tasks, 2):
            alike = float(np.corrcoef([used[one], used[two]])[0, 1])
            (kin if group(one) == group(two) else strangers).append(alike)
    assert abs(fmean(kin) - fmean(strangers)) < 0.25 * float(np.std(strangers))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_best_three_are_the_others_of_the_group_and_everyone_else_harms(seed: int) -> None:
    made = family(seed, design=QUICK)
    for target, values in made.usefulness.items():
        best = made.best(target, 3)
        assert len(best) == 3
        assert {group(name) for name in best} == {group(target)}
        assert made.best(target, 99) == best
        assert made.best(target, 1) == best[:1]
        assert [values[name] for name in best] == sorted(values.values(), reverse=True)[:3]
        assert target not in values
        assert len(values) == 11
        assert all(value < 0 for name, value in values.items() if name not in best)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_in_a_null_family_no_lexicons_meet_and_nothing_helps(seed: int) -> None:
    made = family(seed, null=True, design=QUICK)
    assert all(one.isdisjoint(two) for one, two in combinations(made.lexicons.values(), 2))
    assert all(value < 0 for values in made.usefulness.values() for value in values.values())
    assert all(made.best(name, 3) == [] for name in made.tasks)


def test_size_and_cleanliness_by_hand() -> None:
    """300 rows: 300 / (300 + 300) = 1/2. Noise 0.25 at prevalence 0.4: 1 − 0.25 / 0.6 = 0.58333."""
    assert size(300) == pytest.approx(1 / 2)
    assert size(0) == 0
    assert cleanliness(0.25, 0.4) == pytest.approx(0.583333, abs=1e-6)
    assert cleanliness(0.6, 0.4) == pytest.approx(0)
    assert cleanliness(0.0, 0.4) == 1


def test_cleanliness_is_the_correlation_between_noisy_and_clean_labels() -> None:
    made = family(4)
    for name, data in made.tasks.items():
        clean = decided_by_rule(data, "train", made.lexicons[name])
        correlation = float(np.corrcoef(clean, data.train.labels)[0, 1])
        assert cleanliness(noise_of(made, name), 0.4) == pytest.approx(correlation, abs=1e-6)


def test_usefulness_is_size_times_the_cleanly_shared_part_above_the_break_even() -> None:
    made = family(6)
    for target, values in made.usefulness.items():
        for source, value in values.items():
            shared = len(made.lexicons[source] & made.lexicons[target]) / len(made.lexicons[target])
            rows = len(made.tasks[source].train)
            expected = size(rows) * (cleanliness(noise_of(made, source), 0.4) * shared - BREAK_EVEN)
            assert value == pytest.approx(expected)


def noise_of(made: Family, name: str) -> float:
    """Share of the truly positive training documents that are labelled negative."""
    train = made.tasks[name].train
    clean = decided_by_rule(made.tasks[name], "train", made.lexicons[name])
    return sum(a == 1 and b == 0 for a, b in zip(clean, train.labels, strict=True)) / sum(clean)


def test_equally_useful_sources_are_ordered_by_name() -> None:
    made = Family({}, {"t": {"b": 0.2, "a": 0.2, "c": 0.3, "d": 0.0}}, {})
    assert made.best("t", 3) == ["c", "a", "b"]


@pytest.mark.parametrize(("tasks", "groups"), [(1, [1]), (3, [3]), (4, [4]), (9, [4, 5]), (12, [4, 4, 4])])
def test_any_number_of_tasks_is_dealt_to_groups_of_nearly_one_size(tasks: int, groups: list[int]) -> None:
    made = family(0, tasks=tasks, design=QUICK)
    assert sorted(Counter(group(name) for name in made.tasks).values()) == groups


def test_a_vocabulary_too_small_for_the_lexicons_is_refused() -> None:
    with pytest.raises(ValueError, match="a vocabulary of 500 words cannot hold the lexicons of 12 tasks"):
        family(0, null=True, design=replace(QUICK, vocabulary=500))


def columns_of(made: Family) -> dict[str, int]:
    """A column for every word of the family."""
    texts = [text for data in made.tasks.values() for split in SPLITS for text in data.split(split).texts]
    return {
        word: column for column, word in enumerate(sorted({word for text in texts for word in text.split()}))
    }


def word_counts(examples: Examples, columns: dict[str, int]) -> np.ndarray:
    counts = np.zeros((len(examples), len(columns)))
    for row, text in enumerate(examples.texts):
        for word in text.split():
            counts[row, columns[word]] += 1
    return counts


def linear_gains(made: Family) -> dict[str, dict[str, float]]:
    """Gain in average precision when a source's logistic regression on word counts votes with the target's own."""
    columns = columns_of(made)
    models = {
        name: LogisticRegression().fit(word_counts(data.train, columns), data.train.labels)
        for name, data in made.tasks.items()
    }
    gains = {}
    for target, data in made.tasks.items():
        counts = word_counts(data.test, columns)
        votes = {name: model.decision_function(counts) for name, model in models.items()}
        alone = average_precision_score(data.test.labels, votes[target])
        assert alone > 0.5, "chance is 0.4"
        gains[target] = {
            source: float(average_precision_score(data.test.labels, votes[target] + votes[source]) - alone)
            for source in made.usefulness[target]
        }
    return gains


def test_models_that_know_no_encoder_agree_about_which_sources_help() -> None:
    made = family(7)
    gains = linear_gains(made)
    best = {target: made.best(target, 3) for target in made.tasks}
    helpful = [gains[target][name] for target in best for name in best[target]]
    others = [value for target in best for name, value in gains[target].items() if name not in best[target]]
    assert fmean(helpful) > 0.02
    assert fmean(others) < -0.05
    agreement = [
        spearmanr([made.usefulness[target][name] for name in gains[target]], list(gains[target].values()))[0]
        for target in gains
    ]
    assert fmean(agreement) > 0.6


def test_models_that_know_no_encoder_find_no_help_in_a_null_family() -> None:
    gains = linear_gains(family(7, null=True))
    assert fmean(value for of_target in gains.values() for value in of_target.values()) < -0.05
