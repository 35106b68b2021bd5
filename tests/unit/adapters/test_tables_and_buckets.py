"""Adapters against a fake account, mainly their conditional writes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from mypy_boto3_emr import EMRClient

from marquee.aws.buckets import ModelsBucket, RatingsBucket, ResultsBucket, UndeletedError
from marquee.aws.cluster import EmrCluster
from marquee.aws.model_store import ModelStore
from marquee.aws.movies_table import MoviesTable
from marquee.aws.queues import QueueError, TextsQueue
from marquee.aws.visitors_table import VisitorsTable
from marquee.contracts import CurrentModel, DataVersion, Submission, TextMessage
from marquee.requests.emr_step_requests import StepLocations, train_step
from marquee.requests.ports import ClusterGoneError, Slice, StepState
from marquee.requests.revise import next_version
from marquee.requests.visitor import Change, Status
from tests.unit.aws import DATASET, MODEL_ID, Aws, put_model, put_titles
from tests.unit.memory import good_result, registration

ADA = registration(1)
PHONE = "+14155550001"
QUIET = registration(2, phone=False)
PICKS = good_result(ADA.visitor_id, 1).picks
LATER = timedelta(minutes=1)


@pytest.fixture
def table(aws: Aws) -> VisitorsTable:
    made = VisitorsTable(boto3.resource("dynamodb"), aws.environment["VISITORS_TABLE"])
    made.create(ADA)
    return made


def at(table: VisitorsTable, status: Status) -> list[str]:
    return [p.visitor_id for p in table.open(status, datetime.now(UTC) + LATER, 100).found]


def test_a_visitor_is_created_once(table: VisitorsTable) -> None:
    assert table.create(ADA) is False
    assert table.get(ADA.visitor_id) == ADA.progress


def test_progress_holds_neither_name_nor_phone(table: VisitorsTable) -> None:
    assert "Visitor 1" not in repr(table.get(ADA.visitor_id))
    assert PHONE[1:] not in repr(table.get(ADA.visitor_id))


def test_only_a_recipient_holds_name_and_phone_and_does_not_print_them(
    table: VisitorsTable,
) -> None:
    recipient = table.recipient(ADA.visitor_id)
    assert recipient is not None
    assert (recipient.name, recipient.phone) == ("Visitor 1", PHONE)
    assert PHONE[1:] not in repr(recipient)


def test_without_a_phone_there_is_no_recipient(table: VisitorsTable) -> None:
    table.create(QUIET)
    assert table.recipient(QUIET.visitor_id) is None
    assert table.recipient("0" * 26) is None


def test_a_status_changes_once(table: VisitorsTable) -> None:
    assert table.mark_submitted(ADA.visitor_id, 1, "s") is True
    assert table.mark_submitted(ADA.visitor_id, 1, "other") is False
    found = table.get(ADA.visitor_id)
    assert found is not None
    assert (found.status, found.submission_id) == (Status.SUBMITTED, "s")


@pytest.mark.parametrize("version", [0, 2])
def test_another_version_changes_no_status(table: VisitorsTable, version: int) -> None:
    assert not table.mark_submitted(ADA.visitor_id, version, "s")
    assert not table.mark_recommended(ADA.visitor_id, version, MODEL_ID, PICKS)
    assert not table.mark_failed(ADA.visitor_id, version, "why", [Status.RECEIVED])
    assert table.get(ADA.visitor_id) == ADA.progress


def test_a_status_creates_no_unknown_visitor(table: VisitorsTable) -> None:
    assert not table.mark_submitted("0" * 26, 1, "s")
    assert table.get("0" * 26) is None


def test_picks_survive_the_table(table: VisitorsTable) -> None:
    table.mark_recommended(ADA.visitor_id, 1, MODEL_ID, PICKS)
    found = table.get(ADA.visitor_id)
    assert found is not None
    assert found.picks == PICKS


def test_a_text_is_claimed_once_and_can_be_released(table: VisitorsTable) -> None:
    assert not table.claim_text(ADA.visitor_id, 1, "a")
    table.mark_recommended(ADA.visitor_id, 1, MODEL_ID, PICKS)
    assert table.claim_text(ADA.visitor_id, 1, "a")
    assert not table.claim_text(ADA.visitor_id, 1, "b")
    assert not table.release_text(ADA.visitor_id, 1, "b", counted_in=None)
    assert table.release_text(ADA.visitor_id, 1, "a", counted_in=None)
    assert table.claim_text(ADA.visitor_id, 1, "b")


def test_a_claim_whose_answer_was_lost_is_held_on_the_next_attempt(
    table: VisitorsTable,
) -> None:
    table.mark_recommended(ADA.visitor_id, 1, MODEL_ID, PICKS)
    assert table.claim_text(ADA.visitor_id, 1, "a")
    assert table.claim_text(ADA.visitor_id, 1, "a")


def test_a_released_text_stays_counted_until_the_next_version(table: VisitorsTable) -> None:
    table.mark_recommended(ADA.visitor_id, 1, MODEL_ID, PICKS)
    for counted_in in ("2026-11-21T00:00Z", None):  # None keeps the stored value
        assert table.claim_text(ADA.visitor_id, 1, "a")
        assert table.release_text(ADA.visitor_id, 1, "a", counted_in)
        found = table.get(ADA.visitor_id)
        assert found is not None
        assert found.text_counted_in == "2026-11-21T00:00Z"
    page = table.page(ADA.visitor_id)
    assert page is not None
    change = Change("2026-11-21T21:00:00Z", 2_000_000_000, text=True)
    assert table.revise(page.progress, next_version(page, change), None)
    revised = table.get(ADA.visitor_id)
    assert revised is not None
    assert revised.text_counted_in is None


def test_a_texted_visitor_can_no_longer_fail(table: VisitorsTable) -> None:
    table.mark_recommended(ADA.visitor_id, 1, MODEL_ID, PICKS)
    table.mark_texted(ADA.visitor_id, 1)
    assert not table.mark_failed(ADA.visitor_id, 1, "why", [Status.RECOMMENDED])


def test_open_lists_exactly_the_visitors_who_still_wait(table: VisitorsTable) -> None:
    table.create(QUIET)
    assert sorted(at(table, Status.RECEIVED)) == [ADA.visitor_id, QUIET.visitor_id]
    for person in (ADA, QUIET):
        table.mark_recommended(person.visitor_id, 1, MODEL_ID, PICKS)
    assert at(table, Status.RECEIVED) == []
    # A request without a phone ends with its picks; only the visitor with a phone still waits.
    assert at(table, Status.RECOMMENDED) == [ADA.visitor_id]
    table.mark_texted(ADA.visitor_id, 1)
    assert at(table, Status.RECOMMENDED) == []


def test_open_leaves_out_visitors_who_have_not_waited_long_enough(table: VisitorsTable) -> None:
    assert table.open(Status.RECEIVED, datetime.now(UTC) - timedelta(hours=1), 100) == Slice([])


def test_more_visitors_than_one_batch_are_read(table: VisitorsTable) -> None:
    people = [registration(number) for number in range(10, 140)]
    for person in people:
        table.create(person)
    found = table.get_many([person.visitor_id for person in people] * 2 + ["0" * 26])
    assert set(found) == {person.visitor_id for person in people}


def test_titles_of_unknown_movies_are_left_out(aws: Aws) -> None:
    put_titles(aws)
    movies = MoviesTable(boto3.resource("dynamodb"), aws.environment["MOVIES_TABLE"])
    assert movies.titles("embedded", [3, 3, 999]) == {3: "Film 3"}


def test_movies_are_written(aws: Aws) -> None:
    movies = MoviesTable(boto3.resource("dynamodb"), aws.environment["MOVIES_TABLE"])
    count = movies.put("d", [{"movie_id": 1, "title": "Up", "year": None, "genres": ["Drama"]}])
    assert (count, movies.titles("d", [1])) == (1, {1: "Up"})


@pytest.fixture
def ratings(aws: Aws) -> RatingsBucket:
    return RatingsBucket(aws.client("s3"), "marquee-test-ratings")


def test_visitor_objects_are_counted_since_a_given_time(ratings: RatingsBucket) -> None:
    now = datetime.now(UTC)
    ratings.append(ADA.progress.visitor_object)
    ratings.append(QUIET.progress.visitor_object)
    assert ratings.count_since(now - LATER, at_most=10) == 2
    assert ratings.count_since(now + LATER, at_most=10) == 0


def test_counting_visitor_objects_stops_where_enough_are_found(ratings: RatingsBucket) -> None:
    now = datetime.now(UTC)
    ratings.append(ADA.progress.visitor_object)
    ratings.append(QUIET.progress.visitor_object)
    assert ratings.count_since(now - LATER, at_most=1) == 1


def test_a_submission_is_read_back(ratings: RatingsBucket) -> None:
    submission = Submission((ADA.progress.member,))
    ratings.put(submission)
    assert ratings.get(submission.submission_id) == submission


def test_a_deleted_submission_is_not_found(ratings: RatingsBucket) -> None:
    submission = Submission((ADA.progress.member,))
    ratings.put(submission)
    ratings.delete_submission(submission.submission_id)
    ratings.delete_submission(submission.submission_id)  # a second delivery
    assert ratings.get(submission.submission_id) is None


def test_before_the_first_training_there_is_no_active_model(aws: Aws) -> None:
    assert ModelsBucket(aws.client("s3"), "marquee-test-models").current() is None


def name_newest(aws: Aws, dataset: str, version: str, model_id: str) -> None:
    """Write what a training writes last."""
    newest = CurrentModel(model_id, dataset, "2026-11-22T20:00:00Z", 9, 9, 0, version)
    key, body = newest.data.newest_key, newest.to_json()
    aws.client("s3").put_object(Bucket="marquee-test-models", Key=key, Body=body)


def make_active(aws: Aws, dataset: str, version: str, model_id: str) -> None:
    """Write what a switch writes."""
    pair = CurrentModel(model_id, dataset, "2026-11-21T20:00:00Z", 9, 9, 0, version)
    aws.client("s3").put_object(
        Bucket="marquee-test-models", Key="current.json", Body=pair.to_json()
    )


def active_id(aws: Aws) -> str:
    active = ModelsBucket(aws.client("s3"), "marquee-test-models").current()
    assert active is not None
    return active.model_id


@pytest.mark.parametrize("version", ["v1", ""])
def test_the_newest_model_of_the_active_data_is_active(aws: Aws, version: str) -> None:
    make_active(aws, "films", version, "m1")
    assert active_id(aws) == "m1"
    name_newest(aws, "films", version, "m2")
    assert active_id(aws) == "m2"


def test_a_training_on_the_former_data_that_ends_after_the_switch_replaces_nothing(
    aws: Aws,
) -> None:
    make_active(aws, "films", "v1", "m1")
    make_active(aws, "films", "v2", "m2")
    name_newest(aws, "films", "v1", "m3")
    name_newest(aws, "films", "v1", "m3")  # the event came twice
    assert active_id(aws) == "m2"


def test_a_model_of_data_that_is_not_active_yet_is_not_served(aws: Aws) -> None:
    make_active(aws, "films", "v1", "m1")
    name_newest(aws, "films", "v2", "m2")
    assert active_id(aws) == "m1"


def test_a_model_of_another_version_of_the_data_never_serves(aws: Aws) -> None:
    put_model(aws)
    put_model(aws, model_id=NEWER)
    make_active(aws, DATASET, "v2", NEWER)
    spoil(aws, NEWER, "corrupt")
    store, unreadable = store_counting(aws)
    assert store.current() is None
    assert unreadable.call_count == 1


def test_results_are_complete_only_with_the_success_marker(aws: Aws) -> None:
    s3 = aws.client("s3")
    results = ResultsBucket(s3, "marquee-test-results")
    s3.put_object(Bucket="marquee-test-results", Key="submission=a/part-0.json", Body=b"{}\n\n{}")
    assert not results.complete("a")
    s3.put_object(Bucket="marquee-test-results", Key="submission=a/_SUCCESS", Body=b"")
    assert results.complete("a")
    assert [line for _, line in results.lines("a")] == [b"{}", b"{}"]


def put_results(aws: Aws, *submissions: str) -> None:
    for submission in submissions:
        for name in ("", "part-0.json", "part-1.json", "_SUCCESS"):  # "": S3A's folder marker
            aws.client("s3").put_object(
                Bucket="marquee-test-results", Key=f"submission={submission}/{name}", Body=b"{}"
            )


def test_all_results_of_a_submission_are_deleted(aws: Aws) -> None:
    put_results(aws, "a", "ab")
    results = ResultsBucket(aws.client("s3"), "marquee-test-results")
    results.delete_results("a")
    results.delete_results("a")  # a second delivery
    left = aws.client("s3").list_objects_v2(Bucket="marquee-test-results")["Contents"]
    assert len(left) == 4
    assert all(found["Key"].startswith("submission=ab/") for found in left)


def test_results_stay_complete_until_all_other_objects_are_deleted(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_results(aws, "a")
    s3 = aws.client("s3")
    results = ResultsBucket(s3, "marquee-test-results")
    refused = {"Errors": [{"Key": "a", "Code": "InternalError", "Message": "no"}]}
    monkeypatch.setattr(s3, "delete_objects", lambda **_: refused)
    with pytest.raises(UndeletedError):
        results.delete_results("a")
    assert results.complete("a")


def test_results_that_another_delivery_deleted_have_no_lines(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_results(aws, "a")
    s3 = aws.client("s3")
    results = ResultsBucket(s3, "marquee-test-results")
    get_object = s3.get_object

    def late(**request: str) -> object:
        results.delete_results("a")
        return get_object(**request)

    monkeypatch.setattr(s3, "get_object", late)
    assert list(results.lines("a")) == []


def test_a_new_model_is_swapped_in_after_the_refresh_time(aws: Aws) -> None:
    now = [0.0]
    store = ModelStore(
        ModelsBucket(aws.client("s3"), "marquee-test-models"), 10, clock=lambda: now[0]
    )
    assert store.current() is None
    put_model(aws)
    assert store.current() is None
    now[0] = 11
    loaded = store.current()
    assert loaded is not None
    assert loaded[0].model_id == MODEL_ID


NEWER = "20261123t000000z-abcdef"


def spoil(aws: Aws, model_id: str, how: str) -> None:
    """Make a stored model unreadable, in the way that `how` names."""
    s3, bucket = aws.client("s3"), "marquee-test-models"
    if how == "half-written":
        s3.delete_object(Bucket=bucket, Key=f"{model_id}/manifest.json")
    elif how == "corrupt":
        s3.put_object(Bucket=bucket, Key=f"{model_id}/ranking.npz", Body=b"half of")
    else:
        body = json.dumps({"schema_version": 99, "model_id": model_id})
        s3.put_object(Bucket=bucket, Key=f"{model_id}/manifest.json", Body=body)


def store_counting(aws: Aws, clock: Callable[[], float] = lambda: 0.0) -> tuple[ModelStore, Mock]:
    unreadable = Mock()
    bucket = ModelsBucket(aws.client("s3"), "marquee-test-models")
    return ModelStore(bucket, 10, clock, unreadable), unreadable


@pytest.mark.parametrize("how", ["half-written", "corrupt", "of a newer format"])
def test_an_older_model_serves_where_the_active_one_cannot_be_read(
    aws: Aws, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    put_model(aws)
    put_model(aws, model_id=NEWER)
    spoil(aws, NEWER, how)
    store, unreadable = store_counting(aws)
    loaded = store.current()
    assert loaded is not None
    assert loaded[0].model_id == MODEL_ID
    assert len(loaded[1].picks({10: 5.0})) > 0
    assert unreadable.call_count == 1
    assert f"serving model {MODEL_ID} instead of {NEWER}" in caplog.text


def test_an_older_model_of_another_data_set_never_serves(aws: Aws) -> None:
    put_model(aws, dataset="another")
    put_model(aws, model_id=NEWER)
    spoil(aws, NEWER, "corrupt")
    store, unreadable = store_counting(aws)
    assert store.current() is None
    assert unreadable.call_count == 1


def test_the_model_in_memory_stays_while_the_active_one_cannot_be_read(aws: Aws) -> None:
    now = [0.0]
    put_model(aws)
    store, unreadable = store_counting(aws, lambda: now[0])
    before = store.current()
    put_model(aws, model_id=NEWER)
    spoil(aws, NEWER, "corrupt")
    now[0] = 11
    assert before is not None
    assert store.current() == before
    assert unreadable.call_count == 1


def test_the_active_model_serves_as_soon_as_it_can_be_read(aws: Aws) -> None:
    now = [0.0]
    put_model(aws)
    put_model(aws, model_id=NEWER)
    spoil(aws, NEWER, "half-written")
    store, _ = store_counting(aws, lambda: now[0])
    store.current()
    put_model(aws, model_id=NEWER)
    now[0] = 11
    loaded = store.current()
    assert loaded is not None
    assert loaded[0].model_id == NEWER


def test_an_unreadable_current_json_is_counted(aws: Aws) -> None:
    put_model(aws)
    aws.client("s3").put_object(Bucket="marquee-test-models", Key="current.json", Body=b"{")
    store, unreadable = store_counting(aws)
    assert store.current() is None
    assert unreadable.call_count == 1


def test_models_are_listed_newest_first(aws: Aws) -> None:
    put_model(aws)
    put_model(aws, model_id=NEWER)
    bucket = ModelsBucket(aws.client("s3"), "marquee-test-models")
    assert bucket.model_ids() == [NEWER, MODEL_ID]


LOCATIONS = StepLocations("s3://a/steps/1/", "r", "m", "x")


def test_added_steps_are_found_by_name(aws: Aws) -> None:
    cluster = EmrCluster(aws.client("emr"), aws.cluster_id)
    (step_id,) = cluster.add([train_step(LOCATIONS, DataVersion("d"), "m1")])
    assert cluster.describe(step_id)["Name"] == "train-m1"
    assert set(cluster.step_states(["train-m1", "train-m2"])) == {"train-m1"}
    assert cluster.step_states(["train-m1"])["train-m1"] in StepState
    assert "train-m1" in cluster.active_step_names()


def test_step_states_before_a_given_time_are_not_requested(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    emr, now, pages = aws.client("emr"), datetime.now(UTC), list[str]()

    def list_steps(**request: str) -> dict[str, object]:
        pages.append(request.get("Marker", "first"))
        timeline = {"CreationDateTime": now - len(pages) * timedelta(hours=1)}
        step = {"Name": f"s{len(pages)}", "Status": {"State": "COMPLETED", "Timeline": timeline}}
        return {"Steps": [step], "Marker": f"page {len(pages) + 1}"}

    monkeypatch.setattr(emr, "list_steps", list_steps)
    cluster = EmrCluster(emr, aws.cluster_id)
    found = cluster.step_states(["s1", "s2", "s3"], since=now - timedelta(hours=2.5))
    assert set(found) == {"s1", "s2"}
    assert len(pages) == 3


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", "A job flow that is shutting down, terminated, or finished …"),
        ("InvalidRequestException", "Cluster id 'j-1' is not valid."),
    ],
)
def test_a_terminated_cluster_has_its_own_error(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    emr = aws.client("emr")

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": message}}, "AddJobFlowSteps")

    for operation in ("add_job_flow_steps", "list_steps"):
        monkeypatch.setattr(emr, operation, refuse)
    cluster = EmrCluster(emr, "j-1")
    with pytest.raises(ClusterGoneError, match="make deploy"):
        cluster.add([])
    with pytest.raises(ClusterGoneError):
        cluster.step_states(["a"])


def steps_by_cluster(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, steps: dict[str, dict[str, str]]
) -> EMRClient:
    """Return EMR with these clusters' steps (states by name) and no other cluster."""
    emr: EMRClient = aws.client("emr")

    def list_steps(**request: str) -> dict[str, object]:
        if request["ClusterId"] not in steps:
            error = {
                "Code": "InvalidRequestException",
                "Message": f"Cluster id '{request['ClusterId']}' is not valid.",
            }
            raise ClientError({"Error": error}, "ListSteps")  # type: ignore[typeddict-item]
        timeline = {"CreationDateTime": datetime.now(UTC)}
        wanted = request.get("StepStates", tuple(StepState))
        return {
            "Steps": [
                {"Name": name, "Status": {"State": state, "Timeline": timeline}}
                for name, state in steps[request["ClusterId"]].items()
                if state in wanted
            ]
        }

    monkeypatch.setattr(emr, "list_steps", list_steps)
    return emr


