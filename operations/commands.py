"""Run other programs quietly: log their output, and show its relevant lines on failure."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from operations import ROOT
from operations.errors import OperationError
from operations.waiting_times import waiting_time

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_FAILURE = re.compile(r"error|failed|refused|denied|invalid", re.IGNORECASE)
# Terraform draws a frame of these characters around its errors.
_FRAME = "╷│╵ "


def plain(line: str) -> str:
    """Return a line without colour codes and Terraform's frame."""
    return _COLOURS.sub("", line).strip(_FRAME + "\r\n\t")


def failure_lines(lines: Sequence[str], limit: int = 3) -> str:
    """Return the output lines that most likely explain a failure, joined into one sentence."""
    spoken = [line for line in map(plain, lines) if line]
    first = next((n for n, line in enumerate(spoken) if line.startswith("Error:")), None)
    if first is not None:
        return " ".join(spoken[first : first + limit])
    relevant = [line for line in spoken if _FAILURE.search(line)]
    return " ".join((relevant or spoken)[-limit:])


def run_command(
    command: Sequence[str],
    *,
    log: Path,
    what: str,
    folder: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    each_line: Callable[[str], None] = lambda _: None,
) -> str:
    """Run a command and return its output, stdout and stderr together.

    Args:
        command: program and arguments.
        log: file for the output.
        what: what the command does, for the error message.
        folder: working directory.
        variables: environment variables to add.
        each_line: called with each line of the output as it arrives, without colour codes.

    Raises:
        OperationError: if the program is missing or fails. The message names `what`, the relevant
            output lines and the log.
    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {**os.environ, **(variables or {})}
    # PYTHONPATH is for this process; it would make another program's Python import our packages.
    environment.pop("PYTHONPATH", None)
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise OperationError(
            f"{what} needs {command[0]}, which is not installed: install it and put it on PATH."
        ) from None
    with process, log.open("w") as kept:
        for line in process.stdout or ():
            lines.append(line)
            kept.write(line)
            kept.flush()
            each_line(plain(line))
    if process.returncode:
        where = log.relative_to(ROOT) if log.is_relative_to(ROOT) else log
        advice = waiting_time(map(plain, lines))
        raise OperationError(f"{what} failed: {failure_lines(lines)} (full log: {where}){advice}")
    return "".join(lines)
