"""The split of training data, which does not depend on Spark's partitions."""

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning import data
from learning.xxhash import xxhash64
from tests.spark.tastes import USERS, ratings

__all__ = ["ratings"]  # fixture


def held_out(ratings: DataFrame, seed: int) -> DataFrame:
    marked = ratings.withColumn("flags", data.held_out_flag(seed))
    return marked.filter(f"flags = {data.HELD_OUT}").select("user_id", "movie_id")


def test_other_partitions_give_the_same_test_ratings(
    ratings: DataFrame,
) -> None:
    once, again = (held_out(rows, 5) for rows in (ratings, ratings.repartition(5)))
    assert once.exceptAll(again).count() == 0
    assert again.count() == once.count()


def test_about_15_percent_of_the_ratings_are_held_out(ratings: DataFrame) -> None:
    assert 0.11 < held_out(ratings, 1).count() / (USERS * 15) < 0.19


def test_no_rating_of_a_visitor_is_held_out(
    spark: SparkSession,
) -> None:
    rows = [(user, movie, 4.0) for user in range(-20, 20) for movie in range(20)]
    given = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    users = held_out(given, 1).select("user_id").distinct().collect()
    assert min(row["user_id"] for row in users) >= 0


def test_the_driver_and_spark_hash_alike_and_hold_out_the_same_ratings(spark: SparkSession) -> None:
    chance = np.random.default_rng(4)
    users = np.array([0, -1, 2**63 - 1, -(2**63), *chance.integers(-(2**63), 2**63 - 1, 500)])
    movies = np.array([0, -1, 2**31 - 1, -(2**31), *chance.integers(0, 2**31 - 1, 500)], np.int32)
    rows = list(zip(users.tolist(), movies.tolist(), strict=True))
    frame = spark.createDataFrame(rows, "user_id LONG, movie_id INT").select(
        F.xxhash64("user_id", "movie_id").alias("hash"), data.held_out_flag(7).alias("flag")
    )
    expected = frame.collect()
    assert xxhash64(users, movies).tolist() == [row["hash"] for row in expected]
    flags = data.held_out_flags(users, movies, 7)
    assert flags.tolist() == [row["flag"] for row in expected]
    assert 0 < flags.sum() < len(flags)
