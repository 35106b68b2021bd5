"""Comparing an account with the work tree lists every difference and changes nothing."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from operations import __main__ as command_line
from operations import drift
from operations.console import Phases
from operations.deployment import Deployment
from operations.drift import DriftError, detect_drift, plan_differences, stack_differences
from operations.errors import OperationError
from operations.terraform import Plan, Terraform

STAGING, LOCAL = Deployment("staging"), Deployment("local")
QUEUE = 'aws_sqs_queue.this["texts"]'


class Stack:
    """A fake CloudFormation with the calls that a comparison makes."""

    def __init__(self) -> None:
        self.statuses = ["DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"]
        self.pages: list[list[dict[str, Any]]] = [[]]
        self.error: str | None = None

    def detect_stack_drift(self, *, StackName: str) -> dict[str, str]:  # noqa: N803
        if self.error:
            refused = {"Error": {"Code": self.error, "Message": f"{StackName}: refused"}}
            raise ClientError(refused, "DetectStackDrift")  # type: ignore[arg-type]
        return {"StackDriftDetectionId": "d-1"}

    def describe_stack_drift_detection_status(self, **_: str) -> dict[str, str]:
        return {
            "DetectionStatus": self.statuses.pop(0),
            "DetectionStatusReason": "a resource cannot be read",
        }

    def describe_stack_resource_drifts(self, **request: Any) -> dict[str, Any]:
        assert request["StackResourceDriftStatusFilters"] == ["MODIFIED", "DELETED"]
        page = int(request.get("NextToken", 0))
        more = {"NextToken": str(page + 1)} if page + 1 < len(self.pages) else {}
        return {"StackResourceDrifts": self.pages[page], **more}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    made = Stack()
    monkeypatch.setattr(boto3, "client", lambda _: made)
    monkeypatch.setattr(drift, "POLL_SECONDS", {True: 0.0, False: 0.0})
    return made


def changed(actions: list[str], address: str = QUEUE, **change: Any) -> dict[str, Any]:
    return {"resource_changes": [{"address": address, "change": {"actions": actions, **change}}]}


@pytest.mark.parametrize("actions", [["no-op"], ["read"]])
def test_a_plan_without_changes_has_no_differences(actions: list[str]) -> None:
    assert list(plan_differences(changed(actions))) == []


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (changed(["create"], after={"name": "x"}), f"{QUEUE} is missing"),
        (changed(["delete"], before={"name": "x"}), f"{QUEUE} is not in the work tree"),
        (
            changed(["update"], before={"a": 1, "b": 2, "c": 3}, after={"a": 1, "b": 3, "c": 4}),
            f"{QUEUE} differs (b, c)",
        ),
        (
            changed(["delete", "create"], before={"a": 1}, after={"a": 2}),
            f"{QUEUE} would be replaced (a)",
        ),
        ({"output_changes": {"site_url": {"actions": ["update"]}}}, "output site_url differs"),
    ],
)
def test_each_difference_of_a_plan_is_one_line(plan: dict[str, Any], line: str) -> None:
    assert list(plan_differences(plan)) == [line]


def test_differences_show_no_values() -> None:
    plan = changed(["update"], before={"policy": "secret-1"}, after={"policy": "secret-2"})

    assert "secret" not in "".join(plan_differences(plan))


def test_manual_changes_of_the_stack_are_listed_from_all_pages(stack: Stack) -> None:
    stack.pages = [
        [
            {
                "LogicalResourceId": "IngestFunction",
                "StackResourceDriftStatus": "MODIFIED",
                "PropertyDifferences": [
                    {"PropertyPath": "/Timeout"},
                    {"PropertyPath": "/Layers/0"},
                ],
            }
        ],
        [{"LogicalResourceId": "Sweep", "StackResourceDriftStatus": "DELETED"}],
    ]

    assert stack_differences(STAGING) == [
        "IngestFunction of the stack differs (Layers/0, Timeout)",
        "Sweep of the stack is missing",
    ]


def test_a_failed_comparison_says_why(stack: Stack) -> None:
    stack.statuses = ["DETECTION_FAILED"]

    with pytest.raises(OperationError, match="a resource cannot be read"):
        stack_differences(STAGING)


def test_an_error_of_aws_does_not_count_as_no_difference(stack: Stack) -> None:
    stack.error = "InternalFailure"

    with pytest.raises(OperationError, match="marquee-staging"):
        stack_differences(STAGING)


def test_a_local_aws_that_cannot_compare_stacks_is_not_an_error(stack: Stack) -> None:
    stack.error = "InternalFailure"

    assert stack_differences(LOCAL) is None


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch, stack: Stack) -> Callable[[dict[str, Any]], None]:
    """Return a function that compares, given the plan that Terraform makes."""
    locks: list[bool] = []

    def compare(document: dict[str, Any]) -> None:
        def plan(_: Terraform, *, lock: bool = True) -> Plan:
            locks.append(lock)
            return Plan(document)

        monkeypatch.setattr(Terraform, "init", lambda _: None)
        monkeypatch.setattr(Terraform, "plan", plan)
        monkeypatch.setattr(drift, "fetch_node_wheels", lambda *_: None)
        try:
            with Phases() as phases:
                detect_drift(STAGING, phases)
        finally:
            assert locks == [False], "a lock writes to the state bucket"

    return compare


def test_no_error_is_raised_without_differences(compared: Callable[[dict[str, Any]], None]) -> None:
    compared({})


def test_differences_of_both_parts_are_listed_together(
    compared: Callable[[dict[str, Any]], None], stack: Stack
) -> None:
    stack.pages = [[{"LogicalResourceId": "Sweep", "StackResourceDriftStatus": "DELETED"}]]

    with pytest.raises(DriftError) as raised:
        compared(changed(["create"]))

    assert f"differ in 2 places:\n  {QUEUE} is missing\n  Sweep of the stack" in str(raised.value)


def test_the_command_exits_with_2_for_differences_and_with_1_for_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command_line, "require", lambda *_: None)
    for error, status in ((DriftError("differs"), 2), (OperationError("fails"), 1)):

        def raising(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(command_line, "detect_drift", raising)
        assert command_line.main(["--env", "local", "drift"]) == status
