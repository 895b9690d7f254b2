"""What the studies of multitask training share: plans that run in slices, and what a run would have kept earlier."""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from safetensors.numpy import load_file

from forelearn.core.run import Run
from forelearn.core.transfer import Transfer
from forelearn.experiment.api import executor_for
from forelearn.experiment.arms import Plan, read_arm
from forelearn.experiment.drive import Silent, run_transfers
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.together import compared, write_comparison
from forelearn.report.multitask_words import over_seeds
from forelearn.store.gc import collect
from forelearn.training.ensemble import Member, mean_probabilities
from forelearn.training.multitask.history import Epoch, History, read_history

HEADER = (
    "arm", "target", "seed", "epochs", "dev", "test", "gradients", "dev_matched", "test_matched", "gradients_matched",
    "seconds", "peak_mb", "key",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planned:
    """One run of a study. epochs: of the equal-epochs table; None keeps the whole run. control: at equal compute, one
    that the method has to beat.
    """

    arm: str
    transfer: Transfer
    epochs: int | None = None
    control: bool = False


def asked(description: str | None, here: Path, seeds: int) -> argparse.Namespace:
    """The command line of a study in the folder `here`: what, minutes, seeds, out, workers."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--out", default=str(here / "out"))
    parser.add_argument("--workers", type=int, default=None)
    return parser.parse_args()


def run(prepared: Prepared, plans: Sequence[Planned], minutes: float, *, at_once: int = 12) -> None:
    """Run what is missing, in the order of the plans, until the time is up. No model stays: no table reads one.

    Of those that run at once the dearest begin, so that no worker waits long for the last one.
    """
    end = time.monotonic() + 60 * minutes
    missing = [plan for plan in plans if prepared.runs.get(plan.transfer.key) is None]
    with prepared.directory.lock(), executor_for(prepared) as executor:
        while missing and time.monotonic() < end:
            began = time.monotonic()
            batch = [plan.transfer for plan in missing[:at_once]]
            run_transfers(prepared, sorted(batch, key=prepared.cost, reverse=True), executor, Silent())
            done = ", ".join(
                f"{plan.transfer.target.name} {plan.arm} {plan.transfer.seed}" for plan in missing[:at_once]
            )
            missing = missing[at_once:]
            collect(prepared.directory, keep=())
            print(
                f"{len(missing)} of {len(plans)} left ({done}: {time.monotonic() - began:.0f} s)", flush=True
            )


def history(prepared: Prepared, transfer: Transfer) -> History | None:
    """What happened in a finished run; None if it has not finished."""
    folder = prepared.directory.whole("runs", transfer.key)
    if folder is None or not isinstance(prepared.runs.get(transfer.key), Run):
        return None
    return read_history(folder)


def ensemble(prepared: Prepared, transfers: Sequence[Transfer]) -> tuple[float, int] | None:
    """Test accuracy of the mean probabilities of the finished runs among transfers of one target, and of how many.

    Each run's predictions are those of its own best snapshot. None with fewer than two runs.
    """
    members = []
    for transfer in transfers:
        folder = prepared.directory.whole("runs", transfer.key)
        if folder is not None and isinstance(prepared.runs.get(transfer.key), Run):
            predicted = load_file(folder / "predictions.safetensors")["test_logits"]
            task = transfer.target
            members.append(
                Member(f"seed {transfer.seed}", task.kind, prepared.tasks[task.name].labels, predicted)
            )
    if len(members) < 2:
        return None
    chosen = mean_probabilities(members).argmax(axis=1)
    truth = np.asarray(prepared.tasks[transfers[0].target.name].test.labels)
    return float((chosen == truth).mean()), len(members)


def within_epochs(found: History, epochs: int | None) -> Epoch:
    """The epoch whose snapshot would have been kept after so many epochs."""
    seen = found.epochs[:epochs]
    return max(seen, key=lambda epoch: (epoch.select, -epoch.number))


def table(
    prepared: Prepared, plans: Iterable[Planned], compute: Mapping[str, int], file: Path
) -> list[dict[str, str]]:
    """Every finished run as a row of `file`: at equal epochs, and at equal compute.

    compute: sample gradients by target.
    """
    rows = []
    for plan in plans:
        found = history(prepared, plan.transfer)
        if found is None:
            continue
        equal, matched = within_epochs(found, plan.epochs), found.within(compute[plan.transfer.target.name])
        assert equal.test is not None  # what is the best so far is measured on test
        assert matched.test is not None
        last = found.epochs[: plan.epochs][-1]
        values = (
            plan.arm,
            plan.transfer.target.name,
            plan.transfer.seed,
            len(found.epochs[: plan.epochs]),
            f"{equal.dev if equal.dev is not None else equal.select:.6f}",
            f"{equal.test:.6f}",
            last.gradients,
            f"{matched.dev if matched.dev is not None else matched.select:.6f}",
            f"{matched.test:.6f}",
            found.last(compute[plan.transfer.target.name]).gradients,
            f"{last.seconds:.0f}",
            f"{found.peak_bytes / 1e6:.0f}",
            plan.transfer.key,
        )
        rows.append(dict(zip(HEADER, map(str, values))))
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def write_page(
    prepared: Prepared, plans: Sequence[Planned], target: str, compute: int, file: Path, *, first: str
) -> None:
    """The page of one target: the arm `first` beside all others, with the curves of every task; nothing without runs.

    compute: sample gradients that all arms are held to.
    """
    mine = [plan for plan in plans if plan.transfer.target.name == target]
    names = sorted(dict.fromkeys(plan.arm for plan in mine), key=lambda name: name != first)
    arms = []
    for name in names:
        transfers = tuple(plan.transfer for plan in mine if plan.arm == name)
        done = tuple(one for one in transfers if history(prepared, one) is not None)
        if done:
            control = any(plan.control for plan in mine if plan.arm == name)
            arms.append(read_arm(prepared, Plan(name, done[0].label, control, done), compute))
    if not arms or arms[0].name != first:
        return
    found = compared(
        prepared,
        prepared.tasks[target].task,
        arms[0].auxiliaries,
        arms,
        recipe=mine[0].transfer.recipe,
        compute=compute,
        chosen="named by the study",
    )
    write_comparison(found, file)


def said(values: Sequence[float], digits: int = 1, *, signed: bool = False, level: float = 0.9) -> str:
    """`mean [low, high]` over seeds by Student's t; the mean alone with one seed, or if all are equal."""
    if not values:
        return "—"
    sign = "+" if signed else ""
    mean = f"{fmean(values):{sign}.{digits}f}"
    found = over_seeds(values, level)
    return mean if found is None else f"{mean} [{found.low:{sign}.{digits}f}, {found.high:{sign}.{digits}f}]"


def between(text: str, name: str, lines: Sequence[str]) -> str:
    """`text` with the lines between the marks of `name` replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    return "\n".join([before + begin, "", *lines, "", end]) + after
