"""The command. Each command imports what it needs when it runs, so that `--help` is quick.

Exit codes: 0 done; 1 what was asked for could not be done, or damage was found; 2 the input was refused and nothing
was written; 130 interrupted (start again: what has run is kept). Results go to stdout, the rest to stderr.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

import forelearn.cli.card_commands as card_commands
import forelearn.cli.evaluate_command as evaluate_command
import forelearn.cli.inspect_commands as inspect_commands
import forelearn.cli.keep_commands as keep_commands
import forelearn.cli.predict_command as predict_command
import forelearn.cli.prior_command as prior_command
import forelearn.cli.run_commands as run_commands
import forelearn.cli.train_command as train_command
from forelearn import __version__
from forelearn.core.errors import DISK_FULL, EXIT_FAILED, EXIT_INPUT, ForelearnError, InputError
from forelearn.executors.memory import keep_freed_memory

app = typer.Typer(
    help="Know which task to learn first, before you train.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(asked: bool) -> None:
    if asked:
        print(f"forelearn {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Know which task to learn first, before you train."""


run_commands.add_to(app)
train_command.add_to(app)
inspect_commands.add_to(app)
evaluate_command.add_to(app)
keep_commands.add_to(app)
card_commands.add_to(app)
prior_command.add_to(app)
predict_command.add_to(app)


_OF_PATHS = {
    errno.ENOENT: "Name a place that is there.",
    errno.ENOTDIR: "Name a folder in place of the file.",
    errno.EEXIST: "Name a folder in place of the file.",
    errno.EISDIR: "Name a file in place of the folder.",
    errno.EACCES: "Check its rights, or name another place.",
    errno.EPERM: "Check its rights, or name another place.",
    errno.EROFS: "Name a place that can be written.",
    errno.ENAMETOOLONG: "Name a shorter path.",
}
"""What the system says of paths that a person named, and the next step."""


def main() -> None:
    """Run the command and exit with its code. A reader that closes its pipe early has seen enough: 0."""
    keep_freed_memory()  # a single worker is this process
    try:
        _run()
    except SystemExit as leaving:
        # typer and rich leave with 1 where a pipe is closed
        code = 0 if isinstance(leaving.__context__, BrokenPipeError) else leaving.code
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_output()
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            _forget_output()
            code = _full(error)
        sys.exit(code)


def _forget_output() -> None:
    """What is left in the buffer goes nowhere, and Python says nothing of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _full(error: OSError) -> int:
    """Say that there is no room, and where if that is known; the exit code."""
    where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    print(
        f"error: {where}{error.strerror}. Make room, then start again: what has run is kept.", file=sys.stderr
    )
    return EXIT_FAILED


def _run() -> None:
    """Run the command; what goes wrong is said on stderr, and leaves with its code."""
    try:
        app()
    except InputError as error:
        for problem in error.problems:
            print(f"{problem.level}: {problem}", file=sys.stderr)
        sys.exit(error.exit_code)
    except ForelearnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno in DISK_FULL:
            sys.exit(_full(error))
        if error.filename is None or error.errno not in _OF_PATHS:
            raise
        print(
            f"error: {os.fsdecode(error.filename)}: {error.strerror}. {_OF_PATHS[error.errno]}",
            file=sys.stderr,
        )
        sys.exit(EXIT_INPUT)
