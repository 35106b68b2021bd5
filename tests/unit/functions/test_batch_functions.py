"""The queues' functions and reconcile, with handlers and adapters, against a fake account."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from marquee.aws.buckets import RatingsBucket
from marquee.aws.cluster import EmrCluster
from marquee.aws.visitors_table import VisitorsTable
from marquee.contracts import CurrentModel, Result, Submission, results_prefix, timestamp
from marquee.requests.collect import PAGE
from marquee.requests.send_text import NO_MORE_TODAY
from marquee.requests.visitor import Registration, Status
from tests.unit.aws import MODEL_ID, Aws, context, create_cluster, event, put_model, put_titles
from tests.unit.memory import good_result, phone_of, registration

VISITOR_ID = "01jd5m8k3q9x7w2v4t6r8p0nzb"
SUBMISSION_ID = "9f2b6c1d4e8a70b35c6d9e1f2a3b4c5d"


def ada(visitor_id: str = VISITOR_ID) -> Registration:
    form = registration(1)
    return Registration(
        visitor_id=visitor_id,
        dataset=form.dataset,
        name="Ada",
        phone=phone_of("+14155550123"),
        requested_at=form.requested_at,
        ratings=form.ratings,
        expires_at=form.expires_at,
    )


@pytest.fixture
def table(aws: Aws) -> VisitorsTable:
    put_model(aws)
    put_titles(aws)
    return VisitorsTable(boto3.resource("dynamodb"), aws.environment["VISITORS_TABLE"])


def run(function: ModuleType, name: str, sent: dict[str, Any] | None = None) -> Any:
    return function.handler(sent or event(name), context(name))


def failures(answer: dict[str, Any]) -> int:
    return len(answer["batchItemFailures"])


def put_results(aws: Aws, *results: Result, submission_id: str = SUBMISSION_ID) -> None:
    body = "".join(result.to_json() + "\n" for result in results)
    for name, content in (("part-00000.json", body), ("_SUCCESS", "")):
        aws.client("s3").put_object(
            Bucket="marquee-test-results",
            Key=results_prefix(submission_id) + name,
            Body=content.encode(),
        )


def recommended(table: VisitorsTable) -> None:
    table.create(ada())
    table.mark_submitted(VISITOR_ID, 1, SUBMISSION_ID)
    table.mark_recommended(VISITOR_ID, 1, MODEL_ID, good_result(VISITOR_ID, 1).picks)


def status(table: VisitorsTable) -> Status:
    found = table.get(VISITOR_ID)
    assert found is not None
    return found.status


# submit_step


def test_the_sample_visitor_gets_a_train_and_a_recommend_step_in_one_submission(
    aws: Aws, table: VisitorsTable
) -> None:
    table.create(ada())
    RatingsBucket(aws.client("s3"), "marquee-test-ratings").append(ada().progress.visitor_object)
    before = aws.step_names()
    assert failures(run(aws.load("submit_step"), "submit_step")) == 0
    added = [name for name in aws.step_names() if name not in before]
    assert sorted(name.split("-")[0] for name in added) == ["recommend", "train"]
    assert status(table) is Status.SUBMITTED


def test_the_submission_holds_the_ratings_and_no_name_or_phone(
    aws: Aws, table: VisitorsTable
) -> None:
    table.create(ada())
    run(aws.load("submit_step"), "submit_step")
    s3 = aws.client("s3")
    (listed,) = s3.list_objects_v2(Bucket="marquee-test-ratings", Prefix="submissions/")["Contents"]
    content = s3.get_object(Bucket="marquee-test-ratings", Key=listed["Key"])["Body"].read()
    assert Submission.from_json_lines(content).members[0].visitor_id == VISITOR_ID
    assert b"Ada" not in content
    assert b"4155550123" not in content


def test_a_visitors_message_delivered_twice_adds_no_second_step(
    aws: Aws, table: VisitorsTable
) -> None:
    table.create(ada())
    function = aws.load("submit_step")
    run(function, "submit_step")
    after_one = aws.step_names()
    run(function, "submit_step")
    assert aws.step_names() == after_one


def test_a_message_about_a_forgotten_visitor_is_consumed_and_adds_no_step(
    aws: Aws, table: VisitorsTable
) -> None:
    before = aws.step_names()
    assert failures(run(aws.load("submit_step"), "submit_step")) == 0
    assert aws.step_names() == before


@pytest.mark.parametrize("body", ["poison", "{}", '{"Records":[{}]}', "[]"])
def test_a_poisoned_message_is_returned_and_the_others_are_served(
    aws: Aws, table: VisitorsTable, body: str
) -> None:
    table.create(ada())
    sent = event("submit_step")
    sent["Records"].append({**sent["Records"][0], "messageId": "poison", "body": body})
    answer = run(aws.load("submit_step"), "submit_step", sent)
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["poison"]
    assert status(table) is Status.SUBMITTED


def test_the_test_event_of_s3_is_ignored(aws: Aws, table: VisitorsTable) -> None:
    sent = event("submit_step")
    sent["Records"][0]["body"] = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    assert failures(run(aws.load("submit_step"), "submit_step", sent)) == 0


def test_emr_throttling_returns_the_message_and_the_next_delivery_adds_the_step(
    aws: Aws, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.create(ada())
    function = aws.load("submit_step")
    emr = function.submitter.adder.cluster._emr
    add = emr.add_job_flow_steps

    def throttle(**_: Any) -> None:
        raise ClientError(
            {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}},
            "AddJobFlowSteps",
        )

    monkeypatch.setattr(emr, "add_job_flow_steps", throttle)
    before = aws.step_names()
    assert failures(run(function, "submit_step")) == 1
    monkeypatch.setattr(emr, "add_job_flow_steps", add)
    assert failures(run(function, "submit_step")) == 0
    added = [name for name in aws.step_names() if name not in before]
    assert len([name for name in added if name.startswith("recommend-")]) == 1


def test_a_visitor_is_requeued_and_stays_received_while_the_cluster_is_busy(
    aws: Aws,
    table: VisitorsTable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table.create(ada())
    ahead = [f"recommend-{'a' * 32}", f"train-{MODEL_ID}", f"recommend-{'b' * 32}"]
    monkeypatch.setattr(EmrCluster, "active_step_names", lambda _: ahead)
    function = aws.load("submit_step")
    assert failures(run(function, "submit_step")) == 0
    assert status(table) is Status.RECEIVED
    (message,) = aws.messages("visitors")
    assert function.visitors_named(json.dumps(message)) == [(VISITOR_ID, 1)]
    # One log line for all visitors, because a backlog is redelivered every few seconds.
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "wait for the" in line]
    assert json.loads(line)["visitors"] == 1


# queue_results


def test_the_sample_results_give_picks_and_queue_the_text(aws: Aws, table: VisitorsTable) -> None:
    table.create(ada())
    put_results(aws, good_result(VISITOR_ID, 1))
    assert failures(run(aws.load("queue_results"), "queue_results")) == 0
    found = table.get(VISITOR_ID)
    assert found is not None
    assert (found.status, len(found.picks or ())) == (Status.RECOMMENDED, 10)
    assert aws.messages("texts") == [{"schema_version": 1, "visitor_id": VISITOR_ID, "version": 1}]


def test_the_line_about_a_recommended_visitor_says_when_the_results_were_complete(
    capsys: pytest.CaptureFixture[str], aws: Aws, table: VisitorsTable
) -> None:
    table.create(ada())
    put_results(aws, good_result(VISITOR_ID, 1))
    run(aws.load("queue_results"), "queue_results")
    (line,) = [
        json.loads(one)
        for one in capsys.readouterr().out.splitlines()
        if "visitor recommended" in one
    ]
    assert line["results_written_at"] == "2026-11-21T20:00:00.412Z"


def test_results_delivered_twice_keep_the_first_picks(aws: Aws, table: VisitorsTable) -> None:
    table.create(ada())
    function = aws.load("queue_results")
    put_results(aws, good_result(VISITOR_ID, 1))
    run(function, "queue_results")
    first = table.get(VISITOR_ID)
    put_results(aws, Result(VISITOR_ID, 1, "another", good_result(VISITOR_ID, 1).picks[:3]))
    run(function, "queue_results")
    assert table.get(VISITOR_ID) == first


def test_an_unreadable_line_returns_the_message_and_the_other_lines_are_collected(
    aws: Aws, table: VisitorsTable
) -> None:
    table.create(ada())
    put_results(aws, good_result(VISITOR_ID, 1))
    aws.client("s3").put_object(
        Bucket="marquee-test-results",
        Key=f"{results_prefix(SUBMISSION_ID)}part-00001.json",
        Body=b'{"schema_version": 99}\n',
    )
    assert failures(run(aws.load("queue_results"), "queue_results")) == 1
    assert status(table) is Status.RECOMMENDED


def test_results_are_handed_on_when_time_runs_out_and_finished_from_there(
    aws: Aws, table: VisitorsTable
) -> None:
    people = [registration(number) for number in range(1, PAGE + 21)]
    for one in people:
        table.create(one)
    put_results(aws, *(good_result(one.visitor_id, 1) for one in people))
    function = aws.load("queue_results")
    hurried = context("queue_results")
    hurried.get_remaining_time_in_millis = lambda: 10_000
    assert failures(function.handler(event("queue_results"), hurried)) == 0
    assert len(aws.all_messages("texts")) == PAGE
    [rest] = aws.messages("results")
    record = event("queue_results")["Records"][0] | {"body": json.dumps(rest)}
    assert failures(run(function, "queue_results", {"Records": [record]})) == 0
    assert aws.messages("results") == []
    assert {text["visitor_id"] for text in aws.all_messages("texts")} == {
        one.visitor_id for one in people[PAGE:]
    }
    found = table.get_many([one.visitor_id for one in people])
    assert {one.status for one in found.values()} == {Status.RECOMMENDED}


# send_text


def test_the_sample_message_of_a_text_is_sent_once(aws: Aws, table: VisitorsTable) -> None:
    recommended(table)
    function = aws.load("send_text")
    assert failures(run(function, "send_text")) == 0
    assert failures(run(function, "send_text")) == 0
    assert status(table) is Status.TEXTED


def test_the_text_holds_ten_titles_the_link_and_the_opt_out_line(
    aws: Aws, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommended(table)
    function = aws.load("send_text")
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(function.texter.sms._sns, "publish", lambda **request: sent.append(request))
    run(function, "send_text")
    (request,) = sent
    assert request["PhoneNumber"] == "+14155550123"
    assert all(f"Film {number}" in request["Message"] for number in range(11, 21))
    assert f"https://d111111abcdef8.cloudfront.net/#{VISITOR_ID}." in request["Message"]
    assert request["Message"].endswith("Reply STOP to opt out.")


def refusing(code: str, http_status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "to +14155550123"},
            "ResponseMetadata": {
                "HTTPStatusCode": http_status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "Publish",
    )


@pytest.mark.parametrize(
    ("error", "sent_back", "ends"),
    [
        (refusing("Throttling"), 1, Status.RECOMMENDED),
        (refusing("AuthorizationError", 403), 1, Status.RECOMMENDED),
        (refusing("InvalidParameter"), 0, Status.FAILED),
        (refusing("OptedOut"), 0, Status.TEXTED),
        (refusing("InternalError", 500), 0, Status.FAILED),
        (ReadTimeoutError(endpoint_url="https://sns"), 0, Status.FAILED),
    ],
    ids=["throttled", "forbidden", "invalid", "opted out", "server error", "timeout"],
)
def test_a_rejected_text_is_retried_only_where_it_was_certainly_not_sent(
    capsys: pytest.CaptureFixture[str],
    aws: Aws,
    table: VisitorsTable,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    sent_back: int,
    ends: Status,
) -> None:
    recommended(table)
    function = aws.load("send_text")

    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(function.texter.sms._sns, "publish", refuse)
    assert failures(run(function, "send_text")) == sent_back
    assert status(table) is ends
    assert "4155550123" not in "".join(capsys.readouterr())


def test_no_exception_repeats_the_number_from_an_sns_error(
    aws: Aws, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The X-Ray SDK writes a client's exceptions to the trace before our code can handle them."""
    recommended(table)
    function = aws.load("send_text")
    sns, seen = function.texter.sms._sns, list[Exception]()
    call = sns._make_api_call

    def traced(*arguments: Any) -> Any:
        try:
            return call(*arguments)
        except ClientError as error:
            seen.append(error)
            raise

    monkeypatch.setattr(sns, "_make_api_call", traced)
    monkeypatch.setattr(sns._endpoint, "make_request", _refused_by_http)
    run(function, "send_text")
    assert seen
    assert "4155550123" not in repr([(str(error), error.__dict__) for error in seen])