def test_a_step_of_the_former_cluster_is_found_unless_the_new_cluster_has_it(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    emr = steps_by_cluster(
        aws,
        monkeypatch,
        {"j-OLD": {"a": "RUNNING", "b": "CANCELLED"}, "j-NEW": {"b": "PENDING"}},
    )
    cluster = EmrCluster(emr, "j-NEW", former=["j-OLD"])

    found = cluster.step_states(["a", "b", "c"])

    assert found == {"a": StepState.RUNNING, "b": StepState.PENDING}


def test_only_the_new_clusters_steps_delay_a_new_submission(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    emr = steps_by_cluster(aws, monkeypatch, {"j-OLD": {"a": "RUNNING"}, "j-NEW": {"b": "PENDING"}})

    assert EmrCluster(emr, "j-NEW", former=["j-OLD"]).active_step_names() == ["b"]


def test_a_former_cluster_that_emr_no_longer_knows_blocks_nothing(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    emr = steps_by_cluster(aws, monkeypatch, {"j-NEW": {"b": "PENDING"}})

    found = EmrCluster(emr, "j-NEW", former=["j-FORGOTTEN"]).step_states(["a", "b"])

    assert found == {"b": StepState.PENDING}


def test_throttling_is_not_taken_for_a_terminated_cluster(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    emr = aws.client("emr")

    def refuse(**_: object) -> None:
        error = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        raise ClientError({"Error": error}, "AddJobFlowSteps")  # type: ignore[typeddict-item]

    monkeypatch.setattr(emr, "add_job_flow_steps", refuse)
    with pytest.raises(ClientError, match="Rate exceeded"):
        EmrCluster(emr, "j-1").add([])


def test_the_texts_queue_counts_the_messages_that_wait(aws: Aws) -> None:
    texts = TextsQueue(aws.client("sqs"), aws.queues["texts"])
    before = texts.waiting()
    texts.send([TextMessage(f"v{number}", 1) for number in range(12)])
    assert texts.waiting() == before + 12


def test_rejected_messages_of_a_batch_are_an_error(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqs = aws.client("sqs")
    failed = {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}
    monkeypatch.setattr(sqs, "send_message_batch", lambda **_: failed)
    with pytest.raises(QueueError, match="InternalError"):
        TextsQueue(sqs, aws.queues["texts"]).send([TextMessage("v", 1)])
