"""Empty a bucket: delete all versions, delete markers and unfinished multipart uploads."""

from collections.abc import Iterator
from itertools import batched

import boto3
from mypy_boto3_s3 import S3Client
from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_AT_ONCE = 1000


def empty_bucket(bucket: str) -> int:
    """Delete everything in a bucket; return the number of deleted versions and delete markers."""
    s3 = boto3.client("s3")
    removed = 0
    for batch in batched(_everything(s3, bucket), _AT_ONCE, strict=False):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": list(batch), "Quiet": True})
        removed += len(batch)
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return removed


def _everything(s3: S3Client, bucket: str) -> Iterator[ObjectIdentifierTypeDef]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []):
            yield {"Key": version["Key"], "VersionId": version["VersionId"]}
        for marker in page.get("DeleteMarkers", []):
            yield {"Key": marker["Key"], "VersionId": marker["VersionId"]}
