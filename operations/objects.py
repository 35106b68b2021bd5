"""List the objects in a bucket."""

from mypy_boto3_s3 import S3Client


def keys(s3: S3Client, bucket: str, prefix: str) -> set[str]:
    """Return the keys of a bucket that start with a prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"] for page in pages for item in page.get("Contents", [])}
