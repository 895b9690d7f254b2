from __future__ import annotations

from collections import Counter
from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from forelearn.core.data import TaskData
from forelearn.core.task import are_spans
from forelearn.tasks.synthetic_kinds import FORMS, TOPICS, WEIGHTS, Form, Lexicon, Sizes, lexicons, make_task
from forelearn.training.measures_spans import spans_of

SPLITS = ("train", "dev", "test")
SMALL = Sizes(60, 30, 20)
WORDS = lexicons(0, 1)[0]
seeds = some.integers(0, 10**6)
forms = pytest.mark.parametrize("form", FORMS)


def small(form: Form, seed: int = 0, *, random_labels: bool = False) -> TaskData:
    return make_task(form, "task", WORDS, sizes=SMALL, seed=seed, random_labels=random_labels)


def topics_in(text: str, lexicon: Lexicon = WORDS) -> list[str]:
    """The topic of each topic word of a text, by looking it up."""
    topic_of = {word: topic for topic, words in lexicon.topics.items() for word in words}
    return [topic_of[word] for word in text.split() if word in topic_of]


@forms
def test_same_arguments_give_the_same_task_and_another_seed_another_one(form: Form) -> None:
    assert small(form, 1) == small(form, 1)
    assert small(form, 1).task.digest != small(form, 2).task.digest


@forms
def test_sizes_are_as_asked_for_and_no_example_stands_twice(form: Form) -> None:
    data = small(form)
    assert [len(data.split(split)) for split in SPLITS] == [60, 30, 20]
    ids = [name for split in SPLITS for name in data.split(split).ids]
    read = [text for split in SPLITS for text in data.split(split).read()]
    assert len(set(ids)) == len(ids)
    assert len(set(read)) == len(read)


@forms
def test_every_split_holds_two_labels_and_none_has_more_than_two_thirds(form: Form) -> None:
    data = make_task(form, "task", WORDS, sizes=Sizes(60, 12, 12), seed=3)
    for split in SPLITS:
        part = data.split(split)
        found: list[object] = [*part.labels, *part.values]
        found += [tag for tags in part.tags for tag in tags if tag]
        found += [answer.text for answers in part.answers for answer in answers]
        count = Counter(found)
        assert len(count) > 1
        assert max(count.values()) <= 2 / 3 * len(found)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_binary_labels_multiclass_labels_and_pairs_follow_from_the_topics(seed: int) -> None:
    binary, multiclass, pair = (small(form, seed).train for form in ("binary", "multiclass", "pair"))
    for text, label in zip(binary.texts, binary.labels, strict=True):
        assert [topic == TOPICS[0] for topic in topics_in(text)] == [label == 1] * 2
    for text, label in zip(multiclass.texts, multiclass.labels, strict=True):
        assert topics_in(text) == [TOPICS[label]] * 2
    assert pair.pairs is not None
    for one, two, label in zip(pair.texts, pair.pairs, pair.labels, strict=True):
        assert label == (set(topics_in(one)) == set(topics_in(two)) == {TOPICS[0]})


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_value_is_the_mean_weight_of_the_topic_words(seed: int) -> None:
    part = small("regression", seed).train
    for text, value in zip(part.texts, part.values, strict=True):
        assert value == fmean(WEIGHTS[topic] for topic in topics_in(text))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_right_choice_alone_shares_the_topic_of_the_premise(seed: int) -> None:
    part = small("choice", seed).train
    for premise, choices, right in zip(part.texts, part.choices, part.labels, strict=True):
        shares = [bool(set(topics_in(premise)) & set(topics_in(choice))) for choice in choices]
        assert shares == [number == right for number in range(2)]


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_tags_align_with_words_and_texts_and_name_the_topic_of_each_word(seed: int) -> None:
    for form in ("tags", "spans"):
        data = small(form, seed)
        for words, tags, text in zip(data.train.words, data.train.tags, data.train.texts, strict=True):
            assert " ".join(words) == text
            assert len(tags) == len(words)
            for word, tag in zip(words, tags, strict=True):
                topic = data.labels[tag].removeprefix("B-").removeprefix("I-")
                assert topics_in(word) == ([] if topic in ("O", "none") else [topic])


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_bio_tags_are_well_formed_and_spans_are_whole_runs_of_one_or_two_words(seed: int) -> None:
    data = small("spans", seed)
    assert are_spans(data.labels)
    assert not are_spans(small("tags").labels)
    lengths = set()
    for row in data.train.tags:
        tags = [data.labels[tag] for tag in row]
        spans = list(spans_of(tags))
        assert all(tags[start] == f"B-{topic}" for start, _, topic in spans), "an I- never opens a span"
        assert all(one[1] < two[0] for one, two in combinations(spans, 2)), "a filler stands between spans"
        lengths |= {end - start for start, end, _ in spans}
    assert lengths == {1, 2}


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_an_answer_stands_at_its_offset_behind_the_key_that_the_question_names(seed: int) -> None:
    part = small("answers", seed).train
    assert part.pairs is not None
    keys = WORDS.topics[TOPICS[0]]
    words, others, late = set(), set(), 0
    for question, context, (answer,) in zip(part.texts, part.pairs, part.answers, strict=True):
        assert context[answer.start : answer.start + len(answer.text)] == answer.text
        (key,) = (word for word in question.split() if word in keys)
        before = context[: answer.start].split()
        assert before[-1] == key
        assert context.split().count(key) == 1
        assert topics_in(answer.text) == list(TOPICS[1:])[: len(answer.text.split())]
        after = context[answer.start + len(answer.text) :].split()
        assert not after or after[0] not in WORDS.topics[TOPICS[2]], "the answer is not cut short"
        words.add(len(answer.text.split()))
        others.add(sum(word in keys for word in context.split()) - 1)
        late += len(before) >= 32
    assert (words, others) == ({1, 2}, {0, 1})


