"""Which files of a folder make one task: by the names of files and folders."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from forelearn.experiment.guess_looks import Columns, LabelColumn
from forelearn.experiment.section_text import OWN, Draft, Notes, TableFile, line, quoted
from forelearn.tasks.names import name_from_label
from forelearn.tasks.plain_text import TEXTS
from forelearn.tasks.rows import SPLIT_WORDS, SPLITS

NAMED = ("tweeteval", "label-text", "atis")
"""Formats whose files are one published task each, not a table with columns to choose from."""

_SEPARATOR = re.compile(r"[^A-Za-z0-9]+|(?<=[0-9])(?=[A-Za-z])")


def sections(root: Path, files: Sequence[TableFile], notes: Notes, *, pool: bool = True) -> Iterator[Draft]:
    """Files that belong together: train, dev and test of one task, one file a folder, or each on its own.

    pool: whether files of the same columns in different folders are one corpus.
    """
    alike: dict[tuple[object, ...], list[TableFile]] = defaultdict(list)
    for file in files:
        alike[(file.table.columns, file.format, file.encoding, file.quotes, file.header)].append(file)
    for members in alike.values():
        splits, rest = _with_splits(members, notes)
        for name, own, why in splits:
            table = ", ".join(f"{split} = {quoted(own[split].path)}" for split in SPLITS if split in own)
            name = name_from_label(name or root.resolve().name or "task")
            yield from _drafts(Draft(tuple(own.values()), f"{{{table}}}", why, name, published=True))
        rest.sort(key=lambda file: file.path)
        tabular = all(file.columns.kind is None and file.format not in NAMED for file in rest)
        folders = {PurePosixPath(file.path).parent for file in rest}
        if pool and tabular and len(rest) > 2 and len(folders) == len(rest):
            paths, why = _glob(root, [file.path for file in rest])
            yield Draft(tuple(rest), paths, why, by_file=True)
            continue
        for file in rest:
            name = name_from_label(PurePosixPath(file.path).stem)
            published = file.format in NAMED
            yield from _drafts(Draft((file,), quoted(file.path), "", name, published=published))


def _drafts(draft: Draft) -> Iterator[Draft]:
    """The draft; for sentences with intents and slots one for each."""
    if draft.files[0].format != "atis":
        yield draft
        return
    slots = Columns(
        "words",
        None,
        None,
        None,
        None,
        (LabelColumn("slots", {}, True, None, OWN),),
        {"kind": "a tag for each word stands in seq.out"},
        "sequence_labelling",
    )
    yield replace(draft, name=f"{draft.name} intent")
    yield replace(
        draft, name=f"{draft.name} slots", files=tuple(replace(file, columns=slots) for file in draft.files)
    )


def _with_splits(
    files: Sequence[TableFile], notes: Notes
) -> tuple[list[tuple[str, dict[str, TableFile], str]], list[TableFile]]:
    """((name, split → file, why) for each task whose files say their splits, files that say none)."""
    rest: list[TableFile] = []
    parts: dict[tuple[str, str], list[tuple[str, TableFile]]] = defaultdict(list)
    for file in files:
        parent, stem, word = split_of(file)
        if word:
            parts[(parent, stem)].append((word, file))
        else:
            rest.append(file)
    found: list[tuple[str, dict[str, TableFile], str]] = []

    def settle(name: str, own: Sequence[tuple[str, TableFile]], *, without_train: bool = False) -> bool:
        """Whether the files make a task, which is kept then."""
        chosen, left, why = _by_split(own, without_train=without_train)
        if chosen:
            found.append((name, chosen, why))
            for word, file in left:
                taken = chosen[SPLIT_WORDS[_plain(word)]].path
                notes.said.append(f"{file.path} is left out: {taken} is taken for the same split.")
        return bool(chosen)

    for parent, stem in [key for key, own in parts.items() if settle(stem_name(*key), own)]:
        del parts[(parent, stem)]
    for parent in dict.fromkeys(parent for parent, _ in parts):
        keys = [key for key in parts if key[0] == parent]
        words = Counter(
            split for key in keys for split in {SPLIT_WORDS[_plain(word)] for word, _ in parts[key]}
        )
        # files of one folder whose names agree in nothing but the split, each split under one name
        if max(words.values()) == 1 and settle(
            stem_name(parent, ""), [one for key in keys for one in parts[key]]
        ):
            for key in keys:
                del parts[key]
    for key, own in parts.items():
        if not settle(stem_name(*key), own, without_train=True):
            rest += [file for _, file in own]
    return found, rest


def stem_name(parent: str, stem: str) -> str:
    """What files are called whose names agree in `stem`, in the folder `parent`."""
    return stem or PurePosixPath(parent).name


def _by_split(
    files: Sequence[tuple[str, TableFile]], *, without_train: bool
) -> tuple[dict[str, TableFile], list[tuple[str, TableFile]], str]:
    """(split → file, files that are no part of it, why).

    Without a test file a dev file is the test: `dev` beside `val`, which then is a part of train that was set
    aside; a file with all rows beside one with a number of them (`dev32`); else the larger.
    without_train: a dev file beside a test file is train.
    """
    named: dict[str, list[tuple[str, TableFile]]] = defaultdict(list)
    for word, file in sorted(files, key=lambda one: _fitness(one[1])):
        named[SPLIT_WORDS[_plain(word)]].append((word, file))
    why = "by the names of the files"
    if not named["test"] and named["dev"]:
        whole = [one for one in named["dev"] if one[0] == _plain(one[0])]
        test = next((one for one in whole if one[0] == "dev"), (whole or named["dev"])[-1])
        named["dev"].remove(test)
        named["test"].append(test)
        why += f"; there is no test file, and {test[0]} serves as one"
    elif without_train and not named["train"] and named["dev"]:
        named["train"].append(named["dev"].pop())
        why += f"; there is no train file, and {named['train'][0][0]} serves as one"
    if not (named["train"] and named["test"]):
        return {}, list(files), ""
    chosen = {split: named[split].pop()[1] for split in SPLITS if named[split]}
    if len(chosen) < len(SPLITS):
        why += "; dev is taken out of train"
    return chosen, [one for left in named.values() for one in left], why


def _fitness(file: TableFile) -> tuple[int, int, str]:
    """Of two files for one split the larger is taken, then the one with fewer different labels."""
    return len(file.table.rows), -sum(len(column.counts) for column in file.columns.labels), file.path


def split_of(file: TableFile) -> tuple[str, str, str]:
    """(folder, rest of the name, word that says the split): `mrpc_train.csv` → `mrpc`, `train`.

    The word is empty if neither the name nor the folder says a split.
    """
    path = PurePosixPath(file.path)
    stem = path.name if path.suffix[1:].lower() in SPLIT_WORDS else path.stem
    if file.format == "tweeteval":
        stem = path.name.removesuffix(TEXTS)
    words = [word for word in _SEPARATOR.split(stem) if word]
    for place in (-1, 0):
        if words and _plain(words[place]) in SPLIT_WORDS:
            word = words.pop(place).lower()
            return str(path.parent), "_".join(words), word
    if path.parent.name.lower() in SPLIT_WORDS:
        return str(path.parent.parent), "" if file.format == "atis" else stem, path.parent.name.lower()
    return str(path.parent), stem, ""


def _plain(word: str) -> str:
    """`dev32` → `dev`."""
    return word.lower().rstrip("0123456789")


def uniquely_named(sections: Sequence[Draft]) -> list[Draft]:
    """The sections with names that differ: the folder's name is put before those that stand twice."""
    times = Counter(section.name for section in sections)
    twice = [section for section in sections if section.files and times[section.name] > 1]
    names = iter(distinct_names([section.files[0].path for section in twice]))
    return [replace(one, name=next(names)) if one.files and times[one.name] > 1 else one for one in sections]


