"""Upload files in parts: an interrupted upload goes on, and all content is checked by digests.

S3 itself keeps which parts have arrived, so nothing is kept on this machine: a part that is there
is used if its size and SHA-256 are those of the file's part, and sent otherwise. Files of one part
are sent in one request. A large file becomes an object only after all other files are there.
"""

import base64
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from botocore.exceptions import BotoCoreError, ClientError
from mypy_boto3_s3 import S3Client
from mypy_boto3_s3.type_defs import CompletedPartTypeDef

from operations.errors import OperationError

PART_BYTES = 8 * 1024 * 1024
_MOST_PARTS = 10_000  # of an upload, by S3's rules
_SENDERS = 4  # parts that are sent, and in memory, at the same time
_BLOCK_BYTES = 1024 * 1024
_MISMATCHES = {"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch", "InvalidPart"}
_GONE = "NoSuchUpload"
_MISSING = {"404", "NoSuchKey"}

type SentBytes = Callable[[int, int], None]


class UnfinishedUpload(OperationError):  # noqa: N818 (what arrived is kept; nothing failed for good)
    """An upload stopped; the parts that have arrived stay for the same command to go on with."""

    status = 75  # EX_TEMPFAIL of sysexits.h: try again


@dataclass(frozen=True, slots=True)
class FileDigests:
    """The digests of a file that is to be uploaded.

    Attributes:
        path: the file.
        size: its bytes.
        sha256: the SHA-256 of all of it in hexadecimal.
        part_bytes: the size of each part but the last.
        parts: the SHA-256 of each part in base64, as S3 writes it; empty for an empty file.
    """

    path: Path
    size: int
    sha256: str
    part_bytes: int
    parts: tuple[str, ...]

    @property
    def in_parts(self) -> bool:
        """Whether the file is uploaded in several parts."""
        return len(self.parts) > 1

    @property
    def checksum(self) -> str:
        """The SHA-256 in base64 that S3 keeps of the object: of several parts, that of theirs."""
        if not self.in_parts:
            return _base64(bytes.fromhex(self.sha256))
        together = b"".join(base64.b64decode(part) for part in self.parts)
        return _base64(hashlib.sha256(together).digest())

    def size_of_part(self, number: int) -> int:
        """Return the bytes of a part; the first one has the number 1."""
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)


def digests_of(path: Path, part_bytes: int | None = None) -> FileDigests:
    """Read a file once and return its digests.

    Parts have `part_bytes`, or else PART_BYTES; they are larger if there would be too many.
    """
    size, part_bytes = path.stat().st_size, part_bytes or PART_BYTES
    while size > part_bytes * _MOST_PARTS:
        part_bytes *= 2
    whole, parts = hashlib.sha256(), []
    with path.open("rb") as content:
        for begin in range(0, size, part_bytes):
            part, left = hashlib.sha256(), min(part_bytes, size - begin)
            while left and (block := content.read(min(_BLOCK_BYTES, left))):
                whole.update(block)
                part.update(block)
                left -= len(block)
            parts.append(_base64(part.digest()))
    return FileDigests(path, size, whole.hexdigest(), part_bytes, tuple(parts))


@dataclass(frozen=True, slots=True)
class PartialUpload:
    """An upload that has not ended: its key and id, and the parts that have arrived.

    Each part has its ETag, its size and its SHA-256 in base64, by its number from 1.
    """

    key: str
    upload_id: str
    parts: Mapping[int, tuple[str, int, str]]

    def usable(self, file: FileDigests) -> dict[int, CompletedPartTypeDef]:
        """Return the parts that have the content of the file's part of the same number."""
        return {
            number: {"PartNumber": number, "ETag": etag, "ChecksumSHA256": checksum}
            for number, (etag, size, checksum) in self.parts.items()
            if number <= len(file.parts)
            and (size, checksum) == (file.size_of_part(number), file.parts[number - 1])
        }


def unfinished_keys(s3: S3Client, bucket: str, prefix: str) -> list[tuple[str, str]]:
    """Return key and id of each upload that has not ended and whose key starts with a prefix."""
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
    return [
        (upload["Key"], upload["UploadId"])
        for page in pages
        for upload in page.get("Uploads", [])
        if upload["Key"].startswith(prefix)
    ]


