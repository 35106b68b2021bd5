"""A step's `s3://` objects as local files, so that Spark reads them without an S3 file system.

Before the step, what its arguments name is downloaded below `<folder>/<bucket>/<key>`; after it,
what is new or changed there is uploaded, `_SUCCESS` last, as EMR's committer does.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ADDRESS = re.compile(r"s3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^\s,'\"]*))?")
PARALLEL = 8


@dataclass(frozen=True)
class Address:
    """An `s3://bucket/key` named in a step's arguments; `key` may be a prefix or hold a `*`."""

    bucket: str
    key: str

    @property
    def prefix(self) -> str:
        """What every object named by this address begins with."""
        return self.key.split("*")[0]

    def names(self, key: str) -> bool:
        """Whether this address, read as a file or a folder, means the object `key`."""
        if key.endswith("/"):
            return False  # a console's folder marker
        if "*" in self.key or self.key == "" or self.key.endswith("/"):
            return key.startswith(self.prefix)
        return key == self.key or key.startswith(self.key + "/")


def addresses(arguments: Iterable[str]) -> list[Address]:
    """Every distinct `s3://` address in a command line, in order."""
    found = (Address(m[1], m[2] or "") for part in arguments for m in ADDRESS.finditer(part))
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Version:
    """What tells a changed file from an unchanged one."""

    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> "Version":
        """The version of a file now."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns)


class Mirror:
    """The files of one step. `client` is a boto3 S3 client."""

    def __init__(self, folder: Path, client: Any) -> None:
        self.folder = folder
        self.client = client
        self.before: dict[tuple[str, str], Version] = {}
        self.buckets: set[str] = set()

    def path(self, bucket: str, key: str) -> Path:
        """Where an object lies; raises ValueError where the key leaves the folder."""
        path = self.folder / bucket / key
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise ValueError(f"the key {key!r} of bucket {bucket} leads out of the mirror")
        return path

    def local(self, argument: str) -> str:
        """`argument` with each `s3://` address replaced by its local path."""
        return ADDRESS.sub(lambda m: str(self.folder / m[1] / (m[2] or "")), argument)

    def pull(self, wanted: Iterable[Address]) -> int:
        """Download every object the addresses name; returns their bytes."""
        keys: dict[tuple[str, str], int] = {}
        for address in wanted:
            self.buckets.add(address.bucket)
            (self.folder / address.bucket).mkdir(parents=True, exist_ok=True)
            keys |= {(address.bucket, key): size for key, size in self.listed(address)}
        with ThreadPoolExecutor(PARALLEL) as pool:
            for place, version in zip(keys, pool.map(self.download, keys), strict=True):
                self.before[place] = version
        return sum(keys.values())

    def listed(self, address: Address) -> Iterator[tuple[str, int]]:
        """Key and size of each object the address names."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=address.bucket, Prefix=address.prefix
        )
        for page in pages:
            for item in page.get("Contents", []):
                if address.names(item["Key"]):
                    yield item["Key"], item["Size"]

    def download(self, place: tuple[str, str]) -> Version:
        """Fetch one object; returns its file's version."""
        path = self.path(*place)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.client.download_file(place[0], place[1], str(path))
        return Version.of(path)

    def push(self) -> int:
        """Upload what the step wrote, delete what it deleted; returns how many it wrote."""
        now = {place: Version.of(self.path(*place)) for place in self.files()}
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
        """Store one file."""
        self.client.upload_file(str(self.path(*place)), *place)

    def files(self) -> Iterator[tuple[str, str]]:
        """Bucket and key of each file that is an object, not Hadoop's own bookkeeping."""
        for bucket in sorted(self.buckets):
            root = self.folder / bucket
            for path in sorted(root.rglob("*")):
                key = path.relative_to(root).as_posix()
                checksum = path.name.startswith(".") and path.name.endswith(".crc")
                if path.is_file() and not checksum and "/_temporary/" not in f"/{key}":
                    yield bucket, key
