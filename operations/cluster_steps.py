"""Find, explain and cancel steps of the cluster."""

from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.requests.emr_step_requests import parse_recommend_step_name
from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.running_steps import NOT_COMPLETED, ending, stored_log

TAIL_LINES = 40  # lines of each log
STREAMS = ("stdout", "stderr")
_ACTIVE = ("PENDING", "RUNNING")


def latest_steps(deployment: Deployment, states: Sequence[str] = ()) -> list[Mapping[str, Any]]:
    """Return the cluster's steps, newest first: all, or those in one of these states.

    Raises:
        OperationError: if the cluster cannot be asked.
    """
    cluster_id = deployment.parameter("cluster-id")
    pages = boto3.client("emr").get_paginator("list_steps")
    asked: dict[str, Any] = {"ClusterId": cluster_id}
    if states:
        asked["StepStates"] = list(states)
    try:
        return [step for page in pages.paginate(**asked) for step in page["Steps"]]
    except ClientError as error:
        raise OperationError(f"The steps of {cluster_id} cannot be listed: {error}") from error


def find_step(deployment: Deployment, wanted: str) -> Mapping[str, Any]:
    """Return the step with this id, else the newest one with this name.

    Raises:
        OperationError: if there is none; the message names the newest steps.
    """
    steps = latest_steps(deployment)
    for field in ("Id", "Name"):
        for step in steps:
            if step[field] == wanted:
                return step
    newest = ", ".join(f"{step['Name']} ({step['Id']})" for step in steps[:5]) or "none"
    raise OperationError(f"There is no step {wanted!r}. The newest steps are: {newest}.")


def show_step_logs(deployment: Deployment, wanted: str) -> None:
    """Print a step's state, the reason if it failed, and the last lines of its logs.

    Raises:
        OperationError: if there is no such step.
    """
    step = find_step(deployment, wanted)
    out.print(described(deployment, step), markup=False)
    for stream in STREAMS:
        log = stored_log(deployment, step["Id"], stream)
        if log is None:
            out.print(f"{stream}: not stored yet; EMR stores logs about every five minutes.")
            continue
        lines = log.text.splitlines()
        left_out = len(lines) - TAIL_LINES
        more = f", {left_out} earlier lines left out" if left_out > 0 else ""
        out.print(f"{stream}, stored at {log.stored_at:%H:%M:%S} UTC{more}:", markup=False)
        for line in lines[-TAIL_LINES:]:
            out.print(f"  {line}", markup=False, highlight=False)


def described(deployment: Deployment, step: Mapping[str, Any]) -> str:
    """Return a sentence about a step; it has the reason if the step did not complete."""
    state = step["Status"]["State"]
    if state in NOT_COMPLETED:
        return ending(deployment, step)
    return f"The step {step['Name']} ({step['Id']}) is {state.lower()}."


def cancel_steps(deployment: Deployment, wanted: str | None = None) -> None:
    """Cancel one step, or all pending and running steps but those that serve visitors.

    Visitors whose recommend step is cancelled by its id get another attempt.

    Args:
        deployment: the deployment.
        wanted: the step's id or name; None for all steps that are not recommend steps.

    Raises:
        OperationError: if there is no such step or EMR does not cancel it.
    """
    if wanted:
        steps = [find_step(deployment, wanted)]
    else:
        active = latest_steps(deployment, _ACTIVE)
        steps = [step for step in active if parse_recommend_step_name(step["Name"]) is None]
        kept = len(active) - len(steps)
        if kept:
            out.print(f"Visitors wait for recommend steps that go on: {kept}")
    if not steps:
        out.print("There is no step to cancel.")
        return
    answer = boto3.client("emr").cancel_steps(
        ClusterId=deployment.parameter("cluster-id"), StepIds=[step["Id"] for step in steps]
    )
    infos = {info["StepId"]: info for info in answer["CancelStepsInfoList"]}
    refused = []
    for step in steps:
        info = infos.get(step["Id"], {})
        if info.get("Status") == "SUBMITTED":
            out.print(f"Cancelling {step['Name']} ({step['Id']}).", markup=False)
        else:
            refused.append(f"{step['Name']} ({step['Id']}): {info.get('Reason', 'no reason')}")
    if refused:
        raise OperationError(f"EMR did not cancel {'; '.join(refused)}")
