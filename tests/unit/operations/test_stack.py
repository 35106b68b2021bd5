"""The functions' stack in every state of CloudFormation."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from mypy_boto3_cloudformation import CloudFormationClient

from operations import stack
from operations.deployment import Deployment
from operations.errors import OperationError

STAGING = Deployment("staging")
NAME = {"StackName": "marquee-staging"}
CHOICES = ("UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED", "IMPORT_ROLLBACK_FAILED")


def all_states() -> list[str]:
    """Return all stack states in botocore's service model."""
    client = boto3.client("cloudformation", region_name="us-east-1")
    shape: Any = client.meta.service_model.shape_for("StackStatus")
    return list(shape.enum)


CHANGING = [each for each in all_states() if each.endswith("_IN_PROGRESS")]
CHANGING.remove("REVIEW_IN_PROGRESS")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client: CloudFormationClient = boto3.client(
        "cloudformation",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    monkeypatch.setattr("boto3.client", lambda _service: client)
    monkeypatch.setattr(stack, "POLL_SECONDS", {True: 0.0, False: 0.0})
    with Stubber(client) as stubber:
        yield stubber


def in_state(aws: Stubber, state: str | None) -> None:
    """Prepare the answer to one DescribeStacks; without a state there is no stack."""
    if state is None:
        aws.add_client_error(
            "describe_stacks",
            "ValidationError",
            "Stack with id marquee-staging does not exist",
            expected_params=NAME,
        )
        return
    found: Any = {
        "StackName": "marquee-staging",
        "CreationTime": "2026-11-27T00:00:00Z",
        "StackStatus": state,
    }
    aws.add_response("describe_stacks", {"Stacks": [found]}, NAME)


def failed_resource(aws: Stubber, status: str = "UPDATE_FAILED") -> None:
    found: Any = {
        "LogicalResourceId": "IngestFunction",
        "ResourceType": "AWS::Lambda::Function",
        "Timestamp": "2026-11-27T00:00:00Z",
        "ResourceStatus": status,
        "ResourceStatusReason": "no rights",
    }
    aws.add_response("describe_stack_resources", {"StackResources": [found]}, NAME)


def test_every_state_of_cloudformation_has_a_decision() -> None:
    decided = {*stack.DELETED_FIRST, *stack.UPDATED, *CHOICES, *CHANGING, "DELETE_COMPLETE"}
    assert decided == set(all_states())


@pytest.mark.parametrize("state", stack.DELETED_FIRST)
def test_a_stack_that_can_only_be_deleted_is_deleted_and_reported(aws: Stubber, state: str) -> None:
    in_state(aws, state)
    aws.add_response("delete_stack", {}, NAME)
    in_state(aws, "DELETE_IN_PROGRESS")
    in_state(aws, None)
    said: list[str] = []

    stack.make_deployable(STAGING, said.append)

    aws.assert_no_pending_responses()
    assert "marquee-staging" in said[0]
    assert state in said[0]
    assert "deleting it first" in said[0]


@pytest.mark.parametrize("state", [None, "DELETE_COMPLETE", *sorted(stack.UPDATED)])
def test_a_stack_that_can_be_deployed_is_left_alone(aws: Stubber, state: str | None) -> None:
    in_state(aws, state)
    said: list[str] = []

    stack.make_deployable(STAGING, said.append)

    aws.assert_no_pending_responses()
    assert said == []


@pytest.mark.parametrize("state", CHANGING)
def test_a_stack_that_is_changing_is_waited_for(aws: Stubber, state: str) -> None:
    for each in (state, state, "UPDATE_COMPLETE"):
        in_state(aws, each)
    said: list[str] = []

    stack.make_deployable(STAGING, said.append)

    aws.assert_no_pending_responses()
    assert len(said) == 1
    assert state in said[0]


def test_a_stack_that_is_rolling_back_is_deleted_afterwards(aws: Stubber) -> None:
    for each in ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"):
        in_state(aws, each)
    aws.add_response("delete_stack", {}, NAME)
    in_state(aws, None)

    stack.make_deployable(STAGING, lambda _: None)

    aws.assert_no_pending_responses()


@pytest.mark.parametrize("state", CHOICES)
def test_the_error_says_what_to_run_where_only_the_operator_can_decide(
    aws: Stubber, state: str
) -> None:
    in_state(aws, state)
    failed_resource(aws)

    with pytest.raises(OperationError, match=r"IngestFunction: no rights.*aws cloudformation"):
        stack.make_deployable(STAGING, lambda _: None)
    aws.assert_no_pending_responses()


def test_a_stack_that_cannot_be_deleted_is_an_error_that_names_the_reason(aws: Stubber) -> None:
    in_state(aws, "DELETE_FAILED")
    aws.add_response("delete_stack", {}, NAME)
    in_state(aws, "DELETE_FAILED")
    failed_resource(aws, "DELETE_FAILED")

    with pytest.raises(OperationError, match="IngestFunction: no rights"):
        stack.make_deployable(STAGING, lambda _: None)
