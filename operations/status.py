"""Report the state of a deployment: model, cluster, steps, queues and dead letters."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from marquee.contracts import CurrentModel
from operations.addresses import api_url, site_url
from operations.console import out
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.incoming import last_drop
from operations.models import current_model, describe_pair
from operations.redrive import QUEUES, waiting
from operations.running_steps import ending

_STEPS_SHOWN = 5


def show_status(deployment: Deployment) -> None:
    """Print a one-screen summary of the deployment."""
    current = current_model(deployment)
    lines = [
        ("site", site_url(deployment)),
        ("API", _api(deployment)),
        ("model", _model(current)),
        ("former data", _former(current)),
        ("last drop", _last_drop(deployment)),
        ("cluster", _cluster(deployment)),
        *_queues(deployment),
        *_steps(deployment),
    ]
    for name, words in lines:
        out.print(f"{name:<16} {words}", markup=False)


def _api(deployment: Deployment) -> str:
    try:
        return api_url(deployment)
    except OperationError as error:
        return str(error)


def _model(current: CurrentModel | None) -> str:
    if current is None:
        return "none yet: import ratings with 'make import DATA=…'"
    return f"{current.model_id} on {describe_pair(current)}"


def _former(current: CurrentModel | None) -> str:
    former = current.former if current else None
    if former is None:
        return "none"
    return f"{describe_pair(former)}; 'make rollback-data' switches to it"


def _last_drop(deployment: Deployment) -> str:
    try:
        report = last_drop(deployment)
    except OperationError as error:
        return str(error)
    return "none" if report is None else str(report)


def _cluster(deployment: Deployment) -> str:
    cluster_id = deployment.parameter("cluster-id")
    try:
        cluster = boto3.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]
    except ClientError as error:
        return f"{cluster_id} cannot be described: {error}"
    return f"{cluster_id} {cluster['Status']['State'].lower()}"


def _queues(deployment: Deployment) -> list[tuple[str, str]]:
    sqs = boto3.client("sqs")
    lines = []
    for name in QUEUES:
        url = deployment.parameter(f"{name}-queue-url")
        dead = waiting(sqs, f"{url}-dead-letters")
        advice = ": move them back with 'make redrive'" if dead else ""
        lines.append((f"queue {name}", f"{waiting(sqs, url)} waiting, {dead} dead letters{advice}"))
    dead = waiting(sqs, deployment.parameter("reconcile-dead-letters-url"))
    return [*lines, ("reconcile", f"{dead} dead letters")]


def _steps(deployment: Deployment) -> list[tuple[str, str]]:
    emr = boto3.client("emr")
    try:
        steps = emr.list_steps(ClusterId=deployment.parameter("cluster-id"))["Steps"]
    except ClientError:
        return []
    return [("step", _step(deployment, step)) for step in steps[:_STEPS_SHOWN]]


def _step(deployment: Deployment, step: Mapping[str, Any]) -> str:
    if step["Status"]["State"] == "FAILED":
        return f"{ending(deployment, step)} Its log: 'make logs STEP={step['Id']}'"
    return f"{step['Name']} {step['Status']['State'].lower()} ({step['Id']})"
