"""Limits and caps on actions that cost money or resources."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from marquee.requests.ports import Counter, Tally

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVERYBODY = "everybody"


class LimitedAction(StrEnum):
    """The limited actions; the values are names of tallies."""

    TEXTS = "texts"
    TEXTS_IN_ALL = "texts-in-all"
    CHANGES = "changes"
    NETWORK_FORMS = "network-forms"
    NETWORK_PHONES = "network-phones"
    NETWORK_CHANGES = "network-changes"
    NETWORK_LISTS = "network-lists"


class TooOftenError(Exception):
    """A limit is reached; the next window begins in `seconds`.

    Args:
        limited: the limited action.
        most: the limit.
        seconds: seconds until the action is possible again.
    """

    def __init__(self, limited: LimitedAction, most: int, seconds: int) -> None:
        super().__init__(f"{limited}: {most} already")
        self.limited, self.most, self.seconds = limited, most, seconds


@dataclass(frozen=True, slots=True)
class Window:
    """A window of time; it begins at a whole multiple of its length since 1970 (UTC)."""

    begins: datetime
    ends: datetime

    @classmethod
    def at(cls, now: datetime, length: timedelta) -> "Window":
        """Return the window of this length that contains `now`."""
        begins = now - (now - _EPOCH) % length
        return cls(begins, begins + length)

    @property
    def name(self) -> str:
        """The beginning of the window in UTC, to the minute, such as `2026-01-31T13:00Z`."""
        return f"{self.begins:%Y-%m-%dT%H:%MZ}"

    def key(self, limited: LimitedAction, whose: str) -> str:
        """Return the key of this window's count in the idempotency table."""
        return f"limit/{limited}/{whose}/{self.name}"

    def seconds_left(self, now: datetime) -> int:
        """Return the seconds until the window ends, rounded up."""
        return math.ceil((self.ends - now).total_seconds())


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of at most `most` distinct things per owner and window."""

    limited: LimitedAction
    most: int
    window: timedelta
    tally: Tally

    def take(self, whose: str, what: str, now: datetime) -> None:
        """Count `what` against the limit of `whose`, only once however often it is repeated.

        If `whose` stands for a phone, `what` must not identify a visitor, because the record
        outlives a visitor who is forgotten (`marquee.requests.identity.limit_entry`).

        Raises:
            TooOftenError: if the limit is reached; nothing is counted then.
        """
        window = Window.at(now, self.window)
        if not self.tally.add(window.key(self.limited, whose), what, self.most, window.ends):
            raise TooOftenError(self.limited, self.most, window.seconds_left(now))


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap of at most `most` per window, for one phone or for all visitors together.

    Only a number is stored, so `most` can be large. The caller must not count anything twice.
    """

    limited: LimitedAction
    most: int
    window: timedelta
    counter: Counter

    def take(self, now: datetime, whose: str = _EVERYBODY) -> None:
        """Count one more.

        Args:
            now: the current time.
            whose: a phone mark if each phone has its own cap.

        Raises:
            TooOftenError: if the cap is reached; nothing is counted then.
        """
        window = Window.at(now, self.window)
        key = window.key(self.limited, whose)
        if self.counter.add(key, {self.limited: self.most}, window.ends):
            raise TooOftenError(self.limited, self.most, window.seconds_left(now))

    def window_at(self, now: datetime) -> str:
        """Return the name of the window that contains `now`."""
        return Window.at(now, self.window).name


@dataclass(frozen=True, slots=True)
class NetworkLimits:
    """Limits of one network per window: at most `most` of each action.

    Only numbers are stored, so a repeated try counts again.
    """

    most: Mapping[LimitedAction, int]
    window: timedelta
    counter: Counter

    def take(self, mark: str, counted: Sequence[LimitedAction], now: datetime) -> None:
        """Count one more of each action in `counted` for the network that `mark` stands for.

        Raises:
            TooOftenError: if one of the limits is reached; nothing is counted then.
        """
        window = Window.at(now, self.window)
        most = {str(limited): self.most[limited] for limited in counted}
        reached = self.counter.add(f"limit/network/{mark}/{window.name}", most, window.ends)
        if reached:
            raise TooOftenError(LimitedAction(reached), most[reached], window.seconds_left(now))

    def window_at(self, now: datetime) -> str:
        """Return the name of the window that contains `now`."""
        return Window.at(now, self.window).name
