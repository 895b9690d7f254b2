"""Sources that cannot teach anything are set aside with a word, and never run."""

from dataclasses import replace

import pytest
from tests.families import small_study
from tests.search.world import TASKS, finish, run, search_of

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError
from forelearn.experiment import api
from forelearn.experiment.aside import chance_level, degenerate
from forelearn.experiment.beliefs import agreement
from forelearn.experiment.gains import guesses, posterior, run_noise
from forelearn.experiment.opening import Options, open_study
from forelearn.experiment.tables import another_seed
from forelearn.tasks.synthetic import family

pytestmark = pytest.mark.slow


def data(positives: int, of: int, metric: str = "average_precision") -> TaskData:
    """A task whose training and dev rows have that many positives."""
    task = next(iter(family(0, tasks=3).tasks.values()))
    labels = tuple(int(row < positives) for row in range(of))
    part = replace(
        task.train, ids=tuple(map(str, range(of))), texts=("x",) * of, labels=labels, groups=(), pairs=None
    )
    return replace(task, train=part, dev=part, task=replace(task.task, metric=metric))


def test_a_source_of_nearly_one_class_is_set_aside_whichever_class_it_is():
    assert "99.0 % of its training rows have one label" in degenerate(data(1, 100), [])
    assert "99.0 %" in degenerate(data(99, 100), [])
    assert degenerate(data(2, 100), []) == ""


def test_a_source_no_better_than_chance_is_set_aside_by_its_mean_over_seeds():
    task = data(30, 100)
    assert "no better than chance (0.300)" in degenerate(task, [0.2, 0.38])
    assert degenerate(task, [0.2, 0.5]) == ""


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("average_precision", 0.3),
        ("accuracy", 0.7),
        ("f1", 0.6 / 1.3),
        ("macro_f1", (0.7 / 1.2 + 0.3 / 0.8) / 2),
    ],
)
def test_chance_is_what_the_share_of_positives_gives_away(metric, expected):
    """Macro F1 of labels dealt out evenly: 2 p / 2 / (p + 1/2) for p = .7 and .3, their mean."""
    assert chance_level(data(30, 100, metric)) == pytest.approx(expected)


def test_the_search_never_runs_a_source_that_was_set_aside():
    search = search_of(60)
    finish(search, lambda state: lambda: guesses(posterior(state), {"d"}))
    assert ("d", "d") in guesses(posterior(search), {"d"})
    assert search.winner(TASKS[0]) is not None
    assert not [o for o in search.outcomes.values() if any(s.name == "d" for s in o.transfer.sources)
                and o.transfer.target.name != "d"]  # fmt: skip


def test_another_seed_is_the_better_of_every_two_baselines_on_dev():
    """dev .5 .6 .7 and test .9 .1 .5: of the pairs (1,2) (1,3) (2,3) dev keeps 2, 3, 3."""
    search = search_of(60)
    for seed, dev, test in ((0, 0.5, 0.9), (1, 0.6, 0.1), (2, 0.7, 0.5)):
        search.tell(run(search.space.baseline(TASKS[0], search.space.recipes[0], seed), dev, test))
    row = another_seed(search, TASKS[0])
    assert row.obtained.test == pytest.approx((0.1 + 0.5 + 0.5) / 3 - 0.5)
    assert row.obtained.dev == pytest.approx((0.6 + 0.7 + 0.7) / 3 - 0.6)
    assert another_seed(search, TASKS[1]) is None
    assert run_noise(search) == pytest.approx(0.1)


def test_agreement_is_within_targets_so_that_levels_of_targets_say_nothing():
    known = {("s", "t"): (1.0, 0.1), ("u", "t"): (2.0, 0.2), ("v", "t"): (3.0, 0.3)}
    known |= {(source, "w"): (score + 100, 0.2 - gain) for (source, _), (score, gain) in known.items()}
    assert agreement(known) == pytest.approx(0.0)
    assert agreement({pair: both for pair, both in known.items() if pair[1] == "t"}) == pytest.approx(1.0)
    assert agreement({}) == 0.0


@pytest.mark.parametrize("share", [-0.1, 1.0, 3.0])
def test_a_share_for_confirmation_out_of_range_is_refused(share, tmp_path):
    with pytest.raises(InputError, match=r"--confirm.*\[0, 1\)"):
        open_study(small_study(tmp_path), Options(confirm=share))


def test_without_a_share_nothing_is_confirmed_and_no_transfer_is_advised(tmp_path):
    result = api.search(small_study(tmp_path), Options(workers=1, confirm=0.0))
    assert next(row.runs for row in result.costs if row.stage == "confirmation") == 0
    assert all(row.confirmed is None for row in result.pairs)
    assert {answer.decision for answer in result.answers} <= {"do not transfer", "not enough evidence"}
