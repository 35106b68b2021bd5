"""Submit a step to the cluster and follow it to its end."""

import gzip
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.aws.cluster import EmrCluster
from marquee.requests.emr_step_requests import StepLocations, StepRequest
from marquee.requests.ports import ClusterGoneError
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.scripts import publish_scripts

# EMR sustains one DescribeStep call per account every two seconds.
POLL_SECONDS = {True: 0.5, False: 5.0}
_OWN_SENTENCE = re.compile(r"(prepare|train|recommend|similar|evaluate): \S")
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception): \S")
NOT_COMPLETED = {"FAILED", "CANCELLED", "INTERRUPTED"}  # states of steps that have ended so
_ENDED = {"COMPLETED", *NOT_COMPLETED}


class InterruptedStep(OperationError):  # noqa: N818 (the operator did it; nothing failed)
    """The operator stopped waiting for a step, which goes on."""

    status = 130


class StepFailed(OperationError):  # noqa: N818 (named as EMR's state of the step)
    """A step ran and failed.

    Attributes:
        step_name: the step's name.
    """

    def __init__(self, message: str, step_name: str) -> None:
        super().__init__(message)
        self.step_name = step_name


@dataclass(frozen=True)
class RunStep:
    """A step that completed."""

    step_id: str
    seconds: float


def locations(deployment: Deployment) -> StepLocations:
    """Publish changed scripts; return the locations of the steps' scripts, inputs and outputs."""
    return StepLocations(
        scripts=publish_scripts(deployment),
        ratings_bucket=deployment.parameter("ratings-bucket"),
        models_bucket=deployment.parameter("models-bucket"),
        results_bucket=deployment.parameter("results-bucket"),
    )


def run_step(
    deployment: Deployment, step: StepRequest, progress: Callable[[str], None] = lambda _: None
) -> RunStep:
    """Submit a step and wait for its end.

    Args:
        deployment: the deployment.
        step: the step to submit.
        progress: called at each poll with the step's id, its state and the seconds in that state.

    Raises:
        OperationError: if the cluster does not accept the step, or if the step does not complete.
            The message contains the step's own explanation. It is a StepFailed unless the step
            was cancelled.
        InterruptedStep: if the operator interrupts the waiting; the step goes on.
    """
    cluster = EmrCluster(boto3.client("emr"), deployment.parameter("cluster-id"))
    started = time.monotonic()
    try:
        [step_id] = cluster.add([step])
    except (ClientError, ClusterGoneError) as error:
        raise OperationError(f"The cluster accepts no step: {error}") from error
    try:
        ended = _followed(deployment, cluster, step_id, progress)
    except KeyboardInterrupt as interrupt:
        raise InterruptedStep(
            f"Stopped waiting. The step {step['Name']} ({step_id}) runs on: 'make status' shows "
            f"it, 'make cancel STEP={step_id}' cancels it."
        ) from interrupt
    state = ended["Status"]["State"]
    if state == "FAILED":
        raise StepFailed(ending(deployment, ended), step["Name"])
    if state != "COMPLETED":
        raise OperationError(ending(deployment, ended))
    return RunStep(step_id, time.monotonic() - started)


def _followed(
    deployment: Deployment, cluster: EmrCluster, step_id: str, progress: Callable[[str], None]
) -> Mapping[str, Any]:
    """Wait for the end of a step, and return its description."""
    seen, since = "", time.monotonic()
    while True:
        described = cluster.describe(step_id)
        state = described["Status"]["State"]
        if state != seen:
            seen, since = state, time.monotonic()
        progress(f"{step_id} {state.lower()} for {time.monotonic() - since:.0f} s")
        if state in _ENDED:
            return described
        time.sleep(POLL_SECONDS[deployment.is_local])


def ending(deployment: Deployment, step: Mapping[str, Any]) -> str:
    """Return a sentence that says how a step that did not complete ended, and why.

    The reason is from the step's stored log, else from EMR's description of the step.
    """
    state, step_id = step["Status"]["State"].lower(), step["Id"]
    details = step["Status"].get("FailureDetails", {})
    words = last_words(_output(deployment, step_id)) or details.get("Message")
    return f"The step {step['Name']} ({step_id}) ended {state}: {words or 'EMR gives no reason.'}"


def last_words(output: str) -> str:
    """Return the line of a step's output that explains why the step ended.

    This is the step's own last message (`train: there are no ratings…`), else the last exception,
    else an empty string.
    """
    lines = [line.strip() for line in output.splitlines()]
    own = [line for line in lines if _OWN_SENTENCE.match(line)]
    exceptions = [line for line in lines if _EXCEPTION.match(line)]
    return (own or exceptions or [""])[-1]


def _output(deployment: Deployment, step_id: str) -> str:
    """Return the step's output, as far as EMR has stored it in the log folder."""
    logs = [stored_log(deployment, step_id, stream) for stream in ("stdout", "stderr")]
    return "\n".join(log.text for log in logs if log is not None)


@dataclass(frozen=True)
class StoredLog:
    """A log of a step as EMR stored it in S3, and when."""

    text: str
    stored_at: datetime


def stored_log(deployment: Deployment, step_id: str, stream: str) -> StoredLog | None:
    """Return a step's log; None if EMR has not stored it yet, which takes up to five minutes.

    Args:
        deployment: the deployment.
        step_id: the step's id.
        stream: `stdout` or `stderr`.
    """
    key = f"logs/{deployment.parameter('cluster-id')}/steps/{step_id}/{stream}.gz"
    try:
        kept = boto3.client("s3").get_object(
            Bucket=deployment.parameter("artifacts-bucket"), Key=key
        )
        text = gzip.decompress(kept["Body"].read()).decode(errors="replace")
    except ClientError:
        return None
    return StoredLog(text, kept["LastModified"])
