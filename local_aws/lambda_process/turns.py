"""Calls of a function that wait for an execution environment, instead of each starting one.

Lambda starts an environment for a call that finds none free, and each brings its own processor.
Here they share this machine's: fifty calls at once would start fifty processes, each busy for a
second before it can answer, and callers would give up before the last of them could. The emulator
has no such limit (`AssignmentService.get_environment` starts one whenever none is ready), and of
two calls that choose at once, one may take what the other has just started, which then fails. So
each place of a version holds one environment and serves one call at a time.

On AWS a read of the API never waits for other visitors' forms. Here, among the calls that wait,
reads go first, and a form waits for later reads for WRITES_WAIT_LONGER seconds at most.
"""

import contextlib
import heapq
import itertools
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any

from local_aws import emulator

LEAST, FOR_EACH_CORE = 4, 2  # environments of a function at once
UPDATES_IN_A_ROW = 5  # that a waiting call outlives; a deployment makes two of a function
LOG_WRITTEN_WITHIN = 10  # seconds, of a version that stops
WRITES_WAIT_LONGER = 5.0  # seconds for which a call that is no read lets later reads go first
# How the event of API Gateway (REST, proxy integration) names a read, without parsing its body.
READ = (b'"httpMethod": "GET"', b'"httpMethod":"GET"')


def environments_at_once() -> int:
    """How many environments of one function this machine runs side by side."""
    return max(LEAST, FOR_EACH_CORE * (os.cpu_count() or 1))


class VersionEndedError(Exception):
    """The function version was stopped before the call's turn came: the call has not begun."""


# Seconds for which the call that this context makes lets calls that come later go first.
patience: ContextVar[float] = ContextVar("patience", default=WRITES_WAIT_LONGER)


def patience_of(event: bytes | None) -> float:
    """Give the seconds for which a call with this event lets later calls go first."""
    is_read = event is not None and any(written in event for written in READ)
    return 0.0 if is_read else WRITES_WAIT_LONGER


class Turns:
    """Lets so many calls of a function version go ahead at once.

    Of those that wait, the one whose arrival and patience end first is next: calls of the same
    patience are served in their order.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._free: dict[str, list[str]] = {}
        # Heaps of (latest turn by time.monotonic, order of arrival, what is told the place).
        self._waiting: defaultdict[str, list[tuple[float, int, Future[str]]]] = defaultdict(list)
        self._arrivals = itertools.count()
        self._ended: dict[str, Future[None]] = {}

    @contextlib.contextmanager
    def turn(self, version: str, patience: float = 0.0) -> Iterator[str]:
        """Wait for a place, and give it up at the end, however the call ends.

        Args:
            version: of the function.
            patience: seconds for which calls that come later and have less of it go first.

        Gives the place's name: of the free ones that which was given up last, since it is warm.
        Raises VersionEndedError where the version ends first.
        """
        place = self._ask(version, patience).result()
        try:
            yield place
        finally:
            self._give_up(version, place)

    def end(self, version: str) -> Future[None]:
        """Send away all who wait for the version, or come later.

        What it returns is done when the calls that are at it have finished.
        """
        with self._lock:
            idle = self._ended.setdefault(version, Future())
            for _, _, waiting in self._waiting.pop(version, ()):
                waiting.set_exception(VersionEndedError(version))
        self._tell_if_idle(version)
        return idle

    def places(self, version: str) -> list[str]:
        """The names of all places of a version."""
        return [f"{version}/{number}" for number in range(self._at_once)]

    def _ask(self, version: str, patience: float) -> Future[str]:
        asked: Future[str] = Future()
        with self._lock:
            if version in self._ended:
                asked.set_exception(VersionEndedError(version))
            elif free := self._free.setdefault(version, self.places(version)):
                asked.set_result(free.pop())
            else:
                turn = (time.monotonic() + patience, next(self._arrivals), asked)
                heapq.heappush(self._waiting[version], turn)
        return asked

    def _give_up(self, version: str, place: str) -> None:
        with self._lock:
            if waiting := self._waiting.get(version):
                heapq.heappop(waiting)[-1].set_result(place)  # no newcomer comes in between
            else:
                self._free[version].append(place)
        self._tell_if_idle(version)

    def _tell_if_idle(self, version: str) -> None:
        with self._lock:
            idle = self._ended.get(version)
            free = self._free.get(version, self.places(version))
            if idle is None or len(free) < self._at_once or idle.running() or idle.done():
                return
            idle.set_running_or_notify_cancel()  # so that it is told once
        idle.set_result(None)  # without the lock: who waits for it acts at once


def install() -> None:
    """Have every call that the emulator assigns an environment to wait its turn."""
    invocation = "services.lambda_.invocation"
    patch = emulator.part("utils.patch").patch
    assignment = emulator.part(f"{invocation}.assignment").AssignmentService
    on_demand = emulator.part(f"{invocation}.lambda_models").InitializationType.on_demand
    lambda_service = emulator.part(f"{invocation}.lambda_service").LambdaService
    logs = emulator.part(f"{invocation}.logs")
    version_manager = emulator.part(f"{invocation}.version_manager").LambdaVersionManager

    turns = Turns(environments_at_once())

    @patch(assignment.get_environment)  # type: ignore[untyped-decorator]
    @contextlib.contextmanager
    def get_environment(
        original: Any, service: Any, version: str, settings: Any, kind: Any
    ) -> Iterator[Any]:
        if kind != on_demand:  # those were started beforehand
            with original(service, version, settings, kind) as environment:
                yield environment
            return
        with (
            turns.turn(version, patience.get()) as place,
            original(service, place, settings, kind) as environment,
        ):
            yield environment

    @patch(assignment.stop_environments_for_version)  # type: ignore[untyped-decorator]
    def stop_environments_for_version(original: Any, service: Any, version: str) -> None:
        for each in (version, *turns.places(version)):
            original(service, each)

    @patch(version_manager.stop)  # type: ignore[untyped-decorator]
    def stop(original: Any, version: Any) -> None:
        # calls that are at it finish and are logged, as on Lambda
        turns.end(version.id).add_done_callback(lambda _idle: original(version))

    @patch(logs.LogHandler.stop)  # type: ignore[untyped-decorator]
    def stop_logging(original: Any, handler: Any) -> None:
        if (writer := handler._thread) is not None:  # it would drop what is still queued
            handler.log_queue.put(logs.QUEUE_SHUTDOWN)
            writer.join(LOG_WRITTEN_WITHIN)
        original(handler)

    @patch(lambda_service.invoke)  # type: ignore[untyped-decorator]
    def invoke(original: Any, service: Any, *arguments: Any, **named: Any) -> Any:
        patience.set(patience_of(named.get("payload")))
        for _ in range(UPDATES_IN_A_ROW):
            with contextlib.suppress(VersionEndedError):  # ask the version that took its place
                return original(service, *arguments, **named)
        return original(service, *arguments, **named)
