from __future__ import annotations

from collections import Counter
from itertools import combinations
from statistics import fmean

from hypothesis import given, settings
from hypothesis import strategies as some

from forelearn.core.data import TaskData
from forelearn.tasks.synthetic_kinds import TOPICS, Sizes
from forelearn.tasks.synthetic_mixed import MixedFamily, mixed_family, null_family

SPLITS = ("train", "dev", "test")
SMALL = Sizes(60, 30, 20)
seeds = some.integers(0, 10**6)


def words_used(data: TaskData) -> set[str]:
    return {word for split in SPLITS for text in data.split(split).read() for word in text.split()}


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_kin_and_random_sources_share_the_lexicon_of_the_target_and_strangers_do_not(seed: int) -> None:
    made = mixed_family(seed, sizes=SMALL, target_rows=20)
    target = made.lexicons[made.target]
    assert made.forms[made.target] == "spans"
    assert {role: len(made.sources(role)) for role in ("kin", "stranger", "random")} == {
        "kin": 3,
        "stranger": 2,
        "random": 1,
    }
    for name in made.roles:
        shared = made.lexicons[name].topic_words() & target.topic_words()
        assert shared == (target.topic_words() if made.roles[name] != "stranger" else set())
    assert len(made.tasks[made.target].train) == 20
    assert made == mixed_family(seed, sizes=SMALL, target_rows=20)
    assert len({data.task.kind for data in made.tasks.values()}) >= 3


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_in_a_null_family_no_lexicons_meet_but_those_of_random_sources(seed: int) -> None:
    made = null_family(seed, sizes=SMALL)
    assert not made.sources("kin")
    held = [made.lexicons[name].topic_words() for name in made.tasks if made.roles.get(name) != "random"]
    assert len(held) == 6
    assert all(not one & two for one, two in combinations(held, 2))
    assert made == null_family(seed, sizes=SMALL)


def what_words_say(made: MixedFamily, name: str) -> dict[str, Counter[object]]:
    """Word → how often each label stands beside it: all that a bag of words can learn from a classification."""
    said: dict[str, Counter[object]] = {}
    part = made.tasks[name].train
    for text, label in zip(part.texts, part.labels, strict=True):
        for word in text.split():
            said.setdefault(word, Counter())[label] += 1
    return said


def accuracy_on(made: MixedFamily, said: dict[str, Counter[object]]) -> float:
    """Of votes of words on the test split of the target."""
    part = made.tasks[made.target].test
    right = 0
    for text, label in zip(part.texts, part.labels, strict=True):
        votes = {
            topic: sum(
                (said[word][topic] + 1) / (said[word].total() + 3) - 1 / 3
                for word in text.split()
                if word in said
            )
            for topic in range(len(TOPICS))
        }
        right += max(votes, key=lambda topic: votes[topic]) == label
    return right / len(part)


def test_votes_of_words_learned_from_kin_decide_the_target_and_those_of_others_do_not() -> None:
    """Three topics: chance is 1/3."""
    found: dict[str, list[float]] = {"kin": [], "stranger": [], "random": []}
    for seed in range(4):
        made = mixed_family(seed, target="multiclass", kin=("multiclass",), strangers=("multiclass",))
        for name, role in made.roles.items():
            found[role].append(accuracy_on(made, what_words_say(made, name)))
    assert min(found["kin"]) > 0.9
    assert fmean(found["stranger"]) < 0.45
    assert fmean(found["random"]) < 0.45


def test_texts_of_kin_and_strangers_use_the_same_words() -> None:
    made = mixed_family(0, kin=("multiclass",), strangers=("multiclass",))
    kin, stranger, _ = (words_used(made.tasks[name]) for name in made.roles)
    assert len(kin & stranger) > 0.95 * len(kin | stranger)
