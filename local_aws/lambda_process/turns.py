"""Limits the execution environments of a function; calls wait for one to become free.

Lambda starts an environment for each call that finds none free, and each environment has its own
processor. Here all share this machine's processors. Fifty simultaneous calls would start fifty
processes, each busy for a second before it can answer, and callers would give up before the last
process could answer.

The emulator has no such limit: `AssignmentService.get_environment` starts an environment whenever
none is ready. It also has a race: of two simultaneous calls, one may take the environment that the
other just started, and the other then fails. So the calls of a version share a fixed number of
places, and each place has one environment and serves one call at a time.

On AWS a read of the API never waits for other visitors' forms. Here, among the waiting calls, reads
go first, and a form lets later reads go first for at most WRITES_WAIT_LONGER seconds.
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

LEAST, FOR_EACH_CORE = 4, 2  # concurrent environments of a function: the minimum, and per core
UPDATES_IN_A_ROW = 5  # function updates that a waiting call survives; a deployment makes two
LOG_WRITTEN_WITHIN = 10  # seconds that a stopping version has to write its log
WRITES_WAIT_LONGER = 5.0  # seconds for which a call other than a read lets later reads go first
# Marks a read in an event of API Gateway (REST, proxy integration), without parsing the event.
READ = (b'"httpMethod": "GET"', b'"httpMethod":"GET"')


def environments_at_once() -> int:
    """Return how many execution environments of one function may run concurrently."""
    return max(LEAST, FOR_EACH_CORE * (os.cpu_count() or 1))


class VersionEndedError(Exception):
    """The function version was stopped before the call's turn; the call has not begun."""


# Seconds for which the current call lets later calls go first.
patience: ContextVar[float] = ContextVar("patience", default=WRITES_WAIT_LONGER)


def patience_of(event: bytes | None) -> float:
    """Return for how many seconds a call with this event lets later calls go first."""
    is_read = event is not None and any(written in event for written in READ)
    return 0.0 if is_read else WRITES_WAIT_LONGER


class Turns:
    """Lets at most `at_once` calls of a function version run concurrently.

    Of the waiting calls, the one with the earliest arrival time plus patience is next. So calls of
    equal patience are served in order of arrival.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._free: dict[str, list[str]] = {}
        # Heaps of (arrival plus patience by time.monotonic, order of arrival, future of the place).
        self._waiting: defaultdict[str, list[tuple[float, int, Future[str]]]] = defaultdict(list)
        self._arrivals = itertools.count()
        self._ended: dict[str, Future[None]] = {}

    @contextlib.contextmanager
    def turn(self, version: str, patience: float = 0.0) -> Iterator[str]:
        """Wait for a place and hold it until the context ends.

        Args:
            version: the id of the function version.
            patience: for how many seconds to let later calls with less patience go first.

        Yields:
            The place's name. Of several free places it is the one released last, whose environment
            is warm.

        Raises:
            VersionEndedError: if the version ends first.
        """
        place = self._ask(version, patience).result()
        try:
            yield place
        finally:
            self._give_up(version, place)

    def end(self, version: str) -> Future[None]:
        """Refuse all calls that wait for the version or arrive later.

        Returns:
            A future that is done when the version's running calls have finished.
        """
        with self._lock:
            idle = self._ended.setdefault(version, Future())
            for _, _, waiting in self._waiting.pop(version, ()):
                waiting.set_exception(VersionEndedError(version))
        self._tell_if_idle(version)
        return idle

    def places(self, version: str) -> list[str]:
        """Return the names of all places of a version."""
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
                # Inside the lock, so that no new call can take the place.
                heapq.heappop(waiting)[-1].set_result(place)
            else:
                self._free[version].append(place)
        self._tell_if_idle(version)

    def _tell_if_idle(self, version: str) -> None:
        with self._lock:
            idle = self._ended.get(version)
            free = self._free.get(version, self.places(version))
            if idle is None or len(free) < self._at_once or idle.running() or idle.done():
                return
            idle.set_running_or_notify_cancel()  # so that its result is set only once
        idle.set_result(None)  # outside the lock, because its callbacks run immediately


def install() -> None:
    """Make every call wait its turn before the emulator assigns it an execution environment."""
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
        if kind != on_demand:  # provisioned environments run already
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
        # Running calls finish and are logged, as on Lambda.
        turns.end(version.id).add_done_callback(lambda _idle: original(version))

    @patch(logs.LogHandler.stop)  # type: ignore[untyped-decorator]
    def stop_logging(original: Any, handler: Any) -> None:
        if (writer := handler._thread) is not None:  # the original would drop queued lines
            handler.log_queue.put(logs.QUEUE_SHUTDOWN)
            writer.join(LOG_WRITTEN_WITHIN)
        original(handler)

    @patch(lambda_service.invoke)  # type: ignore[untyped-decorator]
    def invoke(original: Any, service: Any, *arguments: Any, **named: Any) -> Any:
        patience.set(patience_of(named.get("payload")))
        for _ in range(UPDATES_IN_A_ROW):
            with contextlib.suppress(VersionEndedError):  # retry: a new version has replaced it
                return original(service, *arguments, **named)
        return original(service, *arguments, **named)
