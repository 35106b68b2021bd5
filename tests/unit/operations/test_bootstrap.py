"""Creating the bucket of Terraform's state, and emptying buckets."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws
from mypy_boto3_s3 import S3Client

from operations.bootstrap import bootstrap, tag_bucket
from operations.deployment import Deployment
from operations.emptying import empty_bucket

BUCKET = "marquee-staging-123456789012-terraform"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


def test_the_state_bucket_keeps_versions(s3: S3Client) -> None:
    bootstrap(Deployment("staging"))

    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"


def test_the_state_bucket_is_encrypted(s3: S3Client) -> None:
    bootstrap(Deployment("staging"))

    rules = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def tags(s3: S3Client) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]}


def test_the_state_bucket_is_tagged_as_terraform_tags_by_default(s3: S3Client) -> None:
    bootstrap(Deployment("staging"))

    assert tags(s3) == {"project": "marquee", "environment": "staging"}


def test_tags_that_terraform_gave_the_state_bucket_stay(s3: S3Client) -> None:
    bootstrap(Deployment("staging"))
    tag_bucket(Deployment("staging"), {"owner": "us"})

    bootstrap(Deployment("staging"))

    assert tags(s3) == {"owner": "us"}


def test_the_state_bucket_is_private(s3: S3Client) -> None:
    bootstrap(Deployment("staging"))

    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert all(block.values())


def test_the_state_bucket_rejects_requests_without_tls(s3: S3Client) -> None:
    bootstrap(Deployment("staging"))

    [statement] = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_bootstrapping_keeps_what_is_in_a_state_bucket(s3: S3Client) -> None:
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="terraform.tfstate", Body=b"{}")

    bootstrap(Deployment("staging"))

    assert [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        "terraform.tfstate"
    ]


def test_the_state_bucket_is_made_in_the_region_of_the_environment(s3: S3Client) -> None:
    bootstrap(Deployment("staging", "eu-west-1"))

    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == "eu-west-1"


def test_bootstrapping_twice_is_not_an_error(s3: S3Client) -> None:
    bootstrap(Deployment("staging"))

    assert bootstrap(Deployment("staging")) == BUCKET


def test_emptying_removes_versions_and_delete_markers(s3: S3Client) -> None:
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"2")
    s3.delete_object(Bucket=BUCKET, Key="a")

    empty_bucket(BUCKET)

    assert "Versions" not in s3.list_object_versions(Bucket=BUCKET)


def test_emptying_removes_unfinished_uploads(s3: S3Client) -> None:
    s3.create_bucket(Bucket=BUCKET)
    s3.create_multipart_upload(Bucket=BUCKET, Key="raw/huge.txt")

    empty_bucket(BUCKET)

    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
