"""The prepare step on links: the movies' ids in other catalogues."""

from pathlib import Path

from pyspark.sql import SparkSession

from tests.spark.prepared import Preparing, prepared_in

MOVIES = "\r\n".join(f"{movie},Movie {movie} (2009),Comedy" for movie in range(1, 7))
ROWS = [
    "1,0114709,862",
    "2,0113497,",  # not at TMDB
    "3,,8844",  # not at IMDb
    "4,tt0113228,x",  # neither can be read
    "5,99999999999,99999999999",  # larger than any TMDB id
    "77,0113228,15602",  # no such movie
    "no links at all",
    "1,0114709,862",
]
FILES: dict[str, str | bytes] = {
    "ratings.csv": "userId,movieId,rating,timestamp\r\n1,1,4.0,964982703\r\n",
    "movies.csv": f"movieId,title,genres\r\n{MOVIES}\r\n",
    "links.csv": "movieId,imdbId,tmdbId\r\n" + "\r\n".join(ROWS) + "\r\n",
}

type Links = dict[int, tuple[str | None, int | None]]


def links_of(spark: SparkSession, folder: Path) -> Links:
    rows = spark.read.parquet((folder / "movies").as_uri()).collect()
    return {row["movie_id"]: (row["imdb"], row["tmdb"]) for row in rows}


def test_each_movie_gets_the_links_that_can_be_read(
    spark: SparkSession, preparing: Preparing
) -> None:
    report, folder = preparing(FILES)
    assert links_of(spark, folder) == {
        1: ("0114709", 862),
        2: ("0113497", None),
        3: (None, 8844),
        4: (None, None),
        5: ("99999999999", None),
        6: (None, None),
    }
    assert (report.links, report.movies) == (4, 6)


def test_preparing_again_without_links_removes_them(
    spark: SparkSession, preparing: Preparing
) -> None:
    _, folder = preparing(FILES)
    (folder / "raw" / "links.csv").unlink()
    report = prepared_in(spark, folder, folder / "raw")
    assert (report.links, {*links_of(spark, folder).values()}) == (0, {(None, None)})
