"""Removing the protection of a deployment before it is destroyed."""

from typing import Any

import boto3
import pytest

from operations.deployment import Deployment
from operations.protection import end_backups, end_clusters, lift_protection, living_clusters

STAGING = Deployment("staging")


@pytest.fixture(autouse=True)
def account(mocked_aws: None) -> None:
    """Answer every client by moto."""


def a_table(kind: str, protected: bool = True) -> str:
    name = f"marquee-staging-{kind}"
    boto3.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=protected,
    )
    return name


def a_cluster(name: str = "marquee-staging", protected: bool = True) -> str:
    instances: Any = {
        "MasterInstanceType": "m7g.xlarge",
        "SlaveInstanceType": "m7g.xlarge",
        "InstanceCount": 3,
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": protected,
    }
    return boto3.client("emr").run_job_flow(
        Name=name, ReleaseLabel="emr-7.0.0", Instances=instances, JobFlowRole="n", ServiceRole="s"
    )["JobFlowId"]


def test_tables_can_be_deleted_once_their_protection_is_lifted() -> None:
    name = a_table("visitors")

    lift_protection(STAGING)

    boto3.client("dynamodb").delete_table(TableName=name)
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []


def test_a_cluster_can_be_ended_once_its_protection_is_lifted() -> None:
    a_cluster()

    lift_protection(STAGING)
    end_clusters(STAGING)

    assert living_clusters(STAGING) == []


def test_only_resources_that_were_protected_are_named() -> None:
    a_table("movies", protected=False)
    table, cluster = a_table("visitors"), a_cluster()

    assert lift_protection(STAGING) == [table, cluster]


def test_a_second_attempt_finds_nothing_left_to_do() -> None:
    assert lift_protection(STAGING) == []
    assert end_clusters(STAGING) == 0


def recovery(table: str) -> str:
    backups = boto3.client("dynamodb").describe_continuous_backups(TableName=table)
    described = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return described["PointInTimeRecoveryStatus"]


def test_point_in_time_recovery_is_off_before_the_tables_are_deleted() -> None:
    name = a_table("visitors")
    boto3.client("dynamodb").update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )

    said = end_backups(STAGING)

    assert recovery(name) == "DISABLED"
    assert "off for 1 tables" in said


def test_backups_by_an_operator_are_deleted_and_those_of_another_deployment_stay() -> None:
    dynamodb = boto3.client("dynamodb")
    other = dynamodb.create_table(
        TableName="marquee-other-visitors",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableName"]
    for table in (a_table("visitors", protected=False), other):
        dynamodb.create_backup(TableName=table, BackupName="by-hand")
    dynamodb.delete_table(TableName="marquee-staging-visitors")  # its backup remains

    said = end_backups(STAGING)

    left = {each["TableName"] for each in dynamodb.list_backups()["BackupSummaries"]}
    assert left == {other}
    assert "1 backups deleted" in said


def test_the_cluster_of_another_deployment_keeps_running() -> None:
    other = a_cluster("marquee-staging-two")

    lift_protection(STAGING)
    end_clusters(STAGING)

    described = boto3.client("emr").describe_cluster(ClusterId=other)["Cluster"]
    assert (described["TerminationProtected"], described["Status"]["State"]) == (True, "WAITING")
