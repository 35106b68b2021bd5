"""Time inside one simulated process, and the simulated clock as the product reads it."""

from datetime import UTC, datetime, timedelta

import simpy

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)  # any midnight


class TimedOutError(Exception):
    """The function's time is up; Lambda ends it."""


class Stopwatch:
    """Adds up the seconds that product code spends in calls to AWS.

    The product's code runs in one go, without yielding to the simulation. The models of AWS that it
    calls add their seconds here, and read `now`, which includes them. The caller then lets that
    time pass.
    """

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._spent = 0.0
        self._left = float("inf")

    @property
    def now(self) -> float:
        """Seconds since the simulation began."""
        return float(self._env.now) + self._spent

    @property
    def left(self) -> float:
        """Seconds that the current function may still run."""
        return self._left - self._spent

    def clock(self) -> datetime:
        """Return the current time, for the product."""
        return moment(self.now)

    def spend(self, seconds: float) -> None:
        """Add seconds; raises TimedOutError if the function may not run that long."""
        self._spent += seconds
        if self._spent > self._left:
            self._spent = self._left
            raise TimedOutError

    def begin(self, left: float) -> None:
        """Begin to time product code that may run for `left` seconds."""
        self._spent, self._left = 0.0, left

    def end(self) -> float:
        """Return the seconds that the code spent."""
        spent, self._spent, self._left = self._spent, 0.0, float("inf")
        return spent


def moment(seconds: float) -> datetime:
    """Return the time that is this many seconds after the beginning."""
    return BEGIN + timedelta(seconds=seconds)


def seconds_at(when: datetime) -> float:
    """Return the seconds from the beginning to a time."""
    return (when - BEGIN).total_seconds()


class CallAllowance:
    """AWS's throttling: `burst` calls at once, and `rate` more a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._at = burst, 0.0

    def available(self, now: float) -> float:
        """Return how many calls are possible at `now`."""
        self._tokens = min(self.burst, self._tokens + self.rate * max(0.0, now - self._at))
        self._at = max(self._at, now)
        return self._tokens

    def take(self, now: float, count: float = 1.0) -> bool:
        """Use `count` calls if there are as many; return whether there were."""
        if self.available(now) < count:
            return False
        self._tokens -= count
        return True

    def use(self, now: float, count: float) -> None:
        """Use `count` calls even if fewer are possible now; later calls wait for them."""
        self.available(now)
        self._tokens -= count
