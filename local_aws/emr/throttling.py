"""EMR's limits on the rate of API calls.

AddJobFlowSteps, DescribeStep and ListSteps each have a bucket of 10 calls, refilled at one call
every two seconds. All calls of an account share a bucket of 25, refilled at five calls a second
(https://docs.aws.amazon.com/general/latest/gr/emr.html).
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

SWITCH = "MARQUEE_EMR_THROTTLING"
ALL_CALLS = (25, 5.0)
OF_OPERATION = {
    "AddJobFlowSteps": (10, 0.5),
    "DescribeStep": (10, 0.5),
    "ListSteps": (10, 0.5),
}

Clock = Callable[[], float]


class ThrottledError(Exception):
    """A call exceeds the rate limit."""


@dataclass
class TokenBucket:
    """A token bucket.

    Args:
        burst: the bucket's capacity, in tokens; it starts full.
        rate: tokens added per second.
        clock: returns the time in seconds.
    """

    burst: int
    rate: float
    clock: Clock
    tokens: float = field(init=False)
    filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.filled_at = float(self.burst), self.clock()

    def has_token(self) -> bool:
        """Refill the bucket and return whether it has a token for a call."""
        now = self.clock()
        refilled = self.tokens + (now - self.filled_at) * self.rate
        self.tokens, self.filled_at = min(float(self.burst), refilled), now
        return self.tokens >= 1

    def take(self) -> None:
        """Use up one token; call it only after `has_token` returned True."""
        self.tokens -= 1


class Throttle:
    """The buckets of one account in one region."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.lock = Lock()
        self.all_calls = TokenBucket(*ALL_CALLS, clock)
        self.of_operation = {
            name: TokenBucket(*limits, clock) for name, limits in OF_OPERATION.items()
        }

    def admit(self, operation: str) -> None:
        """Admit a call of this operation.

        Raises:
            ThrottledError: if a bucket is empty; the call then uses no token.
        """
        own = self.of_operation.get(operation)
        buckets = [self.all_calls, *([own] if own else [])]
        with self.lock:
            if not all(bucket.has_token() for bucket in buckets):
                raise ThrottledError("Rate exceeded")
            for bucket in buckets:
                bucket.take()


class NoThrottle:
    """Admits every call."""

    def admit(self, _operation: str) -> None:
        """Do nothing."""


def throttle_of_environment() -> Throttle | NoThrottle:
    """Return AWS's limits if the environment variable MARQUEE_EMR_THROTTLING is 1, else none."""
    return Throttle() if os.environ.get(SWITCH) == "1" else NoThrottle()
