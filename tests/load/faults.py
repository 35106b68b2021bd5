"""Faults during a load: functions die, steps fail, and messages arrive twice or late."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from local_aws.deliveries import PATH as DELIVERIES
from marquee.contracts import submission_key
from marquee.requests.emr_step_requests import parse_recommend_step_name
from tests.deployment import RunningDeployment
from tests.load.forms import PUBLISH, Form, Load
from tests.load.seen import Observations

# Writes whose faults are not tied to a visitor: service, operation, and the target's parameter.
ELSEWHERE = (
    ("dynamodb", "PutItem", "TableName", "visitors-table"),
    ("s3", "PutObject", "Bucket", "ratings-bucket"),
    ("emr", "AddJobFlowSteps", "JobFlowId", "cluster-id"),
    ("sqs", "SendMessageBatch", "QueueUrl", "texts-queue-url"),
)
ALWAYS = 1_000_000
LOOK_FOR_STEPS_SECONDS = 0.5


def plant_deaths(deployment: RunningDeployment, load: Load, forms: Sequence[Form]) -> int:
    """Plant all deaths of functions and return their number."""
    planted = 0
    for form in forms:
        if form.death is not None:
            _plant_death(deployment, form, *form.death)
            planted += 1
    for service, operation, parameter, name in ELSEWHERE:
        target = {parameter: deployment.parameters[name]}
        one_a_form = operation.startswith("Put")
        for number in range(load.deaths_elsewhere):
            # A fault starts to count calls once the fault before it has struck.
            skip = load.forms // (2 * load.deaths_elsewhere) if one_a_form else number
            when = "before" if number % 2 == 0 else "after"
            deployment.plant(service, operation, kill=True, when=when, skip=skip, parameters=target)
            planted += 1
    return planted


def _plant_death(deployment: RunningDeployment, form: Form, write: int, when: str) -> None:
    if write == PUBLISH:
        whose = {"PhoneNumber": form.phone}
        deployment.plant("sns", "Publish", kill=True, when=when, parameters=whose)
        return
    item = {"Key": {"visitor_id": {"S": form.visitor_id}}}
    deployment.plant("dynamodb", "UpdateItem", kill=True, when=when, skip=write, parameters=item)


@contextmanager
def disturbed_deliveries(
    deployment: RunningDeployment, load: Load, seen: Observations
) -> Iterator[None]:
    """Deliver a share of the messages twice and a share late."""
    address = f"{deployment.endpoint}{DELIVERIES}"
    how = {
        "doubled": load.doubled,
        "delayed": load.delayed,
        "seconds": load.latest,
        "seed": load.seed,
    }
    deployment.http.post(address, json=how).raise_for_status()
    try:
        yield
    finally:
        counted = deployment.http.get(address).json()
        seen.messages_doubled = counted["messages_doubled"]
        seen.messages_delayed = counted["messages_delayed"]
        deployment.http.delete(address).raise_for_status()


def fail_steps(
    deployment: RunningDeployment, before: set[str], seen: Observations, stopping: threading.Event
) -> None:
    """Make one submission's recommend step fail once, and every attempt of another one.

    The fault denies the nodes the submission's file. A submission is chosen while its first step is
    pending, so that the fault is planted in time. If the step begins before that, the next
    submission is chosen. Returns when the first steps of both submissions have failed.
    """
    struck: set[str] = set()
    while len(struck) < 2 and not stopping.wait(LOOK_FOR_STEPS_SECONDS):
        steps = [step for step in deployment.steps("recommend") if step["Id"] not in before]
        states: dict[str, list[str]] = {}
        for step in reversed(steps):
            if named := parse_recommend_step_name(step["Name"]):
                states.setdefault(named[0], []).append(step["Status"]["State"])
        for kind, times in (("failed_once", 1), ("always_failed", ALWAYS)):
            chosen = getattr(seen, kind)
            first_state = states.get(chosen, [])[:1]
            if first_state == ["FAILED"]:
                struck.add(chosen)
            if chosen and first_state != ["COMPLETED"]:
                continue
            taken = {seen.failed_once, seen.always_failed}
            pending = [one for one, first in states.items() if first == ["PENDING"]]
            if left := [one for one in pending if one not in taken]:
                setattr(seen, kind, left[0])
                deployment.plant(
                    "s3",
                    "HeadObject",
                    error="AccessDenied",
                    message="refused on purpose",
                    status=403,
                    times=times,
                    parameters={"Key": submission_key(left[0])},
                )