def test_a_fifth_of_the_contexts_is_longer_than_any_window_and_some_answers_lie_behind_its_first() -> None:
    part = make_task("answers", "task", WORDS, sizes=Sizes(200, 10, 10)).train
    assert part.pairs is not None
    assert sum(len(context.split()) > 40 for context in part.pairs) == 40
    starts = [
        len(context[: answer.start].split())
        for context, (answer,) in zip(part.pairs, part.answers, strict=True)
    ]
    assert sum(start >= 32 for start in starts) >= 5


@pytest.mark.parametrize("form", ["binary", "multiclass", "pair", "regression", "choice"])
def test_random_labels_are_the_same_labels_dealt_to_other_examples(form: Form) -> None:
    plain, dealt = (small(form, 5, random_labels=random) for random in (False, True))
    one, two = plain.train, dealt.train
    assert one.texts == two.texts
    assert Counter((*one.labels, *one.values)) == Counter((*two.labels, *two.values))
    agree = fmean(a == b for a, b in zip((*one.labels, *one.values), (*two.labels, *two.values), strict=True))
    assert 0.1 < agree < 0.8


@pytest.mark.parametrize("form", ["spans", "tags", "answers"])
def test_forms_whose_examples_cannot_trade_labels_refuse_random_ones(form: Form) -> None:
    with pytest.raises(ValueError, match="cannot trade"):
        small(form, random_labels=True)


def test_lexicons_share_a_vocabulary_and_no_topic_word() -> None:
    made = lexicons(4, 6)
    assert len({frozenset(one.fillers) | one.topic_words() for one in made}) == 1
    assert all(not one.topic_words() & two.topic_words() for one, two in combinations(made, 2))
    assert all(not one.topic_words() & set(one.fillers) for one in made)
    assert made[0] == lexicons(4, 1)[0] != lexicons(5, 1)[0]
    with pytest.raises(ValueError, match="at most 6 lexicons, not 7"):
        lexicons(0, 7)


@pytest.mark.parametrize("form", ["binary", "multiclass", "pair", "regression", "spans", "tags"])
def test_topic_words_are_no_more_frequent_than_other_words(form: Form) -> None:
    """48 of 288 words are topic words, 1/6; of every text 2 of 12."""
    part = small(form).train
    assert all(len(topics_in(text)) * 6 == len(text.split()) for text in part.read())
