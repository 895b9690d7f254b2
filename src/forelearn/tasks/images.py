"""A [[data]] section of images as tasks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.files import find
from forelearn.tasks.idx import Bytes, read_idx
from forelearn.tasks.multi_mnist import embedded_digits, multi_mnist
from forelearn.tasks.splits import SplitPlan


def image_tasks(corpus: Corpus, *, root: Path, plan: SplitPlan) -> tuple[tuple[TaskData, ...], list[Problem]]:
    """The tasks of a section whose format is one of `IMAGE_FORMATS`, or what is wrong with it."""
    try:
        given: list[str] = []
        if corpus.format == "digits":
            images, labels = embedded_digits()
        else:
            images, labels, given = _digits(corpus, root)
        return multi_mnist(
            images,
            labels,
            composites=corpus.composites,
            plan=plan,
            given=given,
            name=corpus.name or "",
            where=corpus.where,
        ), []
    except InputError as error:
        return (), list(error.problems)


def _digits(corpus: Corpus, root: Path) -> tuple[Bytes, Bytes, list[str]]:
    """All digits of a section, their labels and the split that their files stand for. Raises InputError."""
    images: list[Bytes] = []
    labels: list[Bytes] = []
    given: list[str] = []
    for split, patterns in corpus.files.items():
        paths, problems = find(patterns, root=root, where=corpus.where)
        if problems:
            raise InputError(problems)
        named = {path.relative_to(root).as_posix(): path for path in paths}
        read = {file: read_idx(path, file=file) for file, path in named.items()}
        shown = [file for file, values in read.items() if values.ndim == 3]
        told = [file for file, values in read.items() if values.ndim == 1]
        if len(shown) != len(told) or len(shown) + len(told) < len(read) or not shown:
            rule = f"They hold {len(shown)} files of images (3 dimensions) and {len(told)} of labels (1 dimension)."
            fix = "Name a file of labels for every file of images, in the same order."
            raise InputError(Problem(f"{corpus.where} files", rule, fix))
        for of_images, of_labels in zip(shown, told):
            if len(read[of_images]) != len(read[of_labels]):
                rule = (
                    f"It has {len(read[of_labels])} labels, and `{of_images}` {len(read[of_images])} images."
                )
                raise InputError(Problem(of_labels, rule, "Name the labels of these images."))
            images.append(read[of_images])
            labels.append(read[of_labels])
            given += [split] * len(read[of_labels])
    if len({values.shape[1:] for values in images}) > 1:
        sizes = ", ".join(f"{rows}×{columns}" for _, rows, columns in (values.shape for values in images))
        raise InputError(
            Problem(f"{corpus.where} files", f"Their images differ in size: {sizes}.", "Scale them alike.")
        )
    return np.concatenate(images), np.concatenate(labels), given
