"""The prepare step: five layouts, bad rows with their line numbers, duplicates."""

import json
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

import prepare
from learning.step_log import StepError
from tests.spark.prepared import Prepared, Preparing, prepared_in

TITLES = "1,2003,Dinosaur Planet\n2,NULL,Fame, Fortune and Love\n3,1997,Amélie\n"


def rows_of(spark: SparkSession, folder: Path) -> list[Row]:
    return spark.read.parquet(folder.as_uri()).collect()


def triples(spark: SparkSession, prepared: Prepared) -> set[tuple[int, int, float]]:
    rows = rows_of(spark, prepared[1] / "ratings")
    return {(row["user_id"], row["movie_id"], row["rating"]) for row in rows}


def places(report: prepare.ImportReport) -> list[tuple[str | int, str | int, str | int]]:
    return [(found["file"], found["line"], found["reason"]) for found in report.examples]


@pytest.fixture(scope="module")
def netflix(preparing: Preparing, spark: SparkSession) -> Prepared:
    """Prepare files with every kind of bad row, cut into blocks of a few lines."""
    first = [
        "7,5,2005-01-01",  # 1: before any movie header
        "1:",
        "10,4,2005-01-02",
        "11,3,2005-01-03",
        "",
        "12,6,2005-01-04",  # 6: off the scale
        "13,2.5,2005-01-05",  # 7: between two steps of the scale
        "14,five,2005-01-06",  # 8: not a number
        "15,5",  # 9: a column is missing
        "2:",
        "10,1,2005-02-30",  # 11: no such date
        "x1,1,2005-02-01",  # 12: not an id
        "99999999999999999999,1,2005-02-01",  # 13: beyond 64 bits
        "10,5,2005-02-02",
        "99999999999:",  # 15: beyond 32 bits
        "16,5,2005-02-03",  # 16: below that header
        "4:",
        "17,5,2005-02-04",  # 18: movie without a title
        "1:",
        "10,5,2006-01-02",  # 20: rated again, later
    ]
    second = ["3:", "10,2,2005-03-01", "18,1,2005-03-02"]
    files: dict[str, str | bytes] = {
        "movie_titles.csv": TITLES.encode("latin-1"),
        "combined_data_1.txt": "\n".join(first) + "\n",
        "combined_data_2.txt": "\r\n".join(second),
        "notes.txt": "not ratings",
        "ratings.tsv": "1\t10\t4\t2005-01-02\n",
    }
    spark.conf.set("spark.sql.files.maxPartitionBytes", "48")
    try:
        return preparing(files)
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")


def test_ratings_get_the_movie_of_their_header(netflix: Prepared, spark: SparkSession) -> None:
    assert triples(spark, netflix) == {
        (10, 1, 5.0),
        (11, 1, 3.0),
        (10, 2, 5.0),
        (10, 3, 2.0),
        (18, 3, 1.0),
    }


def test_lines_and_headers_carry_over_from_block_to_block(
    spark: SparkSession, tmp_path: Path
) -> None:
    content = "1:\n" + "10,4,2005-01-02\n" * 20 + "2:\n" + "11,4,x\n" * 20
    (tmp_path / "a.txt").write_text(content)
    spark.conf.set("spark.sql.files.maxPartitionBytes", "64")
    try:
        blocks = prepare.text_blocks(prepare.lines_of(spark, tmp_path.as_uri(), ["a.txt"]))
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")
    found = [(block.first_line, block.carried) for block in blocks.values()]
    # A line belongs to the block of 64 bytes that it begins in; the second header is line 22.
    under_first = [(line, "1:") for line in (6, 10, 14, 18, 22)]
    assert found == [(1, None), *under_first, (32, "2:"), (41, "2:")]


def test_each_bad_row_is_reported_with_file_line_and_reason(
    netflix: Prepared,
) -> None:
    scale = "rating is not one of 1 to 5 in steps of 1"
    reasons = {
        1: "rating before any movie header",
        6: scale,
        7: scale,
        8: "rating is not a number",
        9: "wrong number of columns",
        11: "date cannot be read",
        12: "user id is not a whole number from 0 up",
        13: "user id is too large",
        15: "movie header cannot be read",
        16: "rating under a movie header that cannot be read",
        18: "movie is not in the movies file",
    }
    expected = [("combined_data_1.txt", line, reason) for line, reason in reasons.items()]
    assert places(netflix[0]) == expected


def test_bad_rows_are_counted_by_reason(netflix: Prepared) -> None:
    counts = netflix[0].bad_rows
    assert (sum(counts.values()), counts["rating is not one of 1 to 5 in steps of 1"]) == (11, 2)


