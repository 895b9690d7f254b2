"""Parts of a file: tasks of their own that share no group."""

from dataclasses import replace

from tests.tasks.test_kinds import written

from forelearn.tasks.assemble import assemble
from forelearn.tasks.rows import SPLITS
from forelearn.tasks.splits import SplitPlan


def test_parts_of_a_file_share_no_group_and_together_are_the_file(tmp_path):
    whole = written("question_answering", tmp_path, suffix="jsonl")
    halves = [replace(whole, name=f"half {k}", part=(k, 2)) for k in (1, 2)]
    loaded = assemble(halves, root=tmp_path, plan=SplitPlan(train_rows=20))
    assert loaded.errors == ()
    groups = [
        {group for split in SPLITS for group in data.split(split).groups} for data in loaded.tasks.values()
    ]
    assert len(groups[0]) == len(groups[1]) == 9
    assert not groups[0] & groups[1]
    assert [len(data.train) for data in loaded.tasks.values()] == [20, 20]


def test_a_part_and_the_whole_file_are_split_alike(tmp_path):
    whole = written("regression", tmp_path, suffix="csv")
    parts = [replace(whole, name="half", part=(1, 2)), replace(whole, name="third", part=(1, 3)), whole]
    tasks = assemble(parts, root=tmp_path, plan=SplitPlan()).tasks
    sides = {
        name: {one: split for split in SPLITS for one in data.split(split).ids}
        for name, data in tasks.items()
    }
    assert 40 <= len(sides["half"]) <= 50
    assert sides["half"].items() <= sides["t"].items()
    assert sides["third"].items() <= sides["t"].items()
