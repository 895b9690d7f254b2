"""Reading CrisisLexT26 itself. The data are not part of the project."""

import os
from pathlib import Path

import pytest

from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.guess import guess
from forelearn.experiment.study import parse_study
from forelearn.tasks.audit import audit
from forelearn.tasks.rows import SPLITS

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("FORELEARN_SHARED_DATA", "unset"))
T26 = SHARED / "crisislex" / "T26"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not T26.is_dir(),
        reason=f"CrisisLexT26 is not at {T26}; set FORELEARN_SHARED_DATA to the folder of data",
    ),
]


def study(capped=True, seed=0):
    path = ROOT / "studies" / "inductive-transfer" / "study.toml"
    text = path.read_text(encoding="utf-8").replace('"$FORELEARN_MINILM"', '"tiny"')
    text = text.replace("test = 0.25\nseed = 0", f"test = 0.25\nseed = {seed}")
    if not capped:
        text = "\n".join(line for line in text.split("\n") if "_rows" not in line)
    return parse_study(text, path=path, data_root=T26)


def test_twelve_tasks_are_made_of_the_three_label_columns_with_disjoint_events():
    loaded = load_tasks(study(capped=False))
    assert loaded.errors == ()
    assert len(loaded.tasks) == 12
    # counts as the data's own description states them
    counts = {
        name: sum(data.split(split).positives() for split in SPLITS) for name, data in loaded.tasks.items()
    }
    assert counts["type: Affected individuals"] == 4790
    assert counts["type: Infrastructure and utilities"] == 1599
    assert counts["source: Media"] == 10157
    assert counts["Not related"] == 2863
    events: dict[str, set[str]] = {}
    for data in loaded.tasks.values():
        for split in SPLITS:
            for event in data.split(split).groups:
                events.setdefault(event, set()).add(split)
    assert len(events) == 26
    assert all(len(splits) == 1 for splits in events.values())


def test_the_capped_study_uses_the_same_tweets_for_all_tasks_of_a_column_and_keeps_rare_labels():
    loaded = load_tasks(study())
    assert len(loaded.tasks) == 12
    for data in loaded.tasks.values():
        assert data.train.positives() >= 20
        assert data.test.positives() >= 20
        assert len(data.train) <= 1000
    types = [data.train.ids for name, data in loaded.tasks.items() if name.startswith("type: ")]
    assert len(set(types)) == 1


def test_the_audit_finds_the_tweet_that_stands_in_two_events_once_they_are_on_different_sides():
    """One tweet stands in the Alberta floods and the Lac-Mégantic crash; the first seed that parts them."""
    names = ("2013_Alberta_floods", "2013_Lac_Megantic_train_crash")
    for seed in range(10):
        loaded = load_tasks(study(capped=False, seed=seed))
        data = loaded.tasks["Not related"]
        sides = [next(split for split in SPLITS if name in data.split(split).groups) for name in names]
        if sides[0] != sides[1]:
            break
    found = [problem.what for problem in audit(loaded.tasks, places=loaded.places)]
    (copies,) = [what for what in found if what.startswith("The same text stands in") and names[0] in what]
    assert names[1] in copies


def test_the_folder_is_guessed_as_one_corpus_with_three_label_columns():
    guessed = guess(T26)
    assert guessed.text.count("[[data]]") == 3
    assert 'files = "*/*-tweets_labeled.csv"' in guessed.text
    assert 'group = "{file}"' in guessed.text
