"""TaskEmb: which parts of a fine-tuned encoder a task depends on (Vu et al. 2020).

The diagonal of the empirical Fisher information of the fine-tuned model, with the true labels, one vector a
component:

- every parameter tensor of the encoder: E_x[(∂ log p(y|x) / ∂θ)²];
- of every layer the attention's output and the layer's output, and the pooled output where the encoder pools:
  E_x[(Σ_t ∂ log p(y|x) / ∂a_t)² / T], with T the real tokens of x.

The head is left out. The second form is what the authors' code computes for a batch of one text: the gradient is
summed over tokens before it is squared, and divided by the number of tokens, the pooled output's too.

Differs from the authors' code, which squares the gradient of the mean loss of a *batch*, so that its vectors depend
on the batch size and on which examples meet in a batch: here each example is squared by itself, the definition. That
form is kept as `form = "batch"`: it depends on order and batch size by nature. With batches of one both are the same.
It also keeps the head's own components; ours does not. Evaluation mode: no dropout.

An example is all that is read for one answer: the windows of a long context or the parts of a long sequence are
passed one after another and their gradients summed before squaring. Log likelihoods are the heads' losses: the mean
of start and end for question answering, squared error for regression (a factor of each vector, which cosines do not
see).

A bias that the model's outputs do not hang on is left out (that of the keys moves all scores of a query alike, which
softmax does not see): its gradient is 0, and what is computed of it is rounding, which fusion would give a vote.

`labels = "sampled"` is the theoretical Fisher: one target an example, drawn from what the model itself says, by seed.
The draw goes by index, so it changes when classes are renumbered; nothing else does.

Kept small: a component of more than `size` numbers is kept as a sketch (`sketch.py`). What that does to a cosine is
measured, `error`, as the larger of two: examples are dealt into two halves, and the cosine of the halves' sketches
is set against that of their whole vectors, `agreement` (alike: the error is small); and that of the vector and itself
reversed (unlike: it is large). `agreement` also says how far the vector hangs on which examples were taken.

Measured on one core with a BERT of 6 layers × 384 and 500 pairs of 65 tokens on average: 22.7 million numbers in 25
seconds of processor time and at most 1.7 GB of memory, to 213 kB, with errors of .024 (root mean square) and .098
(largest).

Not shown to rank sources: on three generated families whose order is known (`tasks/synthetic_mixed.py`, a random BERT
of 2 layers × 64, one training seed each) the fused cosines put a kin above another source in 0, 7 and 5½ of 9 pairs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import seed_from
from forelearn.representations.activations import Part
from forelearn.representations.effort import FORWARD, TO_INPUTS, TO_WEIGHTS, Effort
from forelearn.representations.gradients import Gradient, Gradients, items_of
from forelearn.representations.path import Precision
from forelearn.representations.reading import chance_order
from forelearn.representations.sketch import cosine, sketch

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel

Component = Literal["parameters", "attention", "layers", "pooled"]


@dataclass(frozen=True, slots=True)
class Fisher:
    """Which Fisher information.

    form: squares of each example's gradient, or of each batch's. labels: the true ones, or drawn from the model.
    components: which kinds of them. most: examples, drawn by seed and content. batch_size: for `form = "batch"`.
    size: numbers that a component is kept in. seed: of the draws.
    """

    form: Literal["example", "batch"] = "example"
    labels: Literal["true", "sampled"] = "true"
    components: tuple[Component, ...] = get_args(Component)
    most: int = 500
    batch_size: int = 32
    size: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        known = get_args(Component)
        wrong = [
            ("form", self.form, self.form in ("example", "batch"), "must be `example` or `batch`"),
            ("labels", self.labels, self.labels in ("true", "sampled"), "must be `true` or `sampled`"),
            ("most", self.most, self.most >= 1, "must be at least 1"),
            ("batch_size", self.batch_size, self.batch_size >= 1, "must be at least 1"),
            ("size", self.size, self.size >= 2, "must be at least 2"),
            (
                "components",
                self.components,
                bool(self.components) and set(self.components) <= set(known),
                f"must be some of {', '.join(known)}",
            ),
        ]
        problems = [
            Problem("TaskEmb", f"`{name}` {rule}, got {value}.", "Leave it out for the default.")
            for name, value, right, rule in wrong
            if not right
        ]
        if problems:
            raise InputError(problems)


@dataclass(frozen=True, slots=True, eq=False)
class TaskEmb:
    """vectors: component → [≤ size] float64, at least 0 where it is whole, else a sketch.

    lengths: component → length of the whole vector. agreement: component → cosine of the halves' whole vectors.
    error: component → how far a cosine of sketches was found from that of whole vectors, 0 where it is whole.
    Both are NaN where they cannot be measured (a half is empty or 0). Components that no example has a gradient
    for (a pooler that nothing reads) are left out, and biases whose gradient is nothing but rounding.
    examples: how many were passed. fisher: how.
    """

    vectors: Mapping[str, NDArray[np.float64]]
    lengths: Mapping[str, int]
    agreement: Mapping[str, float]
    error: Mapping[str, float]
    examples: int
    fisher: Fisher
    effort: Effort

    @property
    def largest_error(self) -> float:
        """The largest measured error of a component's cosine; NaN if none could be measured."""
        known = [error for error in self.error.values() if not np.isnan(error)]
        return max(known, default=float("nan"))


