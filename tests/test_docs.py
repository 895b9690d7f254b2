"""What the documents say is true of the code."""

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel

from forelearn.experiment.data_settings import DataSettings
from forelearn.experiment.settings import Settings

ROOT = Path(__file__).parent.parent


def documented() -> dict[str, object]:
    text = (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")
    block = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return tomllib.loads(block[1])


def tuples(value: object) -> object:
    if isinstance(value, list):
        return tuple(tuples(item) for item in value)
    return {key: tuples(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_the_documented_study_file_is_accepted():
    settings = Settings.model_validate(tuples(documented()))
    assert settings.name == "crisis"


def test_every_section_and_key_is_documented():
    shown = documented()
    assert set(Settings.model_fields) <= set(shown)
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            assert set(kind.model_fields) <= set(shown[name]), name


def test_every_key_of_a_data_section_stands_in_an_example():
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    sections = [*documented()["data"]]
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        sections += tomllib.loads(block)["data"]
    for section in sections:
        DataSettings.model_validate(tuples(section))
    assert set(DataSettings.model_fields) <= {key for section in sections for key in section}


def test_the_documented_defaults_of_the_built_in_encoder_are_the_defaults():
    assert documented()["tiny"] == Settings.model_fields["tiny"].default.model_dump()


def test_the_documented_defaults_of_the_search_are_the_defaults():
    shown, real = documented()["search"], Settings.model_fields["search"].default
    for key in ("seeds", "confirm", "least", "halving", "controls", "round", "level"):
        assert shown[key] == getattr(real, key)
    assert tuple(shown["features"]) == real.features
    assert shown["budget"] == str(real.budget)


def test_every_command_has_a_section_in_the_reference():
    import sys

    sys.path.insert(0, str(ROOT / "docs"))
    try:
        from commands import COMMANDS
    finally:
        sys.path.pop(0)
    from forelearn.cli import app

    registered = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert registered == set(COMMANDS)
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"## forelearn {command}\n" in text


def test_the_readme_names_commands_and_files_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in re.findall(r"\]\(([^)#]+)\)", text):
        if not path.startswith("http"):
            assert (ROOT / path).exists(), path
    from forelearn.cli import app

    registered = {command.name or command.callback.__name__ for command in app.registered_commands}
    registered |= {group.name for group in app.registered_groups}
    for command in re.findall(r"^forelearn ([a-z]+)", text, re.MULTILINE):
        assert command in registered


def test_every_option_of_every_method_of_multitask_training_is_documented_with_its_default():
    from dataclasses import fields

    from forelearn.training.multitask.methods import METHODS

    text = (ROOT / "docs" / "multitask.md").read_text(encoding="utf-8")
    table = text.partition("### Options of the methods")[2].partition("\n\nAll tasks")[0]
    shown: dict[str, set[str]] = {}
    for row in re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE):
        shown.setdefault(row[0], set()).update(row[1].strip().split("; "))
    real: dict[str, set[str]] = {}
    for method in METHODS.values():
        for field in fields(method.Options):
            default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
            real.setdefault(field.name, set()).add(default)
    assert shown == real
