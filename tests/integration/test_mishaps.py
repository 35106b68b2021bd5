"""Errors along the flow, with the real queues, functions and Spark steps."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from marquee.aws.buckets import RatingsBucket
from marquee.aws.visitors_table import VisitorsTable
from marquee.contracts import Rating, timestamp
from marquee.requests.identity import new_visitor_id
from marquee.requests.register import Registrar
from marquee.requests.visitor import Phone, Registration
from tests.deployment import RunningDeployment, Visitor, eventually
from tests.integration.phones import Phones

NO_SUCH_MOVIE = range(900_001, 900_006)


def object_key(local: RunningDeployment, visitor: Visitor) -> str:
    """Return the key of the visitor's only visitor object."""
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


def step_event(local: RunningDeployment, step: dict[str, str], state: str) -> dict[str, object]:
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


@dataclass(frozen=True)
class Poison:
    """A message that no function can handle, with a mark that identifies it."""

    queue: str
    body: str
    mark: str


@pytest.fixture(scope="module", autouse=True)
def poisoned(hurried: RunningDeployment) -> dict[str, Poison]:
    """Poison every queue before the first test, so that every test runs with poisoned queues."""
    mark, nobody = uuid.uuid4().hex, new_visitor_id()
    key = f"visitors/date=2026-11-21/{nobody}-1.json"
    no_json = Poison("visitors", f"poison {mark}", mark)
    of_nobody = Poison("visitors", announcement(hurried.parameters["ratings-bucket"], key), nobody)
    keyless = {"eventName": "ObjectCreated:Put", "mark": mark}
    no_key = Poison("results", json.dumps({"Records": [keyless]}), mark)
    too_new = Poison("texts", json.dumps({"schema_version": 99, "mark": mark}), mark)
    text = {"schema_version": 1, "visitor_id": nobody, "version": 1}
    to_nobody = Poison("texts", json.dumps(text), nobody)
    sent = {
        "no JSON": no_json,
        "a forgotten visitor": of_nobody,
        "results without a key": no_key,
        "a newer schema": too_new,
        "a text to somebody forgotten": to_nobody,
    }
    for poison in sent.values():
        hurried.send(poison.queue, poison.body)
    return sent


def test_messages_delivered_twice_give_one_text_and_one_recommend_step(
    hurried: RunningDeployment, phone: str
) -> None:
    local = hurried
    visitor = local.register(local.form(phone))
    ratings, results = local.parameters["ratings-bucket"], local.parameters["results-bucket"]
    local.send("visitors", announcement(ratings, object_key(local, visitor)))
    local.follow(visitor)
    submission_id = local.submission_of(visitor)
    local.send("visitors", announcement(ratings, object_key(local, visitor)))
    local.send("results", announcement(results, f"submission={submission_id}/_SUCCESS"))
    text = json.dumps({"schema_version": 1, "visitor_id": visitor.visitor_id, "version": 1})
    local.send("texts", text)
    local.send("texts", text)
    (step,) = local.attempts(visitor)
    for state in ("COMPLETED", "FAILED", "FAILED"):
        local.invoke("reconcile", step_event(local, step, state))
    local.until_handled(visitor.visitor_id, submission_id)
    assert len(local.texts(phone)) == 1
    assert len(local.attempts(visitor)) == 1


def test_early_results_and_results_of_an_older_version_are_ignored(
    hurried: RunningDeployment, phone: str
) -> None:
    visitor = hurried.register(hurried.form(phone))
    stale = {
        "schema_version": 1,
        "visitor_id": visitor.visitor_id,
        "version": 0,
        "model_id": "old",
        "picks": [{"movie_id": 1, "score": 1.0, "stars": 5.0}],
    }
    put_results(hurried, json.dumps(stale))
    seen = hurried.follow(visitor)
    assert (seen["status"], len(seen["picks"])) == ("texted", 10)
    assert seen["model_id"] != "old"


def put_results(local: RunningDeployment, *lines: str) -> None:
    s3, bucket = local.client("s3"), local.parameters["results-bucket"]
    prefix = f"submission={uuid.uuid4().hex}/"
    s3.put_object(Bucket=bucket, Key=f"{prefix}part-00000.json", Body="\n".join(lines).encode())
    s3.put_object(Bucket=bucket, Key=f"{prefix}_SUCCESS", Body=b"")


