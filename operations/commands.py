"""Run other programs quietly: log their output, and show its relevant lines on failure."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from operations import ROOT
from operations.console import out
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
    readable: Callable[[str], str] = lambda line: line,
    explanation: Callable[[Sequence[str]], str] = failure_lines,
) -> str:
    """Run a command and return its output, stdout and stderr together.

    After Ctrl-C or SIGTERM, the program is left to end by itself, and this process stops then.

    Args:
        command: program and arguments.
        log: file for the output.
        what: what the command does, for the error message.
        folder: working directory.
        variables: environment variables to add.
        each_line: called with each line of the output as it arrives, without colour codes.
        readable: returns a line of the output as the log should have it.
        explanation: returns what the lines of the output say about a failure.

    Raises:
        OperationError: if the program is missing or fails. The message names `what`, the
            explanation and the log.
        KeyboardInterrupt: if the operator pressed Ctrl-C, after the program has ended.
        SystemExit: if this process received SIGTERM, after the program has ended.
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
    with _signals_noted(process) as noted, process, log.open("w") as kept:
        announced = False
        for line in process.stdout or ():
            lines.append(line)
            kept.write(readable(line))
            kept.flush()
            each_line(plain(line))
            if noted and not announced:
                out.print(f"Waiting until {what} has ended. A second Ctrl-C would stop it halfway.")
                announced = True
    if noted:
        raise KeyboardInterrupt if signal.SIGINT in noted else SystemExit(128 + signal.SIGTERM)
    if process.returncode:
        if process.returncode < 0:
            reason = f"it was killed by {signal.Signals(-process.returncode).name}"
        else:
            reason = explanation(lines)
        where = log.relative_to(ROOT) if log.is_relative_to(ROOT) else log
        advice = waiting_time(plain(readable(line)) for line in lines)
        raise OperationError(f"{what} failed: {reason} (full log: {where}){advice}")
    return "".join(lines)


@contextmanager
def _signals_noted(process: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Yield a list of the SIGINTs and SIGTERMs received meanwhile, which end nothing.

    A program whose output nobody reads dies at its next word, and Terraform would leave its state
    locked. Ctrl-C reaches the program without our help, because the terminal sends it to every
    process in the foreground; a copy from here would be its second, at which Terraform gives up.
    SIGTERM comes to this process alone, so it is passed on.
    """
    noted: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        noted.append(number)
        if number == signal.SIGTERM:
            process.terminate()

    # Python handles signals in the main thread, and lets no other thread set a handler.
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = {
        number: signal.signal(number, note)
        for number in (signal.SIGINT, signal.SIGTERM)
        if in_main_thread and signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
