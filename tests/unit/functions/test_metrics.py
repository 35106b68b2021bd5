"""What the functions count about the way of a request, the models and the answers to picks."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest

from marquee.aws.visitors_table import VisitorsTable
from marquee.contracts import results_prefix, timestamp
from marquee.recommender.model_folder import to_files
from tests.unit.api import Api
from tests.unit.aws import (
    DATASET,
    MODEL_ID,
    Aws,
    context,
    event,
    model_of_dataset,
    put_model,
    put_titles,
)
from tests.unit.emf import counted
from tests.unit.memory import good_result, phone_of, registration

RATINGS = [{"movie_id": movie_id, "stars": 5} for movie_id in range(1, 6)]
VISITOR_ID = "01jd5m8k3q9x7w2v4t6r8p0nzb"  # in the sample events
SUBMISSION_ID = "9f2b6c1d4e8a70b35c6d9e1f2a3b4c5d"
PICK_METRICS = ("PickStarsPredicted", "PickStarsGiven", "PickStarsError", "PicksDismissed")


@pytest.fixture
def table(api: Api) -> VisitorsTable:
    put_titles(api.aws)
    return VisitorsTable(boto3.resource("dynamodb"), api.aws.environment["VISITORS_TABLE"])


def answers_counted(capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """Return what was counted about the visitor's answers to picks."""
    return {name: values for name, values in counted(capsys).items() if name in PICK_METRICS}


def put_sample_visitor(table: VisitorsTable, seconds_ago: float) -> None:
    form = replace(registration(1), visitor_id=VISITOR_ID, phone=phone_of("+14155550123"))
    at = timestamp(datetime.now(UTC) - timedelta(seconds=seconds_ago))
    table.create(replace(form, dataset=DATASET, requested_at=at))


def run(function: ModuleType, name: str, sent: dict[str, Any] | None = None) -> Any:
    return function.handler(sent or event(name), context(name))


# ingest


