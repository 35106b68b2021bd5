"""Importing ratings: reading them, checking them, uploading them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from marquee.contracts import DataVersion
from marquee.requests.emr_step_requests import StepLocations, StepRequest
from operations import __main__ as command_line
from operations.console import Phases
from operations.deployment import Deployment
from operations.errors import OperationError
from operations.import_ratings import (
    check_ratings,
    dataset_name,
    prepare_data_set,
    read_into_canonical_files,
    report_lines,
)

DATA = DataVersion("films", "v1")
REPORT: dict[str, Any] = {
    "dataset": "films",
    "rows": 1_003,
    "ratings": 1_000,
    "users": 50,
    "movies_rated": 20,
    "duplicates": 0,
    "bad_rows": {"rating is not a number": 3},
    "examples": [
        {
            "file": "ratings.csv",
            "line": 17,
            "reason": "rating is not a number",
            "text": "1,2,x,3",
        }
    ],
}


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("netflix", "netflix"),
        ("ML Latest (small)", "ml-latest-small"),
        ("ml_100k", "ml-100k"),
        ("…", "ratings"),
        ("x" * 60, "x" * 40),
    ],
)
def test_a_data_set_gets_the_name_of_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / folder).mkdir()

    assert dataset_name(tmp_path / folder, None) == name


def test_a_data_set_of_one_file_gets_the_name_of_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()

    assert dataset_name(tmp_path / "films" / "ratings.csv", None) == "films"


@pytest.mark.parametrize("name", ["ML-x.zip", "ml-x.tar", "ml-x.tar.gz", "ml-x.tgz"])
def test_a_data_set_of_an_archive_gets_the_name_of_the_archive(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")

    assert dataset_name(tmp_path / name, None) == "ml-x"


def test_a_chosen_name_is_used(tmp_path: Path) -> None:
    assert dataset_name(tmp_path, "prize") == "prize"


@pytest.mark.parametrize("name", ["", "Prize", "a/b", "-a", "x" * 41])
def test_a_name_that_cannot_be_a_key_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(OperationError, match="NAME is"):
        dataset_name(tmp_path, name)


def test_rows_left_out_are_counted_by_reason() -> None:
    assert "  3 left out: rating is not a number" in report_lines(REPORT, DATA)


def test_a_row_left_out_is_named_with_its_file_and_line() -> None:
    assert any("ratings.csv line 17" in line for line in report_lines(REPORT, DATA))


def test_the_report_says_where_to_find_more_examples() -> None:
    report = {**REPORT, "examples": REPORT["examples"] * 11}

    last = report_lines(report, DATA)[-1]
    assert last.endswith("more in data/films/v1/reports/prepare.json")


def test_a_clean_data_set_takes_one_line() -> None:
    assert len(report_lines({**REPORT, "bad_rows": {}, "examples": []}, DATA)) == 1


@pytest.fixture
def deployment(mocked_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    made = Deployment("staging")
    made.__dict__["parameters"] = {"ratings-bucket": "ratings"}
    boto3.client("s3").create_bucket(Bucket="ratings")
    return made


@pytest.fixture
def phases() -> Iterator[Phases]:
    with Phases() as made:
        yield made


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    pairs = [(user, (user + step) % 20) for step in range(10) for user in range(30)]
    rated = [(*pairs[n % 290], 1 + n % 10) for n in range(300)]
    rows = "".join(f"u{user};{movie};{rating};1/2/2004\n" for user, movie, rating in rated)
    (folder / "mine.txt").write_text(f"User;Film;Stars;Date\n{rows}u1;99;5;1/2/2004\n")
    titles = "".join(f"{n};Made Up {n};Drama\n" for n in range(20))
    (folder / "titles.csv").write_text(f"id;title;genres\n{titles}", encoding="utf-16")
    return folder


def stored(prefix: str = "") -> dict[str, bytes]:
    s3 = boto3.client("s3")
    listed = s3.list_objects_v2(Bucket="ratings", Prefix=prefix).get("Contents", [])
    return {
        item["Key"]: s3.get_object(Bucket="ratings", Key=item["Key"])["Body"].read()
        for item in listed
    }


def test_a_check_prints_what_would_be_imported_and_uploads_nothing(
    deployment: Deployment, phases: Phases, films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_ratings(deployment, phases, films)

    said = capsys.readouterr().out
    assert said[said.index("films: ") :].splitlines() == [
        f"films: {films}",
        "  mine.txt: separated by semicolons, in UTF-8; user from 'User', movie from 'Film',"
        " rating from 'Stars', time from 'Date'",
        "  titles.csv: separated by semicolons, in UTF-16",
        "  301 rows: 300 ratings by 30 users of 20 movies; 20 movies have titles",
        "  scale: 1 to 10, divided by 2, rounded to half stars",
        "  times: none",
        "  user ids are numbered from 1, because they are not whole numbers up to"
        " 9,223,372,036,854,775,807 (the first is 'u0')",
        "  10 rows rate a movie again: the last row counts",
        "  note: '1/2/2004' could begin with the day or the month, so these times are not used:"
        " write them as 2004-02-01",
        "  1 left out: movie is not in the movies file",
        "    mine.txt line 302: movie is not in the movies file: 'u1;99;5;1/2/2004'",
        "Nothing was uploaded. Without CHECK=1, this data set is imported.",
    ]
    assert stored() == {}


def test_a_check_leaves_nothing_behind(deployment: Deployment, phases: Phases, films: Path) -> None:
    check_ratings(deployment, phases, films)

    assert not deployment.state.exists()


def test_an_import_deletes_its_temporary_files_and_nothing_else(
    deployment: Deployment, phases: Phases, films: Path
) -> None:
    deployment.state.mkdir()
    (deployment.state / "done.json").write_text("{}")

    with read_into_canonical_files(deployment, phases, films):
        pass

    assert [path.name for path in deployment.state.iterdir()] == ["done.json"]


def test_a_check_needs_no_deployment(
    monkeypatch: pytest.MonkeyPatch,
    films: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))

    assert command_line.main(["--env", "local", "import", str(films), "--check"]) == 0
    assert "Nothing was uploaded." in capsys.readouterr().out


def test_what_cannot_be_imported_is_reported_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    (tmp_path / "notes.txt").write_text("Dear diary\n")

    status = command_line.main(["--env", "local", "import", str(tmp_path / "notes.txt"), "--check"])

    said = capsys.readouterr().err
    assert status == 1
    assert said.startswith("Nothing was imported: notes.txt begins with 'Dear diary'; accepted: ")
    assert said.count("\n") == 1


def test_the_canonical_files_vanish_with_their_context(
    deployment: Deployment, phases: Phases, films: Path
) -> None:
    with read_into_canonical_files(deployment, phases, films) as found:
        assert found.files == ("movies.csv", "ratings.csv")

    assert not found.folder.exists()


def test_the_digests_of_the_same_ratings_are_the_same(
    deployment: Deployment, phases: Phases, films: Path
) -> None:
    with read_into_canonical_files(deployment, phases, films) as first:
        digests = first.digests()
    with read_into_canonical_files(deployment, phases, films) as second:
        assert second.digests() == digests


def test_the_canonical_files_and_the_report_are_uploaded(
    deployment: Deployment, phases: Phases, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[StepRequest] = []

    def run_step(_: Deployment, step: StepRequest, progress: object) -> None:
        steps.append(step)
        prepared = json.dumps({**REPORT, "bad_rows": {}})
        key = f"{DATA.prefix('reports')}prepare.json"
        boto3.client("s3").put_object(Bucket="ratings", Key=key, Body=prepared)

    where = StepLocations("s3://scripts/", "ratings", "models", "results")
    monkeypatch.setattr("operations.import_ratings.run_step", run_step)
    monkeypatch.setattr("operations.import_ratings.locations", lambda _: where)

    with read_into_canonical_files(deployment, phases, films) as found:
        prepare_data_set(deployment, phases, found, DATA)

    assert [step["Name"] for step in steps] == ["prepare-films"]
    raw = stored("data/films/v1/raw/")
    assert [key.rpartition("/")[2] for key in sorted(raw)] == ["movies.csv", "ratings.csv"]
    assert raw["data/films/v1/raw/ratings.csv"].startswith(
        b"userId,movieId,rating,timestamp\n1,0,0.5,\n2,1,1.0,\n"
    )
    kept = json.loads(stored("data/films/v1/reports/import.json").popitem()[1])
    assert (kept["scale"], kept["scale_rule"]) == ("1 to 10", "divided by 2, rounded to half stars")
    assert kept["left_out"] == {"movie is not in the movies file": 1}


def test_ratings_that_are_too_few_are_not_imported_and_the_cause_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_STATE", str(tmp_path / "state"))
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating\n1,7,4.0\n")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n7,Made Up (1990),Drama\n")
    arguments = ["--env", "local", "import", str(tmp_path), "--check"]

    status = command_line.main(arguments)

    said = capsys.readouterr().err
    assert status == 1
    assert said.startswith("Nothing was imported: only 0 movies have 5 ratings, and 20 are needed")
    assert "only 1 user rated" in said
    assert said.endswith(". FORCE=1 imports them all the same.\n")
    assert command_line.main([*arguments, "--force"]) == 0
    assert "FORCE=1, although only 0 movies have 5 ratings" in capsys.readouterr().out