def test_every_row_is_a_rating_a_duplicate_or_bad(
    netflix: Prepared,
) -> None:
    report = netflix[0]
    assert report.rows == report.ratings + report.duplicates + sum(report.bad_rows.values()) == 17


def test_the_latest_rating_of_a_movie_rated_twice_counts(
    netflix: Prepared, spark: SparkSession
) -> None:
    assert netflix[0].duplicates == 1
    assert (10, 1, 5.0) in triples(spark, netflix)


def test_a_cleaned_copy_next_to_the_original_is_ignored(
    netflix: Prepared,
) -> None:
    assert netflix[0].files_ignored == ["notes.txt", "ratings.tsv"]


def test_titles_with_commas_null_years_and_latin_1_stay_whole(
    netflix: Prepared, spark: SparkSession
) -> None:
    movies = {row["movie_id"]: tuple(row[:4]) for row in rows_of(spark, netflix[1] / "movies")}
    assert movies == {
        1: (1, "Dinosaur Planet", 2003, []),
        2: (2, "Fame, Fortune and Love", None, []),
        3: (3, "Amélie", 1997, []),
    }


def test_a_date_is_midnight_utc(netflix: Prepared, spark: SparkSession) -> None:
    ratings = spark.read.parquet((netflix[1] / "ratings").as_uri())
    row = ratings.filter("user_id = 11").selectExpr("unix_timestamp(rated_at) AS seconds").first()
    assert row is not None
    assert row["seconds"] == 1104710400


def test_the_report_is_written_as_json(netflix: Prepared) -> None:
    written = json.loads((netflix[1] / "reports" / "prepare.json").read_text())
    assert (written["layout"], written["users"], written["movies"], written["movies_rated"]) == (
        "netflix-prize",
        3,
        3,
        3,
    )


def test_cleaned_ratings_have_the_columns_movie_user_rating_date(
    preparing: Preparing, spark: SparkSession
) -> None:
    prepared = preparing(
        {
            "movie_titles.csv": TITLES,
            "ratings.tsv": "1\t10\t4\t2005-01-02\n"
            f"2\t{2**40}\t5\t2005-01-03\n"
            "9\t11\t5\t2005-01-03\n",
        }
    )
    assert triples(spark, prepared) == {(10, 1, 4.0), (2**40, 2, 5.0)}
    assert places(prepared[0]) == [("ratings.tsv", 3, "movie is not in the movies file")]


@pytest.fixture(scope="module")
def movielens(preparing: Preparing) -> Prepared:
    movies = (
        "\ufeffmovieId,title,genres\r\n"
        "1,Toy Story (1995),Animation|Comedy\r\n"
        '2,"American President, The (1995)",Romance\r\n'
        '3,"He said ""no"" (1999)",(no genres listed)\r\n'
        '4,"Postman, The (Postino, Il) (1994)",Drama\r\n'
        "5,Babylon 5,Sci-Fi\r\n"
        "6,Too few columns\r\n"
        "x,Nameless (2000),Drama\r\n"
    )
    ratings = (
        "userId,movieId,rating,timestamp\r\n"
        "1,1,4.5,964982703\r\n"
        "1,2,0.5,964982704\r\n"
        "2,1,5.5,964982703\r\n"
        "2,1,4.2,964982703\r\n"
        "2,1,4.0,yesterday\r\n"
        "-2,1,4.0,964982703\r\n"
        "2,4294967296,4.0,964982703\r\n"
        "2,1,4.0,99999999999999\r\n"
        "2,3,4.0,964982703,\r\n"
        "2,3,3.0,964982705\r\n"
        "2,3,1.0,964982704\r\n"
        "2,3,2.0,964982705\r\n"
    )
    return preparing({"ratings.csv": ratings, "movies.csv": movies, "tags.csv": "x"})


def test_movielens_csv_may_have_half_stars_and_crlf(
    movielens: Prepared, spark: SparkSession
) -> None:
    assert {(1, 1, 4.5), (1, 2, 0.5)} < triples(spark, movielens)


def test_the_later_line_counts_among_ratings_of_the_same_second(
    movielens: Prepared, spark: SparkSession
) -> None:
    assert {row for row in triples(spark, movielens) if row[0] == 2} == {(2, 3, 2.0)}


def test_a_rating_without_a_time_is_kept_undated_and_the_last_row_counts(
    preparing: Preparing, spark: SparkSession
) -> None:
    prepared = preparing(
        {
            "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,\n1,1,2.0,\n"
            "2,1,3.0,964982703\n2,1,1.0,\n",
            "movies.csv": "movieId,title,genres\n1,Toy Story (1995),Comedy\n",
        }
    )
    assert triples(spark, prepared) == {(1, 1, 2.0), (2, 1, 3.0)}
    assert (prepared[0].bad_rows, prepared[0].duplicates) == ({}, 2)


