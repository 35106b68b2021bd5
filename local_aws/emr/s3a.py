"""The requests that S3A, EMR's S3 client from release 7.10 on, makes before it reads or writes.

The local EMR copies a step's objects itself (`mirror`), so Spark makes no requests to S3. This
module makes S3A's requests in addition to the copying, with the step's credentials. So a role that
lacks a permission that S3A needs fails here, with S3A's own exception.

Sources: Hadoop 3.4, package org.apache.hadoop.fs.s3a (S3AFileSystem, impl/MkdirOperation,
impl/StatusProbeEnum), and
https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-s3a-migrate.html:

| call | requests |
|---|---|
| getFileStatus, exists | HEAD `key`; if that is 404, LIST `key/` with at most two entries |
| open | getFileStatus, then GET |
| listStatus | LIST `key/`; if that is empty, getFileStatus |
| globStatus | listStatus of the folder before the first wildcard, then of each level below |
| create, overwriting | LIST `key/` (there must be no folder), then PUT `key` |
| mkdirs | LIST `key/`, HEAD `key`; the same for each parent up to one that exists; PUT `key/` |
| delete | getFileStatus; for a folder, LIST all of it and DELETE each object |
| rename | getFileStatus of source and target, then a copy and a DELETE of each object |

Only a 404 means that the object does not exist. S3A throws an exception for any other error of a
HEAD or LIST, including 403; only mkdirs ignores a 403, and only for a parent. S3A makes no request
to determine the status of a bucket's root.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, Protocol

from botocore.exceptions import ClientError

PARALLEL = 16
FORBIDDEN = 403
NOT_FOUND = 404
# Two entries suffice to distinguish an empty folder (only its marker) from one with contents.
LIST_ENTRIES = 2
WILDCARDS = "*?[{"
SUCCESS = "_SUCCESS"
# The folder that Hadoop's FileOutputCommitter creates for the first attempt of a job.
JOB_ATTEMPT = "_temporary/0"


class Location(Protocol):
    """A bucket and a key, such as a `mirror.Address`."""

    @property
    def bucket(self) -> str:
        """The bucket's name."""

    @property
    def key(self) -> str:
        """A key, a folder with or without a slash at its end, or a pattern."""


class PathKind(Enum):
    """The kind of object at a path."""

    FILE = "file"
    FOLDER = "folder"


class S3AError(Exception):
    """An exception of S3A; its message is the line that Java would print."""


def uri(bucket: str, key: str) -> str:
    """Return a path as Hadoop prints it, without a slash at its end."""
    return f"s3://{bucket}/{key}".rstrip("/")


def translated(operation: str, bucket: str, key: str, error: ClientError) -> S3AError:
    """Return the exception that S3A throws for an error of S3 (S3AUtils.translateException).

    Args:
        operation: S3A's name of the operation that made the request.
        bucket: the request's bucket.
        key: the path of the operation.
        error: S3's error.
    """
    answer = error.response.get("ResponseMetadata", {})
    status = answer.get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    path = uri(bucket, key)
    if code == "NoSuchBucket":
        return S3AError(
            f"org.apache.hadoop.fs.s3a.UnknownStoreException: `{path}': Bucket does not exist"
        )
    if status == FORBIDDEN:
        # The answer to a HEAD has no body and so lacks S3's error code.
        kind = "java.nio.file.AccessDeniedException"
        cause = "403 Forbidden" if code in ("403", "Forbidden") else code
    else:
        kind = "org.apache.hadoop.fs.s3a.AWSS3IOException"
        cause = code
    return S3AError(
        f"{kind}: {path}: {operation} on {path}: "
        f"software.amazon.awssdk.services.s3.model.S3Exception: {message} (Service: S3, "
        f"Status Code: {status}, Request ID: {answer.get('RequestId', '')}): {cause}"
    )


