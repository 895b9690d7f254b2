"""Cards of every kind of task, and targets of every kind ranked against them."""

import pytest

from forelearn.cards.library import Library
from forelearn.experiment import api
from forelearn.experiment.cards import build_cards, rank_library
from forelearn.experiment.opening import Options
from forelearn.tasks.rows import SPLITS
from forelearn.tasks.synthetic_files import write_family
from forelearn.tasks.synthetic_kinds import Sizes
from forelearn.tasks.synthetic_mixed import mixed_family

ONE = Options(workers=1)

STUDY = """\
name = "kinds"
encoder = "tiny"

[tiny]
layers = 1
hidden = 32
vocabulary = 900

[recipe]
learning_rate = 2e-3
epochs = 1
batch_size = 16
max_length = 48
precision = "fp32"

[splits]
by = "given"
"""
COLUMNS = {
    "pair": ['pair = "pair"', 'positive = "both"'],
    "regression": ['kind = "regression"', 'label = "value"'],
    "choice": ['kind = "multiple_choice"', 'text = "premise"', 'choices = ["choice1", "choice2"]'],
}


def write_study(folder, family):
    """The family as files, and the study over them."""
    text = [STUDY]
    for name, files in write_family(folder / "data", family.tasks).items():
        text += ["[[data]]", f'name = "{name}"', *COLUMNS.get(family.forms[name], [])]
        if len(files) == 1:
            text += [f'files = "data/{files[0].name}"', 'split = "split"']
        else:
            splits = {split: file.name for split in SPLITS for file in files if split in file.name}
            text.append("files = { " + ", ".join(f'{s} = "data/{f}"' for s, f in splits.items()) + " }")
    path = folder / "study.toml"
    path.write_text("\n".join(text), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A task of each kind, trained alone for an epoch, and its card."""
    family = mixed_family(
        0,
        target="tags",
        kin=("pair", "multiclass", "regression", "choice", "spans"),
        strangers=("answers",),
        random=(),
        target_rows=40,
        sizes=Sizes(40, 20, 20),
    )
    path = write_study(tmp_path_factory.mktemp("kinds"), family)
    for name in family.tasks:
        api.train(path, name, options=ONE)
    return path, build_cards(path, options=ONE)


def test_every_kind_of_task_has_a_card_with_a_map(study):
    path, built = study
    assert built.left_out == {}
    cards = list(Library(path.parent / "out" / "cards").cards())
    assert len({card.kind for card in cards}) == 6
    assert all(card.esm is not None and card.esm.dimensions == 32 for card in cards)
    assert all(card.prints.distinct > 0 for card in cards)


def test_targets_of_every_kind_are_ranked_and_questions_say_what_they_lack(study):
    path, _ = study
    prepared = api.open_prepared(path, ONE)
    for name, data in prepared.tasks.items():
        found = rank_library(path, name, str(path.parent / "out" / "cards"), options=ONE).ranking.cards
        assert len(found) == len(prepared.tasks) - 1
        assert all(card.rank is not None for card in found)
        assert all(card.scores["textemb"] is not None for card in found)
        if data.task.kind == "question_answering":
            assert all("question answering has none" in card.reasons["esm"] for card in found)
        else:
            assert all(card.scores["esm"] is not None for card in found)