def test_an_answer_with_picks_at_once_counts_its_seconds(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert api.call("POST", "/picks", {"ratings": RATINGS})[0] == 200
    (seconds,) = counted(capsys)["SecondsToPicksAtOnce"]
    assert seconds > 0
    assert api.call("POST", "/picks", {"ratings": []})[0] == 422
    assert "SecondsToPicksAtOnce" not in counted(capsys)


def test_a_model_counts_its_measures_when_it_is_loaded_and_only_then(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    put_model(aws)
    measured = replace(model_of_dataset(DATASET), metrics={"test_rmse": 0.87, "ndcg@10": 0.31})
    for name, content in to_files(measured).items():
        aws.client("s3").put_object(
            Bucket="marquee-test-models", Key=f"{MODEL_ID}/{name}", Body=content
        )
    api = Api(aws)
    assert api.call("GET", "/health")[0] == 200
    found = counted(capsys)
    assert (found["ModelTestRmse"], found["ModelNdcg"]) == ([0.87], [0.31])
    assert api.call("GET", "/health")[0] == 200
    assert "ModelTestRmse" not in counted(capsys)


def test_a_model_without_held_out_ratings_counts_no_measures(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert api.call("GET", "/health")[0] == 200
    assert not {"ModelTestRmse", "ModelNdcg"} & counted(capsys).keys()


def test_answers_to_picks_count_once_and_ratings_of_other_movies_never(
    api: Api, table: VisitorsTable, capsys: pytest.CaptureFixture[str]
) -> None:
    created, made, _ = api.call("POST", "/visitors", {"name": "Ada", "ratings": RATINGS})
    assert created == 201
    picks = good_result(made["visitor_id"], 1).picks
    table.mark_recommended(made["visitor_id"], 1, MODEL_ID, picks)
    rated, other, dismissed = picks[0], 40, picks[1].movie_id
    assert other not in {pick.movie_id for pick in picks}
    bearer = {"Authorization": f"Bearer {made['token']}"}

    def rate(version: int, *more: dict[str, int], dismissed: tuple[int, ...] = ()) -> int:
        form = {"ratings": [*RATINGS, *more], "dismissed": list(dismissed)}
        path = f"/visitors/{made['visitor_id']}/ratings"
        return api.call("PUT", path, form, bearer | {"If-Match": f'"{version}"'})[0]

    answers_counted(capsys)
    assert rate(1, {"movie_id": other, "stars": 1}) == 200
    assert answers_counted(capsys) == {}
    mine = {"movie_id": rated.movie_id, "stars": 2}
    assert rate(2, mine) == 200
    assert answers_counted(capsys) == {
        "PickStarsPredicted": [pytest.approx(rated.stars, abs=0.01)],
        "PickStarsGiven": [2],
        "PickStarsError": [pytest.approx(abs(2 - rated.stars), abs=0.01)],
    }
    assert rate(2, mine) == 412  # the answer was lost: the same call again
    assert rate(3, mine) == 200
    assert rate(4, mine | {"stars": 5}) == 200
    assert answers_counted(capsys) == {}
    assert rate(5, mine, dismissed=(dismissed,)) == 200
    assert answers_counted(capsys) == {"PicksDismissed": [1]}


# The functions of the queues


def test_a_submitted_visitor_counts_the_seconds_since_the_form(
    aws: Aws, table: VisitorsTable, capsys: pytest.CaptureFixture[str]
) -> None:
    put_sample_visitor(table, seconds_ago=100)
    run(aws.load("submit_step"), "submit_step")
    (seconds,) = counted(capsys)["SecondsFromFormToSubmission"]
    assert seconds >= 100


def test_picks_count_the_seconds_since_the_submission_once(
    aws: Aws, table: VisitorsTable, capsys: pytest.CaptureFixture[str]
) -> None:
    put_sample_visitor(table, seconds_ago=100)
    table.mark_submitted(VISITOR_ID, 1, SUBMISSION_ID)
    for name, body in (("part-00000.json", good_result(VISITOR_ID, 1).to_json()), ("_SUCCESS", "")):
        aws.client("s3").put_object(
            Bucket="marquee-test-results", Key=results_prefix(SUBMISSION_ID) + name, Body=body
        )
    function = aws.load("queue_results")
    run(function, "queue_results")
    (seconds,) = counted(capsys)["SecondsFromSubmissionToPicks"]
    assert seconds >= 0
    run(function, "queue_results")
    assert "SecondsFromSubmissionToPicks" not in counted(capsys)


def test_a_text_counts_the_seconds_since_its_message_was_queued(
    aws: Aws, table: VisitorsTable, capsys: pytest.CaptureFixture[str]
) -> None:
    put_sample_visitor(table, seconds_ago=100)
    table.mark_recommended(VISITOR_ID, 1, MODEL_ID, good_result(VISITOR_ID, 1).picks)
    sent = event("send_text")
    queued = datetime.now(UTC) - timedelta(seconds=30)
    sent["Records"][0]["attributes"]["SentTimestamp"] = str(int(queued.timestamp() * 1000))
    run(aws.load("send_text"), "send_text", sent)
    found = counted(capsys)
    assert found["VisitorsTexted"] == [1]
    assert 30 <= found["SecondsFromPicksToText"][0] <= found["SecondsFromFormToText"][0]


@pytest.mark.parametrize(
    ("step", "trainings"), [(f"train-{MODEL_ID}", [1]), (f"similar-{MODEL_ID}", None)]
)
def test_a_failed_train_step_counts_as_a_failed_training(
    aws: Aws,
    table: VisitorsTable,
    capsys: pytest.CaptureFixture[str],
    step: str,
    trainings: list[int] | None,
) -> None:
    sent = event("reconcile")
    sent["detail"] |= {"name": step, "clusterId": aws.cluster_id, "state": "FAILED"}
    run(aws.load("reconcile"), "reconcile", json.loads(json.dumps(sent)))
    found = counted(capsys)
    assert (found["StepsFailed"], found.get("TrainingsFailed")) == ([1], trainings)
