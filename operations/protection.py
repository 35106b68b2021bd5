"""Remove the protection against accidental deletion before an intended deletion.

This calls AWS's APIs instead of running `terraform apply`: an apply would also make all other
changes in the work tree, for example create a new cluster in place of a terminated one.
"""

import time
from collections.abc import Callable, Collection, Iterator

import boto3
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_dynamodb.literals import BackupTypeFilterType
from mypy_boto3_dynamodb.type_defs import BackupSummaryTypeDef

from operations.deployment import Deployment
from operations.errors import OperationError

TABLES = ("movies", "visitors", "idempotency", "lists")
# A cluster terminates within minutes, and has written its last logs by then.
CLUSTER_SECONDS = 1800.0
POLL_SECONDS = {True: 1.0, False: 15.0}


def lift_protection(deployment: Deployment) -> list[str]:
    """Lift the deletion protection of tables and clusters; return those that were protected."""
    return [*_unprotected_tables(deployment), *_unprotected_clusters(deployment)]


def _unprotected_tables(deployment: Deployment) -> Iterator[str]:
    dynamodb = boto3.client("dynamodb")
    for kind in TABLES:
        name = f"{deployment.prefix}-{kind}"
        try:
            table = dynamodb.describe_table(TableName=name)["Table"]
        except dynamodb.exceptions.ResourceNotFoundException:
            continue
        if table.get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
            dynamodb.get_waiter("table_exists").wait(TableName=name)
            yield name


def end_backups(deployment: Deployment) -> str:
    """Turn off the tables' point-in-time recovery and delete their backups; return a summary.

    If a table is deleted while point-in-time recovery is on, DynamoDB keeps a system backup of it
    for 35 days (DynamoDB Developer Guide, "Point-in-time recovery", "Delete a table").
    """
    dynamodb = boto3.client("dynamodb")
    switched_off = deleted = 0
    for kind in TABLES:
        name = f"{deployment.prefix}-{kind}"
        try:
            backups = dynamodb.describe_continuous_backups(TableName=name)
        except dynamodb.exceptions.TableNotFoundException:
            pass
        else:
            recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription")
            if recovery and recovery.get("PointInTimeRecoveryStatus") == "ENABLED":
                _switch_recovery_off(dynamodb, name)
                switched_off += 1
        # A deleted table's on-demand backups outlive it, so look for those too.
        for backup in _backups(dynamodb, name, "USER"):
            dynamodb.delete_backup(BackupArn=backup["BackupArn"])
            deleted += 1
    return f"point-in-time recovery off for {switched_off} tables, {deleted} backups deleted"


def _switch_recovery_off(dynamodb: DynamoDBClient, table: str) -> None:
    dynamodb.update_continuous_backups(
        TableName=table,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
    )


def system_backups(deployment: Deployment) -> list[str]:
    """Return descriptions of DynamoDB's system backups of deleted tables, with expiry dates.

    A table that was deleted by hand or by an older release may have left such a backup.
    """
    dynamodb = boto3.client("dynamodb")
    return [
        f"the system backup {backup['BackupName']} until {backup['BackupExpiryDateTime']:%Y-%m-%d}"
        for kind in TABLES
        for backup in _backups(dynamodb, f"{deployment.prefix}-{kind}", "SYSTEM")
    ]


def _backups(
    dynamodb: DynamoDBClient, table: str, kind: BackupTypeFilterType
) -> Iterator[BackupSummaryTypeDef]:
    for page in dynamodb.get_paginator("list_backups").paginate(TableName=table, BackupType=kind):
        yield from page.get("BackupSummaries", [])


def _unprotected_clusters(deployment: Deployment) -> Iterator[str]:
    for cluster_id in living_clusters(deployment):
        if unprotect_cluster(cluster_id):
            yield cluster_id


def unprotect_cluster(cluster_id: str) -> bool:
    """Turn off a cluster's termination protection; return whether it was on."""
    emr = boto3.client("emr")
    if not emr.describe_cluster(ClusterId=cluster_id)["Cluster"].get("TerminationProtected"):
        return False
    emr.set_termination_protection(JobFlowIds=[cluster_id], TerminationProtected=False)
    return True


def living_clusters(deployment: Deployment) -> list[str]:
    """Return the ids of the deployment's clusters that have not terminated."""
    pages = boto3.client("emr").get_paginator("list_clusters")
    listed = pages.paginate(
        ClusterStates=["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"]
    )
    return [
        cluster["Id"]
        for page in listed
        for cluster in page["Clusters"]
        if cluster["Name"] == deployment.prefix
    ]


def end_clusters(deployment: Deployment, progress: Callable[[str], None] = lambda _: None) -> int:
    """Terminate the deployment's clusters and wait; return how many.

    A cluster that still runs would write logs into the emptied buckets.
    """
    ending = living_clusters(deployment)
    end_some_clusters(deployment, ending, progress)
    return len(ending)


def end_some_clusters(
    deployment: Deployment,
    ending: Collection[str],
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Terminate these clusters of the deployment and wait until they have terminated."""
    if ending:
        boto3.client("emr").terminate_job_flows(JobFlowIds=list(ending))
    deadline = time.monotonic() + CLUSTER_SECONDS
    while living := [each for each in living_clusters(deployment) if each in ending]:
        if time.monotonic() > deadline:
            raise OperationError(
                f"The cluster {', '.join(living)} has not ended within"
                f" {CLUSTER_SECONDS / 60:.0f} minutes: see the EMR console, then try again."
            )
        progress(f"{', '.join(living)} is ending")
        time.sleep(POLL_SECONDS[deployment.is_local])
