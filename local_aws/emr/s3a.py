"""The questions that S3A, EMR's S3 client from release 7.10 on, asks before it reads or writes.

The local EMR copies a step's objects by itself (`mirror`), so that Spark asks S3 nothing. These
calls are made beside the copying, with the step's own credentials, so that a role that lacks a
right which S3A needs fails here with S3A's own exception.

Facts from Hadoop 3.4, package org.apache.hadoop.fs.s3a (S3AFileSystem, impl/MkdirOperation,
impl/StatusProbeEnum) and https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-s3a-migrate.html:

| call | requests |
|---|---|
| getFileStatus, exists | HEAD `key`; if that is 404, LIST `key/` with two entries at most |
| open | getFileStatus, then GET |
| listStatus | LIST `key/`; if that is empty, getFileStatus |
| globStatus | listStatus of the folder before the first wildcard, and so on down |
| create, overwriting | LIST `key/` (a folder must not lie there), then PUT `key` |
| mkdirs | LIST `key/`, HEAD `key`; the same for each parent up to one that is there; PUT `key/` |
| delete | getFileStatus; a folder: LIST all of it, DELETE each object |
| rename | getFileStatus of source and target, then a copy and a DELETE of each object |

Only a 404 means "not there". Every other answer to a HEAD or a LIST is thrown, 403 above all;
mkdirs alone ignores a 403, and only for a parent. The root of a bucket needs no question.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any, Protocol

from botocore.exceptions import ClientError

PARALLEL = 16
FORBIDDEN = 403
NOT_FOUND = 404
# A folder's marker and one entry tell an empty folder from a full one.
LIST_ENTRIES = 2
WILDCARDS = "*?[{"
SUCCESS = "_SUCCESS"
# What Hadoop's FileOutputCommitter makes for the first attempt of a job.
JOB_ATTEMPT = "_temporary/0"


class Location(Protocol):
    """A bucket and a key, as `mirror.Address` has them."""

    @property
    def bucket(self) -> str:
        """The bucket's name."""

    @property
    def key(self) -> str:
        """A key, a folder with or without its slash, or a pattern."""


class Kind(Enum):
    """What lies at a path."""

    FILE = "file"
    FOLDER = "folder"


class S3AError(Exception):
    """An exception of S3A; the message is the line that Java prints."""


def uri(bucket: str, key: str) -> str:
    """A path as Hadoop prints it: without a slash at its end."""
    return f"s3://{bucket}/{key}".rstrip("/")


def translated(operation: str, bucket: str, key: str, error: ClientError) -> S3AError:
    """What S3A throws where S3 refused a request of `operation` (S3AUtils.translateException)."""
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
        # The answer to a HEAD has no body, so S3's own code is not in it.
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
    """Whether S3 refused for want of a right."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == FORBIDDEN


def absent(error: ClientError) -> bool:
    """Whether S3 says that there is no such key; a missing bucket is another matter."""
    response = error.response
    return (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode") == NOT_FOUND
        and response.get("Error", {}).get("Code") != "NoSuchBucket"
    )


class S3A:
    """S3A's requests, made with `client`, a boto3 S3 client with the step's credentials."""

    def __init__(self, client: Any) -> None:
        self.client = client

    # -- what a step does ------------------------------------------------------------------------
    def before_reading(self, locations: Iterable[Location]) -> None:
        """Ask what Spark asks of each path in a command line before it reads or writes there.

        Raises:
            S3AError: for the first path, in their order, at which S3 refuses a question.
        """
        with ThreadPoolExecutor(PARALLEL) as pool:
            for answer in [pool.submit(self.look_at, place) for place in locations]:
                answer.result()

    def before_writing(self, written: Iterable[tuple[str, str]]) -> None:
        """Ask what S3A asks before it puts these objects, each a bucket and a key.

        A folder that gets a `_SUCCESS` is a job's output: its committer makes a folder
        `_temporary/0` in it first and deletes `_temporary` last. Every other object is created.

        Raises:
            S3AError: for the first object, in their order, that may not be written.
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
        """Ask after a path, or list the folder that a pattern's first wildcard is in."""
        pattern_start = min(
            (place.key.find(sign) for sign in WILDCARDS if sign in place.key), default=None
        )
        if pattern_start is None:
            self.status(place.bucket, place.key)
        else:
            self.list_status(place.bucket, place.key[:pattern_start].rpartition("/")[0])

    def commit_job(self, bucket: str, folder: str) -> None:
        """Make and delete a job's working folder, as FileOutputCommitter's set-up and commit do.

        Its renames need the same rights as this and as the upload: PUT, GET and DELETE below
        `folder`.
        """
        working = folder + JOB_ATTEMPT
        self.status(bucket, folder)  # Spark asks whether the output is there already
        made = self.mkdirs(bucket, working)
        if made:
            self.status(bucket, folder + JOB_ATTEMPT.partition("/")[0])
            self.call("delete_object", "delete", bucket, working, Key=f"{working}/")

    # -- S3A's operations ------------------------------------------------------------------------
    def status(self, bucket: str, key: str) -> Kind | None:
        """getFileStatus: HEAD, then LIST; None where nothing is there."""
        name = key.rstrip("/")
        if not name:
            return Kind.FOLDER
        if self.is_file(bucket, name):
            return Kind.FILE
        return Kind.FOLDER if self.is_folder(bucket, name) else None

    def list_status(self, bucket: str, folder: str) -> None:
        """The question listStatus begins with, and the one it adds where the answer is empty."""
        name = folder.rstrip("/")
        if not self.is_folder(bucket, name, "listStatus") and name:
            self.status(bucket, name)

    def create(self, bucket: str, key: str) -> None:
        """What create asks where it may overwrite; the PUT is the caller's."""
        if self.is_folder(bucket, key):
            raise S3AError(
                f"org.apache.hadoop.fs.FileAlreadyExistsException: {uri(bucket, key)} "
                "is a directory"
            )

    def mkdirs(self, bucket: str, key: str) -> bool:
        """Make a folder's marker unless the folder is there; returns whether one was made."""
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

    def expected_folder(self, bucket: str, name: str) -> Kind | None:
        """LIST, then HEAD: mkdirs expects a folder; a file there is an error."""
        if self.is_folder(bucket, name):
            return Kind.FOLDER
        if self.is_file(bucket, name):
            raise S3AError(
                f"org.apache.hadoop.fs.FileAlreadyExistsException: Path is a file: "
                f"{uri(bucket, name)}"
            )
        return None

    # -- requests --------------------------------------------------------------------------------
    def is_file(self, bucket: str, name: str) -> bool:
        """HEAD: whether an object of this name is there."""
        try:
            self.client.head_object(Bucket=bucket, Key=name)
        except ClientError as error:
            if absent(error):
                return False
            raise translated("getFileStatus", bucket, name, error) from error
        return True

    def is_folder(self, bucket: str, name: str, operation: str = "getFileStatus") -> bool:
        """LIST: whether the folder has a marker or an entry."""
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
        """One request; raises what S3A throws in `operation` on `key` where S3 refuses it."""
        try:
            return getattr(self.client, method)(Bucket=bucket, **request)
        except ClientError as error:
            raise translated(operation, bucket, key, error) from error


def is_success(key: str) -> bool:
    """Whether an object marks the end of a job."""
    return key.rpartition("/")[2] == SUCCESS


def is_below(place: tuple[str, str], folder: tuple[str, str]) -> bool:
    """Whether an object lies in a folder or deeper."""
    return place[0] == folder[0] and place[1].startswith(folder[1])
