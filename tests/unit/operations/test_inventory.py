"""Finding all resources of one deployment in an account, and none of other deployments."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from operations import inventory as module
from operations.deployment import Deployment
from operations.inventory import Inventory, inventory, visitors_with_ratings

STAGING = Deployment("staging")
KINDS = ("queues", "parameters", "roles", "networks", "VPC endpoints")
ACCOUNT = "123456789012"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    # The clients for all kinds take seconds to make; the rehearsal's test covers every kind.
    some = {kind: module.KINDS[kind] for kind in KINDS}
    monkeypatch.setattr(module, "KINDS", some)
    monkeypatch.setattr(module, "AWS_KINDS", {})
    with mock_aws():
        yield


def a_bucket(environment: str, kind: str) -> str:
    name = f"marquee-{environment}-{ACCOUNT}-{kind}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def a_queue(name: str) -> None:
    boto3.client("sqs").create_queue(QueueName=name)


def a_role(name: str) -> None:
    boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")


def a_network(name: str) -> str:
    ec2 = boto3.client("ec2")
    tags: Any = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": name}]}]
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"])


def test_an_account_without_the_deployment_has_an_empty_inventory() -> None:
    a_queue("somebody-elses")

    assert inventory(STAGING) == Inventory()


def test_resources_with_the_name_of_the_deployment_are_found_by_kind() -> None:
    bucket, vpc = a_bucket("staging", "ratings"), a_network("marquee-staging")
    a_queue("marquee-staging-visitors")
    a_role("marquee-staging-ingest")
    boto3.client("ssm").put_parameter(
        Name="/marquee/staging/site-url", Value="https://example.org", Type="String"
    )

    assert inventory(STAGING).found == {
        "buckets": [bucket],
        "queues": ["marquee-staging-visitors"],
        "roles": ["marquee-staging-ingest"],
        "parameters": ["/marquee/staging/site-url"],
        "networks": [f"{vpc} (marquee-staging)"],
    }


def test_a_deleted_endpoint_that_ec2_still_lists_is_not_found() -> None:
    ec2, vpc = boto3.client("ec2"), a_network("somebody-elses")
    tags: Any = [
        {"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": "marquee-staging-s3"}]}
    ]
    made = ec2.create_vpc_endpoint(
        VpcId=vpc,
        VpcEndpointType="Gateway",
        ServiceName="com.amazonaws.us-east-1.s3",
        RouteTableIds=[ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]],
        TagSpecifications=tags,
    )["VpcEndpoint"]["VpcEndpointId"]
    assert inventory(STAGING).found == {"VPC endpoints": [f"{made} (marquee-staging-s3)"]}

    ec2.delete_vpc_endpoints(VpcEndpointIds=[made])

    assert [each["State"] for each in ec2.describe_vpc_endpoints()["VpcEndpoints"]] == ["deleted"]
    assert not inventory(STAGING)


def test_a_deployment_whose_name_begins_the_same_is_not_found() -> None:
    a_bucket("staging-two", "terraform")
    a_queue("marquee-staging-two-visitors")
    a_role("marquee-staging-two-ingest")
    a_network("marquee-staging-two")

    assert not inventory(STAGING)


def test_the_role_of_the_deployer_does_not_belong_to_the_deployment() -> None:
    a_role("marquee-staging-deployer")

    assert not inventory(STAGING)


def test_a_kind_that_the_caller_may_not_list_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> Iterator[str]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListRoles")

    monkeypatch.setitem(module.KINDS, "roles", denied)

    there = inventory(STAGING)

    assert not there
    assert list(there.unchecked) == ["roles"]


def test_another_error_does_not_count_as_an_empty_account(monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(*_: object) -> Iterator[str]:
        raise ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "ListRoles")

    monkeypatch.setitem(module.KINDS, "roles", throttled)

    with pytest.raises(ClientError, match="slow"):
        inventory(STAGING)


def test_visitors_with_several_versions_are_counted_once() -> None:
    bucket = a_bucket("staging", "ratings")
    for key in ("01abc-1.json", "01abc-2.json", "01def-1.json"):
        boto3.client("s3").put_object(Bucket=bucket, Key=f"visitors/date=2026-11-27/{key}")

    assert visitors_with_ratings(STAGING) == {"01abc", "01def"}


def test_without_a_bucket_there_are_no_visitors() -> None:
    assert visitors_with_ratings(STAGING) == set()
