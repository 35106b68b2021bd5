"""SQS event source mappings that gather batches as Lambda does.

The emulators poll a queue with a batching window by one long receive whose remaining wait shrinks
with the square of the time passed, so a burst is cut into many small batches; without a window it
polls once a second. Lambda waits for a first message, then gathers until the batch is full or the
window has passed (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
"""

import time
from typing import Any, Protocol

from local_aws import emulator

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


def install() -> None:
    """Give every SQS poller that the emulator makes a gathering client."""
    pollers = emulator.part("services.lambda_.event_source_mapping.pollers.sqs_poller")

    @emulator.part("utils.patch").patch(pollers.SqsPoller.__init__)  # type: ignore[untyped-decorator]
    def gathering_init(original: Any, poller: Any, *arguments: Any, **options: Any) -> None:
        original(poller, *arguments, **options)
        poller.source_client = GatheringClient(poller.source_client)