def _glob(root: Path, paths: Sequence[str]) -> tuple[str, str]:
    """One glob that matches exactly these files, or the list of them."""
    why = "the same columns, one file a folder"
    names = [PurePosixPath(path).name for path in paths]
    ending = names[0]
    while not all(name.endswith(ending) for name in names):
        ending = ending[1:]
    depth = {len(PurePosixPath(path).parts) for path in paths}
    if len(depth) == 1:
        pattern = "/".join(["*"] * (depth.pop() - 1) + [f"*{ending}" if ending not in names else ending])
        if sorted(path.relative_to(root).as_posix() for path in root.glob(pattern)) == sorted(paths):
            return quoted(pattern), why
    return "[\n" + "".join(f"  {quoted(path)},\n" for path in paths) + "]", why


def streams(root: Path, notes: Notes) -> Iterator[Draft]:
    """A section of incident streams, if there are label files and tweets in the form of the track."""
    labels = [path for path in sorted(root.rglob("*.json")) if _holds(path, '"postID"')]
    tweets = [
        path
        for suffix in ("*.jsonl", "*.ndjson", "*.json")
        for path in sorted(root.rglob(suffix))
        if path not in labels and _holds(path, '"allProperties"')
    ]
    if not labels or not tweets:
        return
    names = [[path.relative_to(root).as_posix() for path in found] for found in (labels, tweets)]
    notes.said.append(
        "Incident-stream labels and tweets were found; a task is made of every information type."
    )
    lines = (
        'format = "incident-streams"',
        f"tweets = [{', '.join(map(quoted, names[1]))}]",
        line("one_vs_rest", "true", "a task an information type; list names to choose"),
    )
    yield Draft((), f"[{', '.join(map(quoted, names[0]))}]", "label files of incident streams", lines=lines)


def _holds(path: Path, sign: str) -> bool:
    try:
        with path.open("rb") as file:
            return sign.encode() in file.read(20_000)
    except OSError:
        return False


def distinct_names(paths: Sequence[str]) -> list[str]:
    """Stems of files; where stems repeat, as much of the path before them as tells them apart."""
    lengths = [1] * len(paths)
    for _ in range(max((len(PurePosixPath(path).parts) for path in paths), default=0)):
        names = [
            name_from_label(" ".join(PurePosixPath(path).with_suffix("").parts[-length:]))
            for path, length in zip(paths, lengths)
        ]
        times = Counter(names)
        if len(times) == len(names):
            return names
        lengths = [length + (times[name] > 1) for name, length in zip(names, lengths)]
    return [
        name_from_label(f"{place} {PurePosixPath(path).stem}") for place, path in enumerate(paths, start=1)
    ]
