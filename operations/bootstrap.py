"""Create the bucket for Terraform's state, the only resource created before Terraform runs."""

import json
from collections.abc import Mapping

import boto3
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client
from mypy_boto3_s3.type_defs import TagTypeDef

from operations.deployment import DEFAULT_REGION, Deployment
from operations.errors import OperationError
from operations.waiting_times import waiting_time


def tls_only_policy(bucket: str) -> str:
    """Return a bucket policy that denies requests made without TLS."""
    arn = f"arn:aws:s3:::{bucket}"
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def bootstrap(deployment: Deployment) -> str:
    """Create the state bucket, or correct the settings of an existing one; return its name.

    Raises:
        OperationError: if the bucket cannot be created or set up. If its name is not free yet, the
            message says what to wait for.
    """
    bucket = deployment.terraform_bucket
    s3 = boto3.client("s3")
    try:
        _create(s3, bucket, deployment.region)
        _protect(s3, bucket)
        if not _tags(s3, bucket):
            # Provisional: after Terraform has run, its tags replace these.
            tag_bucket(deployment, {"project": "marquee", "environment": deployment.name})
        # The local AWS answers plain HTTP only, on loopback.
        if not deployment.is_local:
            s3.put_bucket_policy(Bucket=bucket, Policy=tls_only_policy(bucket))
    except ClientError as error:
        raise OperationError(
            f"The state bucket {bucket} cannot be created: {error}{waiting_time([str(error)])}"
        ) from error
    return bucket


def tag_bucket(deployment: Deployment, tags: Mapping[str, str]) -> None:
    """Tag the state bucket like all other resources; Terraform does not manage this bucket."""
    s3, bucket = boto3.client("s3"), deployment.terraform_bucket
    if tags:
        kept: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in tags.items()]
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": kept})
    else:  # S3 refuses an empty set
        s3.delete_bucket_tagging(Bucket=bucket)


def _create(s3: S3Client, bucket: str, region: str) -> None:
    try:
        # S3 rejects us-east-1, and only this region, as a location constraint.
        if region == DEFAULT_REGION:
            s3.create_bucket(Bucket=bucket)
        else:
            s3.create_bucket(
                Bucket=bucket,
                CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
            )
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass


def _tags(s3: S3Client, bucket: str) -> dict[str, str]:
    try:
        kept = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchTagSet":
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in kept}


def _protect(s3: S3Client, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
