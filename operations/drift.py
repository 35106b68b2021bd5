"""Compare an account with the work tree: `make drift`. It only reads: safe on a schedule.

Terraform makes a plan, and CloudFormation compares the stack's resources with its template. Each
difference is either a change made by hand or a change in the work tree that is not deployed yet.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import boto3
from botocore.exceptions import ClientError

from operations.console import Phases
from operations.deploy import fetch_node_wheels
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.terraform import Plan, Terraform

POLL_SECONDS = {True: 0.2, False: 5.0}
# A stack of a few dozen resources takes about a minute.
DETECTION_SECONDS = 900.0
_ACTIONS = {
    ("create",): "is missing",
    ("delete",): "is not in the work tree",
    ("update",): "differs",
}
_NOTHING = (["no-op"], ["read"])


class DriftError(OperationError):
    """The account and the work tree differ; the message lists the differences."""

    status = 2


def detect_drift(deployment: Deployment, phases: Phases) -> None:
    """Compare the Terraform resources and the stack of a deployment with the work tree.

    Raises:
        DriftError: if something differs; the message has one line for each difference.
        OperationError: if the comparison itself fails.
    """
    fetch_node_wheels(deployment, phases)
    with phases.phase("compare with Terraform's files") as phase:
        terraform = Terraform(deployment)
        terraform.init()
        long_lived = list(plan_differences(terraform.plan(lock=False).document))
        phase.result = _count(long_lived)
    with phases.phase("compare the stack") as phase:
        functions = stack_differences(deployment, phase.detail)
        phase.result = "not supported by the local AWS" if functions is None else _count(functions)
    if differences := [*long_lived, *(functions or [])]:
        listed = "\n".join(f"  {line}" for line in differences)
        raise DriftError(
            f"{deployment.name!r} and the work tree differ in {_count(differences)}:\n{listed}\n"
            f"'make plan ENV={deployment.name}' shows Terraform's differences in full;"
            f" 'make deploy ENV={deployment.name}' makes the account match the work tree."
        )


def expect_no_changes(plan: Plan) -> None:
    """Raise OperationError if a plan would change anything; the message lists what."""
    if changes := list(plan_differences(plan.document)):
        listed = "\n".join(f"  {line}" for line in changes)
        raise OperationError(f"Terraform would change {_count(changes)}:\n{listed}")


def plan_differences(plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each resource or output that a plan would change.

    Args:
        plan: the output of `terraform show -json` for a plan (format version 1).
    """
    for resource in plan.get("resource_changes", []):
        change = resource["change"]
        if change["actions"] not in _NOTHING:
            what = _ACTIONS.get(tuple(change["actions"]), "would be replaced")
            attributes = _different(change) if what in ("differs", "would be replaced") else []
            yield f"{resource['address']} {what}" + _in_brackets(attributes)
    for name, change in plan.get("output_changes", {}).items():
        if change["actions"] not in _NOTHING:
            yield f"output {name} differs"


def _different(change: Mapping[str, Any]) -> list[str]:
    """Return the names of the attributes that change, without values, which may be secret."""
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    return sorted(
        name
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name) and not (name in unknown and name not in after)
    )


def stack_differences(
    deployment: Deployment, progress: Callable[[str], None] = lambda _: None
) -> list[str] | None:
    """Return a line for each resource of the stack that was changed or deleted by hand.

    Returns None if the local AWS does not support the comparison.
    """
    cloudformation = boto3.client("cloudformation")
    try:
        detection = cloudformation.detect_stack_drift(StackName=deployment.prefix)
    except ClientError as error:
        if deployment.is_local and error.response["Error"]["Code"] in (
            "InternalFailure",
            "NotImplemented",
            "UnsupportedOperation",
        ):
            return None
        raise OperationError(
            f"CloudFormation cannot compare the stack {deployment.prefix}: {error}"
        ) from error
    _wait(deployment, detection["StackDriftDetectionId"], progress)
    return [_stack_line(drift) for drift in _drifts(deployment)]


def _wait(deployment: Deployment, detection: str, progress: Callable[[str], None]) -> None:
    cloudformation = boto3.client("cloudformation")
    deadline = time.monotonic() + DETECTION_SECONDS
    while True:
        status = cloudformation.describe_stack_drift_detection_status(
            StackDriftDetectionId=detection
        )
        if status["DetectionStatus"] == "DETECTION_COMPLETE":
            return
        reason = status.get("DetectionStatusReason", "CloudFormation gives no reason")
        if status["DetectionStatus"] == "DETECTION_FAILED" or time.monotonic() > deadline:
            raise OperationError(f"The stack {deployment.prefix} could not be compared: {reason}.")
        progress("CloudFormation is comparing")
        time.sleep(POLL_SECONDS[deployment.is_local])


def _drifts(deployment: Deployment) -> Iterator[Mapping[str, Any]]:
    cloudformation, page = boto3.client("cloudformation"), dict[str, str]()
    while True:
        answer = cloudformation.describe_stack_resource_drifts(
            StackName=deployment.prefix,
            StackResourceDriftStatusFilters=["MODIFIED", "DELETED"],
            **page,  # type: ignore[arg-type]
        )
        yield from answer["StackResourceDrifts"]
        if "NextToken" not in answer:
            return
        page = {"NextToken": answer["NextToken"]}


def _stack_line(drift: Mapping[str, Any]) -> str:
    paths = [each["PropertyPath"].lstrip("/") for each in drift.get("PropertyDifferences", [])]
    what = "is missing" if drift["StackResourceDriftStatus"] == "DELETED" else "differs"
    return f"{drift['LogicalResourceId']} of the stack {what}" + _in_brackets(sorted(paths))


def _in_brackets(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def _count(differences: Sequence[str]) -> str:
    return f"{len(differences)} place{'' if len(differences) == 1 else 's'}"
