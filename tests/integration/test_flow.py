"""The whole flow: form → picks → engine → text. Runs against any deployment."""

import json
import uuid

import pytest

from tests.deployment import Deployment, eventually


def test_a_form_gets_picks_at_once_and_one_text(deployment: Deployment, phone: str) -> None:
    visitor = deployment.register(deployment.form(phone))
    assert len(visitor.picks) == 10
    seen = deployment.follow(visitor)
    assert (seen["status"], seen["reason"], len(seen["picks"])) == ("texted", None, 10)


def test_the_picks_are_unseen_and_explained(deployment: Deployment) -> None:
    form = deployment.form()
    visitor = deployment.register(form)
    rated = {rating["movie_id"] for rating in form["ratings"]}
    loved = {rating["movie_id"] for rating in form["ratings"] if rating["stars"] == 5}
    seen = deployment.follow(visitor, ("recommended",))
    assert not rated & {pick["movie_id"] for pick in seen["picks"]}
    reasons = {because["movie_id"] for pick in seen["picks"] for because in pick["because"]}
    assert reasons
    assert reasons <= loved


def test_a_form_without_a_phone_ends_with_its_picks(deployment: Deployment) -> None:
    visitor = deployment.register(deployment.form())
    assert deployment.follow(visitor, ("recommended", "failed"))["texts"] is False


def test_the_text_holds_the_ten_picks_and_the_way_back(local: Deployment, phone: str) -> None:
    visitor = local.register(local.form(phone))
    picks = local.follow(visitor)["picks"]
    (text,) = local.texts(phone)
    assert text.startswith("Ada, your Marquee picks:")
    assert all(f"{place}. " in text for place in range(1, len(picks) + 1))
    assert f"{local.site_url}#{visitor.visitor_id}.{visitor.token}" in text


def test_the_same_form_posted_again_is_the_same_visitor_and_one_text(
    local: Deployment, phone: str
) -> None:
    form, key = local.form(phone), uuid.uuid4().hex
    first, second = local.post(form, key), local.post(form, key)
    assert first.json()["visitor_id"] == second.json()["visitor_id"]
    assert first.json()["token"] == second.json()["token"]
    eventually(lambda: local.texts(phone), bool, "the text")
    assert len(local.texts(phone)) == 1


def test_one_correlation_id_runs_from_form_to_text(local: Deployment, phone: str) -> None:
    visitor = local.register(local.form(phone))
    local.follow(visitor)
    expected = {
        "ingest": "visitor received",
        "submit-step": "visitor submitted",
        "queue-results": "visitor recommended",
        "send-text": "text: texted",
    }
    for function, message in expected.items():

        def found(function: str = function, message: str = message) -> bool:
            return any(
                line.get("message") == message and line["correlation_id"] == visitor.visitor_id
                for line in local.log_lines(function)
            )

        eventually(found, bool, f"{function} logging {message!r}", seconds=30)


def test_every_log_line_carries_a_correlation_id(local: Deployment, phone: str) -> None:
    local.follow(local.register(local.form(phone)))
    for function in ("ingest", "submit-step", "queue-results", "send-text"):
        lines = [line for line in local.log_lines(function) if "level" in line]
        assert lines
        assert all(line.get("correlation_id") for line in lines)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": ""}, 422),
        ({"phone": "555-0123", "consent": True}, 422),
        ({"ratings": []}, 422),
        ({"surprise": 1}, 422),
    ],
)
def test_a_wrong_form_is_refused_through_the_real_api(
    deployment: Deployment, body: dict[str, object], status: int
) -> None:
    answer = deployment.post(deployment.form() | body)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] in body


def test_a_body_that_is_not_json_is_refused_through_the_real_api(deployment: Deployment) -> None:
    answer = deployment.http.post(
        f"{deployment.api_url}/visitors",
        content=b"{",
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert json.loads(answer.content)["errors"]


def test_the_training_includes_the_visitors_and_its_error_is_saved(local: Deployment) -> None:
    local.follow(local.register(local.form()), ("recommended",))
    s3, bucket = local.client("s3"), local.parameters["models-bucket"]
    current = json.loads(s3.get_object(Bucket=bucket, Key="current.json")["Body"].read())
    folder = current["model_id"]
    metrics = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}/metrics.json")["Body"].read())
    manifest = json.loads(
        s3.get_object(Bucket=bucket, Key=f"{folder}/manifest.json")["Body"].read()
    )
    assert json.dumps(metrics).lower().count("rmse") > 0
    assert manifest["counts"]["visitors"] >= 1
