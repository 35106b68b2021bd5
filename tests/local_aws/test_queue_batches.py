"""How a queue's messages are gathered into batches, by a clock that only the test moves."""

import os
import threading
from typing import Any

import pytest

from local_aws.queue_batches import (
    FIRST_MESSAGE_WAIT,
    GatheringClient,
    keep_polling,
    pollers_of,
    receive_batch,
)


class Clock:
    """A queue whose messages arrive at given seconds, and a clock that moves by waiting."""

    def __init__(self, *arrivals: float) -> None:
        self.now = 0.0
        self.arrivals = sorted(arrivals)

    def receive(self, limit: int, seconds: int) -> list[dict[str, Any]]:
        """Return up to `limit` messages; wait only for the first of them, as SQS does."""
        if self.arrivals and self.arrivals[0] > self.now:
            self.now = min(self.arrivals[0], self.now + seconds)
        elif not self.arrivals:
            self.now += seconds
        there = [at for at in self.arrivals if at <= self.now][:limit]
        self.arrivals = self.arrivals[len(there) :]
        return [{"at": at} for at in there]

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def gathered(self, batch_size: int, window: float) -> int:
        messages = receive_batch(
            self.receive, batch_size, window, clock=lambda: self.now, sleep=self.sleep
        )
        return len(messages)


def test_a_burst_within_the_window_is_one_batch() -> None:
    burst = Clock(*(n / 100 for n in range(300)))

    assert burst.gathered(500, window=5) == 300


def test_the_window_begins_with_the_first_message() -> None:
    late = Clock(4, 5.5, 6.5)

    assert late.gathered(500, window=2) == 2
    assert late.now == 6


def test_a_full_batch_does_not_wait_for_the_window_to_end() -> None:
    many = Clock(*(0 for _ in range(30)))

    assert many.gathered(10, window=60) == 10
    assert many.now == 0


def test_without_a_window_the_first_messages_leave_immediately() -> None:
    two = Clock(1, 3)

    assert two.gathered(10, window=0) == 1
    assert two.now == 1


def test_an_empty_queue_makes_no_batch() -> None:
    empty = Clock()

    assert empty.gathered(10, window=1) == 0
    assert empty.now == FIRST_MESSAGE_WAIT


def test_the_poller_of_localstack_gets_the_whole_batch_in_one_answer() -> None:
    requests: list[dict[str, Any]] = []

    class Client:
        def receive_message(self, **request: Any) -> dict[str, Any]:
            requests.append(request)
            return {"Messages": [{}, {}, {}]}

    answer = GatheringClient(Client()).receive_message(
        QueueUrl="q",
        MaxNumberOfMessages=10,
        WaitTimeSeconds=1,
        sqs_override_max_message_count=6,
        sqs_override_wait_time_seconds=30,
    )

    assert len(answer["Messages"]) == 6
    assert [request["sqs_override_max_message_count"] for request in requests] == [6, 3]
    assert "sqs_override_wait_time_seconds" not in requests[0]


@pytest.mark.parametrize(
    ("mapping", "pollers"),
    [
        ({"BatchSize": 10}, 1),
        ({"BatchSize": 10, "ScalingConfig": None}, 1),
        ({"ScalingConfig": {"MaximumConcurrency": 2}}, 2),
        ({"ScalingConfig": {"MaximumConcurrency": 3}, "MaximumBatchingWindowInSeconds": 0}, 3),
        ({"ScalingConfig": {"MaximumConcurrency": 2}, "MaximumBatchingWindowInSeconds": 5}, 1),
    ],
)
def test_a_mapping_has_as_many_concurrent_pollers_as_it_says(
    mapping: dict[str, Any], pollers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert pollers_of(mapping) == pollers


def test_there_are_no_more_pollers_than_cores() -> None:
    cores = os.cpu_count() or 1
    assert pollers_of({"ScalingConfig": {"MaximumConcurrency": 1000}}) == cores


def test_polling_continues_after_an_empty_queue_or_an_error_until_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local_aws.queue_batches.PAUSE_AFTER_EMPTY", 0)
    monkeypatch.setattr("local_aws.queue_batches.PAUSE_AFTER_ERROR", 0)
    stopping, outcomes = threading.Event(), iter([None, LookupError(), OSError("no answer"), None])

    def poll() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    def poll_and_stop_at_the_end() -> None:
        try:
            poll()
        except StopIteration:
            stopping.set()

    keep_polling(poll_and_stop_at_the_end, stopping, LookupError, pause=0)

    assert next(outcomes, "no more") == "no more"
