"""List and delete the objects in a bucket."""

from itertools import batched

from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client

from operations.errors import OperationError

# S3's answers to a conditional call about an object that has changed, or is just being changed.
CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_A_CALL = 1000  # objects that one call deletes at most


def keys(s3: S3Client, bucket: str, prefix: str) -> set[str]:
    """Return the keys of a bucket that start with a prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"] for page in pages for item in page.get("Contents", [])}


def folders(s3: S3Client, bucket: str, prefix: str) -> list[str]:
    """Return the names of the folders directly below a prefix, which is empty or ends in `/`."""
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter="/"
    )
    found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
    return [folder.removeprefix(prefix).rstrip("/") for folder in found]


def read_if_there(s3: S3Client, bucket: str, key: str) -> bytes | None:
    """Return the content of an object, or None if there is no such object."""
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        # Without s3:ListBucket, AWS answers AccessDenied for a missing object.
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "AccessDenied"}:
            return None
        raise


def has_objects(s3: S3Client, bucket: str, prefix: str) -> bool:
    """Return whether any key of a bucket starts with a prefix."""
    return s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"] > 0


def delete_below(s3: S3Client, bucket: str, prefix: str) -> int:
    """Delete the objects whose keys start with a prefix; return how many.

    Raises:
        OperationError: if S3 does not delete one of them.
    """
    found = sorted(keys(s3, bucket, prefix))
    for batch in batched(found, _A_CALL, strict=False):
        answer = s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
        )
        if errors := answer.get("Errors"):
            raise OperationError(
                f"s3://{bucket}/{errors[0]['Key']} was not deleted: {errors[0]['Code']}"
            )
    return len(found)
