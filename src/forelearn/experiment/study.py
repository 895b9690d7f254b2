"""Reading a study file: from TOML to settings, every problem found at once and named by section and key."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.experiment.data_settings import DataSettings
from forelearn.experiment.joint_settings import joint_problems
from forelearn.experiment.multitask_settings import multitask_problems
from forelearn.experiment.settings import BUILT_IN, READY, Settings
from forelearn.tasks.corpus import SUFFIXES
from forelearn.tasks.names import name_fault

FILE = "study.toml"

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True, slots=True)
class Study:
    """A study file that was read.

    path: the file. folder: where it lies. out: what the study fills. data_root: what data paths start from.
    """

    settings: Settings
    path: Path
    folder: Path
    out: Path
    data_root: Path

    def resolve(self, name: str) -> str:
        """An encoder as the models room opens it: an absolute folder, or a hub id. Variables are expanded."""
        return resolve_encoder(name, self.folder)

    def local_encoders(self) -> list[Path]:
        """Folders of the encoders that are no hub ids, but for those that are said to be wrong already."""
        return [Path(name) for name in self._encoders() if Path(name).is_absolute()]

    def hub_encoders(self) -> list[str]:
        """Hub ids among the encoders."""
        return [name for name in self._encoders() if not Path(name).is_absolute()]

    def _encoders(self) -> list[str]:
        ready = [name.removeprefix(READY) for name in self.settings.sources if name.startswith(READY)]
        names = [
            name for name in (self.settings.encoder, *ready) if not _encoder_problems(name, self.folder, "")
        ]
        return [self.resolve(name) for name in dict.fromkeys(names) if name not in BUILT_IN]


def load_study(path: Path | str, *, data_root: Path | None = None, out: Path | None = None) -> Study:
    """Read a study file, or the `study.toml` of a folder. Raises InputError with everything that is wrong.

    data_root, out: take the place of what the file says (the folder itself, and its `out`, by default).
    """
    file = study_file(path)
    return parse_study(read_text(file), path=file, data_root=data_root, out=out)


def parse_study(text: str, *, path: Path, data_root: Path | None = None, out: Path | None = None) -> Study:
    """The study that `text` describes, as if it were in the file `path`, which need not exist."""
    study, problems = read_study(text, path=path, data_root=data_root, out=out)
    if problems or study is None:
        raise InputError(problems)
    return study


def study_file(path: Path | str) -> Path:
    """The study file that `path` means: itself, or `study.toml` in a folder."""
    file = Path(path)
    try:
        if file.is_dir():
            os.listdir(file)
            file = file / FILE
        if not file.is_file():
            near = did_you_mean(file.name, [one.name for one in _siblings(file) if one.suffix == ".toml"])
            raise InputError(
                Problem(
                    str(file),
                    "There is no such study file.",
                    near or "Write one with `forelearn init FOLDER`.",
                )
            )
    except OSError as error:
        raise InputError(
            Problem(str(file), f"It cannot be read: {error.strerror}.", "Check the path and its rights.")
        ) from error
    if file.suffix.lower() in SUFFIXES:
        fix = f"Add --sources FOLDER to rank sources for it (`forelearn rank {file} --sources FOLDER`)."
        raise InputError(Problem(str(file), "It is a table, not a study file.", fix))
    return file


def read_study(
    text: str, *, path: Path, data_root: Path | None = None, out: Path | None = None
) -> tuple[Study | None, list[Problem]]:
    """The study with what is wrong left out, as far as it can be read at all, and every problem.

    The part that can be read lets a check go on to the data, so that everything is found at once.
    """
    where = path.name
    try:
        value = _tuples(tomllib.loads(text))
    except ValueError as error:  # also a number of thousands of digits
        return None, [Problem(where, f"The file is not TOML: {error}.", "Correct that line.")]
    except RecursionError:
        return None, [
            Problem(where, "Its lists are nested too deeply.", "A study has lists of plain values.")
        ]
    settings, problems = _validate(value, where)
    if settings is None:
        return None, problems
    folder = path.parent.resolve()
    problems += _encoder_problems(settings.encoder, folder, f"{where}, encoder")
    for source in settings.sources:
        if source.startswith(READY):
            problems += _encoder_problems(source.removeprefix(READY), folder, f"{where}, sources")
    if fault := name_fault(settings.name):
        problems.append(
            Problem(
                f"{where}, name", f"{settings.name!r} cannot name a study: {fault}.", "Choose a plain name."
            )
        )
    root = folder
    if data_root is not None:
        root = data_root.resolve()
    elif settings.data_root is not None:
        try:
            root = (folder / expand(settings.data_root)).resolve()
        except KeyError as error:
            problems.append(_unset(f"{where}, data_root", str(error.args[0])))
            return None, problems
        except (OSError, ValueError) as error:
            problems.append(_no_path(f"{where}, data_root", settings.data_root, error))
            return None, problems
    if not os.path.isdir(root) or not os.access(root, os.R_OK | os.X_OK):
        problems.append(
            Problem(
                f"{where}, data_root",
                f"{root} is not a folder that can be read.",
                "Check the path and its rights.",
            )
        )
        return None, problems
    problems += multitask_problems(settings.multitask, where)
    problems += joint_problems(settings, where)
    chosen = folder / "out" if out is None else out.resolve()
    if os.path.isfile(chosen):
        fix = "Name another folder: --out FOLDER."
        problems.append(Problem(str(chosen), "is a file, and a study fills a folder.", fix))
    return Study(settings, path.resolve(), folder, chosen, root), problems


def expand(text: str) -> str:
    """`text` with `$NAME`, `${NAME}` and a leading `~` replaced. KeyError names an unset variable."""
    return os.path.expanduser(_VARIABLE.sub(lambda match: os.environ[match[1] or match[2]], text))


def resolve_encoder(name: str, folder: Path) -> str:
    """A built-in encoder or a hub id as it is, a folder as an absolute path. KeyError names an unset variable."""
    expanded = expand(name)
    local = folder / expanded
    is_path = expanded.startswith((".", "/", "~")) or "\\" in expanded or expanded != name
    return expanded if name in BUILT_IN or not (is_path or local.is_dir()) else str(local.resolve())


def _encoder_problems(name: str, folder: Path, where: str) -> list[Problem]:
    """Why the encoder cannot be opened, as far as that is known without opening it or asking the hub."""
    if name in BUILT_IN:
        return []
    try:
        found = resolve_encoder(name, folder)
    except KeyError as error:
        return [_unset(where, str(error.args[0]))]
    except (OSError, ValueError) as error:
        return [_no_path(where, name, error)]
    if not Path(found).is_absolute():
        if _HUB_ID.fullmatch(found) and len(found) <= 96:
            return []
        return [
            Problem(
                where,
                f"{_shown(found)} is neither a folder nor a hub id.",
                'Write "tiny", a folder that exists, or an id such as "owner/name".',
            )
        ]
    place = Path(found)
    if not place.is_dir():
        return [Problem(where, f"The encoder folder {place} does not exist.", "Check the path.")]
    if not (place / "config.json").is_file():
        return [Problem(where, f"{place} has no config.json.", "Name a folder in Hugging Face format.")]
    if not list(place.glob("*.safetensors")):
        return [
            Problem(
                where,
                f"{place} has no *.safetensors; pickled weights are not opened.",
                "Save it as safetensors.",
            )
        ]
    return []


def _unset(where: str, name: str) -> Problem:
    return Problem(where, f"The environment variable {name} is not set.", f"Set it: export {name}=…")


def _no_path(where: str, text: str, error: OSError | ValueError) -> Problem:
    """Of a text that no system takes for a path: too long, or with a NUL in it."""
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Problem(where, f"{_shown(text)} is not a path: {reason}.", "Name a folder.")


def _siblings(file: Path) -> list[Path]:
    return sorted(file.parent.iterdir()) if file.parent.is_dir() else []


def read_text(file: Path) -> str:
    """The text of a study file. InputError if it cannot be read."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            Problem(str(file), f"The study file is not UTF-8: {error}.", "Save it as UTF-8.")
        ) from error
    except OSError as error:
        raise InputError(
            Problem(str(file), f"It cannot be read: {error.strerror}.", "Check its rights.")
        ) from error


