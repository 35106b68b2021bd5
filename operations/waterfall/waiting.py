"""Wait for records that arrive late."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class PollPolicy:
    """How long to wait for a record, and how often to look, in seconds."""

    seconds: float
    poll: float


def wait_for[Found](
    look: Callable[[], Found | None],
    patience: PollPolicy,
    is_complete: Callable[[Found], bool] = lambda _: True,
) -> Found | None:
    """Look until something complete is found, or until patience ends.

    Returns:
        What was found last, complete or not; None if nothing was found.
    """
    ends = time.monotonic() + patience.seconds
    while True:
        found = look()
        if found is not None and is_complete(found):
            return found
        if time.monotonic() >= ends:
            return found
        time.sleep(patience.poll)
