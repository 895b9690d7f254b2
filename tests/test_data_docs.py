"""What docs/data.md says of kinds, formats and metrics is true of the code."""

import re
import tomllib
from pathlib import Path
from typing import get_args

from forelearn.core.task import METRICS
from forelearn.experiment.data_settings import DataSettings, Metric, OtherKind
from forelearn.tasks.corpus import FORMATS, kind_of

TEXT = (Path(__file__).parent.parent / "docs" / "data.md").read_text(encoding="utf-8")


def tuples(value: object) -> object:
    if isinstance(value, list):
        return tuple(tuples(item) for item in value)
    return {key: tuples(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_every_documented_section_is_accepted_and_every_kind_is_among_them():
    block = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    sections = [DataSettings.model_validate(tuples(one)) for one in tomllib.loads(block[1])["data"]]
    kinds = {kind_of(section.corpus("here")) for section in sections}
    assert kinds == {None, *get_args(OtherKind)}


def test_every_format_kind_and_metric_is_documented():
    for name in (*FORMATS, *(f'kind = "{kind}"' for kind in get_args(OtherKind)), *get_args(Metric)):
        assert f"`{name}`" in TEXT


def test_a_study_may_name_every_metric_that_a_kind_measures():
    assert set(get_args(Metric)) == {name for names in METRICS.values() for name in names}


def test_the_documented_default_metric_of_a_kind_is_the_first_that_it_measures():
    for kind, names in METRICS.items():
        row = next((line for line in TEXT.split("\n") if f"`{names[0]}`" in line), "")
        assert row, kind