def test_movielens_titles_are_split_into_year_article_and_genres(
    movielens: Prepared, spark: SparkSession
) -> None:
    movies = sorted(tuple(row[:4]) for row in rows_of(spark, movielens[1] / "movies"))
    assert movies == [
        (1, "Toy Story", 1995, ["Animation", "Comedy"]),
        (2, "The American President", 1995, ["Romance"]),
        (3, 'He said "no"', 1999, []),
        (4, "The Postman (Postino, Il)", 1994, ["Drama"]),
        (5, "Babylon 5", None, ["Sci-Fi"]),
    ]


def test_each_bad_movielens_row_is_reported_with_its_line(
    movielens: Prepared,
) -> None:
    scale = "rating is not one of 0.5 to 5 in steps of 0.5"
    assert places(movielens[0]) == [
        ("movies.csv", 7, "wrong number of columns"),
        ("movies.csv", 8, "movie id is not a whole number from 0 up"),
        ("ratings.csv", 4, scale),
        ("ratings.csv", 5, scale),
        ("ratings.csv", 6, "date cannot be read"),
        ("ratings.csv", 7, "user id is not a whole number from 0 up"),
        ("ratings.csv", 8, "movie id is too large"),
        ("ratings.csv", 9, "date cannot be read"),
        ("ratings.csv", 10, "wrong number of columns"),
    ]


def test_files_with_double_colons_give_latin_1_titles_and_genres(
    preparing: Preparing, spark: SparkSession
) -> None:
    prepared = preparing(
        {
            "ratings.dat": "1::1193::5::978300760\n2::7::3.5::978302109\n",
            "movies.dat": "1193::Misérables, Les (1995)::Drama|Musical\n7::M: a::b (1931)::Crime\n"
            "8::M (1931)::Crime\n".encode("latin-1"),
        }
    )
    movies = {row["movie_id"]: row["title"] for row in rows_of(spark, prepared[1] / "movies")}
    assert movies == {1193: "Les Misérables", 8: "M"}


def test_genre_flags_of_the_100k_layout_get_their_names(
    preparing: Preparing, spark: SparkSession
) -> None:
    prepared = preparing(
        {
            "u.data": "196\t1\t3\t881250949\n186\t2\t5\t891717742\n186\t3\t5\t891717742\n",
            "u.item": "1|Misérables, Les (1995)|01-Jan-1995||u|0|1|1\n"
            "2|unknown||||1|0|0\n3|Truncated (1990)|01-Jan-1990||u|0|1\n".encode("latin-1"),
            "u.genre": "unknown|0\nDrama|1\nMusical|2\n\n",
        }
    )
    movies = sorted(tuple(row[:4]) for row in rows_of(spark, prepared[1] / "movies"))
    assert movies == [(1, "Les Misérables", 1995, ["Drama", "Musical"]), (2, "unknown", None, [])]


def test_the_first_hundred_of_many_bad_rows_are_shown(
    preparing: Preparing,
) -> None:
    good = "1\t10\t4\t2005-01-02\n" * 150
    bad = "1\t10\t9\t2005-01-02\n" * 140
    report, _ = preparing({"movie_titles.csv": TITLES, "r.tsv": good + bad})
    assert [found["line"] for found in report.examples] == list(range(151, 251))


def test_unusable_ratings_fail_with_one_sentence(
    preparing: Preparing,
) -> None:
    files = {"movie_titles.csv": TITLES, "r.tsv": "1\t10\t4\t2005-99-99\n" * 3}
    with pytest.raises(StepError, match=r"none of the 3 rows in r\.tsv can be used .*3: date"):
        preparing(files)


def test_files_of_another_kind_fail_with_the_name_of_their_folder(
    preparing: Preparing,
) -> None:
    with pytest.raises(StepError, match=r"raw: found no ratings in notes\.txt"):
        preparing({"notes.txt": "hello"})


@pytest.mark.parametrize(
    ("name", "ratings", "users", "movies", "rated"),
    [
        ("netflix", 53_292, 11_527, 17_770, 159),
        ("netflix-cleaned", 43_224, 3_203, 17_770, 148),
        ("ml-latest-small", 100_836, 610, 9_742, 9_724),
        ("ml-100k", 100_000, 943, 1_682, 1_682),
    ],
)
def test_nothing_of_a_real_data_set_is_lost(
    shared_data: Path,
    spark: SparkSession,
    tmp_path: Path,
    name: str,
    ratings: int,
    users: int,
    movies: int,
    rated: int,
) -> None:
    report = prepared_in(spark, tmp_path, shared_data / name)
    assert (report.ratings, report.users, report.movies, report.movies_rated, report.bad_rows) == (
        ratings,
        users,
        movies,
        rated,
        {},
    )
