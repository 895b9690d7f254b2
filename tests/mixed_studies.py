"""Studies over generated tasks of several kinds, in the users' formats."""

from __future__ import annotations

from pathlib import Path

from forelearn.tasks.synthetic_files import write_family
from forelearn.tasks.synthetic_mixed import MixedFamily

_HEAD = """\
name = "mixed"
encoder = "tiny"
{targets}

[tiny]
layers = {layers}
hidden = 32
vocabulary = 900

[recipe]
learning_rate = 2e-3
epochs = {epochs}
batch_size = 16
max_length = 48
precision = "fp32"

[splits]
by = "given"

[search]
budget = "100%"
seeds = 2
confirm = 0.0
round = 6
{search}

[run]
workers = 1
"""


def mixed_study(
    folder: Path,
    family: MixedFamily,
    *,
    targets: tuple[str, ...] = (),
    layers: int = 1,
    epochs: int = 4,
    search: str = "",
) -> Path:
    """The family as files and a study file over them; returns the study file. targets: empty takes all."""
    named = f"targets = {list(targets)!r}".replace("'", '"') if targets else ""
    text = [_HEAD.format(targets=named, layers=layers, epochs=epochs, search=search)]
    for name, files in write_family(folder / "data", family.tasks).items():
        text.append(_section(name, family, [file.relative_to(folder).as_posix() for file in files]))
    path = folder / "study.toml"
    path.write_text("\n".join(text), encoding="utf-8")
    return path


def _section(name: str, family: MixedFamily, files: list[str]) -> str:
    kind = family.tasks[name].task.kind
    lines = ["[[data]]", f'name = "{name}"']
    if len(files) == 1:
        lines += [f'files = "{files[0]}"', 'split = "split"']
    else:
        splits = ("train", "dev", "test")
        pairs = (f'{split} = "{next(file for file in files if split in file)}"' for split in splits)
        lines.append(f"files = {{ {', '.join(pairs)} }}")
    if kind == "regression":
        lines += ['kind = "regression"', 'label = "value"']
    if kind == "multiple_choice":
        lines += [f'kind = "{kind}"', 'text = "premise"', 'choices = ["choice1", "choice2"]']
    if kind == "binary":
        lines.append(f'positive = "{family.tasks[name].labels[1]}"')
    if family.tasks[name].train.pairs is not None and kind != "question_answering":
        lines.append('pair = "pair"')
    return "\n".join(lines) + "\n"
