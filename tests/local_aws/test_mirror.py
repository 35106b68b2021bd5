"""The mirror that copies a step's S3 objects to files and back."""

import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.emr.mirror import Address, Mirror, addresses


def refusal(status: int, code: str) -> Any:
    """Return the error answer of S3 with this status and code."""
    return {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }


class FakeS3:
    """S3 in a dictionary, with the calls that a mirror and S3A's checks make.

    Attributes:
        refused: keys whose HEAD is answered with 403.
        deleted_meanwhile: keys that are deleted after they were listed.
    """

    def __init__(self, objects: dict[tuple[str, str], bytes]) -> None:
        self.objects = objects
        self.written: list[str] = []
        self.fetched: list[str] = []
        self.refused: set[str] = set()
        self.deleted_meanwhile: set[str] = set()
        self.lock = threading.Lock()

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        status = 403 if Key in self.refused else 200 if (Bucket, Key) in self.objects else 404
        if status != 200:
            raise ClientError(
                refusal(status, str(status)),
                "HeadObject",
            )
        return {}

    def list_objects_v2(self, Bucket: str, Prefix: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        contents = [item for page in self.paginate(Bucket, Prefix) for item in page["Contents"]]
        return {"Contents": contents[:2]}

    def put_object(self, Bucket: str, Key: str, Body: bytes, **_: Any) -> None:  # noqa: N803
        self.objects[Bucket, Key] = Body

    def get_paginator(self, _operation: str) -> "FakeS3":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        found = [
            {"Key": key, "Size": len(body), "ETag": body.decode()}
            for (bucket, key), body in sorted(self.objects.items())
            if bucket == Bucket and key.startswith(Prefix)
        ]
        return [{"Contents": found[:2]}, {"Contents": found[2:]}]

    def download_file(self, bucket: str, key: str, path: str) -> None:
        with self.lock:
            self.fetched.append(key)
        if key in self.deleted_meanwhile:
            # boto3 first asks for the object's size by HEAD, whose answer has no body.
            raise ClientError(refusal(404, "404"), "HeadObject")
        Path(path).write_bytes(self.objects[bucket, key])

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        with self.lock:
            self.fetched.append(Key)
        if Key in self.deleted_meanwhile:
            raise ClientError(refusal(404, "NoSuchKey"), "GetObject")
        return {"Body": BytesIO(self.objects[Bucket, Key])}

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        with self.lock:
            self.objects[bucket, key] = Path(path).read_bytes()
            self.written.append(key)

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        del self.objects[Bucket, Key]


def mirrored(folder: Path, s3: FakeS3, *arguments: str) -> Mirror:
    mirror = Mirror(folder, s3)
    mirror.download_all(addresses(arguments))
    return mirror


def test_new_files_are_listed_before_they_are_uploaded(tmp_path: Path) -> None:
    s3 = FakeS3({("data", "a"): b"1", ("data", "b"): b"2"})
    mirror = mirrored(tmp_path, s3, "s3://data/")

    mirror.path("data", "b").write_bytes(b"22")
    mirror.path("data", "c").write_bytes(b"3")

    assert mirror.new() == [("data", "b"), ("data", "c")]
    assert s3.written == []


def test_each_address_of_a_command_line_is_found_once() -> None:
    found = addresses(
        ["--py-files", "s3://a-b/x.zip,s3://c.d/y.zip", "s3://a-b/x.zip", "--out=s3a://e-f/"]
    )

    assert found == [Address("a-b", "x.zip"), Address("c.d", "y.zip"), Address("e-f", "")]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("model", {"model", "model/a"}),
        ("model/", {"model/a"}),
        ("mod*", {"model", "model/a", "models/b"}),
        ("", {"model", "model/a", "models/b"}),
    ],
)
def test_an_address_names_a_file_or_a_folder_but_not_its_neighbour(
    key: str, names: set[str]
) -> None:
    keys = ["model", "model/a", "model/", "models/b"]

    assert {found for found in keys if Address("bucket", key).names(found)} == names


def test_the_folders_in_the_arguments_exist_before_the_step(tmp_path: Path) -> None:
    s3 = FakeS3({("raw", "a/1"): b"one", ("raw", "a/2/3"): b"two", ("raw", "b"): b"no"})

    mirrored(tmp_path, s3, "s3://raw/a/", "s3://out/new/")

    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {"raw/a/1", "raw/a/2/3"}
    assert (tmp_path / "out").is_dir()


def test_the_files_that_the_step_wrote_are_stored_with_success_last(tmp_path: Path) -> None:
    s3 = FakeS3({})
    mirror = mirrored(tmp_path, s3, "s3://out/")
    for name in ("_SUCCESS", "part-0", "zz/part-1", ".part-0.crc", "_temporary/0/part-9"):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(name)

    mirror.upload_changes()

    assert s3.written[-1] == "_SUCCESS"
    assert sorted(s3.written) == ["_SUCCESS", "part-0", "zz/part-1"]


def test_an_unchanged_object_is_not_stored_again(tmp_path: Path) -> None:
    s3 = FakeS3({("raw", "same"): b"1", ("raw", "changed"): b"1"})
    mirror = mirrored(tmp_path, s3, "s3://raw/")
    (tmp_path / "raw" / "changed").write_bytes(b"22")

    mirror.upload_changes()

    assert s3.written == ["changed"]


