"""The locks in the idempotency table: one holder at a time, and every lock expires."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marquee.aws.locks import LockTable
from tests.unit.aws import Aws
from tests.unit.memory import MemoryLocks

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def locks(aws: Aws) -> LockTable:
    """Return the locks as one execution environment uses them."""
    return LockTable(boto3.resource("dynamodb"), aws.environment["IDEMPOTENCY_TABLE"])


def test_a_lock_has_one_holder_until_it_is_released(aws: Aws) -> None:
    mine, yours = locks(aws), locks(aws)
    assert mine.take("sweep", 60, NOW)
    assert not yours.take("sweep", 60, NOW)
    assert not mine.take("sweep", 60, NOW)
    mine.release("sweep")
    assert yours.take("sweep", 60, NOW)


def test_locks_of_other_names_are_free(aws: Aws) -> None:
    mine = locks(aws)
    assert mine.take("sweep", 60, NOW)
    assert mine.take("training", 60, NOW)


def test_an_expired_lock_can_be_taken_and_its_former_holder_cannot_release_it(
    aws: Aws,
) -> None:
    mine, yours, theirs = locks(aws), locks(aws), locks(aws)
    assert mine.take("sweep", 60, NOW)
    assert not yours.take("sweep", 60, NOW + timedelta(seconds=59))
    assert yours.take("sweep", 60, NOW + timedelta(seconds=60))
    mine.release("sweep")
    assert not theirs.take("sweep", 60, NOW + timedelta(seconds=61))


def test_releasing_a_lock_of_another_holder_changes_nothing(aws: Aws) -> None:
    mine, yours = locks(aws), locks(aws)
    assert mine.take("sweep", 60, NOW)
    yours.release("sweep")
    assert not yours.take("sweep", 60, NOW)


def test_dynamodb_removes_a_lock_by_the_expiry_of_the_table(aws: Aws) -> None:
    assert locks(aws).take("sweep", 60.5, NOW)
    item = aws.table("IDEMPOTENCY_TABLE").get_item(Key={"id": "lock/sweep"})["Item"]
    assert item["expiration"] == int(NOW.timestamp()) + 61


def test_a_write_whose_answer_was_lost_still_holds_the_lock(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, yours = locks(aws), locks(aws)
    update = mine._table.update_item

    def repeated(**request: Any) -> Any:
        update(**request)  # botocore repeats a call that got no answer in time
        return update(**request)

    monkeypatch.setattr(mine._table, "update_item", repeated)
    assert mine.take("sweep", 60, NOW)
    assert not yours.take("sweep", 60, NOW)


def test_the_locks_in_memory_behave_like_those_in_dynamodb(aws: Aws) -> None:
    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from(["take", "release"]), st.integers(0, 40), st.integers(1, 30)),
            max_size=12,
        )
    )
    def agree(calls: list[tuple[str, int, int]]) -> None:
        aws.wipe()
        one, other, now = locks(aws), MemoryLocks(), NOW
        for call, passed, seconds in calls:
            now += timedelta(seconds=passed)
            if call == "take":
                assert one.take("it", seconds, now) == other.take("it", seconds, now)
            else:
                one.release("it")
                other.release("it")

    agree()
