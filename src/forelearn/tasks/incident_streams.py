"""Incident-stream labels, tweets and run files.

[code] Labels are a JSON list, one object a post (`postID`, `eventID`, `postCategories` by short name,
`postPriority`), or one object an assessor (`{"events": [{"eventid", "tweets": [{"postID", "categories",
"priority"}]}]}`). Tweets are JSON lines with the post's fields in `allProperties` and its event in `topic`.
[choice] A post that several assessors judged carries the union of their categories and the highest priority.
No sample of the files is distributed with this project: the reader follows the description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forelearn.core.errors import InputError, Problem
from forelearn.tasks.files import decode, listed
from forelearn.tasks.ontology import full_names
from forelearn.tasks.rows import Row, Table, unreadable

COLUMNS = ("id", "text", "categories", "event", "priority")
PRIORITIES = ("Low", "Medium", "High", "Critical")

_ASSESSOR = re.compile(r"(?<=\d)[A-E]$")


@dataclass(frozen=True, slots=True)
class RunLine:
    """One line of a run file: what a system said of a post. score: priority, higher is more urgent."""

    event: str
    post: str
    rank: int
    score: float
    categories: tuple[str, ...]
    tag: str


def event_name(name: str) -> str:
    """The event without the assessor's letter (A to E) that may follow its last digit."""
    return _ASSESSOR.sub("", name.strip())


