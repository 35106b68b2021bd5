"""Forms at the API: what API Gateway, Lambda and DynamoDB accept in a second."""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from benchmarks.simulation.flow import SimulatedFlow
from benchmarks.simulation.quotas import API_CALLS, LAMBDA
from benchmarks.simulation.stopwatch import CallAllowance

_TICK = 1.0


@dataclass
class FormsAtTheApi:
    """Visitors who send forms, and send them again a second later if they are refused.

    A second is handled at a time. Every visitor has a network of their own, so the limits of one
    network do not apply.

    Attributes:
        flow: the deployment.
        rate: forms a second on average, at random times.
        until: when the last form is sent for the first time, in seconds.
        at_once: forms that are sent at the beginning.
        patience: seconds for which a visitor tries again.
        seed: of the random times.
        offered: forms that were sent.
        refused: forms whose visitors have given up.
        peak: the most forms that were accepted in a second.
        waited: the longest time until a form was accepted, in seconds.
    """

    flow: SimulatedFlow
    rate: float
    until: float
    at_once: int = 0
    patience: float = 300.0
    seed: int = 1
    offered: int = 0
    refused: int = 0
    peak: int = 0
    waited: float = 0.0
    _trying: deque[tuple[float, int]] = field(default_factory=deque)

    def run(self, env: simpy.Environment) -> Generator[simpy.Event, Any]:
        """Send the forms."""
        shipped, chance = self.flow.shipped, np.random.default_rng(self.seed)
        limits = (
            CallAllowance(shipped.number("FormsASecond"), shipped.number("FormsAtOnce")),
            CallAllowance(API_CALLS.rate, API_CALLS.burst),
            CallAllowance(LAMBDA.most / self.flow.times.form, LAMBDA.most / self.flow.times.form),
            self.flow.received_index,
        )
        self._send(self.at_once, env.now)
        while env.now < self.until or self._trying:
            if env.now < self.until:
                self._send(int(chance.poisson(self.rate * _TICK)), env.now)
            if not self._trying:
                yield env.timeout(_TICK)
                continue
            room = int(min(limit.available(env.now) for limit in limits))
            accepted = self._accept(env.now, room)
            for limit in limits:
                limit.use(env.now, accepted)
            if accepted:
                self.peak = max(self.peak, accepted)
                self.flow.receive(accepted)
            yield env.timeout(_TICK)

    def _send(self, count: int, now: float) -> None:
        if count:
            self.offered += count
            self._trying.append((now, count))

    def _accept(self, now: float, room: int) -> int:
        while self._trying and now - self._trying[0][0] > self.patience:
            self.refused += self._trying.popleft()[1]
        accepted = 0
        while room > accepted and self._trying:
            since, count = self._trying[0]
            taken = min(count, room - accepted)
            accepted += taken
            self.waited = max(self.waited, now - since)
            if taken == count:
                self._trying.popleft()
            else:
                self._trying[0] = (since, count - taken)
        return accepted
