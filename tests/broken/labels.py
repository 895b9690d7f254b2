"""Studies whose labels, names or splits are wrong."""

import json
from pathlib import Path

from tests.broken.base import BROKEN, FIRST, GOOD, TOP, broken, good, rows, table, with_study, wrapped

with_study("positive label that is not there", "[[data]] 1 positive", "no label `ja`", '"yes"', '"ja"')
with_study(
    "label outside the list",
    "[[data]] 1: a.csv, row 8",
    "outside the list (no, maybe)",
    'positive = "yes"',
    'labels = ["no", "maybe"]',
)
with_study(
    "task that no row has",
    "[[data]] 1 one_vs_rest",
    "No row has the label `maybe`",
    'positive = "yes"',
    'one_vs_rest = ["yes", "maybe"]',
)
with_study(
    "task name with markup",
    "[[data]] 1 name",
    "cannot name a task",
    FIRST,
    FIRST + '\nname = "<script>x</script>"',
)
with_study("task name with a line end", "[[data]] 1 name", "line end", FIRST, FIRST + '\nname = "a\\nb"')
with_study("task name with a slash", "[[data]] 1 name", "it holds `/`", FIRST, FIRST + '\nname = "a/b"')
with_study(
    "task called as a control is",
    "[[data]] 1 name",
    "controls are called so",
    FIRST,
    FIRST + '\nname = "Train longer"',
)
with_study(
    "task called as a twin is",
    "[[data]] 1 name",
    "controls are called so",
    FIRST,
    FIRST + '\nname = "b (random labels)"',
)
with_study("task name twice", "[[data]] 2 name", "is taken by", FIRST, FIRST + '\nname = "b"')
with_study(
    "two ways to make tasks",
    "[[data]] 1",
    "makes one task",
    'positive = "yes"',
    'name = "a"\none_vs_rest = true',
)
with_study(
    "given splits that are not given", "[[data]] 1", "needs a split", TOP, TOP + '\n[splits]\nby = "given"\n'
)
with_study(
    "split column with other words",
    "[[data]] 1: a.csv, row 2",
    "not train, dev or test",
    FIRST,
    FIRST + '\nsplit = "event"',
)
with_study(
    "group in train and test",
    "[[data]] 1",
    "stand in several of the given splits",
    'label = "label"\n',
    'label = "label"\ngroup = "event"\nsplit = "split"\n',
)
with_study(
    "too few groups",
    "[[data]] 1",
    "cannot fill 3 splits",
    'label = "label"\n',
    'label = "label"\ngroup = "event"\n',
)
with_study("one task only", "study.toml", "nothing can be learned first", GOOD[GOOD.rindex("[[data]]") :], "")


def _by_group(study: Path, data: Path) -> None:
    study.write_text(study.read_text().replace(TOP, TOP + '\n[splits]\nby = "group"\n'))


def _two_events(study: Path, data: Path) -> None:
    data.write_text(table(rows(event=lambda row: f"event{row % 2}")))


wrapped("group in train and test", _by_group)
wrapped("too few groups", _two_events)


@broken("files without a test", "[[data]] 1", "no test rows")
def _no_test(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace(FIRST, 'files = {train = "a.csv", dev = "c.csv"}'))
    (folder / "c.csv").write_text(table([[*one[:1], f"{one[1]} once more", *one[2:]] for one in rows()]))
    return path


@broken("one class in the test file", "task `a`", "holds `no` only")
def _one_sided(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace(FIRST, 'files = {train = "a.csv", test = "c.csv"}'))
    (folder / "c.csv").write_text(table([[*one[:1], f"{one[1]} c", "no", *one[3:]] for one in rows()]))
    return path


@broken("several labels in a single-label task", "[[data]] 1: a.jsonl, row 3", "several labels")
def _several(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace("a.csv", "a.jsonl"))
    lines = [f'{{"text": "{one[1]}", "label": "{one[2]}"}}' for one in rows()]
    lines[2] = '{"text": "both at once", "label": ["yes", "no"]}'
    (folder / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return path


@broken("incident streams without tweets", "[[data]] 1 tweets", "keep texts apart")
def _streams(folder: Path) -> Path:
    path = good(
        folder,
        study=GOOD.replace(
            f'{FIRST}\nlabel = "label"\npositive = "yes"',
            'files = "l.json"\nformat = "incident-streams"\none_vs_rest = true',
        ),
    )
    (folder / "l.json").write_text('[{"postID": "1", "eventID": "e1", "postCategories": ["Factoid"]}]')
    return path


@broken("hub id without an owner", "hf://glue", "has the form hf://owner/name")
def _hub(folder: Path) -> Path:
    return good(folder, study=GOOD.replace('"a.csv"', '"hf://glue"'))


def _deep(name: str, where: str, what: str, labels: str, tweets: str) -> None:
    """Incident streams of which one file is nested too deeply."""

    def build(folder: Path) -> Path:
        section = 'files = "l.json"\ntweets = "t.jsonl"\nformat = "incident-streams"\none_vs_rest = true'
        path = good(folder, study=GOOD.replace(f'{FIRST}\nlabel = "label"\npositive = "yes"', section))
        (folder / "l.json").write_text(labels)
        (folder / "t.jsonl").write_text(tweets)
        return path

    broken(name, where, what)(build)


DEEP = "[" * 100_000
POSTS = '[{"postID": "1", "eventID": "e1", "postCategories": ["Factoid"]}]'
TWEET = '{"allProperties": {"docno": "1", "text": "high water"}}\n'
_deep("labels nested too deeply", "l.json", "labels are not JSON", DEEP, TWEET)
_deep("tweets nested too deeply", "t.jsonl, row 2", "not a tweet", POSTS, TWEET + DEEP)


@broken("ontology that is nowhere", "[[data]] 1 ontology", "finds no file")
def _no_ontology(folder: Path) -> Path:
    path = BROKEN["labels nested too deeply"](folder)
    path.write_text(path.read_text().replace("one_vs_rest", 'ontology = "none.json"\none_vs_rest', 1))
    posts = [
        {"postID": str(n), "eventID": f"e{n % 6}", "postCategories": [("News", "Advice")[n % 2]]}
        for n in range(60)
    ]
    tweets = [{"allProperties": {"docno": str(n), "text": f"high water {n * n}"}} for n in range(60)]
    (folder / "l.json").write_text(json.dumps(posts))
    (folder / "t.jsonl").write_text("\n".join(map(json.dumps, tweets)))
    return path
