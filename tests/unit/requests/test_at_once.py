"""Concurrent calls: all of them are made, and each answer stays with its item."""

import threading
from contextvars import ContextVar

import pytest

from marquee.requests.at_once import for_each


@pytest.mark.parametrize("writers", [1, 3])
def test_each_item_gets_its_own_answer_or_error(writers: int) -> None:
    def halve(number: int) -> int:
        if number % 2:
            raise ValueError(number)
        return number // 2

    answers = for_each(halve, range(6), writers)
    assert answers[::2] == [0, 1, 2]
    assert [str(error) for error in answers[1::2]] == ["1", "3", "5"]


def test_the_calls_overlap() -> None:
    meeting = threading.Barrier(4)

    def meet(_: int) -> bool:
        meeting.wait(20)  # fails the test if the calls are not concurrent
        return True

    assert for_each(meet, range(8), 4) == [True] * 8


def test_the_threads_of_an_invocation_share_its_context() -> None:
    invocation: ContextVar[str] = ContextVar("invocation")
    invocation.set("mine")
    assert for_each(lambda _: invocation.get(), range(5), 3) == ["mine"] * 5


def test_no_more_calls_overlap_than_allowed() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1

    for_each(work, range(40), 3)
    assert most <= 3
