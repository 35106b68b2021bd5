"""Submit a step to the cluster and follow it to its end."""

import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.aws.cluster import Cluster
from marquee.ports import ClusterGoneError
from marquee.steps import Step, StepLocations
from operations.environment import Environment
from operations.errors import OperationError
from operations.scripts import publish_scripts

# EMR lets an account describe steps once in two seconds for long.
POLL_SECONDS = {True: 0.5, False: 5.0}
_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"}


@dataclass(frozen=True)
class RunStep:
    """A step that completed."""

    step_id: str
    seconds: float


def locations(environment: Environment) -> StepLocations:
    """Return where the steps' scripts, inputs and outputs lie; publishes new scripts first."""
    return StepLocations(
        scripts=publish_scripts(environment),
        ratings_bucket=environment.parameter("ratings-bucket"),
        models_bucket=environment.parameter("models-bucket"),
        results_bucket=environment.parameter("results-bucket"),
    )


def run_step(
    environment: Environment, step: Step, progress: Callable[[str], None] = lambda _: None
) -> RunStep:
    """Submit a step and wait for it; `progress` hears its state.

    Raises OperationError with the step's own last words when it does not complete.
    """
    cluster = Cluster(boto3.client("emr"), environment.parameter("cluster-id"))
    started = time.monotonic()
    try:
        [step_id] = cluster.add([step])
    except (ClientError, ClusterGoneError) as error:
        raise OperationError(f"The cluster takes no step: {error}") from error
    while True:
        described = cluster.describe(step_id)
        state = described["Status"]["State"]
        progress(f"{step_id} {state.lower()}")
        if state in _ENDED:
            break
        time.sleep(POLL_SECONDS[environment.is_local])
    if state != "COMPLETED":
        raise OperationError(_failure(environment, described))
    return RunStep(step_id, time.monotonic() - started)


def _failure(environment: Environment, step: Mapping[str, Any]) -> str:
    state, step_id = step["Status"]["State"].lower(), step["Id"]
    details = step["Status"].get("FailureDetails", {})
    words = details.get("Message") or details.get("Reason") or ""
    last = last_words(_stderr(environment, step_id)) or words
    return f"The step {step['Name']} ({step_id}) ended {state}: {last or 'EMR gives no reason'}"


def last_words(stderr: str) -> str:
    """Return the line of a Spark driver's stderr that says why it died."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    # Python ends a traceback with the error at the margin; Spark's own lines carry a time.
    telling = [line for line in lines if "Error" in line.split(":")[0] and " at " not in line]
    return (telling or lines[-1:] or [""])[-1]


def _stderr(environment: Environment, step_id: str) -> str:
    """Return the step's stderr from the cluster's log folder, nothing where it is not there yet."""
    s3, bucket = boto3.client("s3"), environment.parameter("artifacts-bucket")
    key = f"logs/{environment.parameter('cluster-id')}/steps/{step_id}/stderr.gz"
    try:
        kept = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError:
        return ""
    return gzip.decompress(kept).decode(errors="replace")
