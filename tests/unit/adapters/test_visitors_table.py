"""Changes and forgetting, limits and objects, against a fake account."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from marquee.aws.buckets import RatingsBucket, UndeletedError
from marquee.aws.tallies import Counters, Tallies
from marquee.aws.visitors_table import VisitorsTable
from marquee.contracts import Rating, timestamp
from marquee.revising import next_version
from marquee.visitor import Change, Page, Status
from tests.unit.aws import MODEL_ID, Aws
from tests.unit.memory import good_result, phone_of, registration

ADA = registration(1)
ID = ADA.visitor_id
PICKS = good_result(ID, 1).picks
TOMORROW = datetime.now(UTC) + timedelta(days=1)
SOON = TOMORROW  # nobody has waited that long, however slow the machine
PHONE = phone_of("+14155550199")


@pytest.fixture
def table(aws: Aws) -> VisitorsTable:
    made = VisitorsTable(boto3.resource("dynamodb"), aws.environment["VISITORS_TABLE"])
    made.create(ADA)
    return made


def page(table: VisitorsTable) -> Page:
    found = table.page(ID)
    assert found is not None
    return found


def revised(table: VisitorsTable, count: int = 6, **more: Any) -> Page:
    ratings = tuple(Rating(movie_id, 3) for movie_id in range(1, count + 1))
    change = Change(timestamp(TOMORROW), 2_000_000_001, ratings=ratings, dismissed=(30,))
    return next_version(page(table), replace(change, **more))


def item(aws: Aws) -> dict[str, Any]:
    answer = aws.table("VISITORS_TABLE").get_item(Key={"visitor_id": ID})
    return dict(answer["Item"])


def test_a_page_knows_the_last_digits_of_the_phone_and_no_more(table: VisitorsTable) -> None:
    found = page(table)
    assert (found.name, found.phone_ends, found.expires_at) == ("Visitor 1", "01", 2_000_000_000)
    assert "4155550001" not in repr(found)


def test_a_change_is_stored_whole(table: VisitorsTable) -> None:
    table.mark_recommended(ID, 1, MODEL_ID, PICKS)
    expected = revised(table)
    assert table.revise(page(table).progress, expected, None)
    assert page(table) == expected


def test_a_new_phone_is_where_the_text_goes(table: VisitorsTable) -> None:
    expected = revised(table, phone=PHONE, text=True)
    assert table.revise(page(table).progress, expected, PHONE)
    recipient = table.recipient(ID)
    assert recipient is not None
    assert (recipient.phone, page(table).phone_mark) == (PHONE.number, PHONE.mark)


@pytest.mark.parametrize(
    "moved",
    [
        lambda table: table.mark_submitted(ID, 1, "s"),
        lambda table: table.mark_recommended(ID, 1, MODEL_ID, PICKS),
        lambda table: table.mark_failed(ID, 1, "why", [Status.RECEIVED]),
        lambda table: table.empty(ID),
        lambda table: table.revise(page(table).progress, revised(table), None),
    ],
)
def test_whoever_moved_meanwhile_is_not_changed(table: VisitorsTable, moved: Any) -> None:
    before, wanted = page(table).progress, revised(table)
    moved(table)
    stored = table.page(ID)
    assert not table.revise(before, wanted, None)
    assert table.page(ID) == stored


def test_a_claim_meanwhile_keeps_a_change_from_being_stored(table: VisitorsTable) -> None:
    table.mark_recommended(ID, 1, MODEL_ID, PICKS)
    before, wanted = page(table).progress, revised(table)
    assert table.claim_text(ID, 1)
    assert not table.revise(before, wanted, None)
    assert table.revise(page(table).progress, wanted, None)


def test_nobody_is_claimed_who_is_not_to_be_texted(table: VisitorsTable) -> None:
    quiet = registration(2, phone=False)
    table.create(quiet)
    table.mark_recommended(quiet.visitor_id, 1, MODEL_ID, PICKS)
    assert not table.claim_text(quiet.visitor_id, 1)


def test_a_saved_visitor_is_open_until_her_object_is_written(table: VisitorsTable) -> None:
    table.revise(page(table).progress, revised(table, count=2, requested_at=ADA.requested_at), None)
    assert [each.visitor_id for each in table.open(Status.SAVED, SOON)] == [ID]
    assert not table.mark_logged(ID, 1)
    assert table.mark_logged(ID, 2)
    assert table.open(Status.SAVED, SOON) == []


def test_an_emptied_visitor_is_nobody_and_holds_nothing_of_her(
    aws: Aws, table: VisitorsTable
) -> None:
    table.revise(page(table).progress, revised(table), None)
    dates = {ADA.requested_at[:10], f"{TOMORROW:%Y-%m-%d}"}
    assert set(table.empty(ID) or ()) == dates
    assert (table.get(ID), table.page(ID), table.recipient(ID)) == (None, None, None)
    assert (table.get_many([ID]), table.create(ADA)) == ({}, False)
    left = {"visitor_id", "version", "requested_at", "dates", "expires_at"}
    assert set(item(aws)) == left | {"status", "open_status", "status_at"}


def test_an_emptied_visitor_is_found_again_and_removed_for_good(
    aws: Aws, table: VisitorsTable
) -> None:
    table.empty(ID)
    assert table.emptied(SOON) == [ID]
    assert table.empty(ID) is not None
    table.remove(ID)
    assert (table.emptied(SOON), table.empty(ID)) == ([], None)
    assert aws.table("VISITORS_TABLE").scan()["Count"] == 0


def test_somebody_who_is_there_is_not_removed(table: VisitorsTable) -> None:
    table.remove(ID)
    assert table.get(ID) == ADA.progress


def test_an_item_from_before_movies_could_be_dismissed_still_reads(
    aws: Aws, table: VisitorsTable
) -> None:
    aws.table("VISITORS_TABLE").update_item(
        Key={"visitor_id": ID}, UpdateExpression="REMOVE dismissed, dates, phone_ends, phone_mark"
    )
    assert page(table).progress == ADA.progress
    assert set(table.empty(ID) or ()) == {ADA.requested_at[:10]}


# Objects


def test_all_objects_of_a_visitor_are_deleted_and_nobody_elses(aws: Aws) -> None:
    bucket = RatingsBucket(aws.client("s3"), "marquee-test-ratings")
    mine = ADA.progress
    later = replace(mine, version=2, requested_at=timestamp(TOMORROW))
    others = registration(2).progress
    for each in (mine, later, others):
        bucket.append(each.visitor_object)
    bucket.forget(ID, [mine.requested_at[:10], later.requested_at[:10], "2020-01-01"])
    listed = aws.client("s3").list_objects_v2(Bucket="marquee-test-ratings")["Contents"]
    assert [each["Key"] for each in listed] == [others.visitor_object.key]


def test_an_object_that_s3_does_not_delete_is_an_error(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = aws.client("s3")
    bucket = RatingsBucket(s3, "marquee-test-ratings")
    bucket.append(ADA.progress.visitor_object)
    refused = {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "no"}]}
    monkeypatch.setattr(s3, "delete_objects", lambda **_: refused)
    with pytest.raises(UndeletedError, match="AccessDenied"):
        bucket.forget(ID, [ADA.requested_at[:10]])


# Limits


def test_the_same_thing_is_counted_once_and_another_until_the_limit(aws: Aws) -> None:
    tallies = Tallies(boto3.resource("dynamodb"), aws.environment["IDEMPOTENCY_TABLE"])
    counted = [tallies.add("limit/texts/m", what, 2, TOMORROW) for what in ("a", "a", "b", "c")]
    assert counted == [True, True, True, False]
    assert tallies.add("limit/texts/m", "a", 2, TOMORROW)
    assert tallies.add("limit/texts/other", "c", 2, TOMORROW)


def test_what_was_counted_is_forgotten_by_itself(aws: Aws) -> None:
    tallies = Tallies(boto3.resource("dynamodb"), aws.environment["IDEMPOTENCY_TABLE"])
    tallies.add("limit/texts/m", "a", 2, TOMORROW)
    (stored,) = aws.table("IDEMPOTENCY_TABLE").scan()["Items"]
    assert stored["expiration"] == round(TOMORROW.timestamp())


@pytest.fixture
def counters(aws: Aws) -> Counters:
    return Counters(boto3.resource("dynamodb"), aws.environment["IDEMPOTENCY_TABLE"])


def test_a_count_ends_at_its_most(counters: Counters) -> None:
    counted = [counters.add("limit/texts-in-all/x", {"texts": 2}, TOMORROW) for _ in range(4)]
    assert counted == [None, None, "texts", "texts"]
    assert counters.add("limit/texts-in-all/y", {"texts": 2}, TOMORROW) is None
    assert counters.add("limit/texts-in-all/x", {"texts": 3}, TOMORROW) is None


def test_names_are_counted_together_or_not_at_all(counters: Counters, aws: Aws) -> None:
    both = {"forms": 9, "phones-given": 1}
    assert [counters.add("k", both, TOMORROW) for _ in range(3)] == [
        None, "phones-given", "phones-given",
    ]  # fmt: skip
    assert counters.add("k", {"forms": 9}, TOMORROW) is None
    (stored,) = aws.table("IDEMPOTENCY_TABLE").scan()["Items"]
    assert (stored["forms"], stored["phones-given"]) == (2, 1)
    assert stored["expiration"] == round(TOMORROW.timestamp())


def test_a_counts_item_does_not_grow_by_what_it_counts(counters: Counters, aws: Aws) -> None:
    for _ in range(300):
        assert counters.add("k", {"texts": 1_000_000}, TOMORROW) is None
    (stored,) = aws.table("IDEMPOTENCY_TABLE").scan()["Items"]
    assert stored == {"id": "k", "texts": 300, "expiration": round(TOMORROW.timestamp())}