def read_tweets(path: Path, *, file: str) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Post id → text. The id is `docno` or `id_str`; the text is `text` or `full_text`."""
    text, problems = decode(path, file=file, encoding="utf-8")
    texts: dict[str, str] = {}
    broken: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            broken.append(f"row {number}: {error}")
            continue
        post = value.get("allProperties") if isinstance(value, Mapping) else None
        post = post if isinstance(post, Mapping) else {}
        name = post.get("docno", post.get("id_str"))
        content = post.get("text", post.get("full_text"))
        if name is None or not isinstance(content, str):
            broken.append(f"row {number}: no docno or id_str, or no text, in allProperties")
            continue
        texts[str(name)] = content
    found = list(problems)
    if broken:
        found.append(
            Problem(
                f"{file}, {broken[0].split(':')[0]}",
                f"The line is not a tweet: {listed(broken)}.",
                "A line may be cut off: fetch the tweets again.",
            )
        )
    elif not texts and not problems:
        found.append(Problem(file, "The file is empty.", "Give JSON lines with tweets."))
    return texts, tuple(found)


def read_labels(
    path: Path, *, file: str, texts: Mapping[str, str], types: Sequence[str] | None = None
) -> Table:
    """The labelled posts of one label file, joined with their texts.

    types: full names of the ontology's types; the built-in ones by default. Posts without a text are left out
    with a warning, categories outside the ontology are kept as written, with a warning.
    """
    text, problems = decode(path, file=file, encoding="utf-8")
    if problems:
        return unreadable(file, problems[0])
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return unreadable(file, Problem(file, f"The labels are not JSON: {error}.", "Fetch the file again."))
    return _table(file, _posts(value), texts, types)


def read_predicted(
    path: Path, *, file: str, texts: Mapping[str, str], types: Sequence[str] | None = None
) -> Table:
    """The posts of a run file as if what its system said of them were labels; else as `read_labels`.

    [choice] Every category of a line counts; rank and score, which order posts by urgency, are not used.
    """
    try:
        lines = read_run_file(path, file=file)
    except InputError as error:
        return unreadable(file, error.problems[0])
    return _table(file, ((one.event, one.post, list(one.categories), "") for one in lines), texts, types)


def _table(
    file: str,
    posts: Iterable[tuple[str, str, list[str], str]],
    texts: Mapping[str, str],
    types: Sequence[str] | None,
) -> Table:
    """(event, post, categories, priority) of posts, each once and joined with its text."""
    names = full_names() if types is None else full_names(types)
    merged: dict[tuple[str, str], tuple[int, dict[str, None], str]] = {}
    for number, (event, post, categories, priority) in enumerate(posts, start=1):
        first, known, highest = merged.setdefault((event, post), (number, {}, priority))
        known.update(dict.fromkeys(names.get(category, category) for category in categories))
        merged[(event, post)] = (first, known, max(highest, priority, key=_urgency))
    if not merged:
        return unreadable(
            file,
            Problem(
                file,
                "The file holds no labelled posts.",
                "Give a JSON list of posts with postID and postCategories, the per-assessor form, or a run file.",
            ),
        )
    rows = tuple(
        Row(
            {
                "id": post,
                "text": texts[post],
                "categories": tuple(categories),
                "event": event,
                "priority": priority,
            },
            file,
            number,
        )
        for (event, post), (number, categories, priority) in merged.items()
        if post in texts
    )
    return Table(file, COLUMNS, rows, tuple(_doubts(file, merged, texts, set(names.values()))))


def _doubts(
    file: str,
    merged: Mapping[tuple[str, str], tuple[int, Mapping[str, None], str]],
    texts: Mapping[str, str],
    types: set[str],
) -> Iterator[Problem]:
    missing = [post for _, post in merged if post not in texts]
    if missing:
        yield Problem(
            file,
            f"{len(missing)} of {len(merged)} labelled posts have no tweet: {listed(missing)}.",
            "They are left out; add the tweet files that hold them to `tweets`.",
            "error" if len(missing) == len(merged) else "warning",
        )
    unknown = {name for _, categories, _ in merged.values() for name in categories} - types
    if unknown:
        yield Problem(
            file,
            f"Categories outside the ontology: {listed(sorted(unknown))}.",
            "They are kept as written; name the `ontology` file that lists them.",
            "warning",
        )


def _urgency(priority: str) -> int:
    return PRIORITIES.index(priority) if priority in PRIORITIES else -1


def _posts(value: Any) -> Iterator[tuple[str, str, list[str], str]]:
    """(event, post, categories, priority) of either form; entries without these fields are passed over."""
    if isinstance(value, Mapping) and isinstance(value.get("events"), list):
        for event in value["events"]:
            for tweet in event.get("tweets", ()) if isinstance(event, Mapping) else ():
                if isinstance(tweet, Mapping) and "postID" in tweet:
                    yield _post(
                        event.get("eventid"), tweet["postID"], tweet.get("categories"), tweet.get("priority")
                    )
    for post in value if isinstance(value, list) else ():
        if isinstance(post, Mapping) and isinstance(post.get("events"), list):
            yield from _posts(post)
        elif isinstance(post, Mapping) and "postID" in post:
            yield _post(
                post.get("eventID"), post["postID"], post.get("postCategories"), post.get("postPriority")
            )


def _post(event: Any, post: Any, categories: Any, priority: Any) -> tuple[str, str, list[str], str]:
    names = [str(name) for name in categories] if isinstance(categories, list) else []
    return event_name(str(event or "")), str(post), names, str(priority or "")


def read_run_file(path: Path, *, file: str) -> tuple[RunLine, ...]:
    """What a system said of each post: at least six fields separated by white space, the sixth a JSON list.

    Raises InputError with every line that does not fit.
    """
    text, problems = decode(path, file=file, encoding="utf-8")
    found: list[RunLine] = []
    broken: list[str] = []
    names = full_names()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        fields = line.split(None, 5)
        try:
            event, _, post, rank, score, rest = fields
            categories, end = json.JSONDecoder().raw_decode(rest)
            if not isinstance(categories, list):
                raise ValueError("the sixth field is not a list")
            types = tuple(names.get(str(name), str(name)) for name in categories)
            found.append(RunLine(event_name(event), post, int(rank), float(score), types, rest[end:].strip()))
        except ValueError as error:
            broken.append(f"row {number}: {error}")
    if broken:
        problems.append(
            Problem(
                f"{file}, {broken[0].split(':')[0]}",
                f'The line is not `event Q0 post rank score ["category", …]`: {listed(broken)}.',
                "Write the run file again.",
            )
        )
    if problems:
        raise InputError(problems)
    return tuple(found)