def test_an_object_that_the_step_deleted_is_deleted_from_s3(tmp_path: Path) -> None:
    s3 = FakeS3({("raw", "old"): b"1", ("raw", "kept"): b"1"})
    mirror = mirrored(tmp_path, s3, "s3://raw/")
    (tmp_path / "raw" / "old").unlink()

    mirror.upload_changes()

    assert set(s3.objects) == {("raw", "kept")}


def test_an_object_that_an_earlier_step_read_is_not_downloaded_again(tmp_path: Path) -> None:
    s3 = FakeS3({("raw", "same"): b"1", ("raw", "changes"): b"1"})
    Mirror(tmp_path / "first", s3, tmp_path / "kept").download_all([Address("raw", "")])
    s3.objects["raw", "changes"] = b"2"
    s3.fetched.clear()

    Mirror(tmp_path / "second", s3, tmp_path / "kept").download_all([Address("raw", "")])

    assert s3.fetched == ["changes"]
    assert (tmp_path / "second" / "raw" / "same").read_bytes() == b"1"
    assert (tmp_path / "second" / "raw" / "changes").read_bytes() == b"2"


def kept_contents(folder: Path) -> set[bytes]:
    return {path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_deleted_object_is_dropped_when_its_folder_is_read_again(
    tmp_path: Path,
) -> None:
    stays, goes = ("ratings", "visitors/date=1/a.json"), ("ratings", "visitors/date=2/b.json")
    s3 = FakeS3({stays: b"stays", goes: b"goes", ("models", "m/rating.npz"): b"model"})
    wanted = [Address("ratings", "visitors/"), Address("models", "m/")]
    Mirror(tmp_path / "first", s3, tmp_path / "kept").download_all(wanted)
    assert kept_contents(tmp_path / "kept") == {b"stays", b"goes", b"model"}
    del s3.objects[goes]
    Mirror(tmp_path / "second", s3, tmp_path / "kept").download_all([wanted[0]])
    assert kept_contents(tmp_path / "kept") == {b"stays", b"model"}


def test_an_object_with_its_own_address_is_not_kept(tmp_path: Path) -> None:
    s3 = FakeS3({("ratings", "submissions/a.json"): b"ratings of visitors"})
    Mirror(tmp_path / "first", s3, tmp_path / "kept").download_all(
        [Address("ratings", "submissions/a.json")]
    )
    assert kept_contents(tmp_path / "kept") == set()


def test_a_step_that_changes_its_file_does_not_change_the_kept_object(tmp_path: Path) -> None:
    s3 = FakeS3({("raw", "a"): b"1"})
    Mirror(tmp_path / "first", s3, tmp_path / "kept").download_all([Address("raw", "")])
    (tmp_path / "first" / "raw" / "a").write_bytes(b"spoilt")

    Mirror(tmp_path / "second", s3, tmp_path / "kept").download_all([Address("raw", "")])

    assert (tmp_path / "second" / "raw" / "a").read_bytes() == b"1"


def test_a_key_cannot_lead_out_of_the_mirror(tmp_path: Path) -> None:
    s3 = FakeS3({("raw", "../../evil"): b"1"})

    with pytest.raises(ValueError, match="leads out of the mirror"):
        mirrored(tmp_path / "s3", s3, "s3://raw/")


def test_the_arrays_of_a_model_are_downloaded_and_do_not_count_as_size(tmp_path: Path) -> None:
    s3 = FakeS3({("models", "m1/rating.npz"): b"x" * 1000, ("models", "m1/movies.json"): b"[]"})

    size = Mirror(tmp_path, s3).download_all([Address("models", "m1/")])

    assert size == len(b"[]")
    assert (tmp_path / "models" / "m1" / "rating.npz").read_bytes() == b"x" * 1000


@pytest.mark.parametrize("is_kept", [True, False])
def test_an_object_deleted_since_the_listing_is_skipped_and_counted(
    tmp_path: Path, is_kept: bool
) -> None:
    s3 = FakeS3({("raw", "visitors/a"): b"1", ("raw", "visitors/b"): b"2"})
    s3.deleted_meanwhile = {"visitors/a"}
    mirror = Mirror(tmp_path / "s3", s3, tmp_path / "kept" if is_kept else None)

    size = mirror.download_all([Address("raw", "visitors/")])
    mirror.upload_changes()

    assert (mirror.gone, [key for _, key in mirror.before]) == (1, ["visitors/b"])
    assert not mirror.path("raw", "visitors/a").exists()
    assert size > 0
    # The mirror must not delete an object that the step never had.
    assert ("raw", "visitors/a") in s3.objects


def test_a_forbidden_object_does_not_count_as_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = FakeS3({("raw", "a"): b"1"})

    def refuse(bucket: str, key: str, path: str) -> None:
        raise ClientError(refusal(403, "403"), "HeadObject")

    monkeypatch.setattr(s3, "download_file", refuse)

    with pytest.raises(ClientError):
        Mirror(tmp_path, s3).download_all([Address("raw", "a")])