def _refused_by_http(*_: Any) -> tuple[Any, dict[str, Any]]:
    message = "Invalid parameter: PhoneNumber Reason: +14155550123 is not valid to publish to"
    parsed = {
        "Error": {"Code": "InvalidParameter", "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "1", "HTTPHeaders": {}},
    }
    return SimpleNamespace(status_code=400), parsed


def test_no_text_is_claimed_without_time_to_finish(
    aws: Aws, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommended(table)
    function = aws.load("send_text")
    hurried = context("send_text")
    hurried.get_remaining_time_in_millis = lambda: 19_000
    answer = function.handler(event("send_text"), hurried)
    found = table.get(VISITOR_ID)
    assert failures(answer) == 1
    assert found is not None
    assert found.text_claimed_at is None


def test_a_message_whose_text_is_being_sent_is_returned(aws: Aws, table: VisitorsTable) -> None:
    recommended(table)
    table.claim_text(VISITOR_ID, 1, "a")
    assert failures(run(aws.load("send_text"), "send_text")) == 1
    assert status(table) is Status.RECOMMENDED


def test_a_poisoned_message_of_a_text_is_returned(aws: Aws, table: VisitorsTable) -> None:
    sent = event("send_text")
    sent["Records"][0]["body"] = '{"visitor_id": 1}'
    assert failures(run(aws.load("send_text"), "send_text", sent)) == 1


def test_a_text_over_the_cap_is_counted_and_ends_with_its_reason(
    aws: Aws,
    table: VisitorsTable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recommended(table)
    monkeypatch.setenv("TEXTS_A_DAY_IN_ALL", "1")
    function = aws.load("send_text")
    function.texter.cap.take(datetime.now(UTC))
    capsys.readouterr()
    assert failures(run(function, "send_text")) == 0
    printed = capsys.readouterr().out
    found = table.get(VISITOR_ID)
    assert found is not None
    assert (found.status, found.reason) == (Status.FAILED, NO_MORE_TODAY)
    assert len(found.picks or ()) == 10
    assert '"TextsOverTheCap":[1.0]' in printed
    assert "VisitorsFailed" not in printed


def opt_out(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"isOptedOut": True}
    sns = function.texter.sms._sns
    monkeypatch.setattr(sns, "check_if_phone_number_is_opted_out", lambda **_: answer)


def use_the_phones_texts_up(function: ModuleType, _: pytest.MonkeyPatch) -> None:
    phone = ada().phone
    assert phone is not None
    for _place in range(3):  # default of TextsADay
        function.texter.phone_cap.take(datetime.now(UTC), phone.mark)


@pytest.mark.parametrize(
    ("withhold", "why"),
    [(opt_out, "the phone has opted out"), (use_the_phones_texts_up, "over the phone's limit")],
)
def test_a_withheld_text_ends_like_a_sent_one_and_is_reported_to_the_operator(
    aws: Aws,
    table: VisitorsTable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    withhold: Callable[[ModuleType, pytest.MonkeyPatch], None],
    why: str,
) -> None:
    recommended(table)
    function = aws.load("send_text")
    withhold(function, monkeypatch)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(function.texter.sms._sns, "publish", lambda **given: sent.append(given))
    capsys.readouterr()
    assert failures(run(function, "send_text")) == 0
    printed = capsys.readouterr().out
    found = table.get(VISITOR_ID)
    assert found is not None
    assert (found.status, found.reason, sent) == (Status.TEXTED, None, [])
    assert f"text: withheld: {why}" in printed
    assert '"TextsWithheld":[1.0]' in printed
    assert "VisitorsTexted" not in printed
    assert "VisitorsFailed" not in printed
    records = str(aws.table("IDEMPOTENCY_TABLE").scan()["Items"])
    assert "limit/texts/" in records
    assert not [each for each in ("4155550123", VISITOR_ID) if each in records]


# reconcile


def step_event(aws: Aws, name: str, state: str = "FAILED") -> dict[str, Any]:
    sent = event("reconcile")
    sent["detail"] |= {"clusterId": aws.cluster_id, "name": name, "state": state}
    return sent


def submitted(aws: Aws, table: VisitorsTable) -> str:
    table.create(ada())
    run(aws.load("submit_step"), "submit_step")
    found = table.get(VISITOR_ID)
    assert found is not None
    return str(found.submission_id)


def test_a_failed_recommend_step_is_retried_once_even_if_the_event_is_repeated(
    aws: Aws, table: VisitorsTable
) -> None:
    submission_id = submitted(aws, table)
    function = aws.load("reconcile")
    for _ in range(2):
        run(function, "reconcile", step_event(aws, f"recommend-{submission_id}"))
    assert aws.step_names().count(f"recommend-{submission_id}-2") == 1


def renewed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    """Replace the cluster by a new one; return the id of the former cluster."""
    former = aws.cluster_id
    aws.cluster_id = create_cluster(aws.client("emr"))
    monkeypatch.setenv("CLUSTER_ID", aws.cluster_id)
    monkeypatch.setenv("FORMER_CLUSTER_IDS", former)
    return former


def test_a_submission_that_runs_on_the_former_cluster_is_not_added_to_the_new_one(
    aws: Aws, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(aws, table)
    renewed(aws, monkeypatch)
    monkeypatch.setenv("SUBMITTED_PATIENCE_SECONDS", "0.001")

    assert failures(run(aws.load("submit_step"), "submit_step")) == 0  # a second delivery
    run(aws.load("reconcile"), "reconcile", {"action": "sweep"})

    assert aws.step_names() == []


def test_a_step_that_fails_on_the_former_cluster_is_retried_on_the_new_one(
    aws: Aws, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission_id = submitted(aws, table)
    former = renewed(aws, monkeypatch)
    failed = step_event(aws, f"recommend-{submission_id}")
    failed["detail"]["clusterId"] = former

    run(aws.load("reconcile"), "reconcile", failed)

    assert aws.step_names() == [f"recommend-{submission_id}-2"]


def test_the_failure_of_the_last_attempt_fails_the_visitor_with_a_reason(
    aws: Aws, table: VisitorsTable
) -> None:
    submission_id = submitted(aws, table)
    run(aws.load("reconcile"), "reconcile", step_event(aws, f"recommend-{submission_id}-3"))
    found = table.get(VISITOR_ID)
    assert found is not None
    assert (found.status, bool(found.reason)) == (Status.FAILED, True)


def test_steps_of_other_clusters_are_ignored(aws: Aws, table: VisitorsTable) -> None:
    before = aws.step_names()
    run(aws.load("reconcile"), "reconcile")
    assert aws.step_names() == before


def test_the_sweep_writes_the_missing_object_of_a_visitor(aws: Aws, table: VisitorsTable) -> None:
    long_ago = timestamp(datetime.now(UTC) - timedelta(hours=1))
    form = ada()
    table.create(
        Registration(
            form.visitor_id,
            form.dataset,
            form.name,
            form.phone,
            long_ago,
            form.ratings,
            form.expires_at,
        )
    )
    run(aws.load("reconcile"), "reconcile", {"action": "sweep"})
    listed = aws.client("s3").list_objects_v2(Bucket="marquee-test-ratings", Prefix="visitors/")
    assert VISITOR_ID in listed["Contents"][0]["Key"]


def test_a_sweep_that_lambda_retries_after_a_failure_does_nothing(
    aws: Aws, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, calls = aws.load("reconcile"), []

    def fail(*_: object) -> None:
        calls.append("open")
        raise RuntimeError("DynamoDB does not answer")

    monkeypatch.setattr(VisitorsTable, "open", fail)
    with pytest.raises(ExceptionGroup):
        run(function, "reconcile", {"action": "sweep"})
    looked = len(calls)
    run(function, "reconcile", {"action": "sweep"})  # has the same request id, like a retry
    assert len(calls) == looked == 4


@pytest.mark.parametrize("left_out", [0, 12])
def test_every_sweep_counts_the_visitors_left_out_of_the_active_model(
    aws: Aws, table: VisitorsTable, capsys: pytest.CaptureFixture[str], left_out: int
) -> None:
    current = CurrentModel(MODEL_ID, "embedded", "2026-11-21T20:00:00.000Z", 100, 5000, left_out)
    aws.client("s3").put_object(
        Bucket="marquee-test-models", Key="current.json", Body=current.to_json()
    )
    run(aws.load("reconcile"), "reconcile", {"action": "sweep"})
    lines = [line for line in capsys.readouterr().out.splitlines() if "VisitorsLeftOut" in line]
    assert [json.loads(line)["VisitorsLeftOut"] for line in lines] == [[left_out]]


def test_the_schedule_trains_unless_a_training_is_already_waiting(
    aws: Aws, table: VisitorsTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = aws.load("reconcile")
    waiting = function.reconciler.cluster.active_step_names
    monkeypatch.setattr(EmrCluster, "active_step_names", lambda _: ["recommend-1"])
    before = aws.step_names()
    run(function, "reconcile", {"action": "train"})
    added = {name.partition("-")[0] for name in aws.step_names() if name not in before}
    assert added == {"train", "similar"}
    monkeypatch.setattr(EmrCluster, "active_step_names", lambda _: waiting())
    run(function, "reconcile", {"action": "train"})
    assert len(aws.step_names()) == len(before) + 2


def test_before_the_first_import_the_schedule_trains_nothing_and_fails_nothing(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    before = aws.step_names()
    run(aws.load("reconcile"), "reconcile", {"action": "train"})
    assert aws.step_names() == before
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "level" in line]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("INFO", "no data set is active yet, so there is nothing to train")
    ]


def test_an_unknown_event_of_reconcile_is_an_error(aws: Aws, table: VisitorsTable) -> None:
    with pytest.raises(ValueError, match="does not handle such an event"):
        run(aws.load("reconcile"), "reconcile", {"action": "dance"})


@pytest.mark.parametrize(
    ("function", "line"),
    [
        ("submit_step", "visitor submitted"),
        ("queue_results", "visitor recommended"),
        ("send_text", "text: texted"),
    ],
)
def test_every_hop_logs_the_visitors_correlation_id(
    capsys: pytest.CaptureFixture[str],
    aws: Aws,
    table: VisitorsTable,
    function: str,
    line: str,
) -> None:
    if function == "send_text":
        recommended(table)
    else:
        table.create(ada())
        put_results(aws, good_result(VISITOR_ID, 1))
    run(aws.load(function), function)
    logged = [json.loads(one) for one in capsys.readouterr().out.splitlines()]
    assert all(one.get("correlation_id") for one in logged if "level" in one)
    (found,) = [one for one in logged if one.get("message") == line]
    assert found["correlation_id"] == VISITOR_ID
