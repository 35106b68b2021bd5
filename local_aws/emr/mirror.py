"""Copies a step's `s3://` objects to local files and back, because Spark has no S3 file system.

Before the step, the objects that its arguments name are downloaded to `<folder>/<bucket>/<key>`.
After it, files that are new or changed are uploaded, `_SUCCESS` last, as EMR's committer does.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

ADDRESS = re.compile(r"s3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^\s,'\"]*))?")
PARALLEL = 8
# Up to this size, requesting an object costs more than copying it, so it is kept for later steps.
KEPT_BYTES = 1024 * 1024
ARRAYS = ".npz"


@dataclass(frozen=True)
class Address:
    """An `s3://bucket/key` in a step's arguments; `key` may be a prefix or contain a `*`."""

    bucket: str
    key: str

    @property
    def prefix(self) -> str:
        """The common prefix of all objects that this address names."""
        return self.key.split("*")[0]

    def names(self, key: str) -> bool:
        """Return whether this address names the object `key`, as a file or as its folder."""
        if key.endswith("/"):
            return False  # a folder marker, as the S3 console creates
        if "*" in self.key or self.key == "" or self.key.endswith("/"):
            return key.startswith(self.prefix)
        return key == self.key or key.startswith(self.key + "/")


def addresses(arguments: Iterable[str]) -> list[Address]:
    """Return the distinct `s3://` addresses in a command line, in order."""
    found = (Address(m[1], m[2] or "") for part in arguments for m in ADDRESS.finditer(part))
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class FileVersion:
    """The size in bytes and modification time in nanoseconds, which show if a file has changed."""

    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> "FileVersion":
        """Return the current version of a file."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class ListedObject:
    """An object as S3 lists it; `size` is in bytes, and `etag` changes with the content."""

    bucket: str
    key: str
    size: int
    etag: str

    @property
    def name_when_kept(self) -> str:
        """The relative path of its kept copy.

        The folder depends on the part of the bucket (the first component of the key), the file name
        on the bucket, the key and the content.
        """
        content = f"{self.bucket}/{self.key}/{self.etag}"
        part = self.key.partition("/")[0]
        return f"{_folder_when_kept(self.bucket, part)}/{_digest(content)}"


def _folder_when_kept(bucket: str, part: str) -> str:
    return _digest(f"{bucket}/{part}")[:16]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Mirror:
    """The local files of one step.

    Copies of small objects are kept for later steps, which copy them instead of downloading them if
    they have not changed. An object with its own address in the arguments, such as a submission, is
    not kept: only one step reads it. When a step lists a whole part of a bucket, such as
    `visitors/`, kept copies of objects that no longer exist there are deleted, because visitors may
    be forgotten.

    Args:
        folder: where the step's files lie.
        client: a boto3 S3 client.
        kept: the folder of kept copies, which the mirrors of all steps share; None to keep none.
    """

    def __init__(self, folder: Path, client: Any, kept: Path | None = None) -> None:
        self.folder = folder
        self.client = client
        self.kept = kept
        self.before: dict[tuple[str, str], FileVersion] = {}
        self.buckets: set[str] = set()
        self.single: set[tuple[str, str]] = set()  # objects that have their own address
        self.gone = 0  # objects that were deleted between the listing and the download

    def path(self, bucket: str, key: str) -> Path:
        """Return the local path of an object.

        Raises:
            ValueError: if the key would lead out of the mirror's folder.
        """
        path = self.folder / bucket / key
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise ValueError(f"the key {key!r} of bucket {bucket} leads out of the mirror")
        return path

    def local(self, argument: str) -> str:
        """Return `argument` with each `s3://` address replaced by its local path."""
        return ADDRESS.sub(lambda m: str(self.folder / m[1] / (m[2] or "")), argument)

    def download_all(self, wanted: Iterable[Address]) -> int:
        """Download every object that the addresses name; return the size of Spark's input in bytes.

        The input excludes numpy arrays: they belong to a model, which the script itself reads
        whole, so a large model does not make the Spark job large. An object that is deleted
        between listing and download is skipped and counted in `gone`; to the step, it never
        existed.
        """
        objects: dict[ListedObject, None] = {}
        for address in wanted:
            self.buckets.add(address.bucket)
            (self.folder / address.bucket).mkdir(parents=True, exist_ok=True)
            self.single.add((address.bucket, address.key))
            listed = list(self.listed(address))
            self.drop_others(address, listed)
            objects |= dict.fromkeys(listed)
        with ThreadPoolExecutor(PARALLEL) as pool:
            for item, version in zip(objects, pool.map(self.fetch, objects), strict=True):
                if version is None:
                    self.gone += 1
                else:
                    self.before[item.bucket, item.key] = version
        return sum(item.size for item in objects if not item.key.endswith(ARRAYS))

    def listed(self, address: Address) -> Iterator[ListedObject]:
        """Yield each object that the address names."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=address.bucket, Prefix=address.prefix
        )
        for page in pages:
            for item in page.get("Contents", []):
                if address.names(item["Key"]):
                    yield ListedObject(address.bucket, item["Key"], item["Size"], item["ETag"])

    def fetch(self, item: ListedObject) -> FileVersion | None:
        """Get one object, from S3 or from the kept copies.

        Returns:
            The version of its local file, or None if S3 no longer has the object.
        """
        path = self.path(item.bucket, item.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        is_kept = self.kept is not None and (item.bucket, item.key) not in self.single
        copy = self.kept / item.name_when_kept if self.kept and is_kept else None
        if copy:
            with suppress(FileNotFoundError):  # not kept, or just deleted by another step
                shutil.copyfile(copy, path)
                return FileVersion.of(path)
        try:
            if copy and item.size <= KEPT_BYTES:
                # One call instead of the two of `download_file`: there are thousands of visitors.
                answer = self.client.get_object(Bucket=item.bucket, Key=item.key)
                path.write_bytes(answer["Body"].read())
            else:
                self.client.download_file(item.bucket, item.key, str(path))
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise
            return None
        if copy and item.size <= KEPT_BYTES:
            self.keep(path, copy)
        return FileVersion.of(path)

    def drop_others(self, address: Address, listed: Iterable[ListedObject]) -> None:
        """Delete the kept copies of a whole part of a bucket that are not among its objects.

        Does nothing if the address is not a whole part, such as `visitors/`.
        """
        part = address.key.removesuffix("/")
        if self.kept is None or address.key != f"{part}/" or "/" in part or "*" in part:
            return
        names = {Path(item.name_when_kept).name for item in listed}
        for copy in (self.kept / _folder_when_kept(address.bucket, part)).glob("*"):
            if copy.name not in names:
                copy.unlink(missing_ok=True)

    @staticmethod
    def keep(path: Path, copy: Path) -> None:
        """Keep a copy of a file for later steps; safe if several steps do so at the same time."""
        copy.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=copy.parent, delete=False) as part:
            part.write(path.read_bytes())
        Path(part.name).replace(copy)

    def versions(self) -> dict[tuple[str, str], FileVersion]:
        """Return the bucket and key of each current file, with its version."""
        return {place: FileVersion.of(self.path(*place)) for place in self.files()}

    def new(self) -> list[tuple[str, str]]:
        """Return the bucket and key of each file that is new or has changed since the download."""
        return [place for place, now in self.versions().items() if self.before.get(place) != now]

    def upload_changes(self) -> int:
        """Upload the files that the step wrote and delete the objects whose files it deleted.

        Returns:
            The number of uploaded files.
        """
        now = self.versions()
        for bucket, key in self.before.keys() - now.keys():
            self.client.delete_object(Bucket=bucket, Key=key)
        new = [place for place, version in now.items() if self.before.get(place) != version]
        data = [place for place in new if not place[1].endswith("_SUCCESS")]
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(self.upload, data))
        for place in sorted(set(new) - set(data)):
            self.upload(place)
        self.before = now
        return len(new)

    def upload(self, place: tuple[str, str]) -> None:
        """Upload one file, given its bucket and key."""
        self.client.upload_file(str(self.path(*place)), *place)

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield the bucket and key of each file, except Hadoop's checksums and temporary files."""
        for bucket in sorted(self.buckets):
            root = self.folder / bucket
            for path in sorted(root.rglob("*")):
                key = path.relative_to(root).as_posix()
                checksum = path.name.startswith(".") and path.name.endswith(".crc")
                if path.is_file() and not checksum and "/_temporary/" not in f"/{key}":
                    yield bucket, key
