"""SQS event source mappings that gather batches, and poll side by side, as Lambda does.

The emulators poll a queue with a batching window by one long receive whose remaining wait shrinks
with the square of the time passed, so a burst is cut into many small batches; without a window it
polls once a second. Lambda waits for a first message, then gathers until the batch is full or the
window has passed (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).

The emulators also poll each queue by one thread, so that a function handles one batch at a time.
Lambda handles several batches at once, up to the mapping's maximum concurrency
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). Here a mapping that has
one is polled by so many threads, but no more than a function has environments on this machine.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local_aws import emulator
from local_aws.lambda_process.turns import environments_at_once

LOG = logging.getLogger(__name__)
PAUSE_AFTER_EMPTY = 1.0  # seconds until a queue without messages is polled again
PAUSE_AFTER_ERROR = 5.0

FIRST_MESSAGE_WAIT = 5  # seconds of one long poll; a stopping mapping waits no longer than that
GATHER_WAIT = 1  # seconds of one receive while gathering


class Queue(Protocol):
    """Receives up to `limit` messages, waiting up to `seconds` for the first of them."""

    def __call__(self, limit: int, seconds: int) -> list[dict[str, Any]]: ...


def gather(
    receive: Queue,
    batch_size: int,
    window: float,
    clock: Any = time.monotonic,
    sleep: Any = time.sleep,
) -> list[dict[str, Any]]:
    """One batch: at most `batch_size` messages, gathered for at most `window` seconds.

    The window starts with the first message. Empty where no message came in time.
    """
    messages = receive(batch_size, FIRST_MESSAGE_WAIT)
    if not messages:
        return []
    deadline = clock() + window
    while len(messages) < batch_size and (left := deadline - clock()) > 0:
        if left < GATHER_WAIT:
            sleep(left)  # a receive waits whole seconds only
            messages += receive(batch_size - len(messages), 0)
        else:
            messages += receive(batch_size - len(messages), GATHER_WAIT)
    return messages


class GatheringClient:
    """The emulator's SQS client of one poller, with ReceiveMessage replaced by `gather`."""

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
        """A whole batch; the two `sqs_override` arguments are what the emulator's poller passes."""

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
            "Messages": gather(
                receive, sqs_override_max_message_count, sqs_override_wait_time_seconds or 0
            )
        }


def pollers_of(mapping: Mapping[str, Any]) -> int:
    """Give the number of threads that poll for a mapping, named as Lambda's API names its fields.

    A mapping with a batching window has one: several would split what is gathered.
    """
    if mapping.get("MaximumBatchingWindowInSeconds"):
        return 1
    most = (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or 1
    return min(int(most), environments_at_once())


def keep_polling(
    poll: Callable[[], None], stopping: threading.Event, empty: type[Exception], pause: float
) -> None:
    """Poll until `stopping` is set; `poll` raises `empty` where there was no message.

    `pause` is the seconds between two polls that found messages.
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
    """Give every SQS poller a gathering client, and every mapping its pollers."""
    mappings = "services.lambda_.event_source_mapping"
    gather_batches(emulator.part(f"{mappings}.pollers.sqs_poller").SqsPoller)
    poll_side_by_side(
        emulator.part(f"{mappings}.esm_worker"),
        emulator.part(f"{mappings}.pollers.poller").EmptyPollResultsException,
    )


def poll_side_by_side(workers: Any, empty: type[Exception]) -> None:
    """Start the other pollers beside the emulator's own, which also keeps the mapping's state."""
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
    """Have receives of every poller made from now on gather as Lambda does."""

    @emulator.part("utils.patch").patch(poller_class.__init__)  # type: ignore[untyped-decorator]
    def gathering_init(original: Any, poller: Any, *arguments: Any, **options: Any) -> None:
        original(poller, *arguments, **options)
        poller.source_client = GatheringClient(poller.source_client)
