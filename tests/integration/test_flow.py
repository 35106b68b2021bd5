"""The whole flow: form → picks → EMR steps → text. Runs against any deployment."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from marquee.aws.buckets import ModelsBucket
from tests.deployment import RunningDeployment, Visitor, eventually
from tests.integration.phones import Phones


@dataclass(frozen=True)
class Flown:
    """Two visitors who came at the same time, and what they saw in the end."""

    form: dict[str, Any]
    answers: list[dict[str, Any]]  # to a form with a phone, posted twice with the same key
    texted: dict[str, Any]
    without_phone: dict[str, Any]


@pytest.fixture(scope="module")
def flown(deployment: RunningDeployment, phones: Phones) -> Flown:
    form, key = deployment.form(phones.one()), uuid.uuid4().hex
    answers = [deployment.post(form, key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    body = answers[0].json()
    visitor = Visitor(body["visitor_id"], body["token"], form["phone"], body["picks"])
    silent = deployment.register(deployment.form())
    texted = deployment.follow(visitor)
    without = deployment.follow(silent, ("recommended", "texted", "failed"))
    return Flown(form, [answer.json() for answer in answers], texted, without)


def test_a_form_gets_ten_picks_immediately(flown: Flown) -> None:
    assert len(flown.answers[0]["picks"]) == 10


def test_a_form_with_a_phone_ends_texted(flown: Flown) -> None:
    seen = flown.texted
    assert (seen["status"], seen["reason"], len(seen["picks"])) == ("texted", None, 10)


def test_a_form_without_a_phone_ends_with_its_picks(flown: Flown) -> None:
    seen = flown.without_phone
    assert (seen["status"], seen["texts"], len(seen["picks"])) == ("recommended", False, 10)


def test_the_picks_are_unseen_and_explained(flown: Flown) -> None:
    rated = {rating["movie_id"] for rating in flown.form["ratings"]}
    liked = {rating["movie_id"] for rating in flown.form["ratings"] if rating["stars"] == 5}
    picks = flown.texted["picks"]
    assert not rated & {pick["movie_id"] for pick in picks}
    reasons = {because["movie_id"] for pick in picks for because in pick["because"]}
    assert reasons
    assert reasons <= liked


def test_the_same_form_posted_again_is_the_same_visitor(flown: Flown) -> None:
    first, second = flown.answers
    assert (first["visitor_id"], first["token"]) == (second["visitor_id"], second["token"])


def test_the_same_form_posted_again_sends_one_text(local: RunningDeployment, flown: Flown) -> None:
    local.until_handled(flown.texted["visitor_id"])
    assert len(local.texts(flown.form["phone"])) == 1


def test_the_text_holds_the_ten_picks_and_the_link(local: RunningDeployment, flown: Flown) -> None:
    (text,) = local.texts(flown.form["phone"])
    assert text.startswith("Ada, your Marquee picks:")
    assert all(f"{place}. " in text for place in range(1, 11))
    answer = flown.answers[0]
    assert f"{local.site_url}#{answer['visitor_id']}.{answer['token']}" in text


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("ingest", "visitor received"),
        ("submit-step", "visitor submitted"),
        ("queue-results", "visitor recommended"),
        ("send-text", "text: texted"),
    ],
)
def test_one_correlation_id_runs_from_form_to_text(
    local: RunningDeployment, flown: Flown, function: str, message: str
) -> None:
    def logged() -> list[dict[str, Any]]:
        return [
            line
            for line in local.log_lines(function)
            if line.get("message") == message
            and line["correlation_id"] == flown.texted["visitor_id"]
        ]

    eventually(logged, bool, f"{function} logging {message!r}", seconds=120)


@pytest.mark.usefixtures("flown")
@pytest.mark.parametrize("function", ["ingest", "submit-step", "queue-results", "send-text"])
def test_every_log_line_carries_a_correlation_id(local: RunningDeployment, function: str) -> None:
    lines = [line for line in local.log_lines(function) if "level" in line]
    assert lines
    assert all(line.get("correlation_id") for line in lines)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "A" * 61}, 422),
        ({"phone": "555-0123", "consent": True}, 422),
        ({"ratings": []}, 422),
        ({"surprise": 1}, 422),
    ],
)
def test_a_wrong_form_is_rejected_by_the_real_api(
    deployment: RunningDeployment, body: dict[str, object], status: int
) -> None:
    answer = deployment.post(deployment.form() | body)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] in body


def test_a_body_that_is_not_json_is_rejected_by_the_real_api(deployment: RunningDeployment) -> None:
    answer = deployment.http.post(
        f"{deployment.api_url}/visitors",
        content=b"{",
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"]


@pytest.mark.usefixtures("flown")
def test_the_training_includes_the_visitors_and_its_error_is_saved(
    local: RunningDeployment,
) -> None:
    s3, bucket = local.client("s3"), local.parameters["models-bucket"]
    current = ModelsBucket(s3, bucket).current()
    assert current is not None
    folder = current.model_id
    metrics = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}/metrics.json")["Body"].read())
    manifest = json.loads(
        s3.get_object(Bucket=bucket, Key=f"{folder}/manifest.json")["Body"].read()
    )
    assert json.dumps(metrics).lower().count("rmse") > 0
    # metrics.json counts the visitors who were left out because the model was worse with them.
    left_out = (metrics["left_out"] or {}).get("visitors", 0)
    assert manifest["counts"]["visitors"] + left_out >= 1
