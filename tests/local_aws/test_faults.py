"""Faults that tests plant in the local AWS."""

import json

import pytest

from local_aws.faults import Fault, FaultError, Faults, access_key, parse_fault


def test_a_fault_hits_the_next_call_only() -> None:
    faults = Faults()
    faults.add(Fault("emr", "AddJobFlowSteps"))

    hits = [faults.take("emr", "AddJobFlowSteps", {}) is not None for _ in range(2)]

    assert hits == [True, False]


def test_a_fault_does_not_hit_other_calls() -> None:
    faults = Faults()
    faults.add(Fault("dynamodb", "PutItem", parameters={"TableName": "visitors"}))

    assert faults.take("dynamodb", "GetItem", {"TableName": "visitors"}) is None
    assert faults.take("dynamodb", "PutItem", {"TableName": "movies"}) is None
    assert faults.take("dynamodb", "PutItem", {"TableName": "visitors"}) is not None


def test_a_fault_skips_and_hits_the_given_numbers_of_calls() -> None:
    faults = Faults()
    faults.add(Fault("s3", "PutObject", skip=1, times=2))

    hits = [faults.take("s3", "PutObject", {}) is not None for _ in range(5)]

    assert hits == [False, True, True, False, False]


def test_cleared_faults_hit_nothing() -> None:
    faults = Faults()
    faults.add(Fault("s3", "PutObject"))
    faults.clear()

    assert faults.take("s3", "PutObject", {}) is None


def test_a_fault_is_read_from_json() -> None:
    body = {"service": "emr", "operation": "ListSteps", "when": "after", "times": 3}

    assert parse_fault(json.dumps(body).encode()) == Fault(
        "emr", "ListSteps", "ThrottlingException", when="after", times=3
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"not json", "JSON object"),
        (b"[]", "JSON object"),
        (b'{"service": "s3"}', "needs the field operation"),
        (b'{"service": "s3", "operation": "A", "wen": "after"}', "unknown field wen"),
        (
            b'{"service": "s3", "operation": "A", "when": "never"}',
            'when must be "before" or "after"',
        ),
        (b'{"service": "s3", "operation": "A", "times": -1}', "times must be a whole number"),
        (b'{"service": "s3", "operation": 5}', "operation must be a text"),
    ],
)
def test_an_invalid_fault_is_rejected_with_the_reason(body: bytes, message: str) -> None:
    with pytest.raises(FaultError, match=message):
        parse_fault(body)


def test_the_caller_is_recognised_by_the_access_key_that_signed() -> None:
    header = "AWS4-HMAC-SHA256 Credential=LSIAQ1/20261121/us-east-1/sqs/aws4_request, SignedHeaders"

    assert access_key(header) == "LSIAQ1"
    assert access_key("") == ""
