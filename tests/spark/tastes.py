"""Ratings by users of two tastes, and visitors, for the tests of training."""

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning.prepared import PreparedMovie
from marquee.contracts import Rating, VisitorObject

MOVIES, USERS, HUGE = 30, 80, 2**40
PARTS = (27, 29)
MOVIES_SCHEMA = "movie_id INT, title STRING, year INT, genres ARRAY<STRING>"
TAGS_SCHEMA = "movie_id INT, tag STRING, people INT"
ADA, BOB = "01k0000000000000000000000a", "01k0000000000000000000000b"


def visitor(
    visitor_id: str,
    version: int,
    ratings: dict[int, int],
    dataset: str = "tested",
    at: str = "2026-11-21T20:00:00.000Z",
) -> str:
    given = tuple(Rating(movie_id, stars) for movie_id, stars in ratings.items())
    return VisitorObject(visitor_id, version, at, dataset, given).to_json()


def title_of(movie_id: int) -> str:
    """Return a title that is no part of a series, because numbers of parts are smaller."""
    return f"Movie {1000 + movie_id}"


@pytest.fixture(scope="module")
def ratings(spark: SparkSession) -> DataFrame:
    """Return ratings of two tastes: even users like even movies, odd users like odd ones.

    The user ids exceed 32 bits.
    """
    chance = np.random.default_rng(2)
    rows = [
        (HUGE + user, movie, 4.5 if (user + movie) % 2 == 0 else 1.5)
        for user in range(USERS)
        for movie in sorted(chance.choice(MOVIES, 15, replace=False).tolist())
    ]
    return spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT").cache()


@pytest.fixture(scope="module")
def movies() -> list[PreparedMovie]:
    """Return movies of which two, that people of one taste like, are a series."""
    titles = {i: title_of(i) for i in range(MOVIES)} | {PARTS[0]: "Alien", PARTS[1]: "Alien 2"}
    return [PreparedMovie(i, title, 2000 + i, ("Drama",)) for i, title in titles.items()]


@pytest.fixture(scope="module")
def stored(
    spark: SparkSession,
    ratings: DataFrame,
    movies: list[PreparedMovie],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    dated = ratings.withColumn("rated_at", F.timestamp_seconds(F.lit(0)))
    dated.write.parquet((folder / "ratings").as_uri())
    rows = [(movie.movie_id, movie.title, movie.year, list(movie.genres)) for movie in movies]
    spark.createDataFrame(rows, MOVIES_SCHEMA).write.parquet((folder / "movies").as_uri())
    return folder


@pytest.fixture(scope="module")
def models(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a models folder with visitor objects next to it.

    Ada has two versions, Bob rated another data set, and one object is broken.
    """
    folder = tmp_path_factory.mktemp("models")
    days = folder / "visitors" / "date=2026-11-21", folder / "visitors" / "date=2026-11-22"
    for day in days:
        day.mkdir(parents=True)
    (days[0] / f"{ADA}-1.json").write_text(visitor(ADA, 1, {0: 5, 1: 5}))
    (days[1] / f"{ADA}-2.json").write_text(visitor(ADA, 2, {2: 5, 3: 1, 999: 5}))
    (days[0] / f"{BOB}-1.json").write_text(visitor(BOB, 1, {4: 1}, dataset="another"))
    (days[0] / "broken.json").write_text('{"schema_version": 1, "visitor_id"')
    return folder
