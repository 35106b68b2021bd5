"""Redriving dead letters."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from mypy_boto3_sqs import SQSClient

from operations.redrive import _carry_back, event_of_dead_letter, reconcile_again, waiting

EVENT = {"detail": {"stepId": "s-1"}}


def test_the_event_is_extracted_from_the_record_of_a_failure_destination() -> None:
    record = {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": EVENT}

    assert event_of_dead_letter(json.dumps(record)) == EVENT


def test_a_bare_event_is_not_changed() -> None:
    assert event_of_dead_letter(json.dumps(EVENT)) == EVENT


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[SQSClient]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def queues(sqs: SQSClient) -> tuple[str, str]:
    """Return a dead-letter queue with twelve messages, too many for one receive, and its queue."""
    dead, alive = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "alive"))
    for number in range(12):
        sqs.send_message(QueueUrl=dead, MessageBody=f"letter {number}")
    return dead, alive


def test_every_dead_letter_is_redriven(sqs: SQSClient, queues: tuple[str, str]) -> None:
    dead, alive = queues

    _carry_back(sqs, dead, alive)

    assert (waiting(sqs, dead), waiting(sqs, alive)) == (0, 12)


def test_redriving_returns_the_number_of_letters(sqs: SQSClient, queues: tuple[str, str]) -> None:
    assert _carry_back(sqs, *queues) == 12


def test_dead_sweeps_are_dropped_and_all_other_events_are_sent_to_reconcile_again(
    sqs: SQSClient,
) -> None:
    dead = sqs.create_queue(QueueName="reconcile")["QueueUrl"]
    sweep, train = {"action": "sweep"}, {"action": "train"}
    for letter in (sweep, {"requestPayload": sweep}, EVENT, train, *[sweep] * 19):
        sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(letter))
    called: list[object] = []

    assert reconcile_again(sqs, dead, called.append) == (2, 21)

    assert called == [EVENT, train]
    assert waiting(sqs, dead) == 0
