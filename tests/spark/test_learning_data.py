"""The split of training data, which does not depend on Spark's partitions."""

from pyspark.sql import DataFrame, SparkSession

from learning import data
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
