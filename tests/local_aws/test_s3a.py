"""S3A's checks of paths, in their order, and the effect of S3's refusals."""

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from local_aws.emr.mirror import Address
from local_aws.emr.s3a import S3A, PathKind, S3AError
from tests.local_aws.test_mirror import refusal

BUCKET = "ratings"


class RecordingS3:
    """A fake S3 with these keys, some of them refused, that records every request."""

    def __init__(self, *keys: str, refused: tuple[str, ...] = ()) -> None:
        self.keys = set(keys)
        self.refused = refused
        self.requests: list[str] = []
        self.lock = threading.Lock()

    def note(self, verb: str, key: str) -> None:
        with self.lock:
            self.requests.append(f"{verb} {key}")
        if f"{verb} {key}" in self.refused:
            raise ClientError(refusal(403, "403" if verb == "HEAD" else "AccessDenied"), verb)

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self.note("HEAD", Key)
        if Key not in self.keys:
            raise ClientError(refusal(404, "404"), "HeadObject")
        return {}

    def list_objects_v2(
        self,
        Bucket: str,  # noqa: N803
        Prefix: str,  # noqa: N803
        Delimiter: str,  # noqa: N803
        MaxKeys: int,  # noqa: N803
    ) -> dict[str, Any]:
        self.note("LIST", Prefix)
        assert (Delimiter, MaxKeys) == ("/", 2)
        return {"Contents": [{"Key": key} for key in self.keys if key.startswith(Prefix)]}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.note("PUT", Key)
        assert Body == b""
        self.keys.add(Key)

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self.note("DELETE", Key)
        self.keys.discard(Key)


@pytest.mark.parametrize(
    ("key", "kind", "requests"),
    [
        ("visitors/", PathKind.FOLDER, ["HEAD visitors", "LIST visitors/"]),
        ("visitors", PathKind.FOLDER, ["HEAD visitors", "LIST visitors/"]),
        ("current.json", PathKind.FILE, ["HEAD current.json"]),
        ("missing/", None, ["HEAD missing", "LIST missing/"]),
        ("", PathKind.FOLDER, []),
    ],
)
def test_a_status_asks_for_the_bare_name_and_then_lists(
    key: str, kind: PathKind | None, requests: list[str]
) -> None:
    s3 = RecordingS3("visitors/a.json", "current.json")

    assert S3A(s3).status(BUCKET, key) is kind
    assert s3.requests == requests


def test_a_denied_head_of_a_folders_bare_name_is_thrown_as_java_prints_it() -> None:
    s3 = RecordingS3("visitors/a.json", refused=("HEAD visitors",))

    with pytest.raises(S3AError) as caught:
        S3A(s3).before_reading([Address(BUCKET, "visitors/")])

    assert str(caught.value).startswith(
        "java.nio.file.AccessDeniedException: s3://ratings/visitors: "
        "getFileStatus on s3://ratings/visitors: "
    )
    assert str(caught.value).endswith(": 403 Forbidden")
    assert s3.requests == ["HEAD visitors"]


def test_a_denied_list_is_thrown_with_the_code_of_s3() -> None:
    s3 = RecordingS3(refused=("LIST visitors/",))

    with pytest.raises(S3AError, match=r"^java\.nio.*Status Code: 403.*: AccessDenied$"):
        S3A(s3).status(BUCKET, "visitors/")


def test_the_error_names_the_first_denied_path_of_a_command_line() -> None:
    s3 = RecordingS3(refused=("HEAD b", "HEAD c"))

    with pytest.raises(S3AError, match="s3://ratings/b:"):
        S3A(s3).before_reading([Address(BUCKET, key) for key in ("a/", "b/", "c/")])


def test_a_pattern_lists_the_folder_of_its_first_wildcard() -> None:
    s3 = RecordingS3("ratings/dataset=x/part-0")

    S3A(s3).before_reading([Address(BUCKET, "ratings/dataset=*/part-*")])

    assert s3.requests == ["LIST ratings/"]


def test_a_pattern_in_an_empty_folder_asks_for_the_folder_too() -> None:
    s3 = RecordingS3()

    S3A(s3).before_reading([Address(BUCKET, "ratings/*")])

    assert s3.requests == ["LIST ratings/", "HEAD ratings", "LIST ratings/"]


