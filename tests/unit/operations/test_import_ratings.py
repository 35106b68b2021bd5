"""Importing ratings: the parts that need no service."""

from pathlib import Path
from typing import Any

import pytest

from operations.errors import OperationError
from operations.import_ratings import dataset_name, report_lines

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


def test_a_chosen_name_is_used(tmp_path: Path) -> None:
    assert dataset_name(tmp_path, "prize") == "prize"


@pytest.mark.parametrize("name", ["", "Prize", "a/b", "-a", "x" * 41])
def test_a_name_that_cannot_be_a_key_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(OperationError, match="NAME is"):
        dataset_name(tmp_path, name)


def test_rows_left_out_are_counted_by_reason() -> None:
    assert "  3 left out: rating is not a number" in report_lines(REPORT)


def test_a_row_left_out_is_named_with_its_file_and_line() -> None:
    assert any("ratings.csv line 17" in line for line in report_lines(REPORT))


def test_the_report_says_where_to_find_more_examples() -> None:
    report = {**REPORT, "examples": REPORT["examples"] * 11}

    assert report_lines(report)[-1].endswith("more in reports/dataset=films/prepare.json")


def test_a_clean_data_set_takes_one_line() -> None:
    assert len(report_lines({**REPORT, "bad_rows": {}, "examples": []})) == 1
