"""A step of training in a worker, which keeps freed memory, beside the same in a process as the system starts it.

    python -m benchmarks.allocator --quick

Two processes train the same classifier on the same texts (those of `benchmarks.training`) at the precision that
`auto` resolves to; one has called `keep_freed_memory`, as workers and the command do. They take turns, a short
epoch each, so that a busy machine slows both alike. CPU seconds, the system's included; medians of the ratios of
one turn. The last line is JSON. `max_abs_loss_diff`: between the losses of both, 0 if memory changes no number.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.training import ROOT, prepare_environment

ARMS = ("default", "kept")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="five turns; the full form takes fifteen")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8, help="steps a turn")
    parser.add_argument("--inside", choices=ARMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        take_turns(arguments.inside, arguments.threads, arguments.batch_size, arguments.steps)
        return
    environment = prepare_environment(arguments.threads)
    processes = {
        arm: subprocess.Popen(
            [sys.executable, "-m", "benchmarks.allocator", *sys.argv[1:], "--inside", arm],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for arm in ARMS
    }
    seconds: dict[str, list[float]] = {arm: [] for arm in ARMS}
    peak: dict[str, int] = {}
    apart = 0.0
    for turn in range((5 if arguments.quick else 15) + 1):
        losses = {}
        for arm, process in processes.items():
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            said = json.loads(process.stdout.readline())
            losses[arm], peak[arm] = said["losses"], said["peak_mb"]
            if turn:  # the first one warms up
                seconds[arm].append(said["seconds"] / len(said["losses"]))
        apart = max(apart, *(abs(a - b) for a, b in zip(losses["default"], losses["kept"], strict=True)))
    for process in processes.values():
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
    ratios = [one / other for one, other in zip(seconds["default"], seconds["kept"], strict=True)]
    print(f"batch {arguments.batch_size}, {arguments.threads} thread(s), {len(ratios)} turns")
    for arm in ARMS:
        step = statistics.median(seconds[arm])
        print(f"{arm:10s}{1000 * step:8.0f} ms of CPU a step{peak[arm]:8d} MB at most")
    result = {
        "speedup": round(statistics.median(ratios), 3),
        "speedup_least": round(min(ratios), 3),
        "speedup_most": round(max(ratios), 3),
        "max_abs_loss_diff": apart,
        "peak_mb": peak,
        "batch_size": arguments.batch_size,
        "threads": arguments.threads,
    }
    print(json.dumps(result))


def take_turns(arm: str, threads: int, batch_size: int, steps: int) -> None:
    """For each line of standard input one epoch, and a line of JSON."""
    from forelearn.executors.memory import keep_freed_memory

    if arm == "kept" and not keep_freed_memory():
        raise SystemExit("this system's C library is not glibc: there is nothing to compare")
    import resource

    import numpy as np

    from benchmarks._trainer import Contest, texts_and_labels
    from forelearn.models.heads.base import labelled
    from forelearn.training.device import resolve_precision
    from forelearn.training.loop import Stage, fit

    texts, labels, _ = texts_and_labels(steps * batch_size)
    with tempfile.TemporaryDirectory() as scratch:
        contest = Contest(texts, labels, Path(scratch), batch_size=batch_size, threads=threads)
        items = labelled(contest.tokens, np.asarray(labels))
        stage = Stage("", contest.recipe(resolve_precision("cpu")), 0)
        for _ in sys.stdin:
            model = contest.classifier()
            began = time.process_time()
            progress = fit(model, items, stage)
            spent = time.process_time() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
            print(
                json.dumps({"seconds": spent, "losses": list(progress.losses), "peak_mb": peak}), flush=True
            )


if __name__ == "__main__":
    main()
