"""What goes wrong on the way, with the real queues, functions and Spark steps."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from marquee.identity import new_visitor_id
from tests.deployment import ROOT, Deployment, Visitor, eventually


@pytest.fixture(autouse=True, scope="module")
def without_training(deployment: Deployment) -> Iterator[None]:
    """Training is tested with the flow; here it would only double every wait."""
    if not deployment.is_local:
        pytest.skip("faults are injected into the local AWS only")
    with deployment.model_kept_fresh():
        yield


def object_key(local: Deployment, visitor: Visitor) -> str:
    """Find the visitor's ratings object."""
    pages = local.client("s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=local.parameters["ratings-bucket"], Prefix="visitors/")
    (key,) = [
        item["Key"]
        for page in listed
        for item in page.get("Contents", [])
        if visitor.visitor_id in item["Key"]
    ]
    return str(key)


def announcement(bucket: str, key: str) -> str:
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key.replace("=", "%3D")}},
    }
    return json.dumps({"Records": [record]})


def step_event(local: Deployment, step: dict[str, str], state: str) -> dict[str, object]:
    return {
        "id": str(uuid.uuid4()),
        "source": "aws.emr",
        "detail-type": "EMR Step Status Change",
        "detail": {
            "clusterId": local.parameters["cluster-id"],
            "stepId": step["Id"],
            "name": step["Name"],
            "state": state,
        },
    }


def submission_of(local: Deployment, visitor: Visitor) -> str:
    table = local.client("dynamodb").get_item(
        TableName=local.parameters["visitors-table"],
        Key={"visitor_id": {"S": visitor.visitor_id}},
    )
    return str(table["Item"]["submission_id"]["S"])


def quiet(local: Deployment) -> None:
    """Wait until every queue is empty: what was delivered again has been dealt with."""
    for queue in ("visitors", "results", "texts"):
        eventually(
            lambda queue=queue: local.waiting(f"{queue}-queue"),  # type: ignore[misc]
            lambda count: count == 0,
            f"queue {queue} running empty",
            seconds=180,
        )


def test_every_message_coming_twice_makes_one_text_and_one_recommend_step(
    local: Deployment, phone: str
) -> None:
    visitor = local.register(local.form(phone))
    ratings, results = local.parameters["ratings-bucket"], local.parameters["results-bucket"]
    local.send("visitors", announcement(ratings, object_key(local, visitor)))
    local.follow(visitor)
    submission_id = submission_of(local, visitor)
    local.send("visitors", announcement(ratings, object_key(local, visitor)))
    local.send("results", announcement(results, f"submission={submission_id}/_SUCCESS"))
    text = json.dumps({"schema_version": 1, "visitor_id": visitor.visitor_id, "version": 1})
    local.send("texts", text)
    local.send("texts", text)
    (step,) = [s for s in local.steps("recommend") if submission_id in s["Name"]]
    for state in ("COMPLETED", "FAILED", "FAILED"):
        local.invoke("reconcile", step_event(local, step, state))
    quiet(local)
    assert len(local.texts(phone)) == 1
    assert len([s for s in local.steps("recommend") if submission_id in s["Name"]]) == 1


def test_results_before_their_time_and_results_of_an_older_version(
    local: Deployment, phone: str
) -> None:
    visitor = local.register(local.form(phone))
    stale = {
        "schema_version": 1,
        "visitor_id": visitor.visitor_id,
        "version": 0,
        "model_id": "old",
        "picks": [{"movie_id": 1, "score": 1.0, "stars": 5.0}],
    }
    put_results(local, json.dumps(stale))
    seen = local.follow(visitor)
    assert (seen["status"], len(seen["picks"])) == ("texted", 10)
    assert seen["model_id"] != "old"


def put_results(local: Deployment, *lines: str) -> None:
    s3, bucket = local.client("s3"), local.parameters["results-bucket"]
    prefix = f"submission={uuid.uuid4().hex}/"
    s3.put_object(Bucket=bucket, Key=f"{prefix}part-00000.json", Body="\n".join(lines).encode())
    s3.put_object(Bucket=bucket, Key=f"{prefix}_SUCCESS", Body=b"")


