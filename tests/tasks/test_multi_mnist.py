"""MultiMNIST: composites by hand, disjoint digits, and the same bytes for the same seed."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.tasks.test_idx import idx

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError
from forelearn.tasks.assemble import assemble
from forelearn.tasks.audit import audit
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.leaks import all_leaks
from forelearn.tasks.multi_mnist import compose, embedded_digits, multi_mnist, resized
from forelearn.tasks.random_labels import with_random_labels
from forelearn.tasks.splits import SplitPlan

SHARED = Path(os.environ.get("FORELEARN_SHARED_DATA", "unset"))
COUNTS = {"train": 60, "dev": 30, "test": 20}


def numbered(count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Digits that tell which they are: digit i has the grey i + 1 everywhere, and the label i mod 3."""
    number = np.arange(count)
    return np.tile((number + 1).astype(np.uint8)[:, None, None], (1, 28, 28)), number % 3


def pixels(data: TaskData, split: str) -> np.ndarray:
    part = data.split(split)
    return np.frombuffer(b"".join(part.images), np.uint8).reshape(len(part), *part.image_shape)


def parts_of(data: TaskData, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Which two of the numbered digits each composite is made of: by a corner where it lies alone."""
    found = pixels(data, split).astype(int)
    return found[:, 0, 0] - 1, found[:, 25, 25] - 1


def test_two_digits_lie_at_the_corner_and_six_pixels_below_and_to_its_right() -> None:
    """By hand. Canvas rows that the result keeps: floor((i + ½) · 36/28), that is 0, 1, 3, 4, 5, 7, 8, 9, 10, 12, …

    The first digit has one bright pixel, at (3, 9), the second at (0, 0), which is (6, 6) on the canvas: a row that
    is not kept. Its pixel (1, 2) is (7, 8) on the canvas, in row 5 and column 6 of the result.
    """
    kept = [int((i + 0.5) * 36 / 28) for i in range(28)]
    assert kept[:10] == [0, 1, 3, 4, 5, 7, 8, 9, 10, 12]
    assert kept[-1] == 35
    first, second = np.zeros((2, 1, 28, 28), np.uint8)
    first[0, 3, 9] = 200
    second[0, 0, 0] = 90
    second[0, 1, 2] = 100
    expected = np.zeros((28, 28), np.uint8)
    expected[2, 7] = 200
    expected[5, 6] = 100
    np.testing.assert_array_equal(compose(first, second)[0], expected)


def test_where_digits_overlap_the_brighter_pixel_wins() -> None:
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 256, (2, 5, 28, 28)).astype(np.uint8)
    for one, other, found in zip(first, second, compose(first, second)):
        canvas = np.zeros((36, 36), int)
        for row in range(28):
            for column in range(28):
                canvas[row, column] = max(canvas[row, column], one[row, column])
                canvas[row + 6, column + 6] = max(canvas[row + 6, column + 6], other[row, column])
        for row in range(28):
            for column in range(28):
                assert found[row, column] == canvas[int((row + 0.5) * 36 / 28), int((column + 0.5) * 36 / 28)]


def test_resizing_to_a_multiple_repeats_pixels_and_to_the_same_size_changes_nothing() -> None:
    images = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    np.testing.assert_array_equal(resized(images, 6), images.repeat(2, axis=1).repeat(2, axis=2))
    np.testing.assert_array_equal(resized(images, 3), images)


def test_both_labels_of_every_composite_are_those_of_its_digits() -> None:
    images, labels = numbered()
    first, second = multi_mnist(images, labels + 4, composites=COUNTS)
    assert (first.task.name, second.task.name) == ("top-left", "bottom-right")
    assert first.labels == second.labels == ("4", "5", "6")
    for split, count in COUNTS.items():
        top, bottom = parts_of(first, split)
        assert len(top) == count == len(first.split(split))
        np.testing.assert_array_equal(first.split(split).labels, labels[top])
        np.testing.assert_array_equal(second.split(split).labels, labels[bottom])


def test_no_digit_stands_in_two_splits() -> None:
    images, labels = numbered()
    first, _ = multi_mnist(images, labels, composites={"train": 400, "dev": 300, "test": 300})
    used = [{*np.concatenate(parts_of(first, split)).tolist()} for split in ("train", "dev", "test")]
    assert [len(digits) for digits in used] == [
        72,
        18,
        30,
    ]  # 60, 15 and 25 % of 120, each drawn at least once
    assert len(set.union(*used)) == 120


def test_both_tasks_hold_the_same_images_once() -> None:
    first, second = multi_mnist(*numbered(), composites=COUNTS)
    for split in COUNTS:
        assert first.split(split).images is second.split(split).images
        assert first.split(split).ids is second.split(split).ids
        assert len(set(first.split(split).ids)) == COUNTS[split]


def test_the_same_seed_makes_the_same_bytes_and_another_makes_others() -> None:
    one, again, other = (
        multi_mnist(*numbered(), composites=COUNTS, plan=SplitPlan(seed=seed)) for seed in (3, 3, 4)
    )
    assert one == again
    assert one[0].task.digest != other[0].task.digest
    # pinned: whoever changes the construction changes every key of a study of images
    assert [data.task.digest for data in one] == PINNED


PINNED = ["d520f8802193c528da4c", "f174496e86728fdc6887"]


def test_fewer_composites_are_the_first_of_more() -> None:
    many, few = (
        multi_mnist(*numbered(), composites=COUNTS, plan=SplitPlan(train_rows=rows))[0] for rows in (None, 7)
    )
    assert few.train == many.train.pick(range(7))
    assert few.dev == many.dev


def test_digits_whose_split_is_given_stay_there_and_dev_is_taken_out_of_train() -> None:
    images, labels = numbered()
    given = ["test" if number % 4 == 0 else "train" for number in range(120)]
    first, _ = multi_mnist(images, labels, given=given, composites={"train": 400, "dev": 300, "test": 300})
    train, dev, test = (
        {*np.concatenate(parts_of(first, split)).tolist()} for split in ("train", "dev", "test")
    )
    assert test == {number for number in range(120) if number % 4 == 0}
    assert train | dev == {*range(120)} - test
    assert not train & dev


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (
            np.zeros((3, 8, 8), np.uint8),
            np.arange(3),
            "must be n × 28 × 28 unsigned bytes, got 3 × 8 × 8 of uint8",
        ),
        (np.zeros((3, 28, 28)), np.arange(3), "of float64"),
        (np.zeros((3, 28, 28), np.uint8), np.arange(4), "3 images and 4 labels"),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(3, int), "fewer than two labels"),
        (np.zeros((2, 28, 28), np.uint8), np.arange(2), "leave none for dev and test"),
    ],
)
def test_arrays_that_make_no_tasks_are_refused(images: np.ndarray, labels: np.ndarray, said: str) -> None:
    with pytest.raises(InputError) as caught:
        multi_mnist(images, labels, composites=COUNTS)
    assert said in str(caught.value)


def test_the_embedded_digits_fill_28_by_28_with_the_whole_range_of_greys() -> None:
    images, labels = embedded_digits()
    assert images.shape == (1797, 28, 28)
    assert (images.min(), images.max()) == (0, 255)
    assert np.bincount(labels).min() >= 170


def test_audits_of_images_have_nothing_to_say_of_texts() -> None:
    tasks = multi_mnist(*embedded_digits(), composites={"train": 400, "dev": 200, "test": 200})
    control = with_random_labels(tasks[1])
    assert control.train.images is tasks[0].train.images
    named = {data.task.name: data for data in (*tasks, control)}
    assert audit(named) == []
    assert all_leaks(named) == {}


def section(files: dict[str, tuple[str, ...]] | None = None, **keys: object) -> Corpus:
    return Corpus("study.toml, [[data]] 1", files=files or {}, composites=COUNTS, **keys)  # type: ignore[arg-type]


def written(folder: Path, names: Sequence[str]) -> None:
    """Pairs of files: NAME-images and NAME-labels, 60 digits each, one brighter than the other."""
    folder.mkdir()
    images, labels = numbered()
    for place, name in enumerate(names):
        rows = slice(60 * place, 60 * place + 60)
        (folder / f"{name}-images").write_bytes(idx(images[rows]))
        (folder / f"{name}-labels").write_bytes(idx(labels[rows].astype(np.uint8)))


def test_files_of_a_folder_are_told_apart_and_paired_by_name(tmp_path: Path) -> None:
    written(tmp_path / "mnist", ["a", "b"])
    corpus = section({"": ("mnist/*",)}, format="multimnist", name="mine", metric="accuracy")
    loaded = assemble([corpus], root=tmp_path, plan=SplitPlan())
    assert loaded.problems == ()
    assert list(loaded.tasks) == ["mine top-left", "mine bottom-right"]
    wanted = multi_mnist(*numbered(), composites=COUNTS, name="mine")
    for data, same in zip(loaded.tasks.values(), wanted):
        assert data.task.metric == "accuracy"
        assert data.task.digest == same.task.digest
        assert data.train == same.train


def test_files_may_say_the_split(tmp_path: Path) -> None:
    written(tmp_path / "mnist", ["a", "b"])
    corpus = section({"train": ("mnist/a*",), "test": ("mnist/b*",)}, format="multimnist")
    loaded = assemble([corpus], root=tmp_path, plan=SplitPlan())
    data = loaded.tasks["top-left"]
    assert max(map(max, parts_of(data, "train"))) < 60
    assert min(map(min, parts_of(data, "test"))) >= 60


BROKEN = {
    "no labels": ("a-labels", None, "[[data]] 1 files", "1 files of images (3 dimensions) and 0 of labels"),
    "too few labels": (
        "a-labels",
        idx(np.zeros(59, np.uint8)),
        "mnist/a-labels",
        "59 labels, and `mnist/a-images` 60",
    ),
    "not idx": ("a-labels", b"0\n1\n", "mnist/a-labels", "no idx file"),
    "two dimensions": ("more", idx(np.zeros((2, 2), np.uint8)), "[[data]] 1 files", "1 files of images"),
    "another size": ("a-images", idx(np.zeros((60, 8, 8), np.uint8)), "[[data]] 1", "got 60 × 8 × 8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_do_not_fit_are_one_problem_and_make_no_task(tmp_path: Path, name: str) -> None:
    file, data, where, said = BROKEN[name]
    written(tmp_path / "mnist", ["a"])
    (tmp_path / "mnist" / file).unlink(missing_ok=True)
    if data is not None:
        (tmp_path / "mnist" / file).write_bytes(data)
    loaded = assemble([section({"": ("mnist/*",)}, format="multimnist")], root=tmp_path, plan=SplitPlan())
    assert not loaded.tasks
    (problem,) = loaded.errors
    assert problem.where.endswith(where)
    assert said in problem.what


@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason=f"MNIST is not at {SHARED / 'mnist'}")
def test_thirty_thousand_composites_are_made_of_real_digits() -> None:
    corpus = Corpus("data", files={"": ("mnist/*",)}, format="multimnist")
    loaded = assemble([corpus], root=SHARED, plan=SplitPlan(dev=0.15, test=0.15))
    assert loaded.problems == ()
    for data in loaded.tasks.values():
        assert [len(data.split(split)) for split in ("train", "dev", "test")] == [24000, 3000, 3000]
        assert data.labels == tuple("0123456789")
        shares = np.bincount(data.train.labels) / 24000
        assert 0.08 < shares.min() <= shares.max() < 0.13  # MNIST's own lie between .089 and .114
    assert 0.1 < pixels(data, "train").mean() / 255 < 0.3