def taskemb(
    task_model: TaskModel,
    examples: Examples,
    *,
    max_length: int,
    fisher: Fisher = Fisher(),
    precision: Precision = "fp32",
    device: str = "cpu",
) -> TaskEmb:
    """TaskEmb of a fine-tuned model on examples of the task that it was tuned on; any kind of task.

    The model is left as it is. Raises `InputError` if there are no examples, or the encoder is of an unknown form.
    """
    began = time.perf_counter()
    if not len(examples):
        raise InputError(Problem("TaskEmb", "there are no examples.", "Give at least one."))
    picked = _order(examples, fisher)
    items = task_model.head.encode(task_model.tokenizer, examples.pick(picked.tolist()), max_length)
    parts: tuple[Part, ...] = tuple(part for part in get_args(Part) if part in fisher.components)
    drawn = seed_from("TaskEmb labels", fisher.seed) if fisher.labels == "sampled" else None
    gradient = Gradient(
        task_model,
        items,
        parameters="parameters" in fisher.components,
        activations=parts,
        drawn_from=None if drawn is None else torch.Generator().manual_seed(drawn),
        precision=precision,
        device=device,
    )
    own = items_of(items)
    size = fisher.batch_size if fisher.form == "batch" else 1
    groups = [own[start : start + size] for start in range(0, len(own), size)]
    halves: tuple[_Sum, _Sum] = ({}, {})
    found = gradient.of_groups([np.concatenate(group) for group in groups])
    for number, (group, gradients) in enumerate(zip(groups, found, strict=True)):
        _add_squares(halves[number % 2], gradients, len(group), gradient.shapes)
    backward = TO_INPUTS + (TO_WEIGHTS if "parameters" in fisher.components else 0.0)
    units = (FORWARD + backward) * float(items.tokens.lengths.sum()) * gradient.layers
    kept = {name: _keep(name, halves, len(own), fisher) for name in sorted({*halves[0], *halves[1]})}
    kept = {name: item for name, item in kept.items() if not _is_rounding(name, kept, precision)}
    effort = Effort(len(own), len(own), units, time.perf_counter() - began)
    return TaskEmb(
        vectors={name: item.vector for name, item in kept.items()},
        lengths={name: item.length for name, item in kept.items()},
        agreement={name: item.agreement for name, item in kept.items()},
        error={name: item.error for name, item in kept.items()},
        examples=len(own),
        fisher=fisher,
        effort=effort,
    )


_ROUNDING: dict[Precision, float] = {"fp64": 1e-20, "fp32": 1e-9, "bf16": 1e-4}
"""Squares of a bias that are below this share of its weight's are rounding.

Measured on small encoders of six families: rounding is at most 2e-30, 3e-13 and 3e-5 of it; the least real one 5e-3.
"""

_Sum = dict[str, torch.Tensor]
"""Component → [n], squares so far."""


@dataclass(frozen=True, slots=True)
class _Kept:
    vector: NDArray[np.float64]
    length: int
    largest: float
    agreement: float
    error: float


def _order(examples: Examples, fisher: Fisher) -> NDArray[np.int64]:
    """Rows of the examples to pass, in order: by seed and content; for batches, shuffled by seed and place."""
    order = chance_order(examples.read(), fisher.seed)[: fisher.most]
    if fisher.form == "example":
        return order
    chance = np.random.default_rng(seed_from("TaskEmb batches", fisher.seed))
    return np.sort(order)[chance.permutation(len(order))]


def _add_squares(
    sums: _Sum, gradients: Gradients, examples: int, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Add the square of the gradient of the mean loss of a group of examples."""
    scale = 1 / examples**2
    for name, values in gradients.parameters.items():
        if name not in sums:
            sums[name] = torch.zeros(shapes[name], dtype=values.dtype, device=values.device)
        if values.is_sparse:
            rows = values.coalesce()
            sums[name].index_add_(0, rows.indices()[0], rows.values().square(), alpha=scale)
        else:
            sums[name].addcmul_(values, values, value=scale)
    for name, values in gradients.activations.items():
        square = values.square() * (scale / gradients.tokens)
        sums[name] = sums[name] + square if name in sums else square


def _keep(name: str, halves: tuple[_Sum, _Sum], examples: int, fisher: Fisher) -> _Kept:
    """What is kept of a component, from the sums of its halves, which it takes out of them."""
    like = next(half[name] for half in halves if name in half)
    one, other = (half.pop(name, torch.zeros_like(like)).flatten().cpu().numpy() for half in halves)
    total = one + other
    whole = (one, other, total, total[::-1])
    small = [sketch(values[None], name, size=fisher.size)[0] for values in whole]
    near, far = (
        abs(cosine(small[row], small[row + 1]) - cosine(whole[row], whole[row + 1])) for row in (0, 2)
    )
    return _Kept(
        vector=small[2] / examples,
        length=len(total),
        largest=float(total.max()),
        agreement=cosine(one, other),
        error=float(np.fmax(near, far)) if len(total) > fisher.size else 0.0,
    )


def _is_rounding(name: str, kept: Mapping[str, _Kept], precision: Precision) -> bool:
    """Whether a bias has squares far below those of its weight."""
    weight = kept.get(name.removesuffix("bias") + "weight")
    return (
        name.endswith(".bias")
        and weight is not None
        and kept[name].largest < _ROUNDING[precision] * weight.largest
    )