def register_without_known_movies(local: RunningDeployment, phone: str) -> Visitor:
    """Register a visitor as ingest does, but with ratings that ingest would refuse.

    A visitor is in this state after an import has replaced the movies that they rated.
    """
    table = VisitorsTable(local.resource("dynamodb"), local.parameters["visitors-table"])
    bucket = RatingsBucket(local.client("s3"), local.parameters["ratings-bucket"])
    who = Registration(
        visitor_id=new_visitor_id(),
        dataset=local.questionnaire()["dataset"],
        name="Bea",
        phone=Phone(phone, "not counted here"),
        requested_at=timestamp(datetime.now(UTC)),
        ratings=tuple(Rating(movie_id, 5) for movie_id in NO_SUCH_MOVIE),
        expires_at=4_000_000_000,
    )
    Registrar(table, bucket).register(who)
    return Visitor(who.visitor_id, token="", phone=phone, picks=[])


def test_only_the_bad_visitor_of_a_batch_fails(hurried: RunningDeployment, phones: Phones) -> None:
    """Given two visitors of one submission, where the model knows no movie of one of them."""
    local, (phone, bad_phone) = hurried, phones.several(2)
    with local.held("visitors"):
        good = local.register(local.form(phone))
        bad = register_without_known_movies(local, bad_phone)

    assert local.follow(good)["status"] == "texted"
    assert local.submission_of(bad) == local.submission_of(good)
    item = eventually(
        lambda: local.item(bad.visitor_id),
        lambda seen: seen["status"]["S"] != "submitted",
        "the bad visitor being done with",
    )
    assert item["status"]["S"] == "failed"
    assert "knows none of the rated movies" in item["reason"]["S"]
    local.until_handled(good.visitor_id, bad.visitor_id)
    assert (len(local.texts(phone)), len(local.texts(bad_phone))) == (1, 0)
    assert len(local.attempts(good)) == 1


def test_emr_throttling_delays_requests_and_loses_none(
    faulty: RunningDeployment, phone: str
) -> None:
    faulty.plant("emr", "AddJobFlowSteps", error="ThrottlingException", times=2)
    visitor = faulty.register(faulty.form(phone))
    assert faulty.follow(visitor)["status"] == "texted"
    assert faulty.faults() == []
    assert len(faulty.texts(phone)) == 1


@contextmanager
def broken_step(local: RunningDeployment) -> Iterator[None]:
    """Replace the recommend step by a script that fails as soon as Spark starts it."""
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


def attempts(local: RunningDeployment, visitor: Visitor) -> list[dict[str, Any]]:
    """Wait for the visitor's submission and return its recommend steps, newest first."""
    local.follow(visitor, ("submitted", "recommended", "texted", "failed"))
    return local.attempts(visitor)


def test_a_step_that_fails_once_is_retried(hurried: RunningDeployment, phone: str) -> None:
    local = hurried
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


def test_a_step_that_is_cancelled_is_retried(hurried: RunningDeployment, phone: str) -> None:
    local = hurried
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
    hurried: RunningDeployment, phone: str
) -> None:
    with broken_step(hurried):
        visitor = hurried.register(hurried.form(phone))
        seen = hurried.follow(visitor)
    assert (seen["status"], hurried.texts(phone)) == ("failed", [])
    assert "after 3 attempts" in seen["reason"]
    failed = attempts(hurried, visitor)
    assert [step["Status"]["State"] for step in failed] == ["FAILED"] * 3


@pytest.mark.parametrize(
    "kind",
    [
        "no JSON",
        "results without a key",
        "a newer schema",
    ],
)
def test_a_poisoned_message_ends_among_the_dead_letters(
    hurried: RunningDeployment, poisoned: dict[str, Poison], kind: str
) -> None:
    poison = poisoned[kind]
    eventually(
        lambda: hurried.peek(f"{poison.queue}-dead-letters"),
        lambda letters: poison.mark in letters,
        f"{kind} among the dead letters",
    )
    assert poison.mark not in hurried.peek(poison.queue)


@pytest.mark.parametrize("kind", ["a forgotten visitor", "a text to somebody forgotten"])
def test_a_message_about_a_forgotten_visitor_is_consumed(
    hurried: RunningDeployment, poisoned: dict[str, Poison], kind: str
) -> None:
    poison = poisoned[kind]
    hurried.until_handled(poison.mark)
    assert poison.mark not in hurried.peek(f"{poison.queue}-dead-letters")


def test_redriven_dead_letters_are_served(faulty: RunningDeployment, phone: str) -> None:
    """Given a form whose message is a dead letter, when it is redriven, then its text is sent."""
    faulty.plant("emr", "AddJobFlowSteps", error="ThrottlingException", times=1000)
    visitor = faulty.register(faulty.form(phone))
    eventually(
        lambda: faulty.peek("visitors-dead-letters"),
        lambda letters: visitor.visitor_id in letters,
        "the message among the dead letters",
    )
    faulty.forget_faults()
    redriven = faulty.python("-m", "operations", "redrive")
    assert redriven.returncode == 0, redriven.stderr
    assert faulty.follow(visitor)["status"] == "texted"
    assert len(faulty.texts(phone)) == 1
