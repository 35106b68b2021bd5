"""What the functions and steps run on."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Protocol

import simpy

type SimulatedProcess = Generator[simpy.Event, Any]

_SLICE = 0.2  # seconds of processor time after which another process gets its turn


class Machine(Protocol):
    """Lets work take its time."""

    def work(self, seconds: float) -> SimulatedProcess:
        """Work for this many seconds of one processor."""

    def step(self, seconds: float) -> SimulatedProcess:
        """Run an EMR step that takes this many seconds when nothing else runs."""


@dataclass(frozen=True, slots=True)
class Ample:
    """AWS: each function and the cluster have processors of their own."""

    env: simpy.Environment

    def work(self, seconds: float) -> SimulatedProcess:
        """Let the time pass."""
        yield self.env.timeout(seconds)

    def step(self, seconds: float) -> SimulatedProcess:
        """Let the time pass."""
        yield self.env.timeout(seconds)


@dataclass(slots=True)
class Shared:
    """The local AWS: everything shares the cores of one machine.

    Attributes:
        env: the simulation.
        cores: the machine's cores.
        step_threads: cores that a step keeps busy.
    """

    env: simpy.Environment
    cores: int
    step_threads: int
    _cores: simpy.Resource = field(init=False)

    def __post_init__(self) -> None:
        self._cores = simpy.Resource(self.env, self.cores)

    def work(self, seconds: float) -> SimulatedProcess:
        """Use one core, in slices, so that everybody gets an equal share."""
        while seconds > 0:
            with self._cores.request() as core:
                yield core
                used = min(seconds, _SLICE)
                yield self.env.timeout(used)
            seconds -= used

    def step(self, seconds: float) -> SimulatedProcess:
        """Use several cores at the same time."""
        threads = [self.env.process(self.work(seconds)) for _ in range(self.step_threads)]
        yield self.env.all_of(threads)
