"""Data sets that do not become active: too many rows are lost, or too little is there."""

from collections import Counter

import pytest

from operations.dataset.guards import objections, too_many_lost
from operations.dataset.report import DatasetReport


def report_of(**changes: object) -> DatasetReport:
    report = DatasetReport(
        rows=1000, ratings=1000, users=10, movies=20, movies_rated=20, movies_with_five_ratings=20
    )
    for name, value in changes.items():
        setattr(report, name, value)
    return report


def test_the_least_that_is_enough_is_accepted() -> None:
    assert objections(report_of(left_out=Counter({"rating is not a number": 100}))) == []


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("rating is not on the scale 1 to 5", "two scales may be mixed"),
        ("movie is not in the movies file", "the file of titles seems to belong to other ratings"),
        ("rating is not a number", "the column of ratings may be another one"),
        ("user id is empty", "the column of users may be another one"),
        ("movie id is too large", "the column of movies may be another one"),
        ("wrong number of columns", "the rows may be cut off or damaged"),
    ],
)
def test_over_a_tenth_of_lost_rows_is_rejected_with_the_likely_cause(
    reason: str, cause: str
) -> None:
    [sentence] = objections(report_of(left_out=Counter({reason: 90, "user id is too large": 11})))

    assert sentence.startswith(f"101 of 1,000 rows are left out, 90 of them because {reason}: ")
    assert cause in sentence


def test_zeros_that_mean_unrated_are_not_lost_ratings() -> None:
    assert objections(report_of(left_out=Counter({"0 stands for no rating": 900}))) == []


def test_rows_of_titles_and_tags_are_not_lost_ratings() -> None:
    others = {"movies: title is empty": 900, "tags: tag is empty": 900}
    assert objections(report_of(left_out=Counter(others))) == []


def test_too_few_movies_with_five_ratings_are_rejected() -> None:
    [sentence] = objections(report_of(movies_with_five_ratings=19))

    assert sentence.startswith("only 19 movies have 5 ratings, and 20 are needed")
    assert "columns of users and movies may be swapped" in sentence


def test_too_few_users_are_rejected() -> None:
    [sentence] = objections(report_of(users=9))

    assert sentence.startswith("only 9 users rated, and 10 are needed")
    assert "export of one person" in sentence


def test_every_reason_is_named() -> None:
    assert len(objections(report_of(users=1, movies_with_five_ratings=0, ratings=0))) == 2


def test_no_rows_lose_nothing() -> None:
    assert too_many_lost(0, {}) is None
