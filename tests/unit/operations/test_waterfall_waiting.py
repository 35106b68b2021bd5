"""Waiting for records that arrive late."""

from collections.abc import Callable

import pytest

from operations.waterfall import waiting
from operations.waterfall.waiting import PollPolicy, wait_for
from tests.unit.operations.clock import Clock


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(waiting, "time", found)
    return found


def looks(*found: int | None) -> Callable[[], int | None]:
    """Return a function that finds these, one at each look."""
    answers = iter(found)
    return lambda: next(answers)


def test_a_record_is_returned_as_soon_as_it_is_there(clock: Clock) -> None:
    assert wait_for(looks(None, None, 7), PollPolicy(60, 5)) == 7
    assert clock.now == 110


def test_waiting_ends_with_the_patience(clock: Clock) -> None:
    assert wait_for(looks(None, None, None), PollPolicy(10, 5)) is None
    assert clock.now == 110


def test_an_incomplete_record_is_returned_only_when_the_patience_ends() -> None:
    assert wait_for(looks(1, 2, 30), PollPolicy(60, 5), lambda found: found > 10) == 30
    assert wait_for(looks(1, 2, 3), PollPolicy(10, 5), lambda found: found > 10) == 3