def unfinished_uploads(s3: S3Client, bucket: str, prefix: str) -> list[PartialUpload]:
    """Return the uploads that have not ended and whose keys start with a prefix, with their parts.

    Parts without a SHA-256 are left out: this module sent no such part.
    """
    return [
        PartialUpload(key, upload_id, dict(_parts(s3, bucket, key, upload_id)))
        for key, upload_id in unfinished_keys(s3, bucket, prefix)
    ]


def abort_upload(s3: S3Client, bucket: str, key: str, upload_id: str) -> None:
    """Delete the parts of an upload, unless it has ended meanwhile."""
    try:
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != _GONE:
            raise


@dataclass(slots=True)
class UploadedBytes:
    """How many bytes of the files were sent, and how many had arrived before."""

    sent: int = 0
    kept: int = 0


def upload_files(
    s3: S3Client,
    bucket: str,
    prefix: str,
    files: Mapping[str, FileDigests],
    progress: SentBytes = lambda _done, _total: None,
) -> UploadedBytes:
    """Make each file an object under a prefix; what has arrived already is not sent again.

    Args:
        s3: the client.
        bucket: the bucket.
        prefix: begins the keys, which end with the files' names.
        files: the files by name.
        progress: is called with the bytes that are there, and with all bytes.

    Raises:
        UnfinishedUpload: if the operator stops it, or S3 cannot be reached or refuses a request.
        OperationError: if content differs from the file that was read.
    """
    uploading = _Uploading(s3, bucket, prefix, files, progress)
    with uploading.stopping_cleanly():
        return uploading.run()


