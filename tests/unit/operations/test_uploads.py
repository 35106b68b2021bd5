"""Uploading in parts: going on after an interruption, other content, and digests, under moto."""

import functools
import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mypy_boto3_s3 import S3Client

from operations.errors import OperationError
from operations.uploads import (
    UnfinishedUpload,
    UploadedBytes,
    digests_of,
    unfinished_keys,
    upload_files,
)
from tests.unit.operations.interrupted_uploads import (
    Connection,
    connect,
    damage,
    sha256,
    stored_parts,
)

BUCKET, PREFIX = "ratings", "data/films/v1/raw/"
PART = 1000  # bytes
PARTS = 4
NAME = "ratings.csv"


@pytest.fixture
def s3(mocked_aws: None) -> S3Client:
    made = boto3.client("s3")
    made.create_bucket(Bucket=BUCKET)
    return made


@pytest.fixture
def connection(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> Connection:
    return connect(s3, monkeypatch)


@functools.cache
def content(seed: int = 0, parts: float = PARTS - 0.5) -> bytes:
    block = hashlib.sha256(f"{seed}".encode()).digest()
    return (block * (int(parts * PART) // len(block) + 1))[: int(parts * PART)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / NAME).write_bytes(content())
    (tmp_path / "movies.csv").write_bytes(b"movieId,title,genres\n")
    return tmp_path


def send(s3: S3Client, folder: Path, part_bytes: int = PART) -> UploadedBytes:
    files = {path.name: digests_of(path, part_bytes) for path in sorted(folder.iterdir())}
    return upload_files(s3, BUCKET, PREFIX, files)


def stop_after(s3: S3Client, connection: Connection, parts: int, folder: Path) -> None:
    connection.dies_after = parts
    with pytest.raises(UnfinishedUpload):
        send(s3, folder)
    connection.dies_after = None
    connection.arrived.clear()


def objects(s3: S3Client) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX).get("Contents", [])
    return {
        item["Key"].removeprefix(PREFIX): s3.get_object(Bucket=BUCKET, Key=item["Key"])[
            "Body"
        ].read()
        for item in listed
    }


def upload_id(s3: S3Client) -> str:
    [(_, found)] = unfinished_keys(s3, BUCKET, PREFIX)
    return found


def test_files_are_uploaded_and_nothing_is_left_unfinished(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    count = send(s3, folder)

    assert objects(s3) == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert count == UploadedBytes(sent=len(content()) + len("movieId,title,genres\n"))
    assert unfinished_keys(s3, BUCKET, PREFIX) == []


@pytest.mark.parametrize("parts", range(PARTS + 1))
def test_an_upload_that_stopped_after_any_part_sends_the_others_only(
    s3: S3Client, connection: Connection, folder: Path, parts: int
) -> None:
    if parts < PARTS:
        stop_after(s3, connection, parts, folder)
    else:
        send(s3, folder)
        connection.arrived.clear()

    count = send(s3, folder)

    assert connection.arrived == list(range(parts + 1, PARTS + 1))
    assert count.sent + count.kept == sum(path.stat().st_size for path in folder.iterdir())
    assert objects(s3)[NAME] == content()
    assert unfinished_keys(s3, BUCKET, PREFIX) == []


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stops=st.lists(st.integers(0, PARTS - 1), max_size=4), changes=st.data())
def test_however_often_it_stops_and_the_file_changes_the_object_is_the_file(
    s3: S3Client, connection: Connection, stops: list[int], changes: st.DataObject
) -> None:
    sizes = st.sampled_from((0.1, 1.0, 2.5, PARTS - 0.5))
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / NAME
        for stop in stops:
            path.write_bytes(content(changes.draw(st.integers(0, 1)), changes.draw(sizes)))
            connection.dies_after, connection.arrived = stop, []
            with suppress(UnfinishedUpload):
                send(s3, Path(made), changes.draw(st.sampled_from((PART, 2 * PART))))
        connection.dies_after = None
        path.write_bytes(content(changes.draw(st.integers(0, 1)), changes.draw(sizes)))

        send(s3, Path(made))

        assert objects(s3)[NAME] == path.read_bytes()
        assert unfinished_keys(s3, BUCKET, PREFIX) == []


def test_parts_of_another_file_are_not_used(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    stop_after(s3, connection, 3, folder)
    (folder / NAME).write_bytes(content(seed=1))

    send(s3, folder)

    assert connection.arrived == [1, 2, 3, 4]
    assert objects(s3)[NAME] == content(seed=1)


def test_only_the_parts_that_changed_are_sent_again(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    stop_after(s3, connection, 3, folder)
    changed = bytearray(content())
    changed[PART] ^= 1
    (folder / NAME).write_bytes(changed)

    send(s3, folder)

    assert connection.arrived == [2, 4]
    assert objects(s3)[NAME] == bytes(changed)


def test_parts_of_another_size_are_not_used(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    stop_after(s3, connection, 3, folder)

    send(s3, folder, part_bytes=2 * PART)

    assert connection.arrived == [1, 2]
    assert objects(s3)[NAME] == content()


def test_a_part_that_was_stored_wrongly_is_sent_again(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    stop_after(s3, connection, 3, folder)
    damage(stored_parts(BUCKET, upload_id(s3))[2])

    send(s3, folder)

    assert connection.arrived == [2, 4]
    assert objects(s3)[NAME] == content()


def test_an_object_with_other_content_is_refused_and_deleted(
    s3: S3Client, connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = s3.complete_multipart_upload

    def complete_damaged(**call: Any) -> Any:
        damage(stored_parts(BUCKET, call["UploadId"])[2])
        return real(**call)

    monkeypatch.setattr(s3, "complete_multipart_upload", complete_damaged)

    with pytest.raises(OperationError, match=r"ratings\.csv differs from ratings\.csv") as caught:
        send(s3, folder)

    assert caught.value.status == 1
    assert set(objects(s3)) == {"movies.csv"}


def test_an_object_that_may_not_be_read_is_not_taken_for_another_and_deleted(
    s3: S3Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

    monkeypatch.setattr(s3, "head_object", refused)
    with pytest.raises(UnfinishedUpload, match="Forbidden"):
        send(s3, folder)
    assert objects(s3) == {"movies.csv": b"movieId,title,genres\n"}


def test_content_that_s3_refuses_is_an_error_that_ends_the_upload(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    answer = {"Error": {"Code": "BadDigest", "Message": "did not match"}}
    connection.dies_after, connection.fault = 1, ClientError(answer, "UploadPart")  # type: ignore[arg-type]

    with pytest.raises(OperationError, match="other content than was read") as caught:
        send(s3, folder)

    assert not isinstance(caught.value, UnfinishedUpload)


def test_a_file_that_changes_while_it_is_uploaded_is_an_error(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    files = {NAME: digests_of(folder / NAME, PART)}
    (folder / NAME).write_bytes(content(seed=1))

    with pytest.raises(OperationError, match="changed while it was uploaded"):
        upload_files(s3, BUCKET, PREFIX, files)

    assert objects(s3) == {}


def test_an_upload_that_the_operator_stops_says_how_far_it_is_and_how_to_go_on(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    connection.dies_after, connection.fault = 2, KeyboardInterrupt()

    with pytest.raises(UnfinishedUpload, match=r"stopped at 57%: the same command, run again,"):
        send(s3, folder)


def test_an_upload_that_ended_elsewhere_is_not_taken_for_complete(
    s3: S3Client, connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "NoSuchUpload"}}, "CompleteMultipartUpload")

    monkeypatch.setattr(s3, "complete_multipart_upload", gone)

    with pytest.raises(UnfinishedUpload, match="ended by somebody else"):
        send(s3, folder)


def test_uploads_of_files_that_are_not_there_any_more_are_aborted(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    stop_after(s3, connection, 2, folder)
    (folder / NAME).unlink()

    send(s3, folder)

    assert unfinished_keys(s3, BUCKET, PREFIX) == []


def test_of_several_uploads_of_a_file_the_one_with_most_parts_goes_on(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    stop_after(s3, connection, 2, folder)
    other = s3.create_multipart_upload(Bucket=BUCKET, Key=f"{PREFIX}{NAME}")

    send(s3, folder)

    assert connection.arrived == [3, 4]
    assert other["UploadId"] not in [found for _, found in unfinished_keys(s3, BUCKET, PREFIX)]


def test_no_file_becomes_an_object_before_all_parts_of_all_files_are_there(
    s3: S3Client, connection: Connection, folder: Path
) -> None:
    (folder / "tags.csv").write_bytes(content(parts=1.5))
    connection.dies_after = PARTS + 1

    with pytest.raises(UnfinishedUpload):
        send(s3, folder)

    assert set(objects(s3)) == {"movies.csv"}


def test_the_digests_of_a_file_are_those_of_its_parts(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"abcdefgh")

    digests = digests_of(tmp_path / NAME, part_bytes=3)

    assert digests.sha256 == hashlib.sha256(b"abcdefgh").hexdigest()
    assert digests.parts == (sha256(b"abc"), sha256(b"def"), sha256(b"gh"))
    together = b"".join(hashlib.sha256(part).digest() for part in (b"abc", b"def", b"gh"))
    assert digests.checksum == sha256(together)


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_small_file_has_the_checksum_of_its_content(tmp_path: Path, size: int) -> None:
    (tmp_path / NAME).write_bytes(b"a" * size)

    assert digests_of(tmp_path / NAME, part_bytes=3).checksum == sha256(b"a" * size)


def test_a_file_too_large_for_ten_thousand_parts_has_larger_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.uploads._MOST_PARTS", 3)
    (tmp_path / NAME).write_bytes(b"a" * 10)

    digests = digests_of(tmp_path / NAME, part_bytes=1)

    assert (digests.part_bytes, len(digests.parts)) == (4, 3)
