"""The prepare step on tags: counted by user, with bad rows left out."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.spark.prepared import Prepared, Preparing, prepared_in

HEADER = "userId,movieId,tag,timestamp\r\n"
ROWS = [
    "2,1,Funny,1445714994",
    "3,1, funny ,1445714995",
    "2,1,FUNNY,1445714996",  # the same user again
    '2,1,"dark, ""very"" dark",1445714992',
    "2,2,pixar,1445714993",
    "2,2,  ,1445714993",  # 7: only blanks
    "x,2,pixar,1445714993",  # 8: not a user id
    "2,99999999999,pixar,1445714993",  # 9: beyond 32 bits
    "2,77,pixar,1445714993",  # 10: no such movie
    "2,2,pixar",  # 11: a column is missing
]
FILES: dict[str, str | bytes] = {
    "ratings.csv": "userId,movieId,rating,timestamp\r\n1,1,4.0,964982703\r\n9,2,3.5,964982703\r\n",
    "movies.csv": "movieId,title,genres\r\n1,Toy Story (1995),Comedy\r\n2,Up (2009),Comedy\r\n",
    "tags.csv": HEADER + "\r\n".join(ROWS) + "\r\n",
}
DAT: dict[str, str | bytes] = {
    "ratings.dat": "1::1::5::978300760\n",
    "movies.dat": "1::Toy Story (1995)::Comedy\n",
    "tags.dat": "15::1::excellent!::1215184630\n16::1::a::b::1215184630\n",
}


@pytest.fixture(scope="module")
def prepared(preparing: Preparing) -> Prepared:
    return preparing(FILES)


def tags_of(spark: SparkSession, folder: Path) -> set[tuple[int, str, int]]:
    rows = spark.read.parquet((folder / "tags").as_uri()).collect()
    return {(row["movie_id"], row["tag"], row["people"]) for row in rows}


def test_given_tags_when_prepared_then_each_counts_the_different_people_who_gave_it(
    spark: SparkSession, prepared: Prepared
) -> None:
    assert tags_of(spark, prepared[1]) == {
        (1, "funny", 2),
        (1, 'dark, "very" dark', 1),
        (2, "pixar", 1),
    }


def test_given_bad_tags_when_prepared_then_each_is_reported_with_file_line_and_reason(
    prepared: Prepared,
) -> None:
    reasons = [
        (7, "tag: tag is empty"),
        (8, "tag: user id is not a whole number from 0 up"),
        (9, "tag: movie id is too large"),
        (10, "tag: movie is not in the movies file"),
        (11, "tag: wrong number of columns"),
    ]
    found = [(each["file"], each["line"], each["reason"]) for each in prepared[0].examples]
    assert found == [("tags.csv", line, reason) for line, reason in reasons]
    assert prepared[0].bad_rows == {reason: 1 for _, reason in reasons}


def test_given_bad_tags_when_prepared_then_the_ratings_are_all_there(prepared: Prepared) -> None:
    assert (prepared[0].ratings, prepared[0].tags) == (2, 5)


def test_given_tags_in_the_older_layout_when_prepared_then_their_separator_may_be_in_them(
    spark: SparkSession, preparing: Preparing
) -> None:
    _, folder = preparing(DAT)
    assert tags_of(spark, folder) == {(1, "excellent!", 1), (1, "a::b", 1)}


def test_given_no_tags_any_more_when_prepared_again_then_none_of_the_former_stay(
    spark: SparkSession, preparing: Preparing
) -> None:
    _, folder = preparing(FILES)
    (folder / "raw" / "tags.csv").unlink()
    report = prepared_in(spark, folder, folder / "raw")
    assert (report.tags, tags_of(spark, folder)) == (0, set())
