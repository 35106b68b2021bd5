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


def test_each_tag_counts_the_distinct_users_who_gave_it(
    spark: SparkSession, prepared: Prepared
) -> None:
    assert tags_of(spark, prepared[1]) == {
        (1, "funny", 2),
        (1, 'dark, "very" dark', 1),
        (2, "pixar", 1),
    }


def test_each_bad_tag_is_reported_with_file_line_and_reason(
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


def test_bad_tags_do_not_affect_the_ratings(prepared: Prepared) -> None:
    assert (prepared[0].ratings, prepared[0].tags) == (2, 5)


def test_tags_of_the_older_layout_may_contain_their_separator(
    spark: SparkSession, preparing: Preparing
) -> None:
    _, folder = preparing(DAT)
    assert tags_of(spark, folder) == {(1, "excellent!", 1), (1, "a::b", 1)}


def test_preparing_again_without_tags_removes_them(
    spark: SparkSession, preparing: Preparing
) -> None:
    _, folder = preparing(FILES)
    (folder / "raw" / "tags.csv").unlink()
    report = prepared_in(spark, folder, folder / "raw")
    assert (report.tags, tags_of(spark, folder)) == (0, set())
