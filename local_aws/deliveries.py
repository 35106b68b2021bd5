"""Messages that SQS delivers twice or late, as its standard queues may.

"Occasionally, one of the servers that stores a copy of a message might be unavailable … you might
get that message copy again"
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html).

POST   /_marquee/deliveries   disturb what is sent from now on (JSON, the fields of `Disturbance`)
GET    /_marquee/deliveries   how many messages were delivered twice, how many late
DELETE /_marquee/deliveries   disturb no more, and forget the counts
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
MOST_SECONDS = 900  # DelaySeconds of SQS


class DisturbanceError(ValueError):
    """A disturbance that makes no sense; the message names the field."""


@dataclass(frozen=True)
class Disturbance:
    """Which share of the messages is disturbed, and how.

    Args:
        doubled: share of the messages that are delivered a second time, from 0 to 1.
        delayed: share of the messages that are delivered late, from 0 to 1; none is both.
        seconds: a second or late delivery comes within so many seconds, at most 900.
        seed: of what is chosen at random.
    """

    doubled: float = 0.0
    delayed: float = 0.0
    seconds: int = 20
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("doubled", "delayed"):
            share = getattr(self, name)
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise DisturbanceError(f"{name} is a share from 0 to 1, not {share!r}")
        if self.doubled + self.delayed > 1:
            raise DisturbanceError("doubled and delayed are more than 1 together")
        if not isinstance(self.seconds, int) or not 1 <= self.seconds <= MOST_SECONDS:
            raise DisturbanceError(
                f"seconds is a whole number from 1 to {MOST_SECONDS}, not {self.seconds!r}"
            )


def parse(body: bytes) -> Disturbance:
    """A disturbance from a request's JSON; raises DisturbanceError naming what is wrong."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise DisturbanceError(f"a disturbance is a JSON object, not {body[:80]!r}") from error
    if not isinstance(given, dict):
        raise DisturbanceError(f"a disturbance is a JSON object, not {given!r}")
    if unknown := given.keys() - {known.name for known in fields(Disturbance)}:
        raise DisturbanceError(f"unknown field {', '.join(sorted(unknown))} in a disturbance")
    return Disturbance(**given)


class Deliveries:
    """Decides for each message that is sent when it is delivered; shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.disturb(Disturbance())

    def disturb(self, disturbance: Disturbance) -> None:
        """Begin anew, with other shares and counts of 0."""
        with self._lock:
            self._disturbance = disturbance
            self._chance = random.Random(disturbance.seed)  # noqa: S311  no secret
            self._doubled = self._delayed = 0

    def counted(self) -> dict[str, Any]:
        """What is disturbed, and how many messages were, as JSON."""
        with self._lock:
            counts = {"messages_doubled": self._doubled, "messages_delayed": self._delayed}
            return asdict(self._disturbance) | counts

    def of_message(self, queue: str) -> list[int | None]:
        """Give each delivery of a message sent to `queue`: None for as asked, or seconds of delay.

        Dead letters are delivered as they come: nobody but an operator reads them.
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
                DELIVERIES.disturb(parse(request.get_data()))
            except DisturbanceError as error:
                return http.Response.for_json({"error": str(error)}, status=400)
        elif request.method == "DELETE":
            DELIVERIES.disturb(Disturbance())
        return http.Response.for_json(DELIVERIES.counted())

    emulator.part("services.edge").ROUTER.add(deliveries)


def install() -> None:
    """Serve the endpoint, and ask for every message that is put into a standard queue."""
    queues = emulator.part("services.sqs.models")

    @emulator.part("utils.patch").patch(queues.StandardQueue.put)  # type: ignore[untyped-decorator]
    def put(original: Any, queue: Any, message: Any, **how: Any) -> Any:
        sent = None
        for seconds in DELIVERIES.of_message(queue.name):
            delay = {} if seconds is None else {"delay_seconds": seconds}
            # A queue notes in the message's attributes who received it: each delivery has its own.
            put_now = original(queue, message=copy.deepcopy(message), **how | delay)
            sent = sent or put_now
        return sent

    serve_endpoint()
