"""What there is to learn from: split, numbered and the same however Spark partitions it."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from learning import data
from marquee.hadoop import Files
from marquee.progress import Progress
from tests.spark.tastes import ADA, BOB, USERS, models, movies, ratings, stored

__all__ = ["models", "movies", "ratings", "stored"]  # fixtures
SAY = Progress("train")


def test_given_users_in_many_partitions_when_indexed_then_numbers_are_dense_and_unique(
    ratings: DataFrame,
) -> None:
    marked = data.with_split(ratings.repartition(7), 1)
    users = data.users_of(marked)
    _, starts = data.totals_of(users)
    numbers = data.with_user_index(marked, users, starts).select("user").distinct().collect()
    assert sorted(row["user"] for row in numbers) == list(range(USERS))


def test_given_other_partitions_when_split_then_the_test_ratings_are_the_same(
    ratings: DataFrame,
) -> None:
    once, again = (
        data.with_split(rows, 5).filter("test").select("user_id", "movie_id")
        for rows in (ratings, ratings.repartition(5))
    )
    assert once.exceptAll(again).count() == 0
    assert again.count() == once.count()


def test_given_ratings_when_split_then_about_15_percent_are_held_back(ratings: DataFrame) -> None:
    share = data.with_split(ratings, 1).filter("test").count() / (USERS * 15)
    assert 0.11 < share < 0.19


def test_given_visitors_when_read_then_latest_versions_of_this_data_set_count(
    spark: SparkSession, models: Path
) -> None:
    objects = data.read_visitors(spark, (models / "visitors").as_uri(), Files(spark), SAY)
    found = data.visitors_ratings(objects, "tested").collect()
    assert {(row["movie_id"], row["rating"]) for row in found} == {(2, 5.0), (3, 1.0), (999, 5.0)}


def test_given_visitors_when_read_then_their_user_ids_are_below_every_data_sets(
    spark: SparkSession, models: Path
) -> None:
    objects = data.read_visitors(spark, (models / "visitors").as_uri(), Files(spark), SAY)
    users = [row["user_id"] for row in data.visitors_ratings(objects, "tested").collect()]
    assert max(users) < 0


@pytest.mark.parametrize("made", [True, False])
def test_given_no_visitors_yet_when_read_then_there_are_none(
    spark: SparkSession, tmp_path: Path, made: bool
) -> None:
    folder = tmp_path / "visitors"
    if made:
        folder.mkdir()
    assert data.read_visitors(spark, folder.as_uri(), Files(spark), SAY).collect() == []


def test_given_a_visitor_of_a_newer_schema_when_read_then_she_is_left_out(
    spark: SparkSession,
) -> None:
    rows = [(2, ADA, 1, "", "tested", [(1, 5)]), (1, BOB, 1, "", "tested", [(1, 4)])]
    found = data.visitors_ratings(spark.createDataFrame(rows, data.VISITOR_SCHEMA), "tested")
    assert [row["rating"] for row in found.collect()] == [4.0]


def test_given_a_visitor_who_took_her_ratings_back_when_read_then_none_of_them_count(
    spark: SparkSession,
) -> None:
    rows = [(1, ADA, 1, "", "tested", [(1, 5)]), (1, ADA, 2, "", "tested", [])]
    found = data.visitors_ratings(spark.createDataFrame(rows, data.VISITOR_SCHEMA), "tested")
    assert found.collect() == []
