"""Incident-stream files, made to their description: no sample of the real ones is at hand."""

import json

import pytest

from forelearn.core.errors import InputError
from forelearn.tasks.assemble import assemble
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.incident_streams import event_name, read_labels, read_run_file, read_tweets
from forelearn.tasks.ontology import RENAMED, TASK_2, TYPES, full_names, read_ontology
from forelearn.tasks.rows import SPLITS
from forelearn.tasks.splits import SplitPlan

POSTS = [
    {
        "eventID": "fire2016E",
        "eventName": "a fire",
        "eventDescription": "",
        "eventType": "wildfire",
        "postID": "1",
        "postCategories": ["Factoid", "Location"],
        "postPriority": "Low",
    },
    {"eventID": "fire2016E", "postID": 2, "postCategories": ["KnownAlready"], "postPriority": "High"},
    {"eventID": "flood2017", "postID": "3", "postCategories": [], "postPriority": "Low"},
]
ASSESSED = {
    "events": [
        {"eventid": "fire2016A", "tweets": [{"postID": "1", "categories": ["Factoid"], "priority": "Low"}]},
        {
            "eventid": "fire2016B",
            "tweets": [{"postID": "1", "categories": ["Advice"], "priority": "Critical"}],
        },
    ]
}
TEXTS = {"1": "first", "2": "second", "3": "third"}


def labels(folder, value, **options):
    (folder / "l.json").write_text(json.dumps(value))
    return read_labels(folder / "l.json", file="l.json", texts=TEXTS, **options)


def test_there_are_twenty_five_types_and_twelve_tasks_over_them():
    """Eleven named types and Other, which stands for the remaining 25 − 11 = 14."""
    assert len(TYPES) == len(set(TYPES)) == 25
    assert len(TASK_2) == 12
    assert len(set(TYPES) - set(TASK_2)) == 14


def test_short_and_older_names_map_to_full_names_of_today():
    names = full_names()
    assert names["Factoid"] == names["Report-Factoid"] == "Report-Factoid"
    for old, new in RENAMED.items():
        assert names[old] == names[old.partition("-")[2]] == new


def test_the_assessors_letter_is_taken_off_an_event_and_no_other_letter():
    assert event_name("fire2016E") == "fire2016"
    assert event_name("fire2016F") == "fire2016F"
    assert event_name("stormA") == "stormA"


def test_the_list_form_reads(tmp_path):
    table = labels(tmp_path, POSTS)
    assert [row.values["categories"] for row in table.rows] == [
        ("Report-Factoid", "Report-Location"),
        ("Report-OriginalEvent",),
        (),
    ]
    assert [row.values["event"] for row in table.rows] == ["fire2016", "fire2016", "flood2017"]


@pytest.mark.parametrize("value", [ASSESSED, [ASSESSED], [{"events": [one]} for one in ASSESSED["events"]]])
def test_assessors_of_one_post_are_joined_with_the_highest_priority(tmp_path, value):
    table = labels(tmp_path, value)
    (row,) = table.rows
    assert row.values["categories"] == ("Report-Factoid", "Other-Advice")
    assert row.values["priority"] == "Critical"


def test_posts_without_a_tweet_and_unknown_categories_are_warnings(tmp_path):
    table = labels(tmp_path, [*POSTS, {"postID": "9", "postCategories": ["Nonsense"], "eventID": "e1"}])
    first, second = table.problems
    assert "1 of 4 labelled posts have no tweet: 9" in first.what
    assert "Nonsense" in second.what
    assert {first.level, second.level} == {"warning"}


@pytest.mark.parametrize("content", ["{", "[]", '{"other": 1}', '"text"', "[1, 2]"])
def test_what_is_no_label_file_is_said(tmp_path, content):
    (tmp_path / "l.json").write_text(content)
    (problem,) = read_labels(tmp_path / "l.json", file="l.json", texts=TEXTS).problems
    assert problem.level == "error"


def test_tweets_read_by_docno_or_id(tmp_path):
    lines = [
        {"allProperties": {"docno": "1", "text": "a\u2028b"}, "topic": "x"},
        {"allProperties": {"id_str": 2, "text": "c"}, "topic": "x"},
    ]
    (tmp_path / "t.jsonl").write_text(
        "\n".join(json.dumps(one, ensure_ascii=False) for one in lines), "utf-8"
    )
    texts, problems = read_tweets(tmp_path / "t.jsonl", file="t.jsonl")
    assert texts == {"1": "a\u2028b", "2": "c"}
    assert problems == ()


