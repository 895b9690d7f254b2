"""Studies whose files cannot be read."""

from pathlib import Path

from tests.broken.base import GOOD, broken, good, rows, with_data

with_data("empty file", "a.csv", "is empty", lambda text: "")
with_data("header only", "a.csv", "no rows", lambda text: text.split("\n")[0] + "\n")
with_data(
    "missing column", "[[data]] 1 label", "no column `label`", lambda text: text.replace("label", "lable", 1)
)
with_data(
    "column twice", "a.csv, row 1", "twice in the header", lambda text: text.replace("event", "label", 1)
)
with_data("one class", "[[data]] 1 label", "one label only", lambda text: text.replace(",yes,", ",no,"))
with_data(
    "row with too few cells",
    "a.csv, row 4",
    "row 4 has 4",
    lambda text: text.replace("2,message", "message", 1),
)
with_data(
    "quote that never closes",
    "a.csv, row 3",
    "never closes",
    lambda text: text.replace("1,mess", '1,"mess', 1),
)
with_data(
    "byte that is not UTF-8",
    "a.csv, row 5",
    "0xe9 is not UTF-8",
    lambda text: text.replace("number 3", "caf\xe9", 1).encode("latin-1"),
)
with_data("every text is empty", "[[data]] 1", "No usable row", lambda text: _without_texts(text))
with_data("labels that do not repeat", "[[data]] 1 label", "different values", lambda text: _own_labels(text))


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

    broken(name, where, what)(build)


_jsonl("truncated JSON line", "a.jsonl, row 3", "not one JSON object", '{"text": "cut o')
_jsonl("JSON line that is a list", "a.jsonl, row 3", "not an object", '["text", "label"]')
_jsonl("JSON line with NaN", "a.jsonl, row 3", "not a finite number", '{"text": "a", "label": NaN}')
_jsonl("half a character", "a.jsonl, row 3", "half a character", '{"text": "cut \\ud83d", "label": "yes"}')
with_data("semicolons", "a.csv, row 1", "separated by semicolons", lambda text: text.replace(",", ";"))
with_data("tabs in a CSV file", "a.csv, row 1", "separated by tabs", lambda text: text.replace(",", "\t"))
