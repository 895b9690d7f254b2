"""Reading public data sets in the forms in which they are published. The data are not part of the project."""

import json
import os
from pathlib import Path

import pytest

from forelearn.core.data import TaskData
from forelearn.core.task import metrics_of
from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.guess import guess, study_for_rank
from forelearn.experiment.study import parse_study
from forelearn.tasks.leaks import leaks
from forelearn.tasks.rows import SPLITS

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("FORELEARN_SHARED_DATA", "unset"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (SHARED / "glue").is_dir(),
        reason=f"no data at {SHARED}; set FORELEARN_SHARED_DATA to their folder",
    ),
]


def load(*sections: str) -> tuple[dict[str, TaskData], list[str]]:
    """The tasks of [[data]] sections, and what is said of them. An error fails the test."""
    text = "\n".join(f"[[data]]\n{section}\n" for section in sections)
    study = parse_study(text, path=SHARED / "study.toml", data_root=SHARED)
    loaded = load_tasks(study, partial=True)
    assert loaded.errors == ()
    return dict(loaded.tasks), [str(problem) for problem in loaded.problems]


def sizes(data: TaskData) -> tuple[int, int, int]:
    train, dev, test = (len(data.split(split)) for split in SPLITS)
    return train, dev, test


RTE = """\
files = {train = "glue/RTE/train.tsv", test = "glue/RTE/dev.tsv"}
name = "RTE"
id = "index"
text = "sentence1"
pair = "sentence2"
positive = "entailment"
quotes = false
"""
WNLI = """\
files = {train = ["glue/WNLI/train.tsv", "glue/WNLI/val.tsv"], test = "glue/WNLI/dev.tsv"}
name = "WNLI"
header = ["index", "sentence1", "sentence2", "label"]
text = "sentence1"
pair = "sentence2"
positive = "1"
"""
COLA = """\
files = {train = ["glue/CoLA/train.tsv", "glue/CoLA/val.tsv"], test = "glue/CoLA/dev.tsv"}
name = "CoLA"
header = ["source", "label", "star", "sentence"]
quotes = false
text = "sentence"
positive = "1"
metric = "matthews"
"""
MRPC = """\
files = {train = "glue/MRPC/msr_paraphrase_train.txt", test = "glue/MRPC/msr_paraphrase_test.txt"}
name = "MRPC"
format = "tsv"
quotes = false
text = "#1 String"
pair = "#2 String"
label = "Quality"
positive = "1"
"""
STSB = """\
files = {train = "S/sts-train.tsv", dev = "S/sts-dev.tsv", test = "S/sts-test.tsv"}
name = "STS-B"
kind = "regression"
header = ["genre", "file", "year", "number", "score", "sentence1", "sentence2"]
quotes = false
text = "sentence1"
pair = "sentence2"
label = "score"
""".replace("S/", "glue/STS-B/original/")


def superglue(name: str, columns: str) -> str:
    folder = f"superglue/{name}"
    return (
        f'files = {{train = "{folder}/train.jsonl", dev = "{folder}/dev32.jsonl", test = "{folder}/val.jsonl"}}\n'
        f'name = "{name}"\n{columns}'
    )


CB = superglue("CB", 'text = "premise"\npair = "hypothesis"\n')
COPA = superglue(
    "COPA",
    'kind = "multiple_choice"\ntext = ["premise", "question"]\nchoices = ["choice1", "choice2"]\n',
)
BOOLQ = superglue("BoolQ", 'text = "question"\npair = "passage"\npositive = "true"\n')
WIC = superglue("WiC", 'text = ["word", "sentence1"]\npair = "sentence2"\npositive = "true"\n')


@pytest.mark.parametrize(
    ("section", "learned", "test", "kind"),
    [
        (RTE, 2490, 277, "binary"),
        (WNLI, 518 + 117, 71, "binary"),
        (COLA, 7250 + 1301, 1043, "binary"),
        (MRPC, 4076, 1725, "binary"),
        (STSB, 5749 + 1500, 1379, "regression"),
        (CB, 32 + 32, 56, "multiclass"),
        (COPA, 32 + 32, 100, "multiple_choice"),
        (BOOLQ, 32 + 32, 3270, "binary"),
        (WIC, 32 + 32, 638, "binary"),
    ],
)
def test_glue_and_superglue_have_the_rows_that_they_are_known_for(section, learned, test, kind):
    tasks, _ = load(section)
    (data,) = tasks.values()
    train, dev, tested = sizes(data)
    assert (train + dev, tested) == (learned, test)
    assert data.task.kind == kind


def test_a_file_without_a_header_beside_one_with_it_is_read_by_the_same_names():
    """WNLI: val.tsv begins with its first row, which is not lost; train.tsv begins with names, no row."""
    data = load(WNLI)[0]["WNLI"]
    texts = {text for split in SPLITS for text in data.split(split).texts}
    assert "sentence1" not in texts
    first = (SHARED / "glue/WNLI/val.tsv").read_text(encoding="utf-8").split("\n")[0].split("\t")
    assert first[1] in texts


