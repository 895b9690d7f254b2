"""Broken studies, each written into an empty folder: one thing is wrong with each.

`BROKEN[name](folder)` writes the files and returns the study's path; `EXPECTED[name]` is (where, what): a
part of the place and a part of the sentence that the one error must contain.
"""

from collections.abc import Callable
from pathlib import Path

ROWS = 60

GOOD = """\
name = "good"
encoder = "tiny"

[[data]]
files = "a.csv"
label = "label"
positive = "yes"

[[data]]
files = "b.csv"
label = "label"
positive = "yes"
"""


def rows(*, event: Callable[[int], str] = lambda row: f"event{row % 6}") -> list[list[str]]:
    """Sixty rows: id, text, label, event, split. Every event has both labels."""
    return [
        [
            str(row),
            f"message number {row} about topic {row * 7 % 31} and {row * row % 53}",
            "yes" if (row // 6) % 2 else "no",
            event(row),
            ("train", "train", "dev", "test")[row % 4],
        ]
        for row in range(ROWS)
    ]


def table(lines: list[list[str]], *, header: str = "id,text,label,event,split") -> str:
    return "\n".join([header, *(",".join(line) for line in lines)]) + "\n"


def good(folder: Path, *, study: str = GOOD) -> Path:
    """A study without a fault: two small tasks."""
    folder.mkdir(parents=True, exist_ok=True)
    other = [[name, f"{text} again", label, event, split] for name, text, label, event, split in rows()]
    (folder / "a.csv").write_text(table(rows()), encoding="utf-8")
    (folder / "b.csv").write_text(
        table([[*one[:1], one[1][::-1], *one[2:]] for one in other]), encoding="utf-8"
    )
    path = folder / "study.toml"
    path.write_text(study, encoding="utf-8")
    return path


BROKEN: dict[str, Callable[[Path], Path]] = {}
EXPECTED: dict[str, tuple[str, str]] = {}


def _broken(name: str, *expected: str) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    def keep(build: Callable[[Path], Path]) -> Callable[[Path], Path]:
        BROKEN[name] = build
        EXPECTED[name] = (expected[0], expected[1])
        return build

    return keep


def _study(name: str, where: str, what: str, old: str, new: str) -> None:
    """The good study with one text replaced."""

    def build(folder: Path) -> Path:
        assert old in GOOD
        return good(folder, study=GOOD.replace(old, new, 1))

    _broken(name, where, what)(build)


def _data(name: str, where: str, what: str, change: Callable[[str], str | bytes], study: str = GOOD) -> None:
    """The good study with a.csv changed."""

    def build(folder: Path) -> Path:
        path = good(folder, study=study)
        changed = change((folder / "a.csv").read_text(encoding="utf-8"))
        (folder / "a.csv").write_bytes(changed.encode() if isinstance(changed, str) else changed)
        return path

    _broken(name, where, what)(build)


FIRST = 'files = "a.csv"'
TOP = 'encoder = "tiny"'

# --- the study file ------------------------------------------------------------------------------

_study("unknown key", "study.toml, encodr", "no key `encodr`", TOP, 'encodr = "tiny"')
_study(
    "unknown key in data",
    "[[data]] 1 lable",
    "no key `lable`",
    'label = "label"',
    'label = "label"\nlable = "label"',
)
_study("unknown section", "study.toml, serach", "no key `serach`", TOP, TOP + "\n[serach]\nseeds = 1\n")
_study("no data", "study.toml, data", "`data` is missing", GOOD[GOOD.index("[[data]]") :], "")
_study("no files", "[[data]] 1 files", "`files` is missing", FIRST, "quotes = true")
_study("a text for a number", "study.toml, seed", "cannot be 'one'", TOP, TOP + '\nseed = "one"')
_study("zero budget", "[search] budget", "above 0", TOP, TOP + '\n[search]\nbudget = "0 runs"\n')
_study("budget without a unit", "[search] budget", "not a budget", TOP, TOP + '\n[search]\nbudget = "120"\n')
_study("budget as a number", "[search] budget", "text with a unit", TOP, TOP + "\n[search]\nbudget = 120\n")
_study("budget over everything", "[search] budget", "100%", TOP, TOP + '\n[search]\nbudget = "120%"\n')
_study("non-finite number", "[recipe] learning_rate", "nan", TOP, TOP + "\n[recipe]\nlearning_rate = nan\n")
_study(
    "infinite number in a list",
    "[recipe] weight_decay",
    "inf",
    TOP,
    TOP + "\n[recipe]\nweight_decay = [0.1, inf]\n",
)
_study("no epochs", "[recipe] epochs", "cannot be 0", TOP, TOP + "\n[recipe]\nepochs = 0\n")
_study("an empty grid", "[recipe] epochs", "cannot be []", TOP, TOP + "\n[recipe]\nepochs = []\n")
_study("a value twice", "[recipe] epochs", "twice", TOP, TOP + "\n[recipe]\nepochs = [2, 2]\n")
_study("shares above one", "[splits]", "nothing for train", TOP, TOP + "\n[splits]\ndev = 0.5\ntest = 0.5\n")
_study("unknown metric", "study.toml, metric", "'acuracy'", TOP, TOP + '\nmetric = "acuracy"')
_study("metric of another kind", "metric", "`macro_f1` is not measured", TOP, TOP + '\nmetric = "macro_f1"')
_study(
    "unknown feature",
    "[search] features",
    "'conductanse'",
    TOP,
    TOP + '\n[search]\nfeatures = ["conductanse"]\n',
)
_study("unknown device", "[run] device", "'gpu'", TOP, TOP + '\n[run]\ndevice = "gpu"\n')
_study("unknown encoding", "[[data]] 1 encoding", "no such encoding", FIRST, FIRST + '\nencoding = "utf-9"')
_study("unknown target", "study.toml, targets", "no task `aa`", TOP, TOP + '\ntargets = ["aa"]')
_study(
    "encoder that is nowhere", "study.toml, encoder", "does not exist", TOP, 'encoder = "./missing-encoder"'
)
_study(
    "encoder that is no id",
    "study.toml, encoder",
    "neither a folder nor a hub id",
    TOP,
    'encoder = "an encoder"',
)
_study("unset variable", "study.toml, encoder", "FORELEARN_NOT_SET", TOP, 'encoder = "$FORELEARN_NOT_SET/x"')
_study(
    "source that is nowhere",
    "study.toml, sources",
    "does not exist",
    TOP,
    TOP + '\nsources = ["encoder@./none"]',
)
_study("no such data folder", "study.toml, data_root", "not a folder", TOP, TOP + '\ndata_root = "nowhere"')
_study(
    "data root that is a file", "study.toml, data_root", "not a folder", TOP, TOP + '\ndata_root = "a.csv"'
)
_study(
    "study name with markup",
    "study.toml, name",
    "cannot name a study",
    'name = "good"',
    'name = "<b>good</b>"',
)
_study("not TOML", "study.toml", "not TOML", TOP, "encoder = tiny")


@_broken("study that is not UTF-8", "study.toml", "not UTF-8")
def _latin_study(folder: Path) -> Path:
    path = good(folder)
    path.write_bytes(GOOD.replace("good", "caf\xe9").encode("latin-1"))
    return path


@_broken("no study file", "study.toml", "no such study file")
def _no_study(folder: Path) -> Path:
    good(folder).unlink()
    return folder


@_broken("encoder without weights", "study.toml, encoder", "safetensors")
def _weightless(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace(TOP, 'encoder = "body"'))
    (folder / "body").mkdir()
    (folder / "body" / "config.json").write_text("{}")
    (folder / "body" / "pytorch_model.bin").write_bytes(b"pickle")
    return path


@_broken("encoder without a configuration", "study.toml, encoder", "no config.json")
def _shapeless(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace(TOP, 'encoder = "./body"'))
    (folder / "body").mkdir()
    return path


# --- paths ---------------------------------------------------------------------------------------

_study("path that climbs out", "[[data]] 1 files", "leaves the data folder", FIRST, 'files = "../a.csv"')
_study("absolute path", "[[data]] 1 files", "leaves the data folder", FIRST, 'files = "/etc/passwd"')
_study("path that climbs out inside a glob", "[[data]] 1 files", "leaves", FIRST, 'files = "*/../../*.csv"')
_study("no such file", "[[data]] 1 files", "finds no file", FIRST, 'files = "aa.csv"')
_study("a folder for a file", "[[data]] 1 files", "is a folder", FIRST, 'files = "."')


@_broken("link that leaves", "[[data]] 1 files", "link that leaves")
def _link(folder: Path) -> Path:
    path = good(folder / "study")
    (folder / "outside.csv").write_text(table(rows()))
    (folder / "study" / "a.csv").unlink()
    (folder / "study" / "a.csv").symlink_to(folder / "outside.csv")
    return path


@_broken("unknown suffix", "[[data]] 1 files", "does not follow from its suffix")
def _suffix(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace("a.csv", "a.dat"))
    (folder / "a.csv").rename(folder / "a.dat")
    return path


# --- files ---------------------------------------------------------------------------------------

_data("empty file", "a.csv", "is empty", lambda text: "")
_data("header only", "a.csv", "no rows", lambda text: text.split("\n")[0] + "\n")
_data(
    "missing column", "[[data]] 1 label", "no column `label`", lambda text: text.replace("label", "lable", 1)
)
_data("column twice", "a.csv, row 1", "twice in the header", lambda text: text.replace("event", "label", 1))
_data("one class", "[[data]] 1 label", "one label only", lambda text: text.replace(",yes,", ",no,"))
_data(
    "row with too few cells",
    "a.csv, row 4",
    "row 4 has 4",
    lambda text: text.replace("2,message", "message", 1),
)
_data(
    "quote that never closes",
    "a.csv, row 3",
    "never closes",
    lambda text: text.replace("1,mess", '1,"mess', 1),
)
_data(
    "byte that is not UTF-8",
    "a.csv, row 5",
    "0xe9 is not UTF-8",
    lambda text: text.replace("number 3", "caf\xe9", 1).encode("latin-1"),
)
_data("every text is empty", "[[data]] 1", "No usable row", lambda text: _without_texts(text))
_data("labels that do not repeat", "[[data]] 1 label", "different values", lambda text: _own_labels(text))


def _without_texts(text: str) -> str:
    head, *lines = text.strip().split("\n")
    return "\n".join([head, *(",".join([*line.split(",")[:1], "", *line.split(",")[2:]]) for line in lines)])


def _own_labels(text: str) -> str:
    head, *lines = text.strip().split("\n")
    cells = [line.split(",") for line in lines]
    return "\n".join([head, *(",".join([*one[:2], f"label{one[0]}", *one[3:]]) for one in cells)])


def _jsonl(name: str, where: str, what: str, third: str) -> None:
    def build(folder: Path) -> Path:
        path = good(folder, study=GOOD.replace("a.csv", "a.jsonl"))
        lines = [f'{{"text": "{one[1]}", "label": "{one[2]}"}}' for one in rows()]
        lines[2] = third
        (folder / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
        return path

    _broken(name, where, what)(build)


_jsonl("truncated JSON line", "a.jsonl, row 3", "not one JSON object", '{"text": "cut o')
_jsonl("JSON line that is a list", "a.jsonl, row 3", "not an object", '["text", "label"]')
_jsonl("JSON line with NaN", "a.jsonl, row 3", "not a finite number", '{"text": "a", "label": NaN}')


# --- labels, names and splits --------------------------------------------------------------------

_study("positive label that is not there", "[[data]] 1 positive", "no label `ja`", '"yes"', '"ja"')
_study(
    "label outside the list",
    "[[data]] 1: a.csv, row 8",
    "outside the list (no, maybe)",
    'positive = "yes"',
    'labels = ["no", "maybe"]',
)
_study(
    "task that no row has",
    "[[data]] 1 one_vs_rest",
    "No row has the label `maybe`",
    'positive = "yes"',
    'one_vs_rest = ["yes", "maybe"]',
)
_study(
    "task name with markup",
    "[[data]] 1 name",
    "cannot name a task",
    FIRST,
    FIRST + '\nname = "<script>x</script>"',
)
_study("task name with a line end", "[[data]] 1 name", "line end", FIRST, FIRST + '\nname = "a\\nb"')
_study("task name with a slash", "[[data]] 1 name", "it holds `/`", FIRST, FIRST + '\nname = "a/b"')
_study("task name twice", "[[data]] 2 name", "is taken by", FIRST, FIRST + '\nname = "b"')
_study(
    "two ways to make tasks",
    "[[data]] 1",
    "makes one task",
    'positive = "yes"',
    'name = "a"\none_vs_rest = true',
)
_study(
    "given splits that are not given", "[[data]] 1", "needs a split", TOP, TOP + '\n[splits]\nby = "given"\n'
)
_study(
    "split column with other words",
    "[[data]] 1: a.csv, row 2",
    "not train, dev or test",
    FIRST,
    FIRST + '\nsplit = "event"',
)
_study(
    "group in train and test",
    "[[data]] 1",
    "stand in several of the given splits",
    'label = "label"\n',
    'label = "label"\ngroup = "event"\nsplit = "split"\n',
)
_study(
    "too few groups",
    "[[data]] 1",
    "cannot fill 3 splits",
    'label = "label"\n',
    'label = "label"\ngroup = "event"\n',
)
_study("one task only", "study.toml", "nothing can be learned first", GOOD[GOOD.rindex("[[data]]") :], "")


def _wrapped(name: str, change: Callable[[Path, Path], None]) -> None:
    plain = BROKEN[name]

    def build(folder: Path) -> Path:
        path = plain(folder)
        change(path, folder / "a.csv")
        return path

    BROKEN[name] = build


def _by_group(study: Path, data: Path) -> None:
    study.write_text(study.read_text().replace(TOP, TOP + '\n[splits]\nby = "group"\n'))


def _two_events(study: Path, data: Path) -> None:
    data.write_text(table(rows(event=lambda row: f"event{row % 2}")))


_wrapped("group in train and test", _by_group)
_wrapped("too few groups", _two_events)


@_broken("files without a test", "[[data]] 1", "no test rows")
def _no_test(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace(FIRST, 'files = {train = "a.csv", dev = "c.csv"}'))
    (folder / "c.csv").write_text(table([[*one[:1], f"{one[1]} once more", *one[2:]] for one in rows()]))
    return path


@_broken("one class in the test file", "task `a`", "holds `no` only")
def _one_sided(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace(FIRST, 'files = {train = "a.csv", test = "c.csv"}'))
    (folder / "c.csv").write_text(table([[*one[:1], f"{one[1]} c", "no", *one[3:]] for one in rows()]))
    return path


@_broken("several labels in a single-label task", "[[data]] 1: a.jsonl, row 3", "several labels")
def _several(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace("a.csv", "a.jsonl"))
    lines = [f'{{"text": "{one[1]}", "label": "{one[2]}"}}' for one in rows()]
    lines[2] = '{"text": "both at once", "label": ["yes", "no"]}'
    (folder / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return path


@_broken("incident streams without tweets", "[[data]] 1 tweets", "keep texts apart")
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


@_broken("hub id without an owner", "hf://glue", "has the form hf://owner/name")
def _hub(folder: Path) -> Path:
    return good(folder, study=GOOD.replace('"a.csv"', '"hf://glue"'))
