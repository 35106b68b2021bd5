"""Training data: split and numbered, and independent of Spark's partitions."""

from pyspark.sql import DataFrame, SparkSession

from learning import data
from tests.spark.tastes import USERS, ratings

__all__ = ["ratings"]  # fixture


def test_users_in_many_partitions_get_dense_and_unique_numbers(
    ratings: DataFrame,
) -> None:
    marked = data.with_split(ratings.repartition(7), 1)
    users = data.users_of(marked)
    _, starts = data.totals_of(users)
    numbers = data.with_user_index(marked, users, starts).select("user").distinct().collect()
    assert sorted(row["user"] for row in numbers) == list(range(USERS))


def test_other_partitions_give_the_same_test_ratings(
    ratings: DataFrame,
) -> None:
    once, again = (
        data.with_split(rows, 5).filter("test").select("user_id", "movie_id")
        for rows in (ratings, ratings.repartition(5))
    )
    assert once.exceptAll(again).count() == 0
    assert again.count() == once.count()


def test_about_15_percent_of_the_ratings_are_held_out(ratings: DataFrame) -> None:
    share = data.with_split(ratings, 1).filter("test").count() / (USERS * 15)
    assert 0.11 < share < 0.19


def test_no_rating_of_a_visitor_is_held_out(
    spark: SparkSession,
) -> None:
    rows = [(user, movie, 4.0) for user in range(-20, 20) for movie in range(20)]
    given = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    held_back = data.with_split(given, 1).filter("test").select("user_id").distinct().collect()
    assert min(row["user_id"] for row in held_back) >= 0
