"""transformer-ranker in an environment of its own, asked over a pipe (`_transformer_ranker.py` answers)."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / ".venv-bench" / "estimators"
PEER = ("transformer-ranker==0.2.0", "torchmetrics", "lightning-utilities", "packaging")
Features = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Timed:
    """A score, and the CPU seconds that it took."""

    score: float
    seconds: float


@dataclass(frozen=True)
class Peer:
    """transformer-ranker, waiting in a process of its own."""

    process: subprocess.Popen[str]
    folder: Path

    def put(self, features: Features, labels: Labels) -> None:
        """What it is asked about next."""
        np.save(self.folder / "features.npy", features)
        np.save(self.folder / "labels.npy", labels)

    def leave(self) -> None:
        """It ends when there is nothing more to read."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def ask(self, method: str, *, double: bool = False, options: Mapping[str, int] | None = None) -> Timed:
        """Its score of what was put last."""
        request = {
            "method": method,
            "features": str(self.folder / "features.npy"),
            "targets": str(self.folder / "labels.npy"),
            "double": double,
            "options": dict(options or {}),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("transformer-ranker's process ended; see its message above")
        answer = json.loads(line)
        return Timed(answer["score"], answer["seconds"])


def prepare_peer() -> Path:
    """The python of the peer's environment, made once."""
    python = BENCH / "bin" / "python"
    if (BENCH / ".done").is_file():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(BENCH)], check=True)
    inside = BENCH / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (inside / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*command, "--target", str(inside), *PEER], check=False)
    if done.returncode:
        raise SystemExit(f"could not install {', '.join(PEER)}; see pip's message above")
    (BENCH / ".done").write_text("\n".join(PEER))
    return python
