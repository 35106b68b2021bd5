"""SQS queues, and Lambda's event source mappings that read them."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import simpy

from benchmarks.simulation.crowd import IdSpan
from benchmarks.simulation.machines import SimulatedProcess

type BatchWork = Generator[simpy.Event, Any, "list[Letter]"]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message for each visitor of a span.

    Attributes:
        low: the first visitor.
        high: the visitor after the last one.
        receives: how often the messages were received without success.
        about: what else the message says; such a letter is a single message.
    """

    low: int
    high: int
    receives: int = 0
    about: Any = None

    @property
    def count(self) -> int:
        """The number of messages."""
        return self.high - self.low

    @property
    def span(self) -> IdSpan:
        """The visitors."""
        return (self.low, self.high)


@dataclass
class SimulatedQueue:
    """A queue with its dead letters.

    Attributes:
        env: the simulation.
        name: the queue's name.
        visibility: seconds until a message that was not deleted is delivered again.
        most_receives: deliveries after which a message becomes a dead letter.
        most_in_flight: messages that may be received and not deleted at the same time.
        dead: dead letters.
        sent: messages sent.
        deepest: the most messages that waited at the same time, delayed ones included.
        flown: the most messages that were in flight at the same time.
        requests: calls to SQS that send, receive and delete, at most ten messages each.
    """

    env: simpy.Environment
    name: str
    visibility: float
    most_receives: int
    most_in_flight: int
    dead: list[Letter] = field(default_factory=list)
    sent: int = 0
    deepest: int = 0
    flown: int = 0
    requests: float = 0.0
    _visible: deque[Letter] = field(default_factory=deque)
    _count: int = 0
    _delayed: int = 0
    _in_flight: int = 0
    _arrived: simpy.Event | None = None

    def send(self, span: IdSpan, delay: float = 0.0, about: Any = None) -> None:
        """Send a message for each visitor of the span; they are delivered after `delay` seconds."""
        letter = Letter(*span, about=about)
        self.sent += letter.count
        self.requests += -(-letter.count // 10)
        if delay:
            self._delayed += letter.count
            self._later(delay, letter, self._show_delayed)
        else:
            self._show(letter)
        self.deepest = max(self.deepest, self.waiting + self._delayed)

    @property
    def waiting(self) -> int:
        """The messages that can be received now."""
        return self._count

    @property
    def unsettled(self) -> int:
        """The messages that wait, are delayed or are in flight."""
        return self._count + self._delayed + self._in_flight

    def take(self, most: int) -> list[Letter]:
        """Receive up to `most` messages; they are in flight until `settle`."""
        most = min(most, self.most_in_flight - self._in_flight)
        taken: list[Letter] = []
        while most > 0 and self._visible:
            letter = self._visible.popleft()
            if letter.count > most:
                cut = letter.low + most
                self._visible.appendleft(replace(letter, low=cut))
                letter = replace(letter, high=cut)
            most -= letter.count
            taken.append(letter)
        count = sum(letter.count for letter in taken)
        self._count -= count
        self._in_flight += count
        self.flown = max(self.flown, self._in_flight)
        self.requests += 2 * -(-count // 10)
        return taken

    def settle(self, taken: Sequence[Letter], failed: Sequence[Letter], received: float) -> None:
        """Delete the messages that were taken at `received`, except those that failed.

        A failed message is delivered again when its visibility time-out has passed, or becomes a
        dead letter.
        """
        kept = sum(letter.count for letter in failed)
        self._in_flight -= sum(letter.count for letter in taken) - kept
        for letter in failed:
            wait = max(0.0, received + self.visibility - self.env.now)
            self._later(wait, replace(letter, receives=letter.receives + 1), self._show_again)

    def arrival(self) -> simpy.Event:
        """Return an event that occurs when a message can be received."""
        if self._arrived is None or self._arrived.triggered:
            self._arrived = self.env.event()
            if self._count:
                self._arrived.succeed()
        return self._arrived

    def _later(self, delay: float, letter: Letter, show: Callable[[Letter], None]) -> None:
        timeout = self.env.timeout(delay)
        timeout.callbacks.append(lambda _event: show(letter))

    def _show_delayed(self, letter: Letter) -> None:
        self._delayed -= letter.count
        self._show(letter)

    def _show_again(self, letter: Letter) -> None:
        self._in_flight -= letter.count
        if letter.receives >= self.most_receives:
            self.dead.append(letter)
        else:
            self._show(letter)

    def _show(self, letter: Letter) -> None:
        self._visible.append(letter)
        self._count += letter.count
        if self._arrived is not None and not self._arrived.triggered:
            self._arrived.succeed()


_BACKLOG = 4  # batches for each of the concurrent ones, per batch that is handled in a row


@dataclass(frozen=True, slots=True)
class EventSource:
    """Lambda's mapping of a queue to a function.

    Attributes:
        queue: the queue.
        batch_size: the most messages of a batch.
        window: seconds for which a batch is gathered after its first message.
        concurrency: batches that are processed at the same time.
        most_runs: with a long backlog, so many batches in a row are handled as one. They take as
            long, but the simulation has fewer events.
    """

    queue: SimulatedQueue
    batch_size: int
    window: float
    concurrency: int
    most_runs: int = 1

    def start(self, env: simpy.Environment, handle: Callable[[list[Letter]], BatchWork]) -> None:
        """Begin to call `handle` with batches; it returns the messages that failed."""
        turn = simpy.Resource(env, 1)
        for _ in range(self.concurrency):
            env.process(self._poll(env, turn, handle))

    def _poll(
        self,
        env: simpy.Environment,
        turn: simpy.Resource,
        handle: Callable[[list[Letter]], BatchWork],
    ) -> SimulatedProcess:
        while True:
            with turn.request() as mine:
                yield mine
                received, letters = env.now, list[Letter]()
                while not letters:
                    yield self.queue.arrival()
                    received, letters = env.now, self.queue.take(self._size())
                    if not letters:  # too many messages are in flight
                        yield env.timeout(1.0)
                yield from self._gather(env, letters)
            failed = yield from handle(letters)
            self.queue.settle(letters, failed, received)

    def _size(self) -> int:
        """Return how many messages to take: one batch, or several with a long backlog."""
        runs = self.queue.waiting // (_BACKLOG * self.batch_size * self.concurrency)
        return self.batch_size * max(1, min(self.most_runs, runs))

    def _gather(self, env: simpy.Environment, letters: list[Letter]) -> SimulatedProcess:
        ends = env.now + self.window
        size = sum(letter.count for letter in letters)
        while size < self.batch_size and env.now < ends:
            yield self.queue.arrival() | env.timeout(ends - env.now)
            more = self.queue.take(self.batch_size - size)
            size += sum(letter.count for letter in more)
            letters += more
            if not more and self.queue.waiting:  # too many messages are in flight
                return