def _tuples(value: Any) -> Any:
    """TOML's lists as tuples, which frozen settings hold."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return {key: _tuples(item) for key, item in value.items()} if isinstance(value, dict) else value


def _validate(value: dict[str, Any], where: str) -> tuple[Settings | None, list[Problem]]:
    """Settings without the parts that are wrong, and the problems; None if nothing is left to go on with."""
    problems: dict[str, Problem] = {}
    left = value
    for _ in range(4):  # each pass removes what the last one refused; a rule between keys may need a second
        try:
            return Settings.model_validate(left), list(problems.values())
        except ValidationError as error:
            refused = [
                detail for detail in error.errors(include_url=False) if not _follows(detail, value, left)
            ]
            for detail in refused:
                problem = _problem(detail, where)
                problems.setdefault(problem.where, problem)
            left = _without(left, [detail["loc"] for detail in refused if detail["type"] != "missing"])
    return None, list(problems.values())


def _follows(detail: ErrorDetails, value: Mapping[str, Any], left: Mapping[str, Any]) -> bool:
    """Whether an error comes only of sections that were refused before: no [[data]] is left."""
    if detail["loc"] != ("data",) or not value.get("data"):
        return False
    return detail["type"] == "too_short" or value.get("data") != left.get("data")


def _without(value: dict[str, Any], refused: list[tuple[int | str, ...]]) -> dict[str, Any]:
    """A copy without the refused parts: a key, or the whole [[data]] section that a wrong value stands in."""
    sections: set[int] = set()
    keys: set[tuple[int | str, ...]] = set()
    for loc in refused:
        match loc:
            case ("data", int(index), str(key), *_) if key not in DataSettings.model_fields:
                keys.add(("data", index, key))
            case ("data", int(index), *_):
                sections.add(index)
            case (str(section), str(key), *_) if isinstance(value.get(section), dict):
                keys.add((section, key))
            case (str(key), *_):
                keys.add((key,))
    left: dict[str, Any] = {}
    for name, item in value.items():
        if (name,) in keys:
            continue
        if isinstance(item, dict):
            left[name] = {key: one for key, one in item.items() if (name, key) not in keys}
        elif name == "data" and isinstance(item, tuple):
            left[name] = tuple(
                {key: one for key, one in section.items() if (name, index, key) not in keys}
                if isinstance(section, dict)
                else section
                for index, section in enumerate(item)
                if index not in sections
            )
        else:
            left[name] = item
    return left


EXPECTED = {
    "one_vs_rest": "It is true, false or a list of labels.",
    "files": 'It is a path, a glob, a list of them, or a table {train = "…", dev = "…", test = "…"}.',
    "device": 'It is "auto", "cpu", "mps", "cuda" or "cuda:0".',
    "composites": "It is a table {train = …, dev = …, test = …} of whole numbers from 2 to 1,000,000.",
    "data": "It is a list of sections, each under [[data]].",
}


def _problem(detail: ErrorDetails, where: str) -> Problem:
    """A pydantic error in the house's form: where, what is wrong with which value, what to do."""
    place, key, known = _place(detail["loc"])
    full = f"{where}, {place}"
    context = detail.get("ctx", {})
    if detail["type"] == "extra_forbidden":
        return Problem(full, f"There is no key `{key}` here.", did_you_mean(key, known) or "Leave it out.")
    if detail["type"] == "missing":
        return Problem(full, f"`{key}` is missing.", EXPECTED.get(key, f"Add a line `{key} = …`."))
    message = detail["msg"].removeprefix("Input ").rstrip(".")
    if "fix" in context:
        return Problem(full, f"{message}.", str(context["fix"]))
    if detail["type"] == "budget":
        return Problem(full, f"{message}.", "Correct the budget.")
    rule = EXPECTED.get(key) or f"It {message}."
    if detail["type"] == "literal_error":
        near = did_you_mean(str(detail["input"]), re.findall(r"'([^']*)'", context["expected"]))
        rule = near if near.startswith("Did") else rule
    return Problem(full, f"`{key}` cannot be {_shown(detail['input'])}.", rule)


def _place(loc: tuple[int | str, ...]) -> tuple[str, str, list[str]]:
    """(section and key for people, the key, the keys known in that section)."""
    match loc:
        case ("data", int(index), str(key), *_):
            return f"[[data]] {index + 1} {key}", key, list(DataSettings.model_fields)
        case ("data", int(index)):
            return f"[[data]] {index + 1}", "data", []
        case (str(section), str(key), *_) if _section(section) is not None:
            return f"[{section}] {key}", key, list((_section(section) or Settings).model_fields)
        case (str(section),) if _section(section) is not None:
            return f"[{section}]", section, []
        case (str(key), *_):
            return key, key, list(Settings.model_fields)
    return "the file", "the file", []


def _section(name: str) -> type[BaseModel] | None:
    """The model of a section, None for a plain key."""
    field = Settings.model_fields.get(name)
    kind = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _shown(value: object) -> str:
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 60 else f"{text[:57]}…"
