"""Studies whose file, encoder or paths are wrong."""

from collections.abc import Callable
from pathlib import Path

from tests.broken.base import FIRST, GOOD, TOP, broken, good, rows, table, with_study

from forelearn.models.tiny import build_tiny

with_study("unknown key", "study.toml, encodr", "no key `encodr`", TOP, 'encodr = "tiny"')
with_study(
    "unknown key in data",
    "[[data]] 1 lable",
    "no key `lable`",
    'label = "label"',
    'label = "label"\nlable = "label"',
)
with_study("unknown section", "study.toml, serach", "no key `serach`", TOP, TOP + "\n[serach]\nseeds = 1\n")
with_study("no data", "study.toml, data", "`data` is missing", GOOD[GOOD.index("[[data]]") :], "")
with_study("no files", "[[data]] 1 files", "`files` is missing", FIRST, "quotes = true")
with_study("a text for a number", "study.toml, seed", "cannot be 'one'", TOP, TOP + '\nseed = "one"')
with_study("zero budget", "[search] budget", "above 0", TOP, TOP + '\n[search]\nbudget = "0 runs"\n')
with_study(
    "budget without a unit", "[search] budget", "not a budget", TOP, TOP + '\n[search]\nbudget = "120"\n'
)
with_study(
    "budget as a number", "[search] budget", "text with a unit", TOP, TOP + "\n[search]\nbudget = 120\n"
)
with_study("budget over everything", "[search] budget", "100%", TOP, TOP + '\n[search]\nbudget = "120%"\n')
with_study(
    "non-finite number", "[recipe] learning_rate", "nan", TOP, TOP + "\n[recipe]\nlearning_rate = nan\n"
)
with_study(
    "infinite number in a list",
    "[recipe] weight_decay",
    "inf",
    TOP,
    TOP + "\n[recipe]\nweight_decay = [0.1, inf]\n",
)
with_study("no epochs", "[recipe] epochs", "cannot be 0", TOP, TOP + "\n[recipe]\nepochs = 0\n")
with_study("an empty grid", "[recipe] epochs", "cannot be []", TOP, TOP + "\n[recipe]\nepochs = []\n")
with_study("a value twice", "[recipe] epochs", "twice", TOP, TOP + "\n[recipe]\nepochs = [2, 2]\n")
with_study(
    "shares above one", "[splits]", "nothing for train", TOP, TOP + "\n[splits]\ndev = 0.5\ntest = 0.5\n"
)
with_study("unknown metric", "study.toml, metric", "'acuracy'", TOP, TOP + '\nmetric = "acuracy"')
with_study(
    "metric of another kind", "metric", "`macro_f1` is not measured", TOP, TOP + '\nmetric = "macro_f1"'
)
with_study(
    "unknown feature",
    "[search] features",
    "'conductanse'",
    TOP,
    TOP + '\n[search]\nfeatures = ["conductanse"]\n',
)
with_study(
    "unknown method of multitask training",
    "[multitask] method",
    "no method `alpha-vill`",
    TOP,
    TOP + '\n[multitask]\nmethod = "alpha-vill"\n',
)
with_study(
    "unknown option of multitask training",
    "[multitask] alpha_rat",
    "none of alpha-vil",
    TOP,
    TOP + "\n[multitask]\nalpha_rat = 1.0\n",
)
with_study("unknown device", "[run] device", "'gpu'", TOP, TOP + '\n[run]\ndevice = "gpu"\n')
with_study(
    "unknown encoding",
    "[[data]] 1 encoding",
    "no such encoding of texts",
    FIRST,
    FIRST + '\nencoding = "utf-9"',
)
with_study("unknown target", "study.toml, targets", "no task `aa`", TOP, TOP + '\ntargets = ["aa"]')
with_study(
    "encoder that is nowhere", "study.toml, encoder", "does not exist", TOP, 'encoder = "./missing-encoder"'
)
with_study(
    "encoder that is no id",
    "study.toml, encoder",
    "neither a folder nor a hub id",
    TOP,
    'encoder = "an encoder"',
)
with_study(
    "unset variable", "study.toml, encoder", "FORELEARN_NOT_SET", TOP, 'encoder = "$FORELEARN_NOT_SET/x"'
)
with_study(
    "source that is nowhere",
    "study.toml, sources",
    "does not exist",
    TOP,
    TOP + '\nsources = ["encoder@./none"]',
)
with_study(
    "no such data folder", "study.toml, data_root", "not a folder", TOP, TOP + '\ndata_root = "nowhere"'
)
with_study(
    "data root that is a file", "study.toml, data_root", "not a folder", TOP, TOP + '\ndata_root = "a.csv"'
)
with_study(
    "study name with markup",
    "study.toml, name",
    "cannot name a study",
    'name = "good"',
    'name = "<b>good</b>"',
)
with_study("not TOML", "study.toml", "not TOML", TOP, "encoder = tiny")


