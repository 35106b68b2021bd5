"""How often somebody may do what costs something."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from marquee.ports import Tally

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Limited(StrEnum):
    """What is limited, by the name of its tally."""

    TEXTS = "texts"
    TEXTS_IN_ALL = "texts-in-all"
    NEW_VISITORS = "new-visitors"
    CHANGES = "changes"


class TooOftenError(Exception):
    """The limit is reached; it is lifted after `seconds`."""

    def __init__(self, limited: Limited, most: int, seconds: int) -> None:
        super().__init__(f"{limited}: {most} already")
        self.limited, self.most, self.seconds = limited, most, seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in each window; windows begin at whole multiples of their length (UTC)."""

    limited: Limited
    most: int
    window: timedelta
    tally: Tally

    def take(self, whose: str, what: str, now: datetime) -> None:
        """Count `what` against `whose` limit, once however often it is tried.

        Raises TooOftenError, and counts nothing, where the limit is reached.
        """
        begun = now - (now - _EPOCH) % self.window
        ends = begun + self.window
        key = f"limit/{self.limited}/{whose}/{begun:%Y-%m-%dT%H:%MZ}"
        if not self.tally.add(key, what, self.most, ends):
            raise TooOftenError(self.limited, self.most, math.ceil((ends - now).total_seconds()))
