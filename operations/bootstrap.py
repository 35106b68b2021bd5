"""The bucket that keeps Terraform's state: the one thing made before Terraform runs."""

import json

import boto3
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from operations.environment import DEFAULT_REGION, Environment
from operations.errors import OperationError


def tls_only_policy(bucket: str) -> str:
    """Return a bucket policy that refuses everything sent without TLS."""
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


def bootstrap(environment: Environment) -> str:
    """Make the state bucket, or mend the settings of the one there; return its name."""
    bucket = environment.terraform_bucket
    s3 = boto3.client("s3")
    try:
        _create(s3, bucket, environment.region)
        _protect(s3, bucket)
        # The local AWS answers plain HTTP only, on loopback.
        if not environment.is_local:
            s3.put_bucket_policy(Bucket=bucket, Policy=tls_only_policy(bucket))
    except ClientError as error:
        raise OperationError(f"The state bucket {bucket} cannot be made: {error}") from error
    return bucket


def _create(s3: S3Client, bucket: str, region: str) -> None:
    try:
        # us-east-1 is the one region that refuses to be named as a constraint.
        if region == DEFAULT_REGION:
            s3.create_bucket(Bucket=bucket)
        else:
            s3.create_bucket(
                Bucket=bucket,
                CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
            )
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass


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