def test_plain_quotes_and_a_byte_order_mark_are_no_part_of_columns():
    data = load(MRPC)[0]["MRPC"]
    assert data.train.pairs is not None
    assert any(text.startswith('"') for text in data.train.texts)
    assert data.labels == ("0", "1")


def test_scores_are_numbers_and_the_sources_after_the_last_column_are_left_out_with_a_count():
    tasks, said = load(STSB)
    values = tasks["STS-B"].train.values
    assert (min(values), max(values)) == (0.0, 5.0)
    assert tasks["STS-B"].task.metric == "pearson"
    assert any(
        "Rows go on after the 7 fields of `header`; the rest is left out: 197 rows" in one for one in said
    )


def test_the_word_and_its_sentence_are_one_text_and_both_choices_are_kept():
    tasks, _ = load(WIC, COPA)
    first = json.loads((SHARED / "superglue/WiC/train.jsonl").read_text(encoding="utf-8").split("\n")[0])
    assert f"{first['word']} {first['sentence1']}" in tasks["WiC"].train.texts
    copa = tasks["COPA"].train
    assert {text.rsplit(" ", 1)[1] for text in copa.texts} == {"cause", "effect"}
    assert all(len(set(choices)) == 2 for choices in copa.choices)


@pytest.mark.parametrize(
    ("name", "rows", "labels"),
    [
        ("emotion", (3257, 374, 1421), ("anger", "joy", "optimism", "sadness")),
        ("irony", (2862, 955, 784), ("non_irony", "irony")),
        ("offensive", (11916, 1324, 860), ("not-offensive", "offensive")),
    ],
)
def test_tweets_have_the_names_of_their_labels(name, rows, labels):
    folder = f"tweeteval/{name}"
    tasks, _ = load(
        f'files = {{train = "{folder}/train_text.txt", dev = "{folder}/val_text.txt", '
        f'test = "{folder}/test_text.txt"}}\nformat = "tweeteval"\n'
    )
    assert sizes(tasks[name]) == rows
    assert set(tasks[name].labels) == set(labels)


@pytest.mark.parametrize(
    ("files", "rows", "labels"),
    [
        ('{train = "sentences/TREC.train.all", test = "sentences/TREC.test.all"}', (5452, 500), 6),
        ('"sentences/subj.all"', (10000,), 2),
        ('"sentences/rt-polarity.all"', (10662,), 2),
        (
            '{train = "sentences/stsa.binary.train", dev = "sentences/stsa.binary.dev", '
            'test = "sentences/stsa.binary.test"}',
            (6920, 872, 1821),
            2,
        ),
    ],
)
def test_lines_that_begin_with_a_label_end_at_line_feeds_alone(files, rows, labels):
    tasks, _ = load(f'files = {files}\nformat = "label-text"\nencoding = "latin-1"\nname = "s"\n')
    train, dev, test = sizes(tasks["s"])
    assert len(tasks["s"].labels) == labels
    assert {1: (train + dev + test,), 2: (train + dev, test), 3: (train, dev, test)}[len(rows)] == rows


ATIS = """\
files = {train = "atis/train/seq.in", dev = "atis/valid/seq.in", test = "atis/test/seq.in"}
format = "atis"
"""


def test_intents_and_slots_of_the_same_sentences_are_two_tasks_over_the_same_documents():
    tasks, said = load(f'{ATIS}name = "intent"\n', f'{ATIS}name = "slots"\nkind = "sequence_labelling"\n')
    intent, slots = tasks["intent"], tasks["slots"]
    assert sizes(intent) == sizes(slots) == (4478, 500, 893)
    assert intent.train.ids == slots.train.ids
    assert len({*intent.train.labels}) == 21
    assert len({tag for tags in slots.train.tags for tag in tags}) == 120
    assert slots.task.metric == "span_f1"
    assert any("Labels that train never shows" in one for one in said)


def test_entities_of_emerging_types_are_read_by_sentence():
    tasks, _ = load(
        'files = {train = "wnut17/wnut17train.conll", dev = "wnut17/emerging.dev.conll", '
        'test = "wnut17/emerging.test.annotated"}\nformat = "conll"\nname = "wnut17"\n'
    )
    data = tasks["wnut17"]
    assert sizes(data) == (3394, 1009, 1287)
    assert len({tag[2:] for tag in data.labels if tag != "O"}) == 6
    assert data.task.metric == "span_f1"
    assert any(word.startswith("#") for words in data.train.words for word in words)


