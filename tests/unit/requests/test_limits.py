"""Limits on how often a phone or a network may do what costs something."""

from datetime import UTC, datetime, timedelta

import pytest

from marquee.requests.limits import Limit, LimitedAction, TooOftenError
from tests.unit.memory import MemoryTally

NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)


def limit(most: int = 2, window: timedelta = timedelta(days=1)) -> Limit:
    return Limit(LimitedAction.TEXTS, most, window, MemoryTally())


def test_the_limit_holds_for_the_rest_of_the_window_and_not_beyond() -> None:
    texts = limit()
    for what in ("a", "b"):
        texts.take("ada", what, NOON)
    with pytest.raises(TooOftenError) as refused:
        texts.take("ada", "c", NOON)
    assert refused.value.seconds == 12 * 3600 - 30
    texts.take("ada", "c", NOON + timedelta(seconds=refused.value.seconds))


def test_each_visitor_has_their_own_limit() -> None:
    texts = limit(most=1)
    texts.take("ada", "a", NOON)
    texts.take("bob", "b", NOON)
    with pytest.raises(TooOftenError):
        texts.take("bob", "c", NOON)


def test_a_repeated_attempt_is_not_counted_again() -> None:
    texts = limit(most=1)
    for _ in range(3):
        texts.take("ada", "a", NOON)


def test_the_window_of_an_hour_begins_on_the_hour() -> None:
    changes = limit(most=1, window=timedelta(hours=1))
    changes.take("ada", "a", NOON)
    with pytest.raises(TooOftenError) as refused:
        changes.take("ada", "b", NOON + timedelta(minutes=59, milliseconds=500))
    assert refused.value.seconds == 30
    assert isinstance(changes.tally, MemoryTally)
    assert changes.tally.until == [datetime(2026, 11, 24, 13, tzinfo=UTC)]
