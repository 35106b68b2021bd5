"""Bursts on the local AWS, for the comparison with what was measured there."""

import tomllib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import simpy

from benchmarks.simulation.crowd import SimulatedCrowd
from benchmarks.simulation.deployment import ShippedDeployment
from benchmarks.simulation.flow import SimulatedFlow, TrainedOn
from benchmarks.simulation.machines import Shared
from benchmarks.simulation.published import published_figure
from benchmarks.simulation.times import LOCAL, LOCAL_NOW, WorkTimes
from marquee.requests.visitor import Status
from operations import ROOT

CORES = 2
# The local AWS takes one batch at a time where a window gathers messages, and otherwise as many as
# there are cores (local_aws/queue_batches.py).
_POLLERS = {"submit_step": 1, "queue_results": CORES, "send_text": CORES}
# The embedded catalogue's ratings; `make flow TIMES=1` shows these numbers.
_EMBEDDED = TrainedOn(users=601, ratings=35_736)
_LONGEST = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Burst:
    """A burst that was measured.

    Attributes:
        name: what was measured.
        forms: number of forms.
        clients: clients that post one form after the other.
        trains: whether submissions train first.
        share: the share of the forms that must have ended.
        measured: seconds until then, from README.md.
        times: how long things took at the time of the measurement.
        doubled: share of the forms that were posted twice.
    """

    name: str
    forms: int
    clients: int
    trains: bool
    share: float
    measured: float
    times: WorkTimes
    doubled: float = 0.0


_TEXTED = "300 forms by 8 clients: until all are texted"
_ENDED = "seconds until 95 % had ended"
BURSTS = (
    Burst("300 forms, training", 300, 8, True, 1.0, published_figure(_TEXTED, 1), LOCAL),
    Burst("300 forms, fresh model", 300, 8, False, 1.0, published_figure(_TEXTED, 2), LOCAL),
    Burst("10,000 forms", 10_000, 16, False, 0.95, published_figure(_ENDED, 1), LOCAL_NOW, 0.05),
)


@dataclass(frozen=True, slots=True)
class BurstOutcome:
    """What a burst did.

    Attributes:
        seconds: seconds until the share of the forms had ended.
        steps: recommend steps.
        texted: visitors who were texted.
        twice: visitors who were texted more than once.
    """

    seconds: float
    steps: int
    texted: int
    twice: int


def local_deployment() -> ShippedDeployment:
    """Return the settings of a local deployment (`sam/parameters/local.toml`)."""
    given = tomllib.loads((ROOT / "sam" / "parameters" / "local.toml").read_text())
    return ShippedDeployment({name: str(value) for name, value in given.items()})


def simulate(burst: Burst, seed: int = 1, cores: int = CORES) -> BurstOutcome:
    """Simulate a burst on the local AWS, on a machine with this many cores."""
    env = simpy.Environment()
    crowd = SimulatedCrowd(burst.forms)
    flow = SimulatedFlow(
        env,
        local_deployment(),
        burst.times,
        Shared(env, cores, step_threads=CORES),
        crowd,
        _EMBEDDED,
        seed=seed,
        throttled=False,
        pollers=_POLLERS,
        keeps_fresh=not burst.trains,
    )
    forms = iter(range(burst.forms))
    for _ in range(burst.clients):
        env.process(_post(flow, forms, burst))
    needed = round(burst.share * burst.forms)
    while crowd.texted < needed and env.now < _LONGEST:
        env.step()
    twice = int((crowd.texts > 1).sum())
    return BurstOutcome(float(env.now), flow.made, crowd.count(Status.TEXTED), twice)


def _post(flow: SimulatedFlow, forms: Iterator[int], burst: Burst) -> Generator[simpy.Event, Any]:
    """Post one form after the other; some come twice, which costs time and changes nothing."""
    for number in forms:
        again = burst.doubled and number % round(1 / burst.doubled) == 0
        for _ in range(2 if again else 1):
            yield from flow.machine.work(flow.times.form)
        flow.receive(1)
