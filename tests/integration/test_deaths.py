"""Functions that die before or after each of their writes, as in a crash or a timeout.

A fault planted in the local AWS kills the function that makes the call. Every fault is planted
before the message that leads to it is sent, and each test checks that every fault struck.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from marquee.requests.identity import visitor_id_for
from tests.deployment import RunningDeployment, Visitor, eventually
from tests.integration.phones import Phones

TEXTED = ("texted", None)
UNKNOWN = ("failed", "delivery unknown: the text may or may not have been sent")

# The update expressions of `VisitorsTable`, by which a fault recognises a write.
WRITES = {
    "submitted": (
        "SET #status = :status, #status_at = :status_at, #submission_id = :submission_id, "
        "#open_status = :open_status"
    ),
    "recommended": (
        "SET #status = :status, #status_at = :status_at, #model_id = :model_id, #picks = :picks, "
        "#open_status = :open_status"
    ),
    "claim": "SET text_claimed_at = :now, text_claim = :claim",
    "texted": "SET #status = :status, #status_at = :status_at REMOVE open_status",
}
# (write at which the function dies, when) and the expected result: status, reason, texts.
DEATHS = {
    ("submitted", "before"): (*TEXTED, 1),
    ("submitted", "after"): (*TEXTED, 1),
    ("recommended", "before"): (*TEXTED, 1),
    ("recommended", "after"): (*TEXTED, 1),
    ("claim", "before"): (*TEXTED, 1),
    ("claim", "after"): (*UNKNOWN, 0),
    ("publish", "before"): (*UNKNOWN, 0),
    ("publish", "after"): (*UNKNOWN, 1),
    ("texted", "before"): (*UNKNOWN, 1),
    ("texted", "after"): (*TEXTED, 1),
}


@dataclass(frozen=True)
class Survived:
    """The final state of a visitor whose functions died."""

    seen: dict[str, Any]
    texts: int


@dataclass(frozen=True)
class Aftermath:
    survived: dict[tuple[str, str], Survived]
    faults_left: list[dict[str, Any]]


def post(local: RunningDeployment, phone: str, key: str) -> Visitor:
    """Post as the page does: repeat the same form with the same key until it is accepted."""
    form = local.form(phone)
    answer = eventually(
        lambda: local.post(form, key), lambda a: a.status_code == 201, "the form arriving"
    )
    body = answer.json()
    return Visitor(body["visitor_id"], body["token"], phone, body["picks"])


def plant_death(
    local: RunningDeployment, visitor_id: str, phone: str, write: str, when: str
) -> None:
    """Plant a fault that kills the function at one write for one visitor."""
    if write == "publish":
        local.plant("sns", "Publish", kill=True, when=when, parameters={"PhoneNumber": phone})
        return
    item = {"Key": {"visitor_id": {"S": visitor_id}}, "UpdateExpression": WRITES[write]}
    local.plant("dynamodb", "UpdateItem", kill=True, when=when, parameters=item)


def token_secret(local: RunningDeployment) -> str:
    name = f"/marquee/{local.environment}/token-secret"
    answer = local.client("ssm").get_parameter(Name=name, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


@pytest.fixture(scope="module")
def aftermath(hurried: RunningDeployment, phones: Phones) -> Aftermath:
    """Register one visitor for each of `DEATHS` together, and return how they end."""
    local, secret = hurried, token_secret(hurried)
    visitors = {}
    # One message per batch: ten deaths in one batch would use up the deliveries of its messages.
    with local.one_message_at_a_time("texts"):
        for write, when in DEATHS:
            phone, key = phones.one(), uuid.uuid4().hex
            plant_death(local, visitor_id_for(key, secret), phone, write, when)
            visitors[write, when] = post(local, phone, key)
        for visitor in visitors.values():
            local.follow(visitor)
        local.until_handled(*(visitor.visitor_id for visitor in visitors.values()))
    left = local.faults()
    local.forget_faults()
    survived = {
        death: Survived(local.see(visitor), len(local.texts(visitor.phone or "")))
        for death, visitor in visitors.items()
    }
    return Aftermath(survived, left)


def test_every_planned_death_happened(aftermath: Aftermath) -> None:
    assert aftermath.faults_left == []


@pytest.mark.parametrize(("write", "when"), DEATHS)
def test_a_function_that_dies_at_a_write_for_one_visitor_sends_no_second_text(
    aftermath: Aftermath, write: str, when: str
) -> None:
    survived = aftermath.survived[write, when]
    seen = survived.seen
    assert (seen["status"], seen["reason"], survived.texts) == DEATHS[write, when]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_function_that_dies_at_another_write_leads_to_exactly_one_text(
    faulty: RunningDeployment, phone: str, when: str
) -> None:
    local, names = faulty, faulty.parameters
    for service, operation, target in (
        ("dynamodb", "PutItem", {"TableName": names["visitors-table"]}),
        ("s3", "PutObject", {"Bucket": names["ratings-bucket"]}),
        ("emr", "AddJobFlowSteps", {"JobFlowId": names["cluster-id"]}),
        ("sqs", "SendMessageBatch", {"QueueUrl": names["texts-queue-url"]}),
    ):
        local.plant(service, operation, kill=True, when=when, parameters=target)

    visitor = post(local, phone, uuid.uuid4().hex)

    assert local.follow(visitor)["status"] == "texted"
    local.until_handled(visitor.visitor_id, local.submission_of(visitor))
    assert local.faults() == []
    assert len(local.texts(phone)) == 1
    assert len(local.attempts(visitor)) == 1