def test_one_bad_visitor_in_a_good_batch_fails_alone(local: Deployment, phone: str) -> None:
    good = local.register(local.form(phone))
    local.follow(good)
    bad = new_visitor_id()
    results = [
        {"schema_version": 1, "visitor_id": bad, "version": 1, "model_id": "m", "error": "no"},
        {"schema_version": 1, "visitor_id": new_visitor_id(), "version": 1, "model_id": "m"},
    ]
    other = local.register(local.form())
    results.append(
        {
            "schema_version": 1,
            "visitor_id": other.visitor_id,
            "version": 1,
            "model_id": "m",
            "picks": [{"movie_id": n, "score": 0.5, "stars": 4.0} for n in range(1, 11)],
        }
    )
    put_results(local, *(json.dumps(result) for result in results))
    assert local.follow(other, ("recommended", "failed"))["status"] == "recommended"


POISON = {
    "visitors": "poison",
    "results": '{"Records":[{"eventName":"ObjectCreated:Put"}]}',
    "texts": '{"schema_version": 99}',
}


def test_poisoned_messages_and_unknown_visitors_end_among_the_dead_letters(
    local: Deployment,
) -> None:
    before = {queue: local.dead_letters(queue) for queue in POISON}
    for queue, body in POISON.items():
        local.send(queue, body)
    key = f"visitors/date=2026-11-21/{new_visitor_id()}-1.json"
    local.send("visitors", announcement(local.parameters["ratings-bucket"], key))
    nobody = {"schema_version": 1, "visitor_id": new_visitor_id(), "version": 1}
    local.send("texts", json.dumps(nobody))
    expected = {"visitors": 2, "results": 1, "texts": 2}
    eventually(
        lambda: {queue: local.dead_letters(queue) - before[queue] for queue in POISON},
        lambda arrived: arrived == expected,
        "the dead letters",
    )


def test_emr_throttling_delays_and_loses_nothing(local: Deployment, phone: str) -> None:
    with local.fault("emr", "AddJobFlowSteps", error="ThrottlingException", times=2):
        visitor = local.register(local.form(phone))
        assert local.follow(visitor)["status"] == "texted"
        assert not local.faults()
    assert len(local.texts(phone)) == 1


@contextmanager
def broken_step(local: Deployment) -> Iterator[None]:
    """Put a script in the recommend step's place that fails as soon as Spark starts it."""
    function = local.client("lambda").get_function_configuration(
        FunctionName=f"marquee-{local.environment}-submit-step"
    )
    prefix = function["Environment"]["Variables"]["STEPS_PREFIX"]
    bucket, _, folder = prefix.removeprefix("s3://").partition("/")
    s3, key = local.client("s3"), f"{folder}recommend.py"
    script = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=b"raise SystemExit('broken on purpose')\n")
    try:
        yield
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=script)


def attempts(local: Deployment, visitor: Visitor) -> list[dict[str, Any]]:
    """List the recommend steps of the visitor's submission, newest first."""
    local.follow(visitor, ("submitted", "recommended", "texted", "failed"))
    submission_id = submission_of(local, visitor)
    return [step for step in local.steps("recommend") if submission_id in step["Name"]]


def test_a_step_that_fails_once_is_tried_again(local: Deployment, phone: str) -> None:
    with broken_step(local):
        visitor = local.register(local.form(phone))
        eventually(
            lambda: attempts(local, visitor)[-1:],
            lambda steps: [step["Status"]["State"] for step in steps] == ["FAILED"],
            "the first attempt failing",
            every=0.1,
        )
    assert local.follow(visitor)["status"] == "texted"
    assert len(attempts(local, visitor)) > 1
    assert len(local.texts(phone)) == 1


def test_a_step_that_is_cancelled_is_tried_again(local: Deployment, phone: str) -> None:
    visitor = local.register(local.form(phone))
    (step,) = eventually(lambda: attempts(local, visitor), bool, "the step", every=0.05)
    local.client("emr").cancel_steps(
        ClusterId=local.parameters["cluster-id"],
        StepIds=[step["Id"]],
        StepCancellationOption="TERMINATE_PROCESS",
    )
    assert local.follow(visitor)["status"] == "texted"
    assert len(attempts(local, visitor)) == 2


