"""Progress messages of an EMR step: lines with the seconds since it began."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from marquee.contracts import timestamp


class StepError(Exception):
    """The step cannot continue; the message is one sentence for the operator."""


class StepLog:
    """Prints `[  3.2 s] train: …` lines."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds since the step began."""
        return time.monotonic() - self._began

    def __call__(self, message: str) -> None:
        """Print one line and flush it, so that the log of a running step is up to date."""
        print(f"[{self.seconds:6.1f} s] {self._step}: {message}", flush=True)


@contextmanager
def step(name: str, *errors: type[Exception]) -> Iterator[StepLog]:
    """Provide the progress of a step, and print when it began.

    The later lines say only the seconds since then. With the time they can be placed beside what
    other parts of the service record.

    A StepError, or one of `errors`, ends the process with exit code 1 and the error's message.
    """
    reported: tuple[type[Exception], ...] = (StepError, *errors)
    try:
        say = StepLog(name)
        say(f"began at {timestamp(datetime.now(UTC))}")
        yield say
    except reported as error:
        sys.exit(f"{name}: {error}")
