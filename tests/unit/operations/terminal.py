"""A command on a pseudo-terminal, where Ctrl-C goes to the whole foreground, as in a shell."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from operations import ROOT

CTRL_C = b"\x03"
# The first process of a session takes the terminal; the command then replaces it. A shell lets what
# it starts in the background ignore Ctrl-C, and so would the command if the tests run there.
_TAKE_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A running command and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.printed = ""
        self._terminal = terminal

    def read_until(self, words: str) -> None:
        """Read until the command has printed these words; fail if it ends before."""
        while words not in self.printed:
            assert self._read(), f"{words!r} was not printed:\n{self.printed}"

    def press(self, keys: bytes) -> None:
        """Type keys at the terminal."""
        os.write(self._terminal, keys)

    def end(self) -> int:
        """Wait for the command's end and return its exit status."""
        while self._read():
            pass
        return self.process.wait()

    def _read(self) -> bool:
        try:
            read = os.read(self._terminal, 4096)
        except OSError:  # Linux, after the last process has closed the terminal
            return False
        self.printed += read.decode(errors="replace")
        return bool(read)


@contextmanager
def terminal(*arguments: str, variables: Mapping[str, str] = {}) -> Iterator[Terminal]:
    """Run Python with these arguments on a terminal of its own; kill it at the end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_TERMINAL, sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
