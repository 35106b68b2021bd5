"""Ratings are the same in the driver and on executors, and so is what is fitted to them."""

import math
from typing import Any

import numpy as np
import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning import ratings_on_spark
from learning.als import Objective, Target, fit_als
from learning.rating_blocks import MovieBaseline, RatingBlock, RatingsInDriver
from learning.ratings_on_spark import RatingsOnSpark, blocks_for, read_ratings
from learning.step_log import StepError
from tests.spark.tastes import HUGE, MOVIES, USERS, ratings

__all__ = ["ratings"]  # fixture

EVEN = 4
OBJECTIVES = (
    Objective(Target.STARS, 0.1),
    Objective(Target.RESIDUALS, 0.05),
    Objective(Target.LIKES, 0.3, 3.0),
)


def flags() -> Column:
    return F.when(F.col("movie_id") % 2 == 0, EVEN).otherwise(0)


@pytest.fixture(scope="module")
def in_driver(ratings: DataFrame) -> RatingsInDriver:
    found, _ = read_ratings(ratings, flags())
    assert isinstance(found, RatingsInDriver)
    return found


@pytest.fixture(scope="module")
def on_spark(ratings: DataFrame) -> RatingsOnSpark:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ratings_on_spark, "RATINGS_A_BLOCK", USERS * 15 // 3)
        found, _ = read_ratings(ratings, flags(), most_in_driver=0)
    assert isinstance(found, RatingsOnSpark)
    assert found.blocks.getNumPartitions() == 4
    return found


def rows_of(block: RatingBlock, movie_ids: Any) -> list[tuple[int, int, float, int]]:
    users = block.user_ids[block.users - block.first]
    columns = (users, movie_ids[block.movies], block.stars, block.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def expected(ratings: DataFrame) -> list[tuple[int, int, float, int]]:
    return sorted(
        (row["user_id"], row["movie_id"], row["rating"], EVEN * (row["movie_id"] % 2 == 0))
        for row in ratings.collect()
    )


def test_ratings_in_the_driver_are_ordered_by_user_and_movie(
    ratings: DataFrame, in_driver: RatingsInDriver
) -> None:
    assert rows_of(in_driver.block, in_driver.movie_ids) == expected(ratings)


def test_ratings_on_executors_are_the_same_and_their_users_are_numbered_without_gaps(
    ratings: DataFrame, on_spark: RatingsOnSpark
) -> None:
    blocks = on_spark.map_blocks(_itself, None)
    found = [row for block in blocks for row in rows_of(block, on_spark.movie_ids)]
    assert sorted(found) == expected(ratings)
    numbers = np.unique(np.concatenate([block.users for block in blocks]))
    assert numbers.tolist() == list(range(USERS))


def test_reading_again_gives_the_same_blocks(
    ratings: DataFrame, on_spark: RatingsOnSpark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratings_on_spark, "RATINGS_A_BLOCK", USERS * 15 // 3)
    again, _ = read_ratings(ratings.repartition(7), flags(), most_in_driver=0)
    for one, other in zip(
        on_spark.map_blocks(_itself, None), again.map_blocks(_itself, None), strict=True
    ):
        assert rows_of(one, on_spark.movie_ids) == rows_of(other, again.movie_ids)
    again.release()


def _itself(block: RatingBlock, _: None) -> RatingBlock:
    return block


def test_factors_fitted_on_executors_equal_those_fitted_in_the_driver(
    on_spark: RatingsOnSpark, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare bit for bit between fits on executors, and up to rounding with the driver."""
    blocks = on_spark.map_blocks(_itself, None)
    block = RatingBlock(
        0,
        *(
            np.concatenate([getattr(each, name) for each in blocks])
            for name in ("user_ids", "counts", "movies", "stars", "flags")
        ),
    )
    together = RatingsInDriver(on_spark.movie_ids, block)
    baseline = MovieBaseline.of(on_spark.star_counts())
    fits = []
    for read, most in ((together, 1), (on_spark, 10**9), (on_spark, 1)):
        # The last one solves one model a job, as with many users.
        monkeypatch.setattr(ratings_on_spark, "MOST_BYTES_A_JOB", most)
        sides = read.sides(baseline)
        fits.append(fit_als(sides, OBJECTIVES, rank=4, iterations=3, seed=1))
        sides.release()
    for here, there, again in zip(*fits, strict=True):
        assert np.array_equal(there.users, again.users)
        assert np.array_equal(there.movies, again.movies)
        np.testing.assert_allclose(there.users, here.users, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(there.movies, here.movies, rtol=1e-3, atol=1e-4)


def test_ratings_without_a_flag_are_the_same_in_both_places(
    in_driver: RatingsInDriver, on_spark: RatingsOnSpark
) -> None:
    one, other = (each.without(EVEN).star_counts() for each in (in_driver, on_spark))
    assert np.array_equal(one.counts, other.counts)
    assert one.support[::2].tolist() == [0] * (MOVIES // 2)


def test_totals_count_visitors_and_widen_the_scale_to_whole_stars(spark: SparkSession) -> None:
    rows = [(HUGE, 3, 0.5), (HUGE, 4, 4.0), (-7, 3, 4.5)]
    frame = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    for most in (10, 0):
        _, totals = read_ratings(frame, most_in_driver=most)
        assert (totals.ratings, totals.users, totals.visitors) == (3, 2, 1)
        assert totals.scale == (0.5, 5.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None, 66.0, -0.5])
@pytest.mark.parametrize("most", [10, 0])
def test_ratings_that_are_no_usable_numbers_fail_with_their_number(
    spark: SparkSession, bad: float | None, most: int
) -> None:
    rows = [(7, 3, bad), (8, 3, 4.0)]
    frame = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    with pytest.raises(StepError, match="1 ratings are not finite numbers"):
        read_ratings(frame, most_in_driver=most)


def test_ids_at_the_ends_of_their_types_come_back(spark: SparkSession) -> None:
    rows = [(2**63 - 1, 2**31 - 1, 5.0), (-(2**63), 1, 0.5), (0, 0, 3.333)]
    frame = spark.createDataFrame(rows, "user_id LONG, movie_id INT, rating FLOAT")
    found, _ = read_ratings(frame)
    [block] = found.map_blocks(_itself, None)
    assert block.user_ids.tolist() == [-(2**63), 0, 2**63 - 1]
    assert found.movie_ids[block.movies].tolist() == [1, 0, 2**31 - 1]
    assert block.stars.tolist() == pytest.approx([0.5, 3.333, 5.0])


def test_a_hundred_million_ratings_are_spread_over_many_blocks() -> None:
    assert blocks_for(100_000_000) == 200
