"""A made-up comparison of multitask training: αVIL with one helpful, one neutral and one random-label auxiliary."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from tests.report.fake import key

from forelearn.report.multitask_summary import Arm, Auxiliary, Comparison, Difference
from forelearn.report.multitask_words import mean, over_seeds
from forelearn.training.multitask.history import Epoch, History, TaskEpoch

NAMES = ("RTE", "MRPC", "Random labels of CB")
LONG = tuple(
    f"{part} messages of the second collection, {place}"
    for part in ("Incident", "Donation", "Infrastructure and utility damage")
    for place in ("north", "south", "east", "west")
)
LEVEL = 0.9
_ALPHA = (
    ("alpha_rate", 0.005),
    ("alpha_steps", 10),
    ("dropout", True),
    ("floor", 1e-6),
    ("optimiser", "adamw"),
)
_PLAIN = (("dropout", True), ("optimiser", "adamw"), ("schedule", "constant"))


def fake_history(
    tasks: Sequence[str],
    seed: int,
    *,
    epochs: int,
    top: float,
    alpha: bool,
    each: int = 1250,
    tune: int = 560,
) -> History:
    """A run of `epochs`; task k of the auxiliary ones hurts more the larger k is. With `alpha`, tasks are weighed."""
    rng = random.Random(repr((tuple(tasks), seed, top)))
    weights = dict.fromkeys(tasks, 1.0)
    found, spent, loss, best = [], 0, 1.1, -1.0
    kept = 0
    for number in range(epochs):
        rows, events = {}, []
        for place, task in enumerate(tasks):
            if not alpha:
                rows[task] = TaskEpoch(weight=1 / len(tasks), loss=0.4 + 0.7 * math.exp(-number / 8))
                continue
            harm = (-0.02 if place == 0 else 0.07 * place / len(tasks) - 0.015) * math.exp(-number / 12)
            taken = 1 - 3.0 * harm + rng.gauss(0, 0.01)
            old, weights[task] = weights[task], max(1e-6, weights[task] + taken - 1)
            if weights[task] == 1e-6 < old:
                events.append(f"{task} dropped: its weight fell from {old:.3g} to the floor, 1e-06")
            elif old == 1e-6 < weights[task]:
                events.append(f"{task} back: its weight rose from the floor to {weights[task]:.3g}")
            rows[task] = TaskEpoch(
                weights[task],
                taken,
                harm + rng.gauss(0, 0.004),
                2.4 * weights[task] * math.exp(-number / 15) + 0.01,
                0.3 + 0.8 * math.exp(-number / 6) + rng.gauss(0, 0.01),
            )
        before, loss = loss, 0.42 + 0.6 * math.exp(-number / 5) + rng.gauss(0, 0.02)
        select = top - 0.25 * math.exp(-number / 4) + rng.gauss(0, 0.012)
        spent += each * len(tasks) + (tune if alpha else 0)
        if select > best:
            best, kept = select, number
        measured = select - 0.02 + rng.gauss(0, 0.01) if kept == number else None
        found.append(
            Epoch(
                number,
                rows,
                before if alpha else None,
                loss if alpha else None,
                tuple(events),
                select,
                select,
                measured,
                spent,
                1.0 * spent,
                0.004 * spent,
            )
        )
    gradients = {"train": epochs * each * len(tasks)} | ({"alpha": epochs * tune} if alpha else {})
    return History(
        "alpha-vil" if alpha else "single", tuple(tasks), "accuracy", tuple(found), kept, gradients, 56 * epochs,
        0.004 * spent, 812_000_000,
    )  # fmt: skip


def fake_arm(
    name: str,
    tasks: Sequence[str],
    seeds: Sequence[int],
    compute: int,
    *,
    top: float,
    alpha: bool,
    epochs: int,
) -> Arm:
    """An arm whose measures are read from its histories."""
    histories = tuple(fake_history(tasks, seed, epochs=epochs, top=top, alpha=alpha) for seed in seeds)
    kept = [history.within(compute) for history in histories]
    method = "alpha-vil" if alpha else "single" if len(tasks) == 1 else "multitask"
    return Arm(
        name,
        "what it does, in one line",
        method,
        _ALPHA if alpha else _PLAIN,
        tuple(tasks[1:]),
        False,
        tuple(seeds),
        tuple(key(name, seed) for seed in seeds),
        tuple(epoch.select for epoch in kept),
        tuple(epoch.dev or 0.0 for epoch in kept),
        tuple(epoch.test or 0.0 for epoch in kept),
        tuple(epoch.gradients for epoch in kept),
        tuple(epoch.seconds for epoch in kept),
        tuple(812_000_000 for _ in seeds),
        histories,
    )


def fake_auxiliary(arm: Arm, task: str) -> Auxiliary:
    """What its histories say of it."""
    ends = [(one.epochs[0].tasks[task], one.epochs[-1].tasks[task]) for one in arm.histories]
    rows = [epoch.tasks for one in arm.histories for epoch in one.epochs]
    said = [[event for epoch in one.epochs for event in epoch.events] for one in arm.histories]
    return Auxiliary(
        task,
        mean(first.weight for first, _ in ends),
        mean(last.weight for _, last in ends),
        mean((row[task].weight or 0.0) / sum(one.weight or 0.0 for one in row.values()) for row in rows),
        mean(row[task].alpha for row in rows),
        mean(row[task].slope for row in rows),
        sum(any(event.startswith(f"{task} dropped") for event in events) for events in said),
        sum(any(event.startswith(f"{task} back") for event in events) for events in said),
    )


def difference(method: Arm, other: Arm) -> Difference:
    """Paired over the seeds that both have."""

    def lead(measure: str) -> list[float]:
        theirs = dict(zip(other.seeds, getattr(other, measure), strict=True))
        mine = dict(zip(method.seeds, getattr(method, measure), strict=True))
        return [mine[seed] - theirs[seed] for seed in mine if seed in theirs]

    select, dev, test = (over_seeds(lead(measure), LEVEL) for measure in ("select", "dev", "test"))
    shared = lead("select")
    return Difference(other.name, other.control, len(shared), mean(shared), select, dev, test)


def fake_comparison(
    auxiliaries: Sequence[str] = NAMES,
    *,
    target: str = "CB",
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    epochs: int = 20,
    alpha: bool = True,
) -> Comparison:
    """alpha: whether the method has α and weights that move (else it is standard multitask training)."""
    tasks = (target, *auxiliaries)
    method = fake_arm(
        "αVIL" if alpha else "standard", tasks, seeds, 10**9, top=0.83, alpha=alpha, epochs=epochs
    )
    compute = (
        round(mean(method.histories[0].epochs[-1].gradients for _ in seeds) or 1000)
        if method.histories
        else 1000
    )

    def arm(
        name: str, about: str, others: Sequence[str], top: float, *, weighed: bool, control: bool = True
    ) -> Arm:
        per = 1250 * (1 + len(others)) + (560 if weighed else 0)
        found = fake_arm(
            name,
            (target, *others),
            seeds,
            compute,
            top=top,
            alpha=weighed,
            epochs=max(1, min(compute // per, 4 * epochs)),
        )
        return Arm(**{field: getattr(found, field) for field in found.__dataclass_fields__}
                   | {"about": about, "control": control})  # fmt: skip

    others = (
        arm("no auxiliary αVIL", "αVIL on the target alone", (), 0.815, weighed=True),
        arm(
            "random labels",
            "αVIL with one auxiliary of random labels",
            (f"{target} with random labels",),
            0.80,
            weighed=True,
        ),
        arm("single, constant rate", "the target alone, as long as the method", (), 0.80, weighed=False),
        arm("single, decaying rate", "the same, its learning rate falling to 0", (), 0.822, weighed=False),
        arm(
            "standard multitask", "mean of all losses", tuple(auxiliaries), 0.78, weighed=False, control=False
        ),
    )
    differences = tuple(difference(method, other) for other in others)
    return Comparison(
        "small-nlu",
        target,
        "accuracy",
        "MiniLM-L6-v2",
        tuple(auxiliaries),
        "named in the command.",
        {"learning_rate": 2e-5, "epochs": epochs, "batch_size": 8, "precision": "fp32"},
        compute,
        LEVEL,
        (method, *others),
        differences,
        tuple(fake_auxiliary(method, task) for task in auxiliaries) if method.histories else (),
        "not enough evidence",
        "against single, decaying rate, dev +0.008 (-0.004 to +0.020): the interval holds 0.",
        "single, decaying rate" if len(method.seeds) > 1 else "",
    )
