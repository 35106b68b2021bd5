"""Exporting the active ratings, and importing them again."""

import json
from pathlib import Path

import boto3
import pytest

from marquee.contracts import CurrentModel, DataVersion
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.export_ratings import digest_of, export_ratings
from operations.import_ratings import read_into_canonical_files
from tests.unit.operations.dataset.cases import CASES
from tests.unit.operations.dataset.made import put

DATA = DataVersion("films", "v1")


@pytest.fixture
def deployment(mocked_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    made = Deployment("staging")
    made.__dict__["parameters"] = {"ratings-bucket": "ratings", "models-bucket": "models"}
    for bucket in ("ratings", "models"):
        boto3.client("s3").create_bucket(Bucket=bucket)
    return made


def import_case(deployment: Deployment, path: Path) -> dict[str, str]:
    """Store a data set's canonical files and make them active; return their digests."""
    s3 = boto3.client("s3")
    with Phases() as phases, read_into_canonical_files(deployment, phases, path) as found:
        for name in found.files:
            body = (found.folder / name).read_bytes()
            s3.put_object(Bucket="ratings", Key=f"{DATA.prefix('raw')}{name}", Body=body)
        digests = found.digests()
    origin = json.dumps({"files": digests, "scripts": "s3://scripts/"})
    s3.put_object(Bucket="ratings", Key=f"{DATA.prefix('reports')}origin.json", Body=origin)
    active = CurrentModel("m1", "films", "2026-11-21T20:00:00Z", 1, 560, data_version="v1")
    s3.put_object(Bucket="models", Key="current.json", Body=active.to_json())
    return digests


def export(deployment: Deployment, into: Path) -> dict[str, str]:
    with Phases() as phases:
        return export_ratings(deployment, phases, into)


@pytest.mark.parametrize("case", ["good", "ten-scale", "zeros", "kaggle-tmd", "amazon", "ml100k"])
def test_what_is_exported_is_imported_again_with_the_same_digests(
    deployment: Deployment, tmp_path: Path, case: str
) -> None:
    digests = import_case(deployment, put(tmp_path / "films", CASES[case]))

    exported = export(deployment, tmp_path / "exported")

    assert exported == digests
    with (
        Phases() as phases,
        read_into_canonical_files(deployment, phases, tmp_path / "exported") as again,
    ):
        assert again.digests() == digests


def test_the_digest_of_all_files_is_printed(
    deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = import_case(deployment, put(tmp_path / "films", CASES["good"]))
    export(deployment, tmp_path / "exported")

    said = capsys.readouterr().out
    assert all(digest in said for digest in digests.values())
    assert f"{digest_of(digests)}  all files together" in said


def test_a_file_that_changed_in_the_bucket_is_reported(
    deployment: Deployment, tmp_path: Path
) -> None:
    import_case(deployment, put(tmp_path / "films", CASES["good"]))
    key = f"{DATA.prefix('raw')}ratings.csv"
    boto3.client("s3").put_object(Bucket="ratings", Key=key, Body=b"userId,movieId\n")

    with pytest.raises(OperationError, match=r"ratings\.csv differs from the file that was"):
        export(deployment, tmp_path / "exported")


def test_nothing_is_written_into_a_folder_that_holds_something(
    deployment: Deployment, tmp_path: Path
) -> None:
    import_case(deployment, put(tmp_path / "films", CASES["good"]))
    mine = put(tmp_path / "mine", {"ratings.csv": "mine"})

    with pytest.raises(OperationError, match="not an empty folder"):
        export(deployment, mine)
    assert (mine / "ratings.csv").read_text() == "mine"


def test_before_the_first_import_there_is_nothing_to_export(
    deployment: Deployment, tmp_path: Path
) -> None:
    with pytest.raises(OperationError, match="make import"):
        export(deployment, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


def test_ratings_whose_files_are_gone_are_named(deployment: Deployment, tmp_path: Path) -> None:
    import_case(deployment, put(tmp_path / "films", CASES["good"]))
    for name in ("ratings.csv", "movies.csv"):
        boto3.client("s3").delete_object(Bucket="ratings", Key=f"{DATA.prefix('raw')}{name}")

    with pytest.raises(OperationError, match="films, version v1, 560 ratings are not in"):
        export(deployment, tmp_path / "exported")