@broken("study that is not UTF-8", "study.toml", "not UTF-8")
def _latin_study(folder: Path) -> Path:
    path = good(folder)
    path.write_bytes(GOOD.replace("good", "caf\xe9").encode("latin-1"))
    return path


@broken("no study file", "study.toml", "no such study file")
def _no_study(folder: Path) -> Path:
    good(folder).unlink()
    return folder


@broken("encoder without weights", "study.toml, encoder", "safetensors")
def _weightless(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace(TOP, 'encoder = "body"'))
    (folder / "body").mkdir()
    (folder / "body" / "config.json").write_text("{}")
    (folder / "body" / "pytorch_model.bin").write_bytes(b"pickle")
    return path


@broken("encoder without a configuration", "study.toml, encoder", "no config.json")
def _shapeless(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace(TOP, 'encoder = "./body"'))
    (folder / "body").mkdir()
    return path


with_study("misspelt kind", "[[data]] 1 kind", "'regresion'", FIRST, FIRST + '\nkind = "regresion"')


@broken("a wrong value in the only section", "[[data]] 1 metric", "'acuracy'")
def _only_section(folder: Path) -> Path:
    first = GOOD[: GOOD.index("[[data]]", GOOD.index("[[data]]") + 1)]
    return good(folder, study=first.replace(FIRST, FIRST + '\nmetric = "acuracy"'))


@broken("a table for a study", "a.csv", "a table, not a study file")
def _table(folder: Path) -> Path:
    return good(folder).with_name("a.csv")


def _with_body(folder: Path, damage: Callable[[Path], object]) -> Path:
    """The good study on a whole local encoder, of which one file is damaged then."""
    build_tiny(("high water in the street",), folder / "body", layers=1, hidden=16, vocabulary=100)
    damage(folder / "body")
    return good(folder, study=GOOD.replace(TOP, 'encoder = "./body"'))


@broken("encoder with a broken configuration", "config.json", "is not JSON")
def _broken_config(folder: Path) -> Path:
    return _with_body(folder, lambda body: (body / "config.json").write_text("{"))


@broken("encoder of an unknown family", "config.json", "not a configuration that transformers knows")
def _unknown_family(folder: Path) -> Path:
    return _with_body(folder, lambda body: (body / "config.json").write_text('{"model_type": "bort"}'))


@broken("encoder of images", "config.json", "not of one encoder of texts")
def _images(folder: Path) -> Path:
    return _with_body(folder, lambda body: (body / "config.json").write_text('{"model_type": "clip"}'))


@broken("encoder with garbage for weights", "model.safetensors", "not a whole safetensors file")
def _garbage(folder: Path) -> Path:
    return _with_body(folder, lambda body: (body / "model.safetensors").write_bytes(b"garbage " * 100))


@broken("encoder whose weights are cut short", "model.safetensors", "the file is cut short")
def _cut(folder: Path) -> Path:
    def cut(body: Path) -> None:
        data = (body / "model.safetensors").read_bytes()
        (body / "model.safetensors").write_bytes(data[:-1])

    return _with_body(folder, cut)


@broken("encoder with a broken tokenizer", "body", "tokenizer cannot be loaded")
def _broken_tokenizer(folder: Path) -> Path:
    return _with_body(folder, lambda body: (body / "tokenizer.json").write_text("{"))


@broken("encoder without a tokenizer", "body", "has no tokenizer files")
def _no_tokenizer(folder: Path) -> Path:
    def remove(body: Path) -> None:
        for file in body.glob("tokenizer*"):
            file.unlink()

    return _with_body(folder, remove)


with_study("path that climbs out", "[[data]] 1 files", "leaves the data folder", FIRST, 'files = "../a.csv"')
with_study("absolute path", "[[data]] 1 files", "leaves the data folder", FIRST, 'files = "/etc/passwd"')
with_study(
    "path that climbs out inside a glob", "[[data]] 1 files", "leaves", FIRST, 'files = "*/../../*.csv"'
)
with_study("no such file", "[[data]] 1 files", "finds no file", FIRST, 'files = "aa.csv"')
with_study("a folder for a file", "[[data]] 1 files", "is a folder", FIRST, 'files = "."')


