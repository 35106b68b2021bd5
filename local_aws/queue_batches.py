"""Makes SQS event source mappings gather batches and poll concurrently, as Lambda does.

With a batching window, the emulators poll a queue by one long receive whose remaining wait shrinks
with the square of the elapsed time, so they cut a burst into many small batches. Without a window
they poll once a second. Lambda waits for a first message and then gathers until the batch is full
or the window has passed
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).

The emulators also poll each queue by a single thread, so a function handles one batch at a time.
Lambda handles several batches at the same time, up to the mapping's maximum concurrency
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). Here as many threads as
the maximum concurrency poll for a mapping, but no more than this machine has cores: each batch also
takes the emulator's time, for which the API waits.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local_aws import emulator

LOG = logging.getLogger(__name__)
PAUSE_AFTER_EMPTY = 1.0  # seconds until a queue without messages is polled again
PAUSE_AFTER_ERROR = 5.0

FIRST_MESSAGE_WAIT = 5  # seconds of one long poll, and so the longest that stopping a mapping takes
GATHER_WAIT = 1  # seconds of one receive while gathering


class Queue(Protocol):
    """A function that receives up to `limit` messages and waits up to `seconds` for the first."""

    def __call__(self, limit: int, seconds: int) -> list[dict[str, Any]]:
        """Receive messages in the format of SQS's API; empty if none arrived in time."""


def receive_batch(
    receive: Queue,
    batch_size: int,
    window: float,
    clock: Any = time.monotonic,
    sleep: Any = time.sleep,
) -> list[dict[str, Any]]:
    """Receive one batch of messages.

    Args:
        receive: receives messages from the queue.
        batch_size: maximum number of messages.
        window: for how many seconds after the first message to gather more.
        clock: returns the time in seconds.
        sleep: waits for a number of seconds.

    Returns:
        The messages; empty if none arrived within `FIRST_MESSAGE_WAIT` seconds.
    """
    messages = receive(batch_size, FIRST_MESSAGE_WAIT)
    if not messages:
        return []
    deadline = clock() + window
    while len(messages) < batch_size and (left := deadline - clock()) > 0:
        if left < GATHER_WAIT:
            sleep(left)  # a receive can only wait whole seconds
            messages += receive(batch_size - len(messages), 0)
        else:
            messages += receive(batch_size - len(messages), GATHER_WAIT)
    return messages


class GatheringClient:
    """The SQS client of one of the emulator's pollers; `receive_batch` replaces ReceiveMessage."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def receive_message(
        self,
        *,
        sqs_override_max_message_count: int,
        sqs_override_wait_time_seconds: int,
        **request: Any,
    ) -> dict[str, Any]:
        """Receive a whole batch; the emulator's poller passes the two `sqs_override` arguments."""

        def receive(limit: int, seconds: int) -> list[dict[str, Any]]:
            answer = self.client.receive_message(
                **request
                | {
                    "MaxNumberOfMessages": min(limit, 10),
                    "WaitTimeSeconds": seconds,
                    "sqs_override_max_message_count": limit,
                }
            )
            messages: list[dict[str, Any]] = answer.get("Messages", [])
            return messages

        return {
            "Messages": receive_batch(
                receive, sqs_override_max_message_count, sqs_override_wait_time_seconds or 0
            )
        }


def pollers_of(mapping: Mapping[str, Any]) -> int:
    """Return the number of threads that poll for a mapping.

    A mapping with a batching window has one thread: several would split a batch.

    Args:
        mapping: the event source mapping, with the field names of Lambda's API.
    """
    if mapping.get("MaximumBatchingWindowInSeconds"):
        return 1
    most = (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or 1
    return min(int(most), os.cpu_count() or 1)


def keep_polling(
    poll: Callable[[], None], stopping: threading.Event, empty: type[Exception], pause: float
) -> None:
    """Poll until `stopping` is set.

    Args:
        poll: polls once; raises `empty` if there was no message.
        stopping: ends the polling.
        empty: the class of the exception for an empty queue.
        pause: seconds to wait after a poll that found messages.
    """
    while not stopping.is_set():
        seconds = pause
        try:
            poll()
        except empty:
            seconds = PAUSE_AFTER_EMPTY
        except Exception:
            LOG.exception("a queue could not be polled")
            seconds = PAUSE_AFTER_ERROR
        stopping.wait(seconds)


def install() -> None:
    """Give every SQS poller a gathering client and every mapping its polling threads."""
    mappings = "services.lambda_.event_source_mapping"
    gather_batches(emulator.part(f"{mappings}.pollers.sqs_poller").SqsPoller)
    poll_side_by_side(
        emulator.part(f"{mappings}.esm_worker"),
        emulator.part(f"{mappings}.pollers.poller").EmptyPollResultsException,
    )


def poll_side_by_side(workers: Any, empty: type[Exception]) -> None:
    """Add polling threads to the emulator's own, which also maintains the mapping's state."""
    pause = workers.LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC

    @emulator.part("utils.patch").patch(workers.EsmWorker.poller_loop)  # type: ignore[untyped-decorator]
    def poller_loop(original: Any, worker: Any, *arguments: Any, **named: Any) -> None:
        others = [
            threading.Thread(
                target=keep_polling,
                args=(worker.poller.poll_events, worker._shutdown_event, empty, pause),
                name=f"poller-{number}-{worker.uuid}",
                daemon=True,
            )
            for number in range(1, pollers_of(worker.esm_config))
        ]
        for other in others:
            other.start()
        original(worker, *arguments, **named)
        for other in others:
            other.join()


def gather_batches(poller_class: Any) -> None:
    """Make every poller that is created from now on gather batches as Lambda does."""

    @emulator.part("utils.patch").patch(poller_class.__init__)  # type: ignore[untyped-decorator]
    def gathering_init(original: Any, poller: Any, *arguments: Any, **options: Any) -> None:
        original(poller, *arguments, **options)
        poller.source_client = GatheringClient(poller.source_client)
