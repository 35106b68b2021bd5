"""Whatever happens in a simulation, each visitor ends once, and the product would do the same."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.simulation.bursts import local_deployment
from benchmarks.simulation.crowd import SimulatedCrowd
from benchmarks.simulation.deployment import ShippedDeployment
from benchmarks.simulation.emr import EmrRefusedError
from benchmarks.simulation.flow import SimulatedFlow, TrainedOn
from benchmarks.simulation.machines import Ample
from benchmarks.simulation.quotas import EMR_ADD, EMR_ALL, EMR_LIST
from benchmarks.simulation.scenarios import OPEN, SMALL, Scenario, simulate_load
from benchmarks.simulation.sqs import SimulatedQueue
from benchmarks.simulation.stopwatch import CallAllowance
from benchmarks.simulation.times import AWS
from local_aws.emr import throttling
from marquee.contracts import CurrentModel, timestamp
from marquee.requests.ports import StepState
from marquee.requests.submit import MOST_SUBMISSIONS_AHEAD
from marquee.requests.visitor import Status
from tests.unit.memory import World, registration

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="marquee")


def flow_on_aws(most: int = 10_000, **options: object) -> SimulatedFlow:
    env = simpy.Environment()
    shipped = ShippedDeployment(OPEN)
    return SimulatedFlow(env, shipped, AWS, Ample(env), SimulatedCrowd(most), SMALL, **options)  # type: ignore[arg-type]


loads = st.builds(
    Scenario,
    st.just("any"),
    st.just("any"),
    rate=st.floats(0.02, 1.0),
    hours=st.just(0.3),
    drain=st.just(30.0),
    at_once=st.integers(0, 1500),
    data=st.sampled_from([SMALL, TrainedOn(users=1000, ratings=2_000_000)]),
    keeps_fresh=st.booleans(),
    poisoned=st.frozensets(st.integers(0, 20), max_size=3),
    unreadable=st.integers(0, 3),
    train_at=st.none() | st.floats(0.0, 1000.0),
    train_seconds=st.none() | st.floats(1.0, HOUR),
    outage=st.tuples(st.floats(0.0, 1500.0), st.floats(1.0, 2500.0)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    ),
    changed=st.sampled_from([OPEN, OPEN | {"TextsADayInAll": "300"}, {}]),
)


@given(loads, st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_no_visitor_is_lost_or_texted_twice(load: Scenario, seed: int) -> None:
    outcome = simulate_load(load, seed)
    assert outcome.offered == outcome.accepted + outcome.refused
    assert outcome.accepted == outcome.texted + outcome.failed + sum(outcome.open.values())
    assert sum(outcome.open.values()) == 0  # a day after the last form nobody waits any more
    assert outcome.twice == 0
    assert outcome.dead >= load.unreadable or outcome.hours * HOUR < 5 * 390
    if not load.poisoned and load.changed is OPEN:
        assert outcome.failed == 0


def test_the_same_seed_gives_the_same_load() -> None:
    load = Scenario("any", "any", rate=0.5, hours=0.3, keeps_fresh=False)
    assert simulate_load(load, 3) == simulate_load(load, 3)
    assert simulate_load(load, 3).offered != simulate_load(load, 4).offered


def test_a_batch_that_always_fails_is_tried_as_often_as_the_product_says() -> None:
    flow = flow_on_aws(keeps_fresh=True, poisoned=frozenset({0}))
    flow.receive(5)
    flow.env.run(until=60.0)
    flow.receive(7)
    flow.env.run(until=HOUR)
    attempts = [step for step in flow.cluster.steps if step.state is StepState.FAILED]
    assert len(attempts) == ShippedDeployment().patience.attempts
    assert (flow.crowd.count(Status.FAILED), flow.crowd.count(Status.TEXTED)) == (5, 7)


def test_texts_over_the_days_cap_fail() -> None:
    load = Scenario("any", "any", at_once=500, changed=OPEN | {"TextsADayInAll": "200"})
    outcome = simulate_load(load)
    assert (outcome.texted, outcome.over_the_cap, outcome.failed) == (200, 300, 300)


def test_forms_over_the_stages_limit_are_refused() -> None:
    load = Scenario("any", "any", at_once=5000, changed={}, patience=60.0)
    outcome = simulate_load(load)
    shipped = ShippedDeployment()
    most = shipped.number("FormsAtOnce") + 60 * shipped.number("FormsASecond")
    assert outcome.accepted == most
    assert outcome.refused == 5000 - most


# The product itself, on small loads


@pytest.mark.parametrize("ahead", range(MOST_SUBMISSIONS_AHEAD + 2))
def test_visitors_wait_exactly_when_the_product_lets_them_wait(ahead: int) -> None:
    flow, world = flow_on_aws(keeps_fresh=True), World()
    names = [f"recommend-{number:032x}" for number in range(ahead)]
    world.cluster.active_step_names = lambda: list(names)  # type: ignore[method-assign]
    flow.cluster.active_step_names = lambda: list(names)  # type: ignore[method-assign]
    for number in range(3):
        world.post(registration(number))
    outcome = world.submitter.submit(world.visitors_queue)
    flow.receive(3)
    flow.env.run(until=30.0)
    assert (flow.crowd.count(Status.RECEIVED) == 3) == (len(outcome.waiting) == 3)
    assert (flow.made == 1) == (outcome.submission_id is not None)


def test_a_model_is_trained_again_exactly_when_the_product_does() -> None:
    """The simulation's StepAdder is the product's own; here its ports must give it the same."""
    flow = flow_on_aws()
    flow.receive(5)
    flow.env.run(until=100.0)
    assert flow.trainings == 1
    flow.receive(5)  # within the interval of the rule
    flow.env.run(until=200.0)
    assert flow.trainings == 1
    flow.receive(5)
    flow.env.run(until=500.0)
    flow.receive(5)
    flow.env.run(until=600.0)
    assert flow.trainings == 2
    trained = flow.models.active
    assert trained.ratings == SMALL.ratings + 10 * 20  # fewer than a tenth of the data set's


def test_duplicates_in_a_batch_make_one_member() -> None:
    flow = flow_on_aws(keeps_fresh=True)
    flow.receive(4)
    flow.visitors_queue.send((0, 4))
    flow.env.run(until=200.0)
    assert flow.made == 1
    assert flow.crowd.texts[:4].tolist() == [1, 1, 1, 1]


def test_results_that_a_run_has_no_time_for_are_handed_on() -> None:
    slow = replace(AWS, page=0.25)  # a page takes 25 seconds: two fit into 60, less the margin
    env = simpy.Environment()
    flow = SimulatedFlow(
        env,
        ShippedDeployment(OPEN),
        slow,
        Ample(env),
        SimulatedCrowd(1000),
        SMALL,
        keeps_fresh=True,
    )
    flow.receive(1000)
    env.run(until=2000.0)
    assert flow.crowd.count(Status.TEXTED) == 1000
    assert flow.results_queue.sent == 5  # two pages each


# AWS's side


def test_a_message_that_fails_is_delivered_again_and_dies_at_last() -> None:
    env = simpy.Environment()
    queue = SimulatedQueue(env, "any", visibility=30.0, most_receives=3, most_in_flight=100)
    queue.send((0, 8))
    for delivery in range(3):
        taken = queue.take(100)
        assert [letter.receives for letter in taken] == [delivery]
        assert queue.take(100) == []
        queue.settle(taken, taken, received=env.now)
        env.run(until=env.now + 30.5)
    assert queue.take(100) == []
    assert sum(letter.count for letter in queue.dead) == 8


def test_no_more_messages_are_received_than_may_be_in_flight() -> None:
    queue = SimulatedQueue(simpy.Environment(), "any", 30.0, most_receives=3, most_in_flight=5)
    queue.send((0, 8))
    taken = queue.take(100)
    assert sum(letter.count for letter in taken) == 5
    assert queue.take(100) == []
    queue.settle(taken, [], received=0.0)
    assert [letter.span for letter in queue.take(100)] == [(5, 8)]


def test_emr_refuses_more_calls_than_its_quota() -> None:
    cluster = flow_on_aws().cluster
    for _ in range(round(EMR_ADD.burst)):
        cluster.add([{"Name": "similar-x"}])
    steps = [{"Name": "similar-x"}]
    refused = 0
    for _ in range(3):  # calls take time, in which the allowance grows
        try:
            cluster.add(steps)
        except EmrRefusedError:
            refused += 1
    assert refused >= 1
    assert cluster.throttled[EMR_ADD.name] == refused


def test_the_quotas_of_emr_are_those_of_the_local_aws() -> None:
    assert throttling.OF_OPERATION["AddJobFlowSteps"] == (EMR_ADD.burst, EMR_ADD.rate)
    assert throttling.OF_OPERATION["ListSteps"] == (EMR_LIST.burst, EMR_LIST.rate)
    assert (EMR_ALL.burst, EMR_ALL.rate) == throttling.ALL_CALLS


def test_an_outage_fails_the_step_that_runs() -> None:
    flow = flow_on_aws(keeps_fresh=True, outage=(30.0, 400.0))
    flow.receive(10)
    flow.env.run(until=60.0)
    assert [step.state for step in flow.cluster.steps] == [StepState.FAILED]


def test_an_allowance_fills_up_again_to_its_burst() -> None:
    allowance = CallAllowance(rate=0.5, burst=3)
    assert [allowance.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert allowance.take(2.0)
    assert not allowance.take(2.0)
    assert allowance.available(1000.0) == 3


# What the product ships


def test_the_shipped_settings_are_read() -> None:
    shipped = ShippedDeployment()
    consumers = [shipped.consumer(name) for name in ("submit_step", "queue_results", "send_text")]
    assert all(consumer.visibility >= 6 * consumer.timeout for consumer in consumers)
    assert shipped.max_receives > 1
    assert shipped.step_concurrency >= 1
    assert shipped.nodes[1] >= 2
    assert shipped.every("SweepSchedule") == 300.0
    assert local_deployment().number("BatchingWindowSeconds") < consumers[0].window


def test_the_first_model_was_trained_when_the_simulation_began() -> None:
    active = flow_on_aws().models.active
    assert isinstance(active, CurrentModel)
    assert active.trained_at == timestamp(datetime(2026, 12, 1, tzinfo=UTC))
