"""MultiMNIST: two digits on one image, and two tasks over the same images: which is top left, which bottom right.

Source: Sabour, Frosst and Hinton 2017 (the idea), in the construction of Sener and Koltun 2018, "Multi-Task Learning as
Multi-Objective Optimization", whose published loader later papers use: 28×28 digits at (0, 0) and (6, 6) of a 36×36
canvas, pixelwise maximum, resized to 28×28. It resizes by *nearest neighbour*, and so does this; later copies of it
take their image library's default (bicubic).
Differs from it: (1) train, dev and test are made of different digits; there, no dev set is made. (2) Both digits of a
composite are drawn with replacement; there, each digit is once the top-left one. (3) Its library stretches the grey
values of every composite to 0 … 255; here they stay as they are, which for most digits is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from forelearn.core.data import Examples, TaskData, task_data
from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import seed_from
from forelearn.tasks.idx import Bytes
from forelearn.tasks.rows import SPLITS
from forelearn.tasks.splits import Item, SplitPlan, split_items

SIDE, CANVAS, SHIFT = 28, 36, 6
"""Pixels: the side of a digit and of a composite, the side of the canvas, where the second digit begins."""

TASKS = ("top-left", "bottom-right")
COMPOSITES: Mapping[str, int] = {"train": 24_000, "dev": 3_000, "test": 3_000}
"""How many composites a split has, unless it is said."""
PLAN = SplitPlan()
"""How digits are split, unless it is said: 15 % for dev, 25 % for test."""


def multi_mnist(
    images: Bytes,
    labels: npt.NDArray[np.integer],
    *,
    composites: Mapping[str, int] = COMPOSITES,
    plan: SplitPlan = PLAN,
    given: Sequence[str] = (),
    name: str = "",
    where: str = "multimnist",
) -> tuple[TaskData, TaskData]:
    """The tasks `top-left` and `bottom-right` over the same composites of digits.

    *Shape:* images [n, 28, 28], uint8, 0 the background; labels [n], whole numbers, whose values name the classes.
    composites: split → how many; a split that is not named has the default. plan: how *digits* are split, and the
    seed of every draw; its caps hold for composites. given: [n] the split of each digit, where the data say it.
    name: put before the names of the tasks and of the composites. where: how messages name the data.
    The same arguments make the same bytes. Raises InputError for images of another size, lengths that differ, fewer
    than two classes, and digits that cannot be split.
    """
    _check(images, labels, where)
    classes, codes = np.unique(labels, return_inverse=True)
    splits = _split_digits(codes, plan, given or [""] * len(codes), where)
    parts: tuple[dict[str, Examples], dict[str, Examples]] = ({}, {})
    for split in SPLITS:
        count = {**COMPOSITES, **composites}[split]
        count = min(count, plan.most(split) or count)
        draw = np.random.default_rng(seed_from("multimnist", plan.seed, split))
        digits = np.flatnonzero(splits == split)
        drawn = digits[draw.integers(len(digits), size=(count, 2))]
        made = compose(images[drawn[:, 0]], images[drawn[:, 1]])
        bare = Examples(
            ids=tuple(f"{name} {split} {number}".lstrip() for number in range(1, count + 1)),
            texts=(),
            images=tuple(image.tobytes() for image in made),
            image_shape=(SIDE, SIDE),
        )
        for own, column in zip(parts, drawn.T):
            own[split] = replace(bare, labels=tuple(codes[column].tolist()))
    names = tuple(str(value) for value in classes)
    first, second = (
        task_data(f"{name} {task}".lstrip(), names, own["train"], own["dev"], own["test"])
        for task, own in zip(TASKS, parts)
    )
    return first, second


def compose(top_left: Bytes, bottom_right: Bytes) -> Bytes:
    """Composites of pairs of digits. *Shape:* [n, 28, 28] each, and so is the result."""
    canvas = np.zeros((len(top_left), CANVAS, CANVAS), dtype=np.uint8)
    canvas[:, :SIDE, :SIDE] = top_left
    second = canvas[:, SHIFT : SHIFT + SIDE, SHIFT : SHIFT + SIDE]
    np.maximum(second, bottom_right, out=second)
    return resized(canvas, SIDE)


def resized(images: Bytes, side: int) -> Bytes:
    """Square images at another size by nearest neighbour. *Shape:* [n, s, s] → [n, side, side].

    A pixel takes the value of the one that its centre lies in.
    """
    source = images.shape[-1]
    nearest = (2 * np.arange(side) + 1) * source // (2 * side)
    return images[:, nearest[:, None], nearest]


def embedded_digits() -> tuple[Bytes, npt.NDArray[np.integer]]:
    """The 1,797 digits that scikit-learn carries, for trials and tests. *Shape:* [1797, 28, 28], [1797].

    They are 8×8 in 17 greys (Alpaydin and Kaynak 1998), scaled to 28×28 and to 0 … 255.
    """
    from sklearn.datasets import load_digits  # loads scipy, which other studies need not

    digits = load_digits()
    greys = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return resized(greys, SIDE), digits.target


def _check(images: Bytes, labels: npt.NDArray[np.integer], where: str) -> None:
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
        shape = " × ".join(map(str, images.shape))
        rule = f"Images must be n × {SIDE} × {SIDE} unsigned bytes, got {shape} of {images.dtype}."
        raise InputError(Problem(where, rule, f"Scale them to {SIDE}×{SIDE} first."))
    if labels.shape != images.shape[:1]:
        rule = f"There are {len(images)} images and {' × '.join(map(str, labels.shape))} labels."
        raise InputError(Problem(where, rule, "Give each image one label."))
    if len(np.unique(labels)) < 2:
        raise InputError(Problem(where, "The digits have fewer than two labels.", "Give more digits."))


def _split_digits(
    codes: npt.NDArray[np.integer], plan: SplitPlan, given: Sequence[str], where: str
) -> npt.NDArray[np.str_]:
    """[n] the split of each digit, stratified by label."""
    items = [
        Item(f"{row:08d}", (str(code),), "", split, f"{where}, digit {row + 1}")
        for row, (code, split) in enumerate(zip(codes, given, strict=True))
    ]
    chosen, problems = split_items(items, plan, where=where)
    splits = np.array([chosen.get(item.id, "") for item in items])
    missing = [split for split in SPLITS if chosen and split not in splits]
    if missing:
        rule = f"{len(items)} digits leave none for {' and '.join(missing)}."
        problems.append(Problem(where, rule, "Give more digits, or other shares in [splits]."))
    if errors := [problem for problem in problems if problem.level == "error"]:
        raise InputError(errors)
    return splits
