"""Are the answers right? Searches of tables with known gains and noise as measured, up to the verdict.

    python -m benchmarks.decisions --quick     200 replays a family, one budget
    python -m benchmarks.decisions             1,000
    python -m benchmarks.decisions --docs      50, several budgets; writes the table of `docs/decisions.md`

Twelve tasks, each target and source; three seeds for the search and five fresh ones, as a study has them. The
families are described in `evaluation/simulated.py`. Every replay draws its own gains, noises and runs, and goes
through the very search, model of gains, confirmation and verdict of a study. Budget: a share of the exhaustive
cost, 3 seeds × (12 baselines + 132 pairs) = 432 runs, confirmation included; `--budget` changes it.

- `false_transfer_null`: share of targets told to transfer (or `tied`) where no gain is above 0; the worse of
  `null` and `harmful`.
- `detection_strong`: share of the targets with a source that truly gains at least the margin (.01) that are told
  to transfer, from a source that truly does.
- `coverage90`: share of confirmed gains, whatever the verdict, whose 90 % interval holds the truth; over all
  families.
- settled: where the answer is that about N further seeds would settle it, they are drawn: share that is settled.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from forelearn.evaluation.decision import MARGIN, Candidate, Decision, decide
from forelearn.evaluation.gains import paired_gain
from forelearn.evaluation.simulated import FAMILIES, Family, Simulated, simulated
from forelearn.experiment.replay import TableSearch, live
from forelearn.experiment.verdict import Confirmation, Confirmed, verdict
from forelearn.search.space import source_name

DOCS = Path(__file__).resolve().parent.parent / "docs" / "decisions.md"
BEGIN, END = "<!-- what was measured -->", "<!-- end of what was measured -->"
SEEDS, FRESH, TASKS = 3, 5, 12
BUDGET = 1.0
BUDGETS = (0.165, 0.33, 0.495, 0.66, 1.0)
"""The last one is the stated one."""
HELPS = ("transfer", "tied")
KINDS = (*HELPS, "do not transfer", "not enough evidence")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one target, and whether it was so.

    worthwhile: a source truly gains at least the margin. right: the advised source does. covered: the interval
    of the confirmed gain holds the truth; None if nothing was confirmed. more: further seeds that it says would
    settle the question, and whether they did.
    """

    kind: str
    worthwhile: bool
    right: bool
    covered: bool | None
    more: tuple[int, bool] | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="200 replays a family instead of 1,000")
    parser.add_argument("--docs", action="store_true", help="50, at several budgets, into docs")
    parser.add_argument("--replays", type=int, default=None)
    parser.add_argument("--budget", type=float, default=BUDGET, help="share of the exhaustive cost")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    arguments = parser.parse_args()
    replays = arguments.replays or (50 if arguments.docs else 200 if arguments.quick else 1000)
    began = time.monotonic()
    print(f"{replays} replays a family, {arguments.workers} workers of 1 thread")
    lines = [*HEADER]
    print("\n".join(HEADER))
    with ProcessPoolExecutor(arguments.workers) as pool:
        for budget in BUDGETS if arguments.docs else (arguments.budget,):
            found: dict[Family, list[Answer]] = {}
            for family in FAMILIES:
                jobs = ([family] * replays, [budget] * replays, range(replays))
                found[family] = [
                    one for answers in pool.map(replayed, *jobs, chunksize=10) for one in answers
                ]
                lines.append(row(family, budget, found[family]))
                print(lines[-1], flush=True)
            stated = figures(found)
    if arguments.docs:
        write(lines, replays)
    seconds = round(time.monotonic() - began)
    print(json.dumps({**stated, "budget": budget, "replays": replays, "wall_seconds": seconds}))


