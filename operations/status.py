"""Report the state of a deployment: model, cluster, steps, queues and dead letters."""

import boto3
from botocore.exceptions import ClientError

from operations.addresses import api_url, site_url
from operations.console import out
from operations.environment import Environment
from operations.errors import OperationError
from operations.models import current_model
from operations.redrive import QUEUES, waiting

_STEPS_SHOWN = 5


def show_status(environment: Environment) -> None:
    """Print a one-screen summary of the deployment."""
    lines = [
        ("site", site_url(environment)),
        ("API", _api(environment)),
        ("model", _model(environment)),
        ("cluster", _cluster(environment)),
        *_queues(environment),
        *_steps(environment),
    ]
    for name, words in lines:
        out.print(f"{name:<16} {words}", markup=False)


def _api(environment: Environment) -> str:
    try:
        return api_url(environment)
    except OperationError as error:
        return str(error)


def _model(environment: Environment) -> str:
    current = current_model(environment)
    if current is None:
        return "none yet: import ratings with 'make import DATA=…'"
    return f"{current.model_id} on {current.dataset}, {current.ratings:,} ratings"


def _cluster(environment: Environment) -> str:
    cluster_id = environment.parameter("cluster-id")
    try:
        cluster = boto3.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]
    except ClientError as error:
        return f"{cluster_id} cannot be described: {error}"
    return f"{cluster_id} {cluster['Status']['State'].lower()}"


def _queues(environment: Environment) -> list[tuple[str, str]]:
    sqs = boto3.client("sqs")
    lines = []
    for name in QUEUES:
        url = environment.parameter(f"{name}-queue-url")
        dead = waiting(sqs, f"{url}-dead-letters")
        mend = ": move them back with 'make redrive'" if dead else ""
        lines.append((f"queue {name}", f"{waiting(sqs, url)} waiting, {dead} dead letters{mend}"))
    dead = waiting(sqs, environment.parameter("reconcile-dead-letters-url"))
    return [*lines, ("reconcile", f"{dead} dead letters")]


def _steps(environment: Environment) -> list[tuple[str, str]]:
    emr = boto3.client("emr")
    try:
        steps = emr.list_steps(ClusterId=environment.parameter("cluster-id"))["Steps"]
    except ClientError:
        return []
    return [
        ("step", f"{step['Name']} {step['Status']['State'].lower()} ({step['Id']})")
        for step in steps[:_STEPS_SHOWN]
    ]