def test_a_cut_off_tweet_is_said_with_its_row(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"allProperties": {"docno": "1", "text": "a"}}\n{"allProp')
    _, (problem,) = read_tweets(tmp_path / "t.jsonl", file="t.jsonl")
    assert problem.where == "t.jsonl, row 2"


def test_an_ontology_may_list_texts_objects_or_names_as_keys(tmp_path):
    path = tmp_path / "o.json"
    for value in (["A-B"], {"informationTypes": [{"id": "A-B"}]}, {"informationTypes": {"A-B": {}}}):
        path.write_text(json.dumps(value))
        assert read_ontology(path, file="o.json") == ("A-B",)
    path.write_text("{}")
    with pytest.raises(InputError, match="informationTypes"):
        read_ontology(path, file="o.json")


def test_run_files_read_with_and_without_a_tag(tmp_path):
    path = tmp_path / "run"
    path.write_text(
        'fire2016A\tQ0\t1\t1\t0.75\t["Factoid", "Other-PastNews"]\tours\nflood2017 Q0 3 2 0.5 []\n'
    )
    first, second = read_run_file(path, file="run")
    assert first.categories == ("Report-Factoid", "Other-ContextualInformation")
    assert (first.event, first.post, first.rank, first.score, first.tag) == ("fire2016", "1", 1, 0.75, "ours")
    assert second.categories == ()
    path.write_text("fire Q0 1\nfire Q0 1 one 0.5 []\nfire Q0 1 1 0.5 {}\n")
    with pytest.raises(InputError, match=r"row 1: .*row 2: .*row 3: "):
        read_run_file(path, file="run")


def test_label_files_become_one_vs_rest_tasks_with_other(tmp_path):
    posts = [
        {
            "eventID": f"event{number % 4}{'ABCDE'[number % 5]}",
            "postID": str(number),
            "postCategories": [["Factoid"], ["Location", "Factoid"], ["News"], []][number // 4 % 4],
        }
        for number in range(80)
    ]
    (tmp_path / "labels.json").write_text(json.dumps(posts))
    lines = [
        json.dumps({"allProperties": {"docno": str(number), "text": f"text {number}"}})
        for number in range(80)
    ]
    (tmp_path / "tweets.jsonl").write_text("\n".join(lines))
    corpus = Corpus(
        "here",
        {"": ("labels.json",)},
        format="incident-streams",
        tweets=("*.jsonl",),
        one_vs_rest=("Report-Factoid", "Other"),
    )
    loaded = assemble([corpus], root=tmp_path, plan=SplitPlan(by="group"))
    assert loaded.errors == ()
    facts, other = loaded.tasks.values()
    everything = [facts.train, facts.dev, facts.test]
    assert sum(part.positives() for part in everything) == 40
    assert sum(part.positives() for part in (other.train, other.dev, other.test)) == 40
    assert len({group for part in everything for group in part.groups}) == 4
    assert facts.train.ids == other.train.ids


def test_a_run_file_gives_what_a_system_said_as_labels(tmp_path):
    """Every fourth post is a `Factoid` by its labels; the system says so of every second one and knows one more."""
    posts = [
        {
            "eventID": f"event{number % 5}",
            "postID": str(number),
            "postCategories": ["Factoid"] * (number % 4 == 0),
        }
        for number in range(80)
    ]
    (tmp_path / "labels.json").write_text(json.dumps(posts))
    tweets = [{"allProperties": {"docno": str(number), "text": f"text {number}"}} for number in range(80)]
    (tmp_path / "tweets.jsonl").write_text("\n".join(map(json.dumps, tweets)))
    lines = [
        f"event{number % 5}A Q0 {number} {number + 1} 0.5 {json.dumps(['Factoid'] * (number % 2 == 0))} ours"
        for number in range(81)
    ]
    (tmp_path / "ours.run").write_text("\n".join(lines))
    common = {"tweets": ("tweets.jsonl",), "one_vs_rest": ("Report-Factoid",)}
    corpora = [
        Corpus("1", {"": ("labels.json",)}, format="incident-streams", **common),
        Corpus("2", {"": ("ours.run",)}, format="incident-streams-run", prefix="ours: ", **common),
    ]
    loaded = assemble(corpora, root=tmp_path, plan=SplitPlan(by="group"))
    assert loaded.errors == ()
    assert any("1 of 81 labelled posts have no tweet: 80" in problem.what for problem in loaded.problems)
    people, system = loaded.tasks["Report-Factoid"], loaded.tasks["ours: Report-Factoid"]
    parts = [[data.split(split).positives() for split in SPLITS] for data in (people, system)]
    assert [sum(part) for part in parts] == [20, 40]


def test_a_broken_run_file_is_refused_with_its_rows(tmp_path):
    (tmp_path / "ours.run").write_text("fire Q0 1\n")
    (tmp_path / "t.jsonl").write_text(json.dumps({"allProperties": {"docno": "1", "text": "a"}}))
    corpus = Corpus(
        "here", {"": ("ours.run",)}, format="incident-streams-run", tweets=("t.jsonl",), one_vs_rest=True
    )
    (problem, *_) = assemble([corpus], root=tmp_path, plan=SplitPlan()).errors
    assert problem.where == "ours.run, row 1"
