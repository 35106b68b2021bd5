"""Delivers SQS messages twice or late on request, as AWS's standard queues sometimes do.

"Occasionally, one of the servers that stores a copy of a message might be unavailable … you might
get that message copy again"
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html).

POST   /_marquee/deliveries   disturb messages sent from now on (JSON, the fields of `Disturbance`)
GET    /_marquee/deliveries   return how many messages were delivered twice and how many late
DELETE /_marquee/deliveries   stop the disturbance and reset the counts
"""

import copy
import json
import random
import threading
from dataclasses import asdict, dataclass, fields
from typing import Any

from local_aws import emulator

PATH = "/_marquee/deliveries"
DEAD_LETTERS = "-dead-letters"
MOST_SECONDS = 900  # the maximum of DelaySeconds in SQS


class DisturbanceError(ValueError):
    """A disturbance has an invalid field; the message names it."""


@dataclass(frozen=True)
class Disturbance:
    """What share of the messages is disturbed, and how.

    Args:
        doubled: share of messages that are delivered a second time, from 0 to 1.
        delayed: share of messages that are delivered late, from 0 to 1. No message is both doubled
            and delayed, so the two shares may add up to 1 at most.
        seconds: upper limit of the delay of a second or late delivery, in whole seconds from 1 to
            900.
        seed: seed of the random choices.
    """

    doubled: float = 0.0
    delayed: float = 0.0
    seconds: int = 20
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("doubled", "delayed"):
            share = getattr(self, name)
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise DisturbanceError(f"{name} must be a share from 0 to 1, not {share!r}")
        if self.doubled + self.delayed > 1:
            raise DisturbanceError("doubled and delayed must add up to at most 1")
        if not isinstance(self.seconds, int) or not 1 <= self.seconds <= MOST_SECONDS:
            raise DisturbanceError(
                f"seconds must be a whole number from 1 to {MOST_SECONDS}, not {self.seconds!r}"
            )


def parse_disturbance(body: bytes) -> Disturbance:
    """Return the disturbance in a request's JSON body.

    Raises:
        DisturbanceError: if the body is invalid; the message names the problem.
    """
    try:
        given = json.loads(body)
    except ValueError as error:
        raise DisturbanceError(f"a disturbance must be a JSON object, not {body[:80]!r}") from error
    if not isinstance(given, dict):
        raise DisturbanceError(f"a disturbance must be a JSON object, not {given!r}")
    if unknown := given.keys() - {known.name for known in fields(Disturbance)}:
        raise DisturbanceError(f"unknown field {', '.join(sorted(unknown))} in a disturbance")
    return Disturbance(**given)


class Deliveries:
    """Decides when each sent message is delivered; shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.disturb(Disturbance())

    def disturb(self, disturbance: Disturbance) -> None:
        """Replace the disturbance, for messages that are sent from now on.

        The counts of messages delivered twice and delivered late start again at 0. The random
        choices start again from the new disturbance's seed.
        """
        with self._lock:
            self._disturbance = disturbance
            self._chance = random.Random(disturbance.seed)  # noqa: S311  no secret
            self._doubled = self._delayed = 0

    def counted(self) -> dict[str, Any]:
        """Return the current disturbance and the counts of disturbed messages, as JSON."""
        with self._lock:
            counts = {"messages_doubled": self._doubled, "messages_delayed": self._delayed}
            return asdict(self._disturbance) | counts

    def of_message(self, queue: str) -> list[int | None]:
        """Return the deliveries of one message that is sent to `queue`.

        Dead letters are never disturbed: only an operator reads them.

        Returns:
            One entry for each delivery: None for a delivery as the sender requested it, otherwise
            the delay in seconds.
        """
        with self._lock:
            drawn = self._chance.random()
            disturbance = self._disturbance
            if queue.endswith(DEAD_LETTERS) or drawn >= disturbance.doubled + disturbance.delayed:
                return [None]
            seconds = self._chance.randint(1, disturbance.seconds)
            if drawn < disturbance.doubled:
                self._doubled += 1
                return [None, seconds]
            self._delayed += 1
            return [seconds]


DELIVERIES = Deliveries()


def serve_endpoint() -> None:
    """Serve the endpoint that tests use."""
    http = emulator.part("http")

    @http.route(PATH, methods=["GET", "POST", "DELETE"])  # type: ignore[untyped-decorator]
    def deliveries(request: Any) -> Any:
        if request.method == "POST":
            try:
                DELIVERIES.disturb(parse_disturbance(request.get_data()))
            except DisturbanceError as error:
                return http.Response.for_json({"error": str(error)}, status=400)
        elif request.method == "DELETE":
            DELIVERIES.disturb(Disturbance())
        return http.Response.for_json(DELIVERIES.counted())

    emulator.part("services.edge").ROUTER.add(deliveries)


def install() -> None:
    """Serve the endpoint, and let `DELIVERIES` decide about each message of a standard queue."""
    queues = emulator.part("services.sqs.models")

    @emulator.part("utils.patch").patch(queues.StandardQueue.put)  # type: ignore[untyped-decorator]
    def put(original: Any, queue: Any, message: Any, **how: Any) -> Any:
        sent = None
        for seconds in DELIVERIES.of_message(queue.name):
            delay = {} if seconds is None else {"delay_seconds": seconds}
            # A queue records receives in the message's attributes, so each delivery needs a copy.
            put_now = original(queue, message=copy.deepcopy(message), **how | delay)
            sent = sent or put_now
        return sent

    serve_endpoint()
