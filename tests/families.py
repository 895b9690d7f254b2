"""Small synthetic families as study folders, for tests that run a whole study in seconds."""

from pathlib import Path

from forelearn.experiment.demo import write_tasks
from forelearn.tasks.synthetic import Design, family

SMALL = Design(train=((60, 0.0), (40, 0.0)), dev=40, test=60, group=2)

STUDY = """\
name = "small"
encoder = "tiny"

[tiny]
layers = 1
hidden = 16
vocabulary = 700

[[data]]
files = "data/*.csv"
text = "text"
label = "label"
split = "split"
positive = "yes"

[splits]
by = "given"

[recipe]
learning_rate = 3e-3
epochs = 6
batch_size = 16
precision = "fp32"

[search]
budget = "{budget}"
seeds = {seeds}
confirm = 0.4
round = 3

[conductance]
share = 0.6
most_points = 17
{more}
"""


def small_study(folder: Path, *, tasks: int = 4, budget: str = "90%", seeds: int = 2, more: str = "") -> Path:
    """A study of `tasks` small tasks in `folder`; returns its file."""
    write_tasks(folder / "data", family(3, tasks=tasks, design=SMALL).tasks)
    path = folder / "study.toml"
    path.write_text(STUDY.format(budget=budget, seeds=seeds, more=more), encoding="utf-8")
    return path


def without_costs(value: object) -> object:
    """A result without what a stopwatch or the calendar put into it."""
    timed = {"seconds", "runs_an_hour", "made", "environment", "version"}
    if isinstance(value, dict):
        return {key: without_costs(item) for key, item in value.items() if key not in timed}
    return [without_costs(item) for item in value] if isinstance(value, list) else value
