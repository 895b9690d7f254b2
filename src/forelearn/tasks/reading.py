"""The files of a [[data]] section as tables, each by the reader of its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.tasks.conll import read_conll, read_conllu
from forelearn.tasks.corpus import FORMATS, SUFFIXES, Corpus, Format
from forelearn.tasks.crisislex import read_crisislex
from forelearn.tasks.delimited import read_delimited
from forelearn.tasks.files import find
from forelearn.tasks.hub import read_id
from forelearn.tasks.incident_streams import read_labels, read_predicted, read_tweets
from forelearn.tasks.jsonl import read_jsonl
from forelearn.tasks.ontology import read_ontology
from forelearn.tasks.parquet import read_parquet
from forelearn.tasks.plain_text import read_atis, read_label_text, read_tweeteval
from forelearn.tasks.rows import Table
from forelearn.tasks.squad import read_squad


@dataclass(frozen=True, slots=True)
class Part:
    """A table that was read for a corpus, and the split its file stands for ("" where it does not say)."""

    split: str
    table: Table


Read = dict[tuple[object, ...], Table]
"""Tables read already, so that sections over the same files read them once."""


Further = tuple[Mapping[str, str], tuple[str, ...] | None]
"""Of incident streams: texts by post, and the types that the ontology knows."""


def read_corpus(corpus: Corpus, *, root: Path, read: Read) -> tuple[list[Part], list[Problem]]:
    """The tables of a corpus in the order of its files, and everything that is wrong with the files."""
    problems: list[Problem] = []
    parts: list[Part] = []
    if corpus.format in ("incident-streams", "incident-streams-run"):
        further, problems = _further(corpus, root=root)
        if not further[0]:
            return [], problems
    else:
        further = ({}, None)
    for split, patterns in corpus.files.items():
        ids = [pattern for pattern in patterns if pattern.startswith("hf://")]
        for name in ids:
            if (name,) not in read:
                read[(name,)] = read_id(name)
                problems += read[(name,)].problems
            parts.append(Part(split, read[(name,)]))
        paths, missing = find([name for name in patterns if name not in ids], root=root, where=corpus.where)
        problems += missing
        for path in paths:
            file = path.relative_to(root).as_posix()
            chosen = corpus.format or SUFFIXES.get(path.suffix.lower())
            if chosen is None or chosen == "hub":
                problems.append(
                    Problem(
                        f"{corpus.where} files",
                        f"The format of `{file}` does not follow from its suffix.",
                        f"Set format to one of {', '.join(FORMATS)}.",
                    )
                )
                continue
            key = (path, chosen, corpus.encoding, corpus.quotes, corpus.header, corpus.tweets)
            if key not in read:
                read[key] = read_file(path, chosen, corpus, file=file, further=further)
                problems += read[key].problems
            parts.append(Part(split, read[key]))
    return parts, problems


def read_file(
    path: Path, chosen: Format, corpus: Corpus, *, file: str, further: Further = ({}, None)
) -> Table:
    """One file as a table. file: the path as messages name it."""
    match chosen:
        case "csv" | "tsv":
            return read_delimited(
                path,
                file=file,
                delimiter="," if chosen == "csv" else "\t",
                encoding=corpus.encoding,
                quotes=corpus.quotes,
                header=corpus.header,
            )
        case "jsonl":
            return read_jsonl(path, file=file, encoding=corpus.encoding)
        case "parquet":
            return read_parquet(path, file=file)
        case "conll":
            return read_conll(path, file=file, encoding=corpus.encoding, header=corpus.header)
        case "conllu":
            return read_conllu(path, file=file, encoding=corpus.encoding)
        case "squad":
            return read_squad(path, file=file, encoding=corpus.encoding)
        case "tweeteval":
            return read_tweeteval(path, file=file, encoding=corpus.encoding)
        case "atis":
            return read_atis(path, file=file, encoding=corpus.encoding)
        case "label-text":
            return read_label_text(path, file=file, encoding=corpus.encoding)
        case "crisislex":
            return read_crisislex(path, file=file)
        case "incident-streams":
            return read_labels(path, file=file, texts=further[0], types=further[1])
        case "incident-streams-run":
            return read_predicted(path, file=file, texts=further[0], types=further[1])
        case "hub" | "multimnist" | "digits":
            raise ValueError(f"{chosen} is no table in a file")


def _further(corpus: Corpus, *, root: Path) -> tuple[Further, list[Problem]]:
    """Texts of the tweet files, and the types of the ontology file, of an incident-stream corpus."""
    texts: dict[str, str] = {}
    paths, problems = find(corpus.tweets, root=root, where=f"{corpus.where} tweets:")
    for path in paths:
        found, broken = read_tweets(path, file=path.relative_to(root).as_posix())
        texts.update(found)
        problems += broken
    if not corpus.tweets:
        problems.append(
            Problem(
                f"{corpus.where} tweets",
                "Incident streams keep texts apart from labels.",
                'Name the tweet files: tweets = "tweets/*.jsonl".',
            )
        )
    types = None
    named = [corpus.ontology] if corpus.ontology else []
    paths, missing = find(named, root=root, where=f"{corpus.where} ontology:")
    problems += missing
    for path in paths:
        try:
            types = read_ontology(path, file=path.relative_to(root).as_posix())
        except InputError as error:
            problems += error.problems
    return (texts, types), problems