@dataclass(slots=True)
class _Uploading:
    s3: S3Client
    bucket: str
    prefix: str
    files: Mapping[str, FileDigests]
    progress: SentBytes
    count: UploadedBytes = field(default_factory=UploadedBytes)
    lock: Lock = field(default_factory=Lock)

    def run(self) -> UploadedBytes:
        found = unfinished_uploads(self.s3, self.bucket, self.prefix)
        large: list[tuple[PartialUpload, FileDigests]] = []
        for name, file in self.files.items():
            key = f"{self.prefix}{name}"
            # Without s3:ListBucket, AWS answers 403 for a missing object.
            if self._is_there(key, file, missing={"403"}):
                self._counted(kept=file.size)
            elif file.in_parts:
                mine = [each for each in found if each.key == key]
                best = max(mine, key=lambda each: len(each.usable(file)), default=None)
                large.append((best or self._begun(key), file))
            else:
                self._put(key, file)
        chosen = {upload.upload_id for upload, _ in large}
        for each in found:
            if each.upload_id not in chosen:
                abort_upload(self.s3, self.bucket, each.key, each.upload_id)
        # All parts of all files before the first of them becomes an object: as long as any part is
        # missing, the upload can be found by those that are there.
        sent = [(upload, file, self._sent(upload, file)) for upload, file in large]
        for upload, file, parts in sent:
            self._complete(upload, file, parts)
        return self.count

    @contextmanager
    def stopping_cleanly(self) -> Iterator[None]:
        """Turn what stops an upload into an error that says what happens to what has arrived."""
        total = sum(file.size for file in self.files.values())
        done = "the same command, run again, goes on with the parts that have arrived"
        try:
            yield
        except KeyboardInterrupt as error:
            raise UnfinishedUpload(f"{self._how_far(total)}: {done}.") from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _MISMATCHES:
                raise OperationError(
                    f"Nothing was imported: S3 received other content than was read ({code}), or"
                    " the files changed meanwhile. Run the command again."
                ) from error
            if code == _GONE:
                raise UnfinishedUpload(
                    "The upload was ended by somebody else, perhaps by an import of the same files:"
                    " look with 'make status', then run the command again."
                ) from error
            raise UnfinishedUpload(f"{self._how_far(total)} ({error}): {done}.") from error
        except (BotoCoreError, OSError) as error:
            raise UnfinishedUpload(f"{self._how_far(total)} ({error}): {done}.") from error

    def _how_far(self, total: int) -> str:
        there = self.count.sent + self.count.kept
        return f"The upload stopped at {there / total:.0%}" if total else "The upload stopped"

    def _counted(self, *, sent: int = 0, kept: int = 0) -> None:
        with self.lock:
            self.count.sent += sent
            self.count.kept += kept
            total = sum(file.size for file in self.files.values())
            self.progress(self.count.sent + self.count.kept, total)

    def _is_there(self, key: str, file: FileDigests, missing: Set[str] = frozenset()) -> bool:
        """Return whether the object exists and has the content of the file.

        `missing` are other error codes than S3's own that mean that there is no object.
        """
        try:
            head = self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING | missing:
                return False
            raise
        # S3 may add the number of parts, as in `…=-7`.
        checksum = head.get("ChecksumSHA256", "").partition("-")[0]
        return (head["ContentLength"], checksum) == (file.size, file.checksum)

    def _begun(self, key: str) -> PartialUpload:
        answer = self.s3.create_multipart_upload(
            Bucket=self.bucket, Key=key, ChecksumAlgorithm="SHA256"
        )
        return PartialUpload(key, answer["UploadId"], {})

    def _put(self, key: str, file: FileDigests) -> None:
        content = file.path.read_bytes()
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise _changed(file)
        self.s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=content,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=file.checksum,
        )
        self._check(key, file)
        self._counted(sent=file.size)

    def _sent(self, upload: PartialUpload, file: FileDigests) -> list[CompletedPartTypeDef]:
        """Send the parts that are missing; return all parts."""
        parts = upload.usable(file)
        self._counted(kept=sum(map(file.size_of_part, parts)))
        missing = [number for number in range(1, len(file.parts) + 1) if number not in parts]
        pool = ThreadPoolExecutor(_SENDERS)
        try:
            sending = [pool.submit(self._send, upload, file, number) for number in missing]
            for number, part in _ended(sending):
                parts[number] = part
        finally:
            # Parts on their way arrive, so that they need not be sent again.
            pool.shutdown(cancel_futures=True)
        return [parts[number] for number in sorted(parts)]

    def _send(
        self, upload: PartialUpload, file: FileDigests, number: int
    ) -> tuple[int, CompletedPartTypeDef]:
        with file.path.open("rb") as source:
            source.seek((number - 1) * file.part_bytes, os.SEEK_SET)
            content = source.read(file.part_bytes)
        checksum = _base64(hashlib.sha256(content).digest())
        if checksum != file.parts[number - 1]:
            raise _changed(file)
        answer = self.s3.upload_part(
            Bucket=self.bucket,
            Key=upload.key,
            UploadId=upload.upload_id,
            PartNumber=number,
            Body=content,
            ChecksumSHA256=checksum,
        )
        self._counted(sent=len(content))
        return number, {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _complete(
        self, upload: PartialUpload, file: FileDigests, parts: Sequence[CompletedPartTypeDef]
    ) -> None:
        self.s3.complete_multipart_upload(
            Bucket=self.bucket,
            Key=upload.key,
            UploadId=upload.upload_id,
            MultipartUpload={"Parts": parts},
        )
        self._check(upload.key, file)

    def _check(self, key: str, file: FileDigests) -> None:
        """Compare the object with the file by size and SHA-256.

        Raises:
            OperationError: if it differs. The object is deleted then.
        """
        if self._is_there(key, file):
            return
        self.s3.delete_object(Bucket=self.bucket, Key=key)
        raise OperationError(
            f"Nothing was imported: s3://{self.bucket}/{key} differs from {file.path.name} as it"
            " was read, by size or SHA-256, and was deleted. Run the command again."
        )


def _ended(
    sending: Sequence[Future[tuple[int, CompletedPartTypeDef]]],
) -> Iterator[tuple[int, CompletedPartTypeDef]]:
    for future in as_completed(sending):
        yield future.result()


def _changed(file: FileDigests) -> OperationError:
    return OperationError(
        f"Nothing was imported: {file.path} changed while it was uploaded. Run the command again."
    )


def _parts(
    s3: S3Client, bucket: str, key: str, upload_id: str
) -> Iterator[tuple[int, tuple[str, int, str]]]:
    pages = s3.get_paginator("list_parts").paginate(Bucket=bucket, Key=key, UploadId=upload_id)
    try:
        for page in pages:
            for part in page.get("Parts", []):
                if checksum := part.get("ChecksumSHA256"):
                    yield part["PartNumber"], (part["ETag"], part["Size"], checksum)
    except ClientError as error:
        if error.response["Error"]["Code"] != _GONE:
            raise


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
