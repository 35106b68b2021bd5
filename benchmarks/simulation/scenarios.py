"""The loads that are simulated."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from benchmarks.simulation.api import FormsAtTheApi
from benchmarks.simulation.crowd import SimulatedCrowd
from benchmarks.simulation.deployment import ShippedDeployment
from benchmarks.simulation.flow import SimulatedFlow, TrainedOn
from benchmarks.simulation.machines import Ample
from benchmarks.simulation.outcome import LoadOutcome, outcome_of
from benchmarks.simulation.quotas import SNS_TEXTS
from benchmarks.simulation.times import AWS, WorkTimes

HOUR = 3600.0
DAY = 24 * HOUR
# The settings that a deployment for many visitors needs in any case: as many forms and texts as
# API Gateway's quota and the template allow. All others are the template's defaults.
OPEN = {
    "FormsASecond": "10000",
    "FormsAtOnce": "5000",
    "TextsADayInAll": "1000000",
}
SMALL = TrainedOn(users=601, ratings=35_736)  # the embedded catalogue
LARGE = TrainedOn(users=138_493, ratings=20_000_263)  # of the size of MovieLens 20M


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load.

    Attributes:
        name: a short name, which --only takes.
        title: what happens, for tables.
        rate: forms a second.
        hours: for how many hours forms are sent.
        drain: hours after that, at the end of which the simulation stops.
        at_once: forms at the beginning.
        changed: parameters of the template.
        data: what the first model was trained on.
        keeps_fresh: whether the model never becomes stale, so that no submission trains.
        patience: seconds for which a visitor sends a refused form again.
        train_seconds: seconds of each training; None to compute them.
        train_at: when the operator trains, in seconds; None for never.
        poisoned: numbers of the submissions whose step always fails.
        unreadable: messages on the visitors queue that nobody can read.
        outage: from when until when EMR is out of order, in seconds.
        times: how long things take.
        text_functions: runs of send_text at the same time; None for the template's.
        sns_rate: texts a second that SNS accepts.
    """

    name: str
    title: str
    rate: float = 0.0
    hours: float = 0.0
    drain: float = 6.0
    at_once: int = 0
    changed: dict[str, str] = field(default_factory=lambda: dict(OPEN))
    data: TrainedOn = LARGE
    keeps_fresh: bool = True
    patience: float = 300.0
    train_seconds: float | None = None
    train_at: float | None = None
    poisoned: frozenset[int] = frozenset()
    unreadable: int = 0
    outage: tuple[float, float] = (float("inf"), float("inf"))
    times: WorkTimes = AWS
    text_functions: int | None = None
    sns_rate: float = SNS_TEXTS.rate

    @property
    def most(self) -> int:
        """More visitors than can come."""
        return self.at_once + round(self.rate * self.hours * HOUR * 1.05) + 1000


def simulate_load(scenario: Scenario, seed: int = 1) -> LoadOutcome:
    """Simulate a scenario; the same seed gives the same outcome."""
    env = simpy.Environment()
    crowd = SimulatedCrowd(scenario.most)
    flow = SimulatedFlow(
        env,
        ShippedDeployment(scenario.changed),
        scenario.times,
        Ample(env),
        crowd,
        scenario.data,
        seed=seed,
        train_seconds=scenario.train_seconds,
        poisoned=scenario.poisoned,
        outage=scenario.outage,
        keeps_fresh=scenario.keeps_fresh,
        pollers={"send_text": scenario.text_functions} if scenario.text_functions else {},
        sns_rate=scenario.sns_rate,
    )
    until = scenario.hours * HOUR
    forms = FormsAtTheApi(
        flow, scenario.rate, until, scenario.at_once, scenario.patience, seed=seed
    )
    if scenario.unreadable:
        flow.receive_unreadable(scenario.unreadable)
    env.process(forms.run(env))
    if scenario.train_at is not None:
        env.process(_train(env, flow, scenario.train_at))
    # When every request has ended, nothing is left to do but sweeps.
    ends = until + scenario.drain * HOUR
    while env.now < ends:
        env.run(until=min(ends, env.now + 60.0))
        sent = forms.offered and forms.offered == forms.refused + crowd.size
        if env.now >= until and sent and crowd.ended == crowd.size:
            break
    return outcome_of(scenario.title, flow, forms, float(env.now))


def _train(env: simpy.Environment, flow: SimulatedFlow, at: float) -> Generator[simpy.Event, Any]:
    """Add the steps of `make train` at a time."""
    yield env.timeout(at)
    yield from flow.train()


SCENARIOS = (
    Scenario("shipped", "10 a second for a day, all settings as shipped", 10, 24, changed={}),
    Scenario("one", "1 a second for a day", 1, 24),
    Scenario("ten", "10 a second for a day", 10, 24),
    Scenario("thousand", "1,000 a second for a day", 1000, 24),
    Scenario("million", "a million at once", at_once=1_000_000, patience=DAY, drain=30),
    Scenario(
        "raised",
        "a million at once; SNS takes 60 texts a second, 15 functions send",
        at_once=1_000_000,
        patience=DAY,
        drain=30,
        text_functions=15,
        sns_rate=60,
    ),
    Scenario(
        "outage",
        "10 a second for 6 hours, EMR out of order for the second hour",
        10,
        6,
        drain=30,
        outage=(HOUR, 2 * HOUR),
    ),
    Scenario(
        "poison",
        "10 a second for an hour, a batch that always fails, 10 unreadable messages",
        10,
        1,
        poisoned=frozenset({20}),
        unreadable=10,
    ),
    Scenario(
        "training",
        "1 a second for 12 hours, a training of 8 hours after the first",
        1,
        12,
        drain=24,
        train_seconds=8 * HOUR,
        train_at=HOUR,
    ),
    Scenario("stale", "1 a second for a day, stale models trained again", 1, 24, keeps_fresh=False),
    Scenario(
        "small",
        "1 a second for a day, embedded catalogue, stale models trained again",
        1,
        24,
        data=SMALL,
        keeps_fresh=False,
    ),
    Scenario(
        "counted",
        "10 a second for a day, ModelMaxNewShare = 100",
        10,
        24,
        changed=OPEN | {"ModelMaxNewShare": "100"},
        keeps_fresh=False,
    ),
)
