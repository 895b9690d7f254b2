"""The good study, and how broken ones are made of it."""

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


def broken(name: str, *expected: str) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    def keep(build: Callable[[Path], Path]) -> Callable[[Path], Path]:
        BROKEN[name] = build
        EXPECTED[name] = (expected[0], expected[1])
        return build

    return keep


def with_study(name: str, where: str, what: str, old: str, new: str) -> None:
    """The good study with one text replaced."""

    def build(folder: Path) -> Path:
        assert old in GOOD
        return good(folder, study=GOOD.replace(old, new, 1))

    broken(name, where, what)(build)


def with_data(
    name: str, where: str, what: str, change: Callable[[str], str | bytes], study: str = GOOD
) -> None:
    """The good study with a.csv changed."""

    def build(folder: Path) -> Path:
        path = good(folder, study=study)
        changed = change((folder / "a.csv").read_text(encoding="utf-8"))
        (folder / "a.csv").write_bytes(changed.encode() if isinstance(changed, str) else changed)
        return path

    broken(name, where, what)(build)


FIRST = 'files = "a.csv"'
TOP = 'encoder = "tiny"'


def wrapped(name: str, change: Callable[[Path, Path], None]) -> None:
    plain = BROKEN[name]

    def build(folder: Path) -> Path:
        path = plain(folder)
        change(path, folder / "a.csv")
        return path

    BROKEN[name] = build