def test_a_step_that_always_fails_ends_in_failed_with_a_reason(
    local: Deployment, phone: str
) -> None:
    with broken_step(local):
        visitor = local.register(local.form(phone))
        seen = local.follow(visitor)
    assert (seen["status"], local.texts(phone)) == ("failed", [])
    assert "after 3 attempts" in seen["reason"]
    failed = attempts(local, visitor)
    assert [step["Status"]["State"] for step in failed] == ["FAILED"] * 3


def plant(local: Deployment, service: str, operation: str, **how: Any) -> None:
    """Let the next such call kill the function that makes it."""
    fault = {"service": service, "operation": operation, "kill": True, "times": 1, **how}
    local.http.post(f"{local.endpoint}/_marquee/faults", json=fault).raise_for_status()


@pytest.fixture
def deaths(local: Deployment) -> Iterator[Deployment]:
    """Give the local deployment and take back whatever was planted in it."""
    yield local
    local.http.delete(f"{local.endpoint}/_marquee/faults")


@pytest.mark.parametrize("when", ["before", "after"])
def test_each_function_dying_at_each_of_its_writes_makes_one_text(
    deaths: Deployment, phone: str, when: str
) -> None:
    local, form, key = deaths, deaths.form(phone), uuid.uuid4().hex
    visitors = {"TableName": local.parameters["visitors-table"]}
    plant(local, "dynamodb", "PutItem", when=when, parameters=visitors)
    plant(local, "s3", "PutObject", when=when)
    answer = eventually(  # as the page does: the same form with the same key, until it arrives
        lambda: local.post(form, key), lambda a: a.status_code == 201, "the form arriving"
    )
    plant(local, "emr", "AddJobFlowSteps", when=when)
    plant(local, "sqs", "SendMessageBatch", when=when)
    body = answer.json()
    visitor = Visitor(body["visitor_id"], body["token"], phone, body["picks"])
    assert local.follow(visitor)["status"] == "texted"
    quiet(local)
    assert len(local.texts(phone)) == 1
    assert len(attempts(local, visitor)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_functions_dying_at_their_status_writes_make_one_text(
    deaths: Deployment, phone: str, when: str
) -> None:
    local = deaths
    visitor_id_of = local.register(local.form(phone))
    key = {"Key": {"visitor_id": {"S": visitor_id_of.visitor_id}}}
    # received → submitted, submitted → recommended: the first two writes to her item.
    plant(local, "dynamodb", "UpdateItem", when=when, parameters=key)
    local.follow(visitor_id_of, ("submitted", "recommended", "texted"))
    if when == "before":
        plant(local, "dynamodb", "UpdateItem", when=when, parameters=key)
    assert local.follow(visitor_id_of)["status"] == "texted"
    quiet(local)
    assert len(local.texts(phone)) == 1


@pytest.mark.parametrize(("when", "texts"), [("before", 0), ("after", 1)])
def test_dying_while_the_text_is_sent_never_sends_a_second_one(
    deaths: Deployment, phone: str, when: str, texts: int
) -> None:
    plant(deaths, "sns", "Publish", when=when, parameters={"PhoneNumber": phone})
    seen = deaths.follow(deaths.register(deaths.form(phone)))
    assert (seen["status"], seen["reason"]) == (
        "failed",
        "delivery unknown: the text may or may not have been sent",
    )
    assert len(deaths.texts(phone)) == texts


def test_dead_letters_are_put_back_and_served(deaths: Deployment, phone: str) -> None:
    """Given a form whose message died, when the operator redrives, then it is texted."""
    local = deaths
    before = local.dead_letters("visitors")
    local.http.post(
        f"{local.endpoint}/_marquee/faults",
        json={
            "service": "emr",
            "operation": "AddJobFlowSteps",
            "error": "ThrottlingException",
            "times": 1000,
        },
    )
    visitor = local.register(local.form(phone))
    eventually(
        lambda: local.dead_letters("visitors"),
        lambda count: count > before,
        "the message among the dead letters",
    )
    local.http.delete(f"{local.endpoint}/_marquee/faults")
    operate("redrive")
    assert local.follow(visitor)["status"] == "texted"
    assert len(local.texts(phone)) == 1


def operate(command: str) -> None:
    """Run an operator's command; the environment names the deployment."""
    subprocess.run([sys.executable, "-m", "operations", command], cwd=ROOT, check=True)
