"""The EMR cluster: limits on its calls, and steps that run one after the other."""

import random
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import simpy

from benchmarks.simulation.machines import Machine
from benchmarks.simulation.quotas import EMR_ADD, EMR_ALL, EMR_LIST, EMR_STEPS
from benchmarks.simulation.stopwatch import CallAllowance, Stopwatch, seconds_at
from marquee.requests.emr_step_requests import StepRequest
from marquee.requests.ports import StepState

# As in `marquee.aws.wiring`: the client that reads states tries six times, the one that adds once.
_READ_TRIES = 6
_LONGEST_BACKOFF = 20.0  # seconds; botocore's standard mode
_LISTED_AT_ONCE = 50  # steps on a page of ListSteps
_MOST_PAGES = 10


class EmrRefusedError(Exception):
    """EMR refused a call, or did not answer."""


@dataclass(slots=True)
class SimulatedStep:
    """A step of the cluster; `added` is when, in seconds."""

    name: str
    added: float
    state: StepState = StepState.PENDING


@dataclass
class SimulatedCluster:
    """Implements `requests.ports.Cluster`.

    Attributes:
        env: the simulation.
        stopwatch: adds up the seconds of calls.
        machine: what the steps run on.
        chance: the random delays of repeated calls.
        concurrency: steps that run at the same time.
        call_seconds: seconds of a call.
        seconds_of: returns how long a step takes, by its name.
        is_poisoned: whether a step fails, by its name.
        ended: called when a step has ended.
        outage: from when until when EMR is out of order, in seconds.
        calls: number of calls of each operation.
        throttles: whether EMR limits calls; the local AWS does not.
        throttled: number of those that EMR refused, because there were too many.
        by_minute: number of calls by operation and minute.
        steps: all steps, in the order in which they were added.
        busy_seconds: seconds for which steps ran.
    """

    env: simpy.Environment
    stopwatch: Stopwatch
    machine: Machine
    chance: random.Random
    concurrency: int
    call_seconds: float
    seconds_of: Callable[[str], float]
    is_poisoned: Callable[[str], bool]
    ended: Callable[[SimulatedStep], None]
    outage: tuple[float, float] = (float("inf"), float("inf"))
    throttles: bool = True
    calls: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    by_minute: Counter[tuple[str, int]] = field(default_factory=Counter)
    steps: list[SimulatedStep] = field(default_factory=list)
    busy_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._buckets = {
            quota.name: CallAllowance(quota.rate, quota.burst) for quota in (EMR_ADD, EMR_LIST)
        }
        self._all = CallAllowance(EMR_ALL.rate, EMR_ALL.burst)
        self._pending: deque[SimulatedStep] = deque()
        self._active: list[SimulatedStep] = []
        self._added = self.env.event()
        for _ in range(self.concurrency):
            self.env.process(self._run())

    # The port

    def add(self, steps: Sequence[StepRequest]) -> list[str]:
        """Add steps; raises EmrRefusedError if EMR refuses the call."""
        self._call(EMR_ADD.name, tries=1)
        if len(self._active) + len(steps) > EMR_STEPS.most:
            raise EmrRefusedError(f"more than {EMR_STEPS.most} steps are pending or running")
        for request in steps:
            step = SimulatedStep(str(request["Name"]), self.stopwatch.now)
            self.steps.append(step)
            self._active.append(step)
            self._pending.append(step)
        if not self._added.triggered:
            self._added.succeed()
        return [step.name for step in self.steps[-len(steps) :]]

    def active_step_names(self) -> list[str]:
        """Return the names of pending and running steps, newest first."""
        self._list(len(self._active))
        return [step.name for step in reversed(self._active)]

    def step_states(
        self, names: Iterable[str], since: datetime | None = None
    ) -> dict[str, StepState]:
        """Return the states of the named steps among the newest 500."""
        wanted, begin = set(names), seconds_at(since) if since else 0.0
        newest = self.steps[-_LISTED_AT_ONCE * _MOST_PAGES :]
        found: dict[str, StepState] = {}
        looked = 0
        for step in reversed(newest):
            looked += 1
            if step.added < begin:
                break
            if step.name in wanted:
                found.setdefault(step.name, step.state)
        self._list(looked)
        return found

    def peak_a_minute(self, operation: str) -> int:
        """Return the most calls of an operation in one minute."""
        return max((n for (name, _), n in self.by_minute.items() if name == operation), default=0)

    def _list(self, steps: int) -> None:
        for _ in range(max(1, -(-steps // _LISTED_AT_ONCE))):
            self._call(EMR_LIST.name, tries=_READ_TRIES)

    def _call(self, operation: str, tries: int) -> None:
        for attempt in range(tries):
            if attempt:
                wait = min(2.0**attempt, _LONGEST_BACKOFF) * self.chance.random()
                self.stopwatch.spend(wait)
            self.calls[operation] += 1
            self.by_minute[operation, int(self.stopwatch.now // 60)] += 1
            self.stopwatch.spend(self.call_seconds)
            now = self.stopwatch.now
            if self.outage[0] <= now < self.outage[1]:
                continue
            if not self.throttles:
                return
            if self._all.take(now) and self._buckets[operation].take(now):
                return
            self.throttled[operation] += 1
        raise EmrRefusedError(f"{operation} was refused {tries} times")

    # Running steps

    def _run(self) -> Generator[simpy.Event, Any]:
        while True:
            while not self._pending:
                if self._added.triggered:
                    self._added = self.env.event()
                yield self._added
            if self.outage[0] <= self.env.now < self.outage[1]:
                yield self.env.timeout(self.outage[1] - self.env.now)
            step = self._pending.popleft()
            step.state = StepState.RUNNING
            began, seconds = self.env.now, self.seconds_of(step.name)
            broken = began < self.outage[0] < began + seconds
            if broken:
                yield self.env.timeout(self.outage[0] - began)
            else:
                yield from self.machine.step(seconds)
            self.busy_seconds += self.env.now - began
            failed = broken or self.is_poisoned(step.name)
            step.state = StepState.FAILED if failed else StepState.COMPLETED
            self._active.remove(step)
            self.ended(step)
