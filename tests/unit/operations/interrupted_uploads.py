"""Uploads in small parts to moto's S3, which can be interrupted after any part."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto.s3.models import s3_backends

ACCOUNT = "123456789012"


def sha256(content: bytes) -> str:
    """Return the SHA-256 as S3 writes it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def stored_parts(bucket: str, upload_id: str) -> Any:
    """Return moto's own record of an upload's parts, by number."""
    return s3_backends[ACCOUNT]["aws"].buckets[bucket].multiparts[upload_id].parts


def damage(part: Any) -> None:
    """Change what moto has stored of a part."""
    part._value_buffer.seek(0)
    part._value_buffer.write(b"other")


@dataclass
class Connection:
    """Counts the parts that arrive, and fails after some of them.

    Attributes:
        dies_after: parts that arrive before every further one fails; None if none fails.
        fault: what the further ones raise.
        arrived: the numbers of the parts that arrived, in their order.
    """

    dies_after: int | None = None
    fault: BaseException = field(
        default_factory=lambda: EndpointConnectionError(endpoint_url="https://s3.example")
    )
    arrived: list[int] = field(default_factory=list)


def connect(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Make a client send small parts, one after the other, through a connection."""
    connection, send_part = Connection(), s3.upload_part

    def upload_part(**call: Any) -> Any:
        dies_after = connection.dies_after
        if dies_after is not None and len(connection.arrived) >= dies_after:
            raise connection.fault
        connection.arrived.append(call["PartNumber"])
        return send_part(**call)

    monkeypatch.setattr(s3, "upload_part", upload_part)
    # So that an interruption comes after a known part.
    monkeypatch.setattr("operations.uploads._SENDERS", 1)
    # S3 takes no part below 5 MiB but the last one, which would make the tests slow.
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    s3.meta.events.register("after-call.s3.ListParts", _list_checksums)
    return connection


def _list_checksums(parsed: Any, **_: Any) -> None:
    """Add the SHA-256 of what is stored to the listed parts, as S3 does and moto does not."""
    for part in parsed.get("Parts", []):
        stored = stored_parts(parsed["Bucket"], parsed["UploadId"])[part["PartNumber"]]
        part["ChecksumSHA256"] = sha256(stored.value)