def test_making_a_folder_asks_up_to_the_first_parent_that_exists() -> None:
    s3 = RecordingS3("a/file")

    made = S3A(s3).mkdirs(BUCKET, "a/b/c/")

    assert made
    assert s3.requests == [
        *("LIST a/b/c/", "HEAD a/b/c", "LIST a/b/", "HEAD a/b", "LIST a/", "PUT a/b/c/")
    ]


def test_making_a_folder_ignores_a_denied_parent_but_not_its_own_denial() -> None:
    at_parent = RecordingS3(refused=("HEAD a",))
    at_itself = RecordingS3(refused=("HEAD a/b",))

    assert S3A(at_parent).mkdirs(BUCKET, "a/b")
    with pytest.raises(S3AError, match="s3://ratings/a/b:"):
        S3A(at_itself).mkdirs(BUCKET, "a/b")
    assert "PUT a/b/" in at_parent.requests


def test_no_folder_is_made_where_one_exists_or_below_a_file() -> None:
    assert not S3A(RecordingS3("a/b/c")).mkdirs(BUCKET, "a/b")
    with pytest.raises(S3AError, match="Path is a file: s3://ratings/a"):
        S3A(RecordingS3("a")).mkdirs(BUCKET, "a/b")


def test_a_jobs_output_gets_a_working_folder_that_is_deleted_again() -> None:
    s3 = RecordingS3()

    S3A(s3).before_writing([(BUCKET, "out/part-0"), (BUCKET, "out/_SUCCESS")])

    assert {"HEAD out", "LIST out/", "LIST out/_SUCCESS/"} <= set(s3.requests)
    assert s3.requests.index("PUT out/_temporary/0/") < s3.requests.index(
        "DELETE out/_temporary/0/"
    )
    assert "LIST out/part-0/" not in s3.requests
    assert s3.keys == set()


@pytest.mark.parametrize(
    ("refused", "operation"),
    [
        ("HEAD out", "getFileStatus on s3://ratings/out"),
        ("PUT out/_temporary/0/", "PUT 0-byte object  on s3://ratings/out/_temporary/0"),
        ("DELETE out/_temporary/0/", "delete on s3://ratings/out/_temporary/0"),
    ],
)
def test_an_output_that_may_not_be_written_gives_access_denied(
    refused: str, operation: str
) -> None:
    with pytest.raises(S3AError, match=f"AccessDeniedException.*{operation}"):
        S3A(RecordingS3(refused=(refused,))).before_writing([(BUCKET, "out/_SUCCESS")])


def test_a_single_file_is_created_only_where_there_is_no_folder() -> None:
    s3 = RecordingS3("models/m/x")

    S3A(s3).before_writing([(BUCKET, "models/current.json")])

    assert s3.requests == ["LIST models/current.json/"]
    with pytest.raises(S3AError, match="is a directory"):
        S3A(s3).before_writing([(BUCKET, "models/m")])


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="visitors/a.json", Body=b"{}")
        yield client


def test_a_real_404_of_s3_means_absent(s3: Any) -> None:
    s3a = S3A(s3)

    assert s3a.status(BUCKET, "visitors/") is PathKind.FOLDER
    assert s3a.status(BUCKET, "visitors/a.json") is PathKind.FILE
    assert s3a.status(BUCKET, "missing/") is None


def test_a_missing_bucket_is_an_unknown_store(s3: Any) -> None:
    with pytest.raises(S3AError, match="UnknownStoreException: `s3://nowhere/a': Bucket does not"):
        S3A(s3).status("nowhere", "a")


def test_a_job_leaves_no_marker_in_s3(s3: Any) -> None:
    S3A(s3).before_writing([(BUCKET, "out/_SUCCESS")])

    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == ["visitors/a.json"]


@pytest.mark.parametrize(
    ("status", "exception"),
    [(403, "java.nio.file.AccessDeniedException"), (503, "AWSS3IOException")],
)
def test_only_a_404_on_the_head_means_absent(status: int, exception: str) -> None:
    client = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubbed:
        stubbed.add_client_error(
            "head_object",
            service_error_code=str(status),
            service_message="Forbidden",
            http_status_code=status,
            expected_params={"Bucket": BUCKET, "Key": "visitors"},
        )

        with pytest.raises(S3AError, match=exception):
            S3A(client).status(BUCKET, "visitors/")
        stubbed.assert_no_pending_responses()
