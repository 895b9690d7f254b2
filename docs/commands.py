"""Write the reference of commands to stdout, from the commands' own help."""

from __future__ import annotations

import os
import subprocess
import sys

COMMANDS = [
    "demo",
    "init",
    "check",
    "run",
    "rank",
    "train",
    "predict",
    "report",
    "evaluate",
    "prior",
    "status",
    "explain",
    "export",
    "verify",
    "gc",
    "ask",
    "tell",
]
GROUPS = {"cards": ["build", "add", "list", "push", "pull"]}


def help_of(*command: str) -> str:
    """What `forelearn COMMAND --help` prints at 100 columns."""
    environment = {**os.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "forelearn", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return "\n".join(
        line.rstrip() for line in done.stdout.replace("python -m forelearn", "forelearn").splitlines()
    )


def main() -> None:
    """Print the page."""
    print("# Commands\n\nWritten by `make docs` from the commands' own help.\n")
    print(
        "Exit codes: 0 done; 1 what was asked for could not be done, or damage was found; 2 the input was refused and "
        "nothing was written; 130 interrupted (start again: what has run is kept). Results go to stdout, progress and "
        "messages to stderr.\n"
    )
    print(
        "`run` takes the study file's settings for what it is not told, and notes what it was told. The other "
        "commands look at the study as it was last run, say so in one line (`as last run: --budget 2h`), and an "
        "option that they are given wins: [study-file.md](study-file.md#what-other-commands-look-at). `check`, "
        "`evaluate` and `prior` go by the file and by all that has run.\n"
    )
    for command in COMMANDS:
        print(f"## forelearn {command}\n\n```\n{help_of(command).strip()}\n```\n")
    for group, commands in GROUPS.items():
        for command in commands:
            print(f"## forelearn {group} {command}\n\n```\n{help_of(group, command).strip()}\n```\n")


if __name__ == "__main__":
    main()
