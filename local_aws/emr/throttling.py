"""EMR's limits on how often its API is called.

https://docs.aws.amazon.com/general/latest/gr/emr.html: AddJobFlowSteps, DescribeStep and ListSteps
have a bucket of 10 calls each, refilled with one every two seconds; all calls of an account
together have a bucket of 25, refilled with five a second.
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
    """A call that comes too soon."""


@dataclass
class TokenBucket:
    """`burst` tokens, refilled at `rate` a second; `clock` gives seconds."""

    burst: int
    rate: float
    clock: Clock
    tokens: float = field(init=False)
    filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.filled_at = float(self.burst), self.clock()

    def has_token(self) -> bool:
        """Whether a call may come now."""
        now = self.clock()
        refilled = self.tokens + (now - self.filled_at) * self.rate
        self.tokens, self.filled_at = min(float(self.burst), refilled), now
        return self.tokens >= 1

    def take(self) -> None:
        """Use a token that `has_token` found."""
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
        """Let a call of this operation through.

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
    """Lets every call through."""

    def admit(self, _operation: str) -> None:
        """Do nothing."""


def throttle_of_environment() -> Throttle | NoThrottle:
    """AWS's limits where the environment variable MARQUEE_EMR_THROTTLING is 1, else none."""
    return Throttle() if os.environ.get(SWITCH) == "1" else NoThrottle()