def replayed(family: Family, budget: float, number: int) -> list[Answer]:
    """One search of one made table: an answer a target."""
    made = simulated(family, tasks=TASKS, seeds=SEEDS + FRESH, seed=number)
    search = live(made.table, SEEDS * budget, number, TableSearch(seeds=SEEDS)).search
    confirmation = Confirmation(search, 0.9)
    rng = np.random.default_rng([number, 1])
    found = []
    for row, target in enumerate(search.space.targets):
        decision = verdict(confirmation, target)
        winner = search.winner(target)
        gain = None if winner is None else confirmation.gain(winner, target)
        truth = 0.0 if winner is None else made.gains[row, made.table.sources.index(source_name(winner))]
        confirmed = None if winner is None else confirmation.of(winner, target)
        found.append(
            Answer(
                decision.kind,
                bool(np.nanmax(made.gains[row]) >= MARGIN),
                bool(truth >= MARGIN),
                None if gain is None else bool(gain.low <= truth <= gain.high),
                None if confirmed is None else settled(made, confirmation, confirmed, decision, rng),
            )
        )
    return found


def settled(
    made: Simulated,
    confirmation: Confirmation,
    confirmed: Confirmed,
    decision: Decision,
    rng: np.random.Generator,
) -> tuple[int, bool] | None:
    """The further seeds that an open answer asks for, and whether they settle it; None if it asks for none."""
    if decision.kind != "not enough evidence" or not decision.more_seeds:
        return None
    target = made.table.targets.index(confirmed.target.name)
    source = made.table.sources.index(source_name(confirmed.candidate))
    after, plain = (
        [*(run.dev() for run in runs), *made.runs(target, which, decision.more_seeds, rng)]
        for runs, which in ((confirmed.runs, source), (confirmed.baselines, None))
    )
    gain = paired_gain(after, plain, noise=confirmation.noise(confirmed.target, "dev"), level=0.9)
    kind = decide([Candidate((source_name(confirmed.candidate),), gain)]).kind
    return decision.more_seeds, kind != "not enough evidence"


HEADER = (
    "| budget | family | transfer | tied | do not | open | worth it | found | false | confirmed | covered "
    "| seeds asked for | settled |",
    "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)


def row(family: Family, budget: float, answers: Sequence[Answer]) -> str:
    """A row of the table."""
    kinds = Counter(answer.kind for answer in answers)
    more = [answer.more for answer in answers if answer.more is not None]
    cells = [
        f"{100 * budget:g} %",
        family,
        *(percent(kinds[kind] / len(answers)) for kind in KINDS),
        percent(fmean(answer.worthwhile for answer in answers)),
        percent(detection(answers)),
        percent(false(answers)),
        percent(fmean(answer.covered is not None for answer in answers)),
        percent(coverage(answers)),
        f"{median(count for count, _ in more):g}" if more else "–",
        percent(fmean(done for _, done in more) if more else None),
    ]
    return f"| {' | '.join(cells)} |"


def detection(answers: Iterable[Answer]) -> float | None:
    """Share of the targets for which a transfer is worth it that are told a right one."""
    wanted = [answer for answer in answers if answer.worthwhile]
    return fmean(answer.kind in HELPS and answer.right for answer in wanted) if wanted else None


def false(answers: Iterable[Answer]) -> float:
    """Share of targets that are told to transfer from what is not worth it."""
    return fmean(answer.kind in HELPS and not answer.right for answer in answers)


def coverage(answers: Iterable[Answer]) -> float | None:
    """Share of the confirmed gains whose interval holds the truth."""
    known = [answer.covered for answer in answers if answer.covered is not None]
    return fmean(known) if known else None


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def figures(found: dict[Family, list[Answer]]) -> dict[str, float | None]:
    """The last line."""
    values = {
        "false_transfer_null": max(false(found[family]) for family in ("null", "harmful")),
        "detection_strong": detection(found["strong"]),
        "coverage90": coverage(answer for answers in found.values() for answer in answers),
        **{f"coverage90_{family}": coverage(answers) for family, answers in found.items()},
    }
    return {name: None if value is None else round(value, 4) for name, value in values.items()}


def write(lines: Sequence[str], replays: int) -> None:
    """Put the table into the docs."""
    text = DOCS.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    said = f"{replays} replays a family of {TASKS} tasks, {replays * TASKS} answers a row."
    DOCS.write_text("\n".join([before + BEGIN, "", said, "", *lines, "", END]) + after, encoding="utf-8")


if __name__ == "__main__":
    main()
