"""The functions' CloudFormation stack: what has to happen before it can be deployed again.

A first `sam deploy` that fails leaves a stack that no later deployment can update. The states and
what each permits: CloudFormation User Guide, "Stack status codes" and "Stack failure options".
"""

import time
from collections.abc import Callable

import boto3
from botocore.exceptions import ClientError, WaiterError
from mypy_boto3_cloudformation import CloudFormationClient

from operations.console import out
from operations.environment import Environment
from operations.errors import OperationError

# Never finished, so that nothing depends on it: the functions keep no data of their own.
DELETED_FIRST = {
    "CREATE_FAILED": "its first deployment failed",
    "ROLLBACK_COMPLETE": "its first deployment failed",
    "ROLLBACK_FAILED": "its first deployment failed, and could not be undone",
    "DELETE_FAILED": "an earlier deletion did not end",
    "REVIEW_IN_PROGRESS": "an earlier deployment stopped before it began",
}
UPDATED = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
# These hold functions that serve visitors: only the operator can decide what to give up.
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


def make_deployable(environment: Environment, say: Say = out.print) -> None:
    """Wait for a stack that is changing, and delete one that can only be deleted.

    Raises OperationError where only the operator can decide, with the command to run.
    """
    cloudformation, name = boto3.client("cloudformation"), environment.prefix
    state = _settled(environment, cloudformation, say)
    if state in DELETED_FIRST:
        say(f"The stack {name} is {state} ({DELETED_FIRST[state]}): it is deleted first.")
        delete(environment)
    elif state in OPERATORS_CHOICE:
        raise OperationError(
            f"The stack {name} is {state} and cannot be updated{_because(cloudformation, name)}:"
            f" run '{OPERATORS_CHOICE[state]} --stack-name {name} --region {environment.region}',"
            " wait until it has ended, then deploy again."
        )


def delete(environment: Environment) -> None:
    """Delete the stack and wait; raises OperationError with what could not be deleted."""
    cloudformation, name = boto3.client("cloudformation"), environment.prefix
    cloudformation.delete_stack(StackName=name)
    waiter = cloudformation.get_waiter("stack_delete_complete")
    try:
        waiter.wait(
            StackName=name, WaiterConfig={"Delay": int(POLL_SECONDS[environment.is_local] * 2)}
        )
    except WaiterError as error:
        raise OperationError(
            f"The stack {name} is not deleted{_because(cloudformation, name)}: see its events in"
            " the CloudFormation console, then try again."
        ) from error


def _settled(
    environment: Environment, cloudformation: CloudFormationClient, say: Say
) -> str | None:
    """Wait until the stack is no longer changing; return its status."""
    name, said = environment.prefix, False
    deadline = time.monotonic() + SETTLE_SECONDS
    while (state := status(cloudformation, name)) and _is_changing(state):
        if time.monotonic() > deadline:
            raise OperationError(
                f"The stack {name} has been {state} for {SETTLE_SECONDS / 60:.0f} minutes: see its"
                " events in the CloudFormation console, then try again."
            )
        if not said:
            say(f"The stack {name} is {state}: waiting until that has ended.")
            said = True
        time.sleep(POLL_SECONDS[environment.is_local])
    return state


def _is_changing(state: str) -> bool:
    return state.endswith("_IN_PROGRESS") and state not in DELETED_FIRST


def _because(cloudformation: CloudFormationClient, name: str) -> str:
    """Name the resources that failed, each with CloudFormation's reason."""
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
