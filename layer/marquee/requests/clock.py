"""The current time, as a value that callers can replace.

`benchmarks/simulation` runs the rules of this package on a simulated clock.
"""

from collections.abc import Callable
from datetime import UTC, datetime

type UtcClock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
