"""Replace the cluster while visitors are served: `make renew`.

The old cluster is removed from Terraform's state and keeps running. Terraform creates a new one,
the functions switch to it, and the old one is terminated after its last step ends. Before anything
else, the SSM parameter `former-cluster-ids` records the clusters to replace: the next run can
continue an interrupted one, and no other cluster is ever terminated.
"""

import time
from collections.abc import Callable, Iterator

import boto3
from botocore.exceptions import ClientError

from operations import sam
from operations.console import Phases, RunningPhase, out
from operations.deploy import apply_terraform, deploy_functions, fetch_node_wheels
from operations.deployment import FORMER_CLUSTERS, NO_CLUSTERS, Deployment
from operations.errors import OperationError
from operations.protection import end_some_clusters, unprotect_cluster
from operations.terraform import Terraform

# Polling AWS only twice a minute leaves EMR's API rate limit to the functions.
POLL_SECONDS = {True: 1.0, False: 30.0}
_ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")


def renew(deployment: Deployment, phases: Phases) -> str:
    """Create a new cluster, switch to it, and terminate the old one after its last step.

    It can be interrupted anywhere and run again.

    Returns:
        One sentence that names the new cluster and the terminated ones.

    Raises:
        OperationError: if the deployment does not exist, or a phase fails.
    """
    terraform = Terraform(deployment)
    with phases.phase("set the cluster aside") as phase:
        phase.detail("terraform init")
        terraform.init()
        former = _set_aside(deployment, terraform)
        phase.result = ", ".join(former)
    fetch_node_wheels(deployment, phases)
    with phases.phase("sam build"):
        sam.build_template(deployment)
    apply_terraform(deployment, phases)  # from here on the functions may use both clusters
    deploy_functions(deployment, phases)
    with phases.phase("wait for the old cluster's steps") as phase:
        phase.result = _wait_for_steps(deployment, former, phase.detail)
    with phases.phase("end the old cluster") as phase:
        _end(deployment, former, phase)
    out.print(
        f"  {_have_ended(former)}. If this is interrupted now,"
        f" 'make deploy ENV={deployment.name}' also finishes it."
    )
    _publish(deployment, [])
    apply_terraform(deployment, phases)  # removes the functions' permissions for the old one
    deploy_functions(deployment, phases)
    return f"The steps run on {deployment.parameter('cluster-id')}; {_have_ended(former)}."


def _set_aside(deployment: Deployment, terraform: Terraform) -> list[str]:
    """Take the cluster to replace out of Terraform's state; return all that are being replaced."""
    deployment.parameter("cluster-id")  # raises where nothing is deployed
    in_state = terraform.cluster_id()
    former = deployment.former_clusters
    if not former:
        if in_state is None:
            raise OperationError(
                f"Terraform's state has no cluster of {deployment.name!r}:"
                f" {deployment.how_to_deploy}, which creates one."
            )
        former = [in_state]
        _publish(deployment, former)
    if in_state in former:
        terraform.forget_cluster()
    return former


def _publish(deployment: Deployment, former: list[str]) -> None:
    """Record the clusters being replaced in SSM, where every operator's machine finds them."""
    boto3.client("ssm").put_parameter(
        Name=f"/marquee/{deployment.name}/{FORMER_CLUSTERS}",
        Value=",".join(former) or NO_CLUSTERS,
        Type="String",
        Overwrite=True,
    )
    deployment.forget_parameters()


def _wait_for_steps(
    deployment: Deployment, former: list[str], progress: Callable[[str], None]
) -> str:
    """Wait, without a time limit, until the clusters have no step left to run."""
    waited_for = set[str]()
    while left := [name for cluster_id in former for name in _unfinished_steps(cluster_id)]:
        waited_for.update(left)
        progress(f"{len(left)} left: {', '.join(left)}")
        time.sleep(POLL_SECONDS[deployment.is_local])
    return f"waited for {len(waited_for)} steps"


def _unfinished_steps(cluster_id: str) -> Iterator[str]:
    pages = boto3.client("emr").get_paginator("list_steps")
    states = ["PENDING", "CANCEL_PENDING", "RUNNING"]
    for page in pages.paginate(ClusterId=cluster_id, StepStates=states):  # type: ignore[arg-type]
        yield from (step["Name"] for step in page["Steps"])


def _end(deployment: Deployment, former: list[str], phase: RunningPhase) -> None:
    living = [cluster_id for cluster_id in former if _state(cluster_id) not in _ENDED]
    for cluster_id in living:
        unprotect_cluster(cluster_id)
    end_some_clusters(deployment, living, phase.detail)
    phase.result = _have_ended(former)


def _state(cluster_id: str) -> str:
    try:
        cluster = boto3.client("emr").describe_cluster(ClusterId=cluster_id)["Cluster"]
    except ClientError as error:
        raise OperationError(f"The cluster {cluster_id} cannot be described: {error}") from error
    return str(cluster["Status"]["State"])


def _have_ended(former: list[str]) -> str:
    return f"{', '.join(former)} {'has' if len(former) == 1 else 'have'} ended"
