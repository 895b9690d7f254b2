"""Examples of images: picked, counted and told apart like those of texts."""

from dataclasses import replace

from forelearn.core.data import Examples, TaskData, task_data

PART = Examples(
    ("a", "b", "c"), (), labels=(0, 1, 1), images=(b"\0\1\2\3\4\5", b"\6" * 6, b"\7" * 6), image_shape=(2, 3)
)


def task(part: Examples = PART) -> TaskData:
    return task_data("t", ("no", "yes"), part, PART, PART)


def test_images_are_counted_and_picked_with_their_labels_and_keep_their_shape() -> None:
    assert len(PART) == 3
    picked = PART.pick([2, 0, 2])
    assert picked.ids == ("c", "a", "c")
    assert picked.images == (b"\7" * 6, b"\0\1\2\3\4\5", b"\7" * 6)
    assert picked.labels == (1, 0, 1)
    assert picked.image_shape == (2, 3)
    assert picked.images[1] is PART.images[0]
    assert PART.pick([]).image_shape == (2, 3)


def test_images_have_no_text_to_compare() -> None:
    assert PART.read() == ()


def test_the_digest_depends_on_pixels_shape_and_labels_and_not_on_ids() -> None:
    digest = task().task.digest
    assert task(replace(PART, ids=("x", "y", "z"))).task.digest == digest
    others = [
        replace(PART, images=(b"\0\1\2\3\4\6", *PART.images[1:])),
        replace(PART, image_shape=(3, 2)),
        replace(PART, labels=(0, 1, 0)),
        replace(PART, images=(PART.images[1], PART.images[0], PART.images[2])),
    ]
    assert len({digest, *(task(other).task.digest for other in others)}) == 5