def denied(error: ClientError) -> bool:
    """Return whether S3 refused a request because a permission is missing (403)."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == FORBIDDEN


def absent(error: ClientError) -> bool:
    """Return whether S3 answered that the key does not exist; False for a missing bucket."""
    response = error.response
    return (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode") == NOT_FOUND
        and response.get("Error", {}).get("Code") != "NoSuchBucket"
    )


class S3A:
    """Makes S3A's requests with `client`, a boto3 S3 client with the step's credentials."""

    def __init__(self, client: Any) -> None:
        self.client = client

    # -- what a step does ------------------------------------------------------------------------
    def before_reading(self, locations: Iterable[Location]) -> None:
        """Make the requests that Spark makes for each path of a command line before it uses it.

        Raises:
            S3AError: for the first path, in the given order, with a refused request.
        """
        with ThreadPoolExecutor(PARALLEL) as pool:
            for answer in [pool.submit(self.look_at, place) for place in locations]:
                answer.result()

    def before_writing(self, written: Iterable[tuple[str, str]]) -> None:
        """Make the requests that S3A makes before it writes these objects.

        A folder that receives a `_SUCCESS` is a job's output: its committer first creates a folder
        `_temporary/0` in it and last deletes `_temporary`. All other objects are created one by
        one.

        Args:
            written: bucket and key of each object.

        Raises:
            S3AError: for the first object, in the given order, that may not be written.
        """
        places = list(written)
        outputs = [(bucket, key.removesuffix(SUCCESS)) for bucket, key in places if is_success(key)]
        created = [
            place
            for place in places
            if is_success(place[1]) or not any(is_below(place, output) for output in outputs)
        ]
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = [pool.submit(self.commit_job, *output) for output in outputs]
            answers += [pool.submit(self.create, *place) for place in created]
            for answer in answers:
                answer.result()

    def look_at(self, place: Location) -> None:
        """Get the status of a path; for a pattern, list the folder that has the first wildcard."""
        pattern_start = min(
            (place.key.find(sign) for sign in WILDCARDS if sign in place.key), default=None
        )
        if pattern_start is None:
            self.status(place.bucket, place.key)
        else:
            self.list_status(place.bucket, place.key[:pattern_start].rpartition("/")[0])

    def commit_job(self, bucket: str, folder: str) -> None:
        """Create and delete a job's working folder, as FileOutputCommitter's setup and commit do.

        The committer's renames are left out. They need the same permissions as this and the upload:
        PUT, GET and DELETE below `folder`.
        """
        working = folder + JOB_ATTEMPT
        self.status(bucket, folder)  # Spark checks whether the output exists already
        made = self.mkdirs(bucket, working)
        if made:
            self.status(bucket, folder + JOB_ATTEMPT.partition("/")[0])
            self.call("delete_object", "delete", bucket, working, Key=f"{working}/")

    # -- S3A's operations ------------------------------------------------------------------------
    def status(self, bucket: str, key: str) -> PathKind | None:
        """Make the requests of getFileStatus: HEAD, then LIST; None if there is nothing."""
        name = key.rstrip("/")
        if not name:
            return PathKind.FOLDER
        if self.is_file(bucket, name):
            return PathKind.FILE
        return PathKind.FOLDER if self.is_folder(bucket, name) else None

    def list_status(self, bucket: str, folder: str) -> None:
        """Make the requests of listStatus: LIST; if that is empty, those of getFileStatus.

        The answers are not returned. The root of a bucket gets the LIST only.

        Args:
            bucket: the bucket's name.
            folder: the folder's key, with or without a slash at its end; empty for the root.

        Raises:
            S3AError: if S3 answers with an error, except a 404 of the HEAD.
        """
        name = folder.rstrip("/")
        if not self.is_folder(bucket, name, "listStatus") and name:
            self.status(bucket, name)

    def create(self, bucket: str, key: str) -> None:
        """Make the request of create before it overwrites; the caller makes the PUT.

        Raises:
            S3AError: if a folder exists at this key.
        """
        if self.is_folder(bucket, key):
            raise S3AError(
                f"org.apache.hadoop.fs.FileAlreadyExistsException: {uri(bucket, key)} "
                "is a directory"
            )

    def mkdirs(self, bucket: str, key: str) -> bool:
        """Create a folder's marker unless the folder exists; return whether one was created."""
        name = key.rstrip("/")
        if self.expected_folder(bucket, name) is not None:
            return False
        parent = name.rpartition("/")[0]
        try:
            while parent and self.expected_folder(bucket, parent) is None:
                parent = parent.rpartition("/")[0]
        except S3AError as error:
            if not isinstance(error.__cause__, ClientError) or not denied(error.__cause__):
                raise
        self.call("put_object", "PUT 0-byte object ", bucket, name, Key=f"{name}/", Body=b"")
        return True

    def expected_folder(self, bucket: str, name: str) -> PathKind | None:
        """Make the requests of mkdirs for one folder: LIST, then HEAD; None if there is nothing.

        Raises:
            S3AError: if there is a file.
        """
        if self.is_folder(bucket, name):
            return PathKind.FOLDER
        if self.is_file(bucket, name):
            raise S3AError(
                f"org.apache.hadoop.fs.FileAlreadyExistsException: Path is a file: "
                f"{uri(bucket, name)}"
            )
        return None

    # -- requests --------------------------------------------------------------------------------
    def is_file(self, bucket: str, name: str) -> bool:
        """Return whether an object of this name exists, by a HEAD."""
        try:
            self.client.head_object(Bucket=bucket, Key=name)
        except ClientError as error:
            if absent(error):
                return False
            raise translated("getFileStatus", bucket, name, error) from error
        return True

    def is_folder(self, bucket: str, name: str, operation: str = "getFileStatus") -> bool:
        """Return whether the folder has a marker or an entry, by a LIST."""
        prefix = f"{name.rstrip('/')}/" if name else ""
        answer = self.call(
            "list_objects_v2",
            operation,
            bucket,
            name,
            Prefix=prefix,
            Delimiter="/",
            MaxKeys=LIST_ENTRIES,
        )
        return bool(answer.get("Contents") or answer.get("CommonPrefixes"))

    def call(self, method: str, operation: str, bucket: str, key: str, **request: Any) -> Any:
        """Make one request and return its answer.

        Args:
            method: the boto3 client's method.
            operation: S3A's name of the operation, for an error.
            bucket: the request's bucket.
            key: the path of the operation, for an error.
            request: further parameters of the request.

        Raises:
            S3AError: if S3 answers with an error.
        """
        try:
            return getattr(self.client, method)(Bucket=bucket, **request)
        except ClientError as error:
            raise translated(operation, bucket, key, error) from error


def is_success(key: str) -> bool:
    """Return whether an object marks the success of a job."""
    return key.rpartition("/")[2] == SUCCESS


def is_below(place: tuple[str, str], folder: tuple[str, str]) -> bool:
    """Return whether an object lies in a folder, at any depth; both are a bucket and a key."""
    return place[0] == folder[0] and place[1].startswith(folder[1])