def test_parts_of_speech_are_read_without_ranges_and_empty_nodes():
    tasks, _ = load(
        'files = {train = "ud-ewt/en_ewt-ud-dev.conllu", test = "ud-ewt/en_ewt-ud-test.conllu"}\nname = "upos"\n'
    )
    data = tasks["upos"]
    train, dev, test = sizes(data)
    assert (train + dev, test) == (2001, 2077)
    assert len(data.labels) == 17
    assert metrics_of(data.task.kind, data.labels) == ("accuracy",)


def test_questions_of_one_paragraph_stay_together_and_halves_share_no_article():
    xquad = 'files = "xquad/xquad.en.json"\n'
    data = load(f'{xquad}name = "xquad"\n')[0]["xquad"]
    groups = [set(data.split(split).groups) for split in SPLITS]
    assert sum(sizes(data)) == 1190
    assert sum(map(len, groups)) == len(set().union(*groups)) == 240
    halves = load(*(f'{xquad}name = "half {k}"\npart = "{k}/2"\n' for k in (1, 2)))[0]
    articles = [
        {group.rpartition(", ")[0] for split in SPLITS for group in half.split(split).groups}
        for half in halves.values()
    ]
    assert [len(one) for one in articles] == [24, 24]
    assert not articles[0] & articles[1]
    for half in halves.values():
        for split in SPLITS:
            part = half.split(split)
            assert part.pairs is not None
            for context, answers in zip(part.pairs, part.answers):
                assert all(context.startswith(answer.text, answer.start) for answer in answers)


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (
            "glue",
            {
                "CoLA": ("binary", (7250, 1301, 1043)),
                "RTE": ("binary", (1992, 498, 277)),
                "WNLI": ("binary", (518, 117, 71)),
                "msr_paraphrase": ("binary", (3261, 815, 1725)),
                "sts": ("regression", (5749, 1500, 1379)),
            },
        ),
        (
            "superglue",
            {
                "BoolQ": ("binary", (32, 32, 3270)),
                "CB": ("multiclass", (32, 32, 56)),
                "COPA": ("multiple_choice", (32, 32, 100)),
                "WiC": ("binary", (32, 32, 638)),
            },
        ),
        (
            "tweeteval",
            {
                "emotion": ("multiclass", (3257, 374, 1421)),
                "irony": ("binary", (2862, 955, 784)),
                "offensive": ("binary", (11916, 1324, 860)),
            },
        ),
        (
            "sentences",
            {
                "TREC": ("multiclass", (4362, 1090, 500)),
                "rt-polarity": ("binary", (6398, 1599, 2665)),
                "stsa_binary": ("binary", (6920, 872, 1821)),
                "subj": ("binary", (6000, 1500, 2500)),
            },
        ),
        (
            "atis",
            {
                "atis intent": ("multiclass", (4478, 500, 893)),
                "atis slots": ("sequence_labelling", (4478, 500, 893)),
            },
        ),
        ("wnut17", {"wnut17": ("sequence_labelling", (3394, 1009, 1287))}),
        ("ud-ewt", {"en_ewt_ud": ("sequence_labelling", (1601, 400, 2077))}),
        ("xquad", {"xquad.en": ("question_answering", (714, 178, 298))}),
    ],
)
def test_a_folder_is_guessed_as_the_tasks_that_it_holds(folder, expected):
    study = parse_study(guess(SHARED / folder).text, path=SHARED / folder / "study.toml")
    loaded = load_tasks(study, partial=True)
    assert loaded.errors == ()
    assert {name: (data.task.kind, sizes(data)) for name, data in loaded.tasks.items()} == expected


@pytest.mark.parametrize(
    ("target", "name", "kind"),
    [
        ("superglue/COPA/train.jsonl", "COPA", "multiple_choice"),
        ("wnut17/wnut17train.conll", "wnut17", "sequence_labelling"),
        ("xquad/xquad.en.json", "xquad.en", "question_answering"),
        ("glue/STS-B/original/sts-train.tsv", "sts", "regression"),
        ("atis/train/seq.in", "atis slots", "sequence_labelling"),
    ],
)
def test_a_published_file_can_be_ranked_for_with_published_sources(target, name, kind):
    found = study_for_rank(SHARED / target, SHARED / "superglue")
    study = parse_study(found.text, path=SHARED / "study.toml")
    assert name in study.settings.targets
    loaded = load_tasks(study)
    assert loaded.errors == ()
    assert loaded.tasks[name].task.kind == kind
    assert {"BoolQ", "CB", "COPA", "WiC"} <= set(loaded.tasks)


def test_two_collections_of_the_same_headlines_leak_into_each_other():
    """STS-B was drawn in part from the pairs of MRPC."""
    tasks, _ = load(STSB, MRPC)
    leak = leaks(tasks["STS-B"], tasks["MRPC"])
    assert leak.exact > 400
    assert leak.share > 0.3
    assert not leaks(tasks["MRPC"], load(RTE)[0]["RTE"]).exact
