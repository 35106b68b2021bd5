"""How a step tells what it does: lines with the seconds since it began.

Travels to EMR: standard library only.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class StepError(Exception):
    """The step cannot go on; the message is one sentence for the operator."""


class Progress:
    """Prints `[  3.2 s] train: …` lines."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def __call__(self, message: str) -> None:
        print(f"[{self.seconds:6.1f} s] {self._step}: {message}", flush=True)


@contextmanager
def step(name: str, *errors: type[Exception]) -> Iterator[Progress]:
    """Give a step its progress; a StepError or one of these ends the process with its sentence."""
    told: tuple[type[Exception], ...] = (StepError, *errors)
    try:
        yield Progress(name)
    except told as error:
        sys.exit(f"{name}: {error}")
