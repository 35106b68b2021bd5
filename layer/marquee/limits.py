"""How often somebody may do what costs something."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from marquee.ports import Counter, Tally

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVERYBODY = "everybody"


class Limited(StrEnum):
    """What is limited, by the name of its tally."""

    TEXTS = "texts"
    TEXTS_IN_ALL = "texts-in-all"
    CHANGES = "changes"
    NETWORK_FORMS = "network-forms"
    NETWORK_PHONES = "network-phones"
    NETWORK_CHANGES = "network-changes"


class TooOftenError(Exception):
    """The limit is reached; it is lifted after `seconds`."""

    def __init__(self, limited: Limited, most: int, seconds: int) -> None:
        super().__init__(f"{limited}: {most} already")
        self.limited, self.most, self.seconds = limited, most, seconds


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time; spans begin at whole multiples of their length (UTC)."""

    begins: datetime
    ends: datetime

    @classmethod
    def at(cls, now: datetime, length: timedelta) -> "Window":
        """Give the window of this length that `now` lies in."""
        begins = now - (now - _EPOCH) % length
        return cls(begins, begins + length)

    @property
    def name(self) -> str:
        return f"{self.begins:%Y-%m-%dT%H:%MZ}"

    def key(self, limited: Limited, whose: str) -> str:
        """Give the key under which the idempotency table counts in this window."""
        return f"limit/{limited}/{whose}/{self.name}"

    def seconds_left(self, now: datetime) -> int:
        return math.ceil((self.ends - now).total_seconds())


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` different things in each window (`Window`)."""

    limited: Limited
    most: int
    window: timedelta
    tally: Tally

    def take(self, whose: str, what: str, now: datetime) -> None:
        """Count `what` against `whose` limit, once however often it is tried.

        Where `whose` stands for a phone, `what` must not name a visitor: the record outlives a
        visitor who is forgotten (`marquee.identity.limit_entry`).
        Raises TooOftenError, and counts nothing, where the limit is reached.
        """
        window = Window.at(now, self.window)
        if not self.tally.add(window.key(self.limited, whose), what, self.most, window.ends):
            raise TooOftenError(self.limited, self.most, window.seconds_left(now))


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `most` in each window (`Window`), of one phone or of everybody together.

    Nothing is remembered but a number, so `most` can be large. The caller sees to it that nothing
    is counted twice.
    """

    limited: Limited
    most: int
    window: timedelta
    counter: Counter

    def take(self, now: datetime, whose: str = _EVERYBODY) -> None:
        """Count one more; `whose` is a phone's mark where each phone has a limit of its own.

        Raises TooOftenError, and counts nothing, where the limit is reached.
        """
        window = Window.at(now, self.window)
        key = window.key(self.limited, whose)
        if self.counter.add(key, {self.limited: self.most}, window.ends):
            raise TooOftenError(self.limited, self.most, window.seconds_left(now))

    def window_at(self, now: datetime) -> str:
        """Name the window that `now` lies in."""
        return Window.at(now, self.window).name


@dataclass(frozen=True, slots=True)
class NetworkLimits:
    """How much may come from one network in each window (`Window`): at most `most` of each kind.

    Only numbers are kept: what is tried again counts again.
    """

    most: Mapping[Limited, int]
    window: timedelta
    counter: Counter

    def take(self, mark: str, counted: Sequence[Limited], now: datetime) -> None:
        """Count one more of each kind in `counted` for the network that `mark` stands for.

        Raises TooOftenError, and counts nothing, where one of the limits is reached.
        """
        window = Window.at(now, self.window)
        most = {str(limited): self.most[limited] for limited in counted}
        reached = self.counter.add(f"limit/network/{mark}/{window.name}", most, window.ends)
        if reached:
            raise TooOftenError(Limited(reached), most[reached], window.seconds_left(now))

    def window_at(self, now: datetime) -> str:
        """Name the window that `now` lies in."""
        return Window.at(now, self.window).name
