"""A library: a folder, here or behind any fsspec URI, with one file a card.

A card is written beside and renamed where the library is a local folder; other storage is given the file whole,
and what was stored is read back. Every card that is read is compared with the digest in it.
Not covered: two writers of one card at once (the last one wins).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from forelearn.cards.card import Card, file_name
from forelearn.cards.file import MOST_BYTES, content_key, from_bytes, to_bytes
from forelearn.core.errors import ForelearnError, InputError, Problem, did_you_mean

SUFFIX = ".safetensors"

_TOGETHER = 16
"""Cards that are fetched at a time: what a library takes in memory at most, in MB."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of copying cards. written: names; same: names of those that were there with this content."""

    written: tuple[str, ...]
    same: tuple[str, ...]


class Library:
    """The cards in a folder. Making the value reads and writes nothing."""

    def __init__(self, uri: str | Path) -> None:
        """uri: a folder, or a URI such as `memory://cards` or `s3://bucket/cards`."""
        self.uri = str(uri)
        try:
            self._files, self._root = url_to_fs(self.uri)
        except (ImportError, ValueError) as error:
            fix = "Give a folder, or a URI that fsspec knows (`s3://` needs `pip install s3fs`)."
            raise InputError(Problem(f"library {self.uri}", f"cannot be opened: {error}.", fix)) from None
        self._local = isinstance(self._files, LocalFileSystem)

    def files(self) -> list[str]:
        """Names of the library's files, sorted. Raises InputError if there is no library, or no card in it."""
        return self._some(self._sizes())

    def cards(self) -> Iterator[Card]:
        """Every card, in the order of `files`, few at a time. Raises InputError if there is none, or a damaged one."""
        sizes = self._sizes()
        names = self._some(sizes)
        for start in range(0, len(names), _TOGETHER):
            batch = names[start : start + _TOGETHER]
            for name in batch:
                if sizes[name] > MOST_BYTES:
                    rule = f"a card holds at most {MOST_BYTES:,} bytes, this file {sizes[name]:,}."
                    raise InputError(Problem(self._where(name), rule, "Remove it from the library."))
            with self._reached():
                contents = self._files.cat_ranges(
                    [self._path(name) for name in batch], 0, None, on_error="raise"
                )
            for name, data in zip(batch, contents, strict=True):
                yield self._card(name, data)

    def get(self, name: str) -> Card:
        """The card called `name`. Raises InputError, with the nearest name, if there is none."""
        found = self.find(name)
        if found is None:
            known = [card.name for card in self.cards()]
            raise InputError(Problem(f"card `{name}`", f"is not in {self.uri}.", did_you_mean(name, known)))
        return found

    def add(self, card: Card, *, replace: bool = False) -> bool:
        """Write a card; False if it is there with this content. Raises InputError if it is with other content.

        replace: write it over one of other content.
        """
        data = to_bytes(card)
        before = self.find(card.name)
        if before is not None and content_key(before) == content_key(card):
            return False
        if before is not None and not replace:
            raise InputError(_taken(card.name, self.uri))
        self._write(file_name(card.name), data)
        return True

    def taken(self, cards: Iterable[Card]) -> list[Problem]:
        """A problem for each card of whose name one of other content is there."""
        found = ((card, self.find(card.name)) for card in cards)
        return [
            _taken(card.name, self.uri)
            for card, before in found
            if before is not None and content_key(before) != content_key(card)
        ]

    def find(self, name: str) -> Card | None:
        """The card called `name`, or None."""
        file = file_name(name)
        with self._reached():
            self._files.invalidate_cache()
            try:
                data = self._files.cat_file(self._path(file), 0, MOST_BYTES + 1)
            except FileNotFoundError:
                return None
        return self._card(file, data)

    def _write(self, file: str, data: bytes) -> None:
        with self._reached():
            if self._local:
                folder = Path(self._root)
                folder.mkdir(parents=True, exist_ok=True)
                part = folder / f".{file}.{os.getpid()}.part"
                with part.open("wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.replace(part, folder / file)
                return
            self._files.makedirs(self._root, exist_ok=True)
            self._files.pipe_file(self._path(file), data)
            if self._files.cat_file(self._path(file)) != data:
                raise ForelearnError(f"{self._where(file)}: what was stored is not what was sent. Try again.")

    def _sizes(self) -> dict[str, int]:
        with self._reached():
            self._files.invalidate_cache()
            if not self._files.isdir(self._root):
                fix = "`forelearn cards build STUDY --library FOLDER` makes one."
                raise InputError(Problem(f"library {self.uri}", "there is no such folder.", fix))
            entries = self._files.ls(self._root, detail=True)
        named = ((entry["name"].rstrip("/").rsplit("/", 1)[-1], entry) for entry in entries)
        return {
            name: int(entry["size"] or 0)
            for name, entry in named
            if entry["type"] == "file" and name.endswith(SUFFIX) and not name.startswith(".")
        }

    def _some(self, files: Iterable[str]) -> list[str]:
        names = sorted(files)
        if not names:
            fix = f"`forelearn cards build STUDY --library {self.uri}` makes one of every task trained alone."
            raise InputError(Problem(f"library {self.uri}", "holds no card (*.safetensors).", fix))
        return names

    def _card(self, file: str, data: bytes) -> Card:
        card = from_bytes(data, self._where(file))
        if file_name(card.name) != file:
            rule = f"the card is called `{card.name}`, whose file is {file_name(card.name)}."
            raise InputError(Problem(f"{self._where(file)}, field `name`", rule, "Rename the file."))
        return card

    def _path(self, file: str) -> str:
        return f"{self._root.rstrip('/')}/{file}"

    def _where(self, file: str) -> str:
        return f"{self.uri.rstrip('/')}/{ascii(file)[1:-1]}"

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What storage refuses is an error of one line."""
        try:
            yield
        except OSError as error:
            raise ForelearnError(f"library {self.uri}: {error or type(error).__name__}") from None


def add_file(file: Path, library: Library, *, replace: bool = False) -> Copied:
    """Put the card in `file` into a library. Raises InputError for a file that is no sound card."""
    try:
        data = file.read_bytes()
    except OSError as error:
        rule = f"cannot be read: {error.strerror}."
        raise InputError(Problem(str(file), rule, "Give a file that `forelearn cards` made.")) from None
    card = from_bytes(data, str(file))
    written = library.add(card, replace=replace)
    return Copied((card.name,), ()) if written else Copied((), (card.name,))


def copy_cards(
    source: Library, target: Library, *, names: Sequence[str] = (), replace: bool = False
) -> Copied:
    """Copy cards from one library to another: all, or those called `names`.

    Everything is read and compared first: if a card is damaged, or one of its name and other content is there
    (and not `replace`), InputError names all of them and nothing is written.
    """
    wanted: list[str] = []
    same: list[str] = []
    problems: list[Problem] = []
    for card in map(source.get, names) if names else source.cards():
        before = target.find(card.name)
        if before is None or (replace and content_key(before) != content_key(card)):
            wanted.append(card.name)
        elif content_key(before) == content_key(card):
            same.append(card.name)
        else:
            problems.append(_taken(card.name, target.uri))
    if problems:
        raise InputError(problems)
    for name in wanted:
        target.add(source.get(name), replace=replace)
    return Copied(tuple(wanted), tuple(same))


def _taken(name: str, uri: str) -> Problem:
    rule = f"is in {uri} with other content."
    return Problem(f"card `{name}`", rule, "Give the card another name, or add --replace to write over it.")
