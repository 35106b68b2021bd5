"""Prepare the functions' CloudFormation stack for another deployment.

A first `sam deploy` that fails leaves a stack that no later deployment can update. For the states
and what they permit, see CloudFormation User Guide, "Stack status codes" and "Stack failure
options".
"""

import time
from collections.abc import Callable

import boto3
from botocore.exceptions import ClientError, WaiterError
from mypy_boto3_cloudformation import CloudFormationClient

from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError

# Safe to delete: these stacks never served visitors or were being deleted, and functions keep no
# data of their own.
DELETED_FIRST = {
    "CREATE_FAILED": "its first deployment failed",
    "ROLLBACK_COMPLETE": "its first deployment failed",
    "ROLLBACK_FAILED": "its first deployment failed, and could not be undone",
    "DELETE_FAILED": "an earlier deletion failed",
    "REVIEW_IN_PROGRESS": "an earlier deployment stopped before it began",
}
UPDATED = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
# These stacks contain functions that serve visitors, so only the operator can decide what to lose.
OPERATORS_CHOICE = {
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback",
    "UPDATE_FAILED": "aws cloudformation rollback-stack",
    "IMPORT_ROLLBACK_FAILED": "aws cloudformation rollback-stack",
}
_GONE = "DELETE_COMPLETE"
SETTLE_SECONDS = 1800.0
POLL_SECONDS = {True: 1.0, False: 10.0}

type Say = Callable[[str], None]


def status(cloudformation: CloudFormationClient, name: str) -> str | None:
    """Return a stack's status, or None if the stack does not exist."""
    try:
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation has no specific error code for a stack that does not exist.
        if "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == _GONE else found["StackStatus"]


def make_deployable(deployment: Deployment, say: Say = out.print) -> None:
    """Wait until the stack no longer changes, and delete it if it can only be deleted.

    Raises:
        OperationError: with the command to run, if only the operator can decide; or if the stack
            keeps changing for longer than `SETTLE_SECONDS`.
    """
    cloudformation, name = boto3.client("cloudformation"), deployment.prefix
    state = _settled(deployment, cloudformation, say)
    if state in DELETED_FIRST:
        say(f"The stack {name} is {state} ({DELETED_FIRST[state]}): deleting it first.")
        delete(deployment)
    elif state in OPERATORS_CHOICE:
        raise OperationError(
            f"The stack {name} is {state} and cannot be updated{_because(cloudformation, name)}:"
            f" run '{OPERATORS_CHOICE[state]} --stack-name {name} --region {deployment.region}',"
            " wait until it has ended, then deploy again."
        )


def delete(deployment: Deployment) -> None:
    """Delete the stack and wait; raise OperationError with what could not be deleted."""
    cloudformation, name = boto3.client("cloudformation"), deployment.prefix
    cloudformation.delete_stack(StackName=name)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    try:
        waiter.wait(
            StackName=name, WaiterConfig={"Delay": int(POLL_SECONDS[deployment.is_local] * 2)}
        )
    except WaiterError as error:
        raise OperationError(
            f"The stack {name} could not be deleted{_because(cloudformation, name)}: see its"
            " events in the CloudFormation console, then try again."
        ) from error


def _settled(deployment: Deployment, cloudformation: CloudFormationClient, say: Say) -> str | None:
    """Wait until the stack is no longer changing; return its status."""
    name, said = deployment.prefix, False
    deadline = time.monotonic() + SETTLE_SECONDS
    while (state := status(cloudformation, name)) and _is_changing(state):
        if time.monotonic() > deadline:
            raise OperationError(
                f"The stack {name} has been {state} for {SETTLE_SECONDS / 60:.0f} minutes: see its"
                " events in the CloudFormation console, then try again."
            )
        if not said:
            say(f"The stack {name} is {state}: waiting for that to end.")
            said = True
        time.sleep(POLL_SECONDS[deployment.is_local])
    return state


def _is_changing(state: str) -> bool:
    return state.endswith("_IN_PROGRESS") and state not in DELETED_FIRST


def _because(cloudformation: CloudFormationClient, name: str) -> str:
    """Return the failed resources with CloudFormation's reasons, in parentheses; else nothing."""
    try:
        found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    except ClientError:
        return ""
    failed = [
        f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason', 'no reason given')}"
        for each in found
        if each["ResourceStatus"].endswith("_FAILED")
    ]
    return f" ({'; '.join(failed)})" if failed else ""
