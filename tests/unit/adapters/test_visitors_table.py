"""Changes, forgetting, limits and visitor objects, against a fake account."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import boto3
import pytest

from marquee.aws.bookmarks import BookmarksTable
from marquee.aws.buckets import RatingsBucket, UndeletedError
from marquee.aws.tallies import Counters, Tallies
from marquee.aws.visitors_table import VisitorsTable
from marquee.contracts import Rating, timestamp
from marquee.requests.ports import Slice
from marquee.requests.revise import next_version
from marquee.requests.visitor import Change, Page, Status
from tests.unit.aws import MODEL_ID, Aws
from tests.unit.memory import good_result, phone_of, registration

ADA = registration(1)
ID = ADA.visitor_id
PICKS = good_result(ID, 1).picks
TOMORROW = datetime.now(UTC) + timedelta(days=1)
SOON = TOMORROW  # later than any request of a test, on however slow a machine
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


def test_a_page_holds_only_the_last_digits_of_the_phone(table: VisitorsTable) -> None:
    found = page(table)
    assert (found.name, found.phone_ends, found.expires_at) == ("Visitor 1", "01", 2_000_000_000)
    assert "4155550001" not in repr(found)


def test_a_change_is_stored_completely(table: VisitorsTable) -> None:
    table.mark_recommended(ID, 1, MODEL_ID, PICKS)
    expected = revised(table)
    assert table.revise(page(table).progress, expected, None)
    assert page(table) == expected


def test_the_times_of_ratings_and_the_movies_not_seen_are_stored(table: VisitorsTable) -> None:
    times = {1: "2026-11-20T10:00:00.000Z"}
    expected = revised(table, rated_at=times, unseen=(40, 41))
    assert (expected.rated_at[1], expected.unseen) == (times[1], (40, 41))
    assert table.revise(page(table).progress, expected, None)
    assert page(table) == expected


def test_the_watchlist_is_stored_and_emptied_with_the_item(aws: Aws, table: VisitorsTable) -> None:
    expected = revised(table, saved=(50, 51))
    assert expected.saved == (50, 51)
    assert table.revise(page(table).progress, expected, None)
    assert page(table) == expected
    table.empty(ID)
    assert "saved" not in item(aws)


def test_an_item_from_before_ratings_had_times_can_still_be_read(
    aws: Aws, table: VisitorsTable
) -> None:
    aws.table("VISITORS_TABLE").update_item(
        Key={"visitor_id": ID}, UpdateExpression="REMOVE unseen, saved"
    )
    found = page(table)
    assert (found.rated_at, found.unseen, found.saved) == ({}, (), ())


def test_the_text_goes_to_a_new_phone(table: VisitorsTable) -> None:
    expected = revised(table, phone=PHONE, text=True)
    assert table.revise(page(table).progress, expected, PHONE)
    recipient = table.recipient(ID)
    assert recipient is not None
    assert (recipient.phone, page(table).phone_mark) == (PHONE.number, PHONE.mark)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.mark_submitted(ID, 1, "s"),
        lambda table: table.mark_recommended(ID, 1, MODEL_ID, PICKS),
        lambda table: table.mark_failed(ID, 1, "why", [Status.RECEIVED]),
        lambda table: table.empty(ID),
        lambda table: table.revise(page(table).progress, revised(table), None),
    ],
)
def test_a_visitor_who_changed_in_the_meantime_is_not_overwritten(
    table: VisitorsTable, change: Any
) -> None:
    before, wanted = page(table).progress, revised(table)
    change(table)
    stored = table.page(ID)
    assert not table.revise(before, wanted, None)
    assert table.page(ID) == stored


def test_a_claim_in_the_meantime_prevents_a_change(table: VisitorsTable) -> None:
    table.mark_recommended(ID, 1, MODEL_ID, PICKS)
    before, wanted = page(table).progress, revised(table)
    assert table.claim_text(ID, 1, "a")
    assert not table.revise(before, wanted, None)
    assert table.revise(page(table).progress, wanted, None)


def test_a_visitor_without_a_phone_cannot_be_claimed(table: VisitorsTable) -> None:
    quiet = registration(2, phone=False)
    table.create(quiet)
    table.mark_recommended(quiet.visitor_id, 1, MODEL_ID, PICKS)
    assert not table.claim_text(quiet.visitor_id, 1, "a")


def test_a_saved_visitor_is_open_until_their_object_is_written(table: VisitorsTable) -> None:
    table.revise(page(table).progress, revised(table, count=2, requested_at=ADA.requested_at), None)
    assert [each.visitor_id for each in table.open(Status.SAVED, SOON, 100).found] == [ID]
    assert not table.mark_logged(ID, 1)
    assert table.mark_logged(ID, 2)
    assert table.open(Status.SAVED, SOON, 100) == Slice([])


def test_an_emptied_visitor_is_unknown_and_holds_no_personal_data(
    aws: Aws, table: VisitorsTable
) -> None:
    table.revise(page(table).progress, revised(table), None)
    dates = {ADA.requested_at[:10], f"{TOMORROW:%Y-%m-%d}"}
    assert set(table.empty(ID) or ()) == dates
    assert (table.exists(ID), table.get(ID), table.page(ID)) == (False, None, None)
    assert table.recipient(ID) is None
    assert (table.get_many([ID]), table.create(ADA)) == ({}, False)
    left = {"visitor_id", "version", "requested_at", "dates", "expires_at"}
    assert set(item(aws)) == left | {"status", "open_status", "status_at"}


def test_an_emptied_visitor_is_found_again_and_removed_permanently(
    aws: Aws, table: VisitorsTable
) -> None:
    table.empty(ID)
    assert table.emptied(SOON, 100) == Slice([ID])
    assert table.empty(ID) is not None
    table.remove(ID)
    assert (table.emptied(SOON, 100), table.empty(ID)) == (Slice([]), None)
    assert aws.table("VISITORS_TABLE").scan()["Count"] == 0


EXPIRES = datetime.fromtimestamp(ADA.expires_at, UTC)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=20), timedelta(days=7)])
def test_a_visitor_who_expired_within_the_last_week_is_found(
    table: VisitorsTable, late: timedelta
) -> None:
    table.create(replace(registration(2), expires_at=ADA.expires_at + 8 * 24 * 3600))
    assert table.expired(EXPIRES + late, 10).found == [ID]


def test_a_visitor_who_expires_later_the_same_day_is_not_found_yet(table: VisitorsTable) -> None:
    assert table.expired(EXPIRES - timedelta(seconds=1), 10).found == []


def test_an_expired_visitor_is_emptied_and_not_found_again(table: VisitorsTable) -> None:
    assert table.empty(ID, expired_at=EXPIRES - timedelta(seconds=1)) is None
    assert table.page(ID) is not None
    assert table.empty(ID, expired_at=EXPIRES) == {ADA.requested_at[:10]}
    assert (table.page(ID), table.expired(EXPIRES, 10).found, table.emptied(SOON, 10).found) == (
        None,
        [],
        [ID],
    )


def test_a_change_extends_the_expiry(table: VisitorsTable) -> None:
    table.revise(page(table).progress, replace(revised(table), expires_at=2_100_000_000), None)
    assert table.expired(EXPIRES, 10).found == []
    assert table.empty(ID, expired_at=EXPIRES) is None


def test_dynamodb_deletes_an_expired_item_a_week_after_its_expiry(
    aws: Aws, table: VisitorsTable
) -> None:
    assert item(aws)["expires_at"] == ADA.expires_at + 7 * 24 * 3600
    assert page(table).expires_at == ADA.expires_at


def test_a_visitor_who_was_not_emptied_is_not_removed(table: VisitorsTable) -> None:
    table.remove(ID)
    assert table.get(ID) == ADA.progress


def test_an_item_from_before_movies_could_be_dismissed_can_still_be_read(
    aws: Aws, table: VisitorsTable
) -> None:
    aws.table("VISITORS_TABLE").update_item(
        Key={"visitor_id": ID},
        UpdateExpression=(
            "REMOVE dismissed, dates, phone_ends, phone_mark, forget_on, forget_at, limit_salt"
        ),
    )
    found = page(table)
    assert (found.progress, found.limit_salt) == (ADA.progress, ID)
    assert found.expires_at == item(aws)["expires_at"]
    assert set(table.empty(ID) or ()) == {ADA.requested_at[:10]}


# Objects


def test_all_objects_of_a_visitor_are_deleted_and_no_others(aws: Aws) -> None:
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


def test_the_same_thing_is_counted_once_and_others_up_to_the_limit(aws: Aws) -> None:
    tallies = Tallies(boto3.resource("dynamodb"), aws.environment["IDEMPOTENCY_TABLE"])
    counted = [tallies.add("limit/texts/m", what, 2, TOMORROW) for what in ("a", "a", "b", "c")]
    assert counted == [True, True, True, False]
    assert tallies.add("limit/texts/m", "a", 2, TOMORROW)
    assert tallies.add("limit/texts/other", "c", 2, TOMORROW)


def test_a_tally_expires(aws: Aws) -> None:
    tallies = Tallies(boto3.resource("dynamodb"), aws.environment["IDEMPOTENCY_TABLE"])
    tallies.add("limit/texts/m", "a", 2, TOMORROW)
    (stored,) = aws.table("IDEMPOTENCY_TABLE").scan()["Items"]
    assert stored["expiration"] == round(TOMORROW.timestamp())


@pytest.fixture
def counters(aws: Aws) -> Counters:
    return Counters(boto3.resource("dynamodb"), aws.environment["IDEMPOTENCY_TABLE"])


def test_a_count_stops_at_its_maximum(counters: Counters) -> None:
    counted = [counters.add("limit/texts-in-all/x", {"texts": 2}, TOMORROW) for _ in range(4)]
    assert counted == [None, None, "texts", "texts"]
    assert counters.add("limit/texts-in-all/y", {"texts": 2}, TOMORROW) is None
    assert counters.add("limit/texts-in-all/x", {"texts": 3}, TOMORROW) is None


def test_two_counts_are_raised_together_or_not_at_all(counters: Counters, aws: Aws) -> None:
    both = {"forms": 9, "phones-given": 1}
    assert [counters.add("k", both, TOMORROW) for _ in range(3)] == [
        None, "phones-given", "phones-given",
    ]  # fmt: skip
    assert counters.add("k", {"forms": 9}, TOMORROW) is None
    (stored,) = aws.table("IDEMPOTENCY_TABLE").scan()["Items"]
    assert (stored["forms"], stored["phones-given"]) == (2, 1)
    assert stored["expiration"] == round(TOMORROW.timestamp())


def test_the_item_of_a_count_does_not_grow(counters: Counters, aws: Aws) -> None:
    for _ in range(300):
        assert counters.add("k", {"texts": 1_000_000}, TOMORROW) is None
    (stored,) = aws.table("IDEMPOTENCY_TABLE").scan()["Items"]
    assert stored == {"id": "k", "texts": 300, "expiration": round(TOMORROW.timestamp())}


# Reads and writes of the sweep


def wait_since(aws: Aws, moments: dict[int, str]) -> None:
    for number, moment in moments.items():
        aws.table("VISITORS_TABLE").update_item(
            Key={"visitor_id": registration(number).visitor_id},
            UpdateExpression="SET status_at = :moment",
            ExpressionAttributeValues={":moment": moment},
        )


def slices(table: VisitorsTable, most: int) -> list[list[str]]:
    """Return the last two digits of the ids of all visitors at `received`, slice by slice."""
    found, after = [], None
    while True:
        piece = table.open(Status.RECEIVED, SOON, most, after)
        found.append([progress.visitor_id[-2:] for progress in piece.found])
        after = piece.after
        if after is None:
            return found


def test_the_index_is_read_in_slices_with_the_longest_wait_first(
    aws: Aws, table: VisitorsTable
) -> None:
    for number in range(2, 8):
        table.create(registration(number))
    wait_since(aws, {n: f"2026-11-28T12:00:0{8 - n}.000Z" for n in range(1, 8)})
    assert slices(table, 100) == [["07", "06", "05", "04", "03", "02", "01"]]
    # A full slice leaves its last visitor to the next one: others may have the same time.
    assert list(chain.from_iterable(slices(table, 3))) == ["07", "06", "05", "04", "03", "02", "01"]
    assert max(map(len, slices(table, 3))) <= 3


def test_a_slice_continues_after_the_last_one_although_its_visitors_have_changed(
    table: VisitorsTable, aws: Aws
) -> None:
    for number in range(2, 6):
        table.create(registration(number))
    wait_since(aws, {n: f"2026-11-28T12:00:0{n}.000Z" for n in range(1, 6)})
    first = table.open(Status.RECEIVED, SOON, 3)
    for progress in first.found:
        table.mark_submitted(progress.visitor_id, 1, "s")
    rest = table.open(Status.RECEIVED, SOON, 100, first.after)
    submitted, left = ([p.visitor_id[-1] for p in each.found] for each in (first, rest))
    assert (submitted, left) == (["1", "2"], ["3", "4", "5"])


def test_visitors_with_the_same_time_are_all_found(aws: Aws, table: VisitorsTable) -> None:
    for number in range(2, 8):
        table.create(registration(number))
    wait_since(
        aws, {n: f"2026-11-28T12:00:0{0 if n < 3 else 1 if n < 6 else 2}.000Z" for n in range(1, 8)}
    )
    seen = chain.from_iterable(slices(table, 4))
    assert sorted(seen) == [f"0{number}" for number in range(1, 8)]


def test_requeues_are_counted_for_one_status_only(
    table: VisitorsTable,
) -> None:
    for times in (1, 2):
        assert table.mark_requeued(page(table).progress, TOMORROW)
        found = page(table).progress
        assert (found.requeued_times, found.requeued_at) == (times, timestamp(TOMORROW))
    before = page(table).progress
    assert table.mark_submitted(ID, 1, "s")
    assert not table.mark_requeued(before, TOMORROW)
    found = page(table).progress
    assert (found.requeued_times, found.requeued_at) == (0, None)


def test_requeues_are_not_counted_for_a_new_version(table: VisitorsTable) -> None:
    table.mark_requeued(page(table).progress, TOMORROW)
    table.revise(page(table).progress, revised(table), None)
    found = page(table).progress
    assert (found.version, found.status, found.requeued_times) == (2, Status.RECEIVED, 0)


def test_bookmarks_are_returned_as_they_were_stored(aws: Aws) -> None:
    bookmarks = BookmarksTable(boto3.resource("dynamodb"), aws.environment["IDEMPOTENCY_TABLE"])
    assert bookmarks.get("sweep") == {}
    bookmarks.put("sweep", {"run": "1", "received": "2026-11-28T12:00:00.000Z"})
    bookmarks.put("sweep", {"run": "2"})
    assert bookmarks.get("sweep") == {"run": "2"}
    assert bookmarks.get("other") == {}


def test_expired_visitors_are_found_in_slices(table: VisitorsTable) -> None:
    """Given three visitors who expire at one moment and two on the next day, in slices of four."""
    times = [0, 0, 24 * 3600, 24 * 3600 + 1]
    for number, later in enumerate(times, start=2):
        table.create(replace(registration(number), expires_at=ADA.expires_at + later))
    found, after = list[str](), None
    for _ in range(6):
        part = table.expired(EXPIRES + timedelta(days=2), 4, after)
        found, after = [*found, *part.found], part.after
        if after is None:
            break
    assert sorted(found) == [f"{number:026d}" for number in range(1, 6)]
