"""Messages that SQS delivers twice or late."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from local_aws.deliveries import PATH, Deliveries, Disturbance, DisturbanceError, parse_disturbance
from tests.local_aws.conftest import LocalAws


def test_no_message_is_disturbed_by_default() -> None:
    deliveries = Deliveries()

    assert [deliveries.of_message("texts") for _ in range(100)] == [[None]] * 100


def test_about_the_requested_shares_are_doubled_and_delayed() -> None:
    deliveries = Deliveries()
    deliveries.disturb(Disturbance(doubled=0.1, delayed=0.2, seconds=5, seed=7))

    times = [deliveries.of_message("texts") for _ in range(1000)]

    doubled = [seconds for seconds in times if len(seconds) > 1]
    delayed = [seconds for seconds in times if len(seconds) == 1 and seconds != [None]]
    assert 70 <= len(doubled) <= 130
    assert 160 <= len(delayed) <= 240
    assert {first for first, _ in doubled} == {None}
    assert {second for _, second in doubled} == {late for (late,) in delayed} == {1, 2, 3, 4, 5}
    counted = deliveries.counted()
    assert (counted["messages_doubled"], counted["messages_delayed"]) == (
        len(doubled),
        len(delayed),
    )


def test_dead_letters_are_never_disturbed() -> None:
    deliveries = Deliveries()
    deliveries.disturb(Disturbance(doubled=1.0))

    assert deliveries.of_message("marquee-local-texts-dead-letters") == [None]


def test_a_new_disturbance_resets_the_counts() -> None:
    deliveries = Deliveries()
    deliveries.disturb(Disturbance(delayed=1.0))
    deliveries.of_message("texts")
    deliveries.disturb(Disturbance())

    assert deliveries.counted()["messages_delayed"] == 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"not json", "JSON object"),
        (b"[]", "JSON object"),
        (b'{"doubeld": 1}', "unknown field doubeld"),
        (b'{"doubled": "all"}', "doubled must be a share from 0 to 1, not 'all'"),
        (b'{"delayed": 1.5}', "delayed must be a share from 0 to 1, not 1.5"),
        (b'{"doubled": 0.6, "delayed": 0.6}', "must add up to at most 1"),
        (b'{"seconds": 0}', "seconds must be a whole number from 1 to 900, not 0"),
        (b'{"seconds": 901}', "seconds must be a whole number from 1 to 900, not 901"),
    ],
)
def test_an_invalid_disturbance_is_rejected_with_the_reason(body: bytes, message: str) -> None:
    with pytest.raises(DisturbanceError, match=message):
        parse_disturbance(body)


@contextmanager
def disturbed(aws: LocalAws, **how: float) -> Iterator[None]:
    address = f"{aws.endpoint}{PATH}"
    httpx.post(address, json=how).raise_for_status()
    try:
        yield
    finally:
        httpx.delete(address).raise_for_status()


def received(aws: LocalAws, url: str) -> Counter[str]:
    """Count the deliveries of each message, until a receive finds none within 5 seconds."""
    sqs, found = aws.client("sqs"), Counter[str]()
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5
    ).get("Messages"):
        for message in messages:
            found[message["Body"]] += 1
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


@pytest.mark.parametrize(("how", "deliveries"), [("doubled", 2), ("delayed", 1)])
def test_a_disturbed_queue_of_the_local_aws_delivers_every_message(
    aws: LocalAws, how: str, deliveries: int
) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=f"deliveries-{how}")["QueueUrl"]
    with disturbed(aws, **{how: 1.0, "seconds": 1}):
        for body in ("a", "b"):
            sqs.send_message(QueueUrl=url, MessageBody=body)

    assert received(aws, url) == {"a": deliveries, "b": deliveries}