@broken("link that leaves", "[[data]] 1 files", "link that leaves")
def _link(folder: Path) -> Path:
    path = good(folder / "study")
    (folder / "outside.csv").write_text(table(rows()))
    (folder / "study" / "a.csv").unlink()
    (folder / "study" / "a.csv").symlink_to(folder / "outside.csv")
    return path


@broken("unknown suffix", "[[data]] 1 files", "does not follow from its suffix")
def _suffix(folder: Path) -> Path:
    path = good(folder, study=GOOD.replace("a.csv", "a.dat"))
    (folder / "a.csv").rename(folder / "a.dat")
    return path


SEARCH = TOP + "\n[search]\n"
with_study(
    "warm start that is nowhere", "warm_start", "No such file", TOP, SEARCH + 'warm_start = ["none"]\n'
)
with_study("warm start without runs", "warm_start", "No such file", TOP, SEARCH + 'warm_start = ["."]\n')
with_study(
    "warm start of an unset variable",
    "[search] warm_start",
    "FORELEARN_NOT_SET is not set",
    TOP,
    SEARCH + 'warm_start = ["$FORELEARN_NOT_SET/out"]\n',
)
with_study("intervals that would cross", "[search] level", "cannot be 0.3", TOP, SEARCH + "level = 0.3\n")
with_study("intervals that hold everything", "[search] level", "cannot be 1.0", TOP, SEARCH + "level = 1.0\n")
with_study(
    "a task as its own only source",
    "study.toml, sources",
    "is the task itself",
    TOP,
    TOP + '\nsources = ["a"]\ntargets = ["a"]\n',
)
with_study(
    "longer texts than the built-in encoder reads",
    "[recipe] max_length",
    "`tiny` has positions for 128",
    TOP,
    TOP + "\n[recipe]\nmax_length = [64, 129]\n",
)
POINTS = TOP + "\n[conductance]\nmost_points = "
with_study("points between two doublings", "[conductance] most_points", "cannot be 20", TOP, POINTS + "20\n")
with_study("eight steps three times", "[conductance] most_points", "cannot be 25", TOP, POINTS + "25\n")
for _codec in ("rot13", "base64", "undefined", "a\\u0000b"):
    with_study(
        f"encoding that makes no text: {_codec!r}",
        "[[data]] 1 encoding",
        "no such encoding of texts",
        FIRST,
        f'{FIRST}\nencoding = "{_codec}"',
    )
with_study("a glob that is none", "[[data]] 1 files", "is no glob", FIRST, 'files = "a***[.csv"')
with_study(
    "encoder folder with a NUL", "study.toml, encoder", "is not a path", TOP, 'encoder = "./a\\u0000b"'
)
with_study("encoder with a NUL", "study.toml, encoder", "neither a folder nor", TOP, 'encoder = "a\\u0000b"')
with_study("encoder with a long name", "study.toml, encoder", "too long", TOP, f'encoder = "{"e" * 300}"')
with_study(
    "source with a long name",
    "study.toml, sources",
    "too long",
    TOP,
    f'{TOP}\nsources = ["encoder@{"e" * 300}"]',
)
with_study("data root with a NUL", "data_root", "is not a path", TOP, f'{TOP}\ndata_root = "a\\u0000b"')
with_study(
    "data root with a long name", "data_root", "not a folder", TOP, f'{TOP}\ndata_root = "{"e" * 300}"'
)
with_study("deep lists", "study.toml", "nested too deeply", TOP, f"{TOP}\nseed = {'[' * 4000}{']' * 4000}")
with_study("a number of 5000 digits", "study.toml", "not TOML", TOP, f"{TOP}\nseed = 1{'0' * 5000}")


@broken("longer texts than a local encoder reads", "[recipe] max_length", "has positions for 128 tokens")
def _too_long(folder: Path) -> Path:
    path = _with_body(folder, lambda body: None)
    path.write_text(path.read_text().replace("[[data]]", "[recipe]\nmax_length = 129\n[[data]]", 1))
    return path


@broken("warm start of another metric", "warm_start", "this study decides by average_precision")
def _other_gains(folder: Path) -> Path:
    (folder / "old").mkdir(parents=True)
    pairs = '{"study": "old", "metric": "accuracy", "columns": [], "pairs": []}'
    (folder / "old" / "pairs.json").write_text(pairs)
    return good(folder, study=GOOD.replace(TOP, SEARCH + 'warm_start = ["old"]\n'))


@broken("a file where the study's folder would be", "out", "is a file")
def _filled(folder: Path) -> Path:
    path = good(folder)
    (folder / "out").write_text("")
    return path
