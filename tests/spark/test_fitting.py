"""Fitting the models, and that fold-in gives a visitor the factors that MLlib would."""

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark's users know

from learning import fitting
from marquee.recommender.fold_in import RankingFolding, rated_from
from tests.spark.tastes import numbered, ratings

__all__ = ["ratings"]  # a fixture


def test_folding_in_liked_movies_gives_the_factors_of_mllib(
    spark: SparkSession, ratings: DataFrame
) -> None:
    """Compare with MLlib's implicit ALS half-step for a user, by the scores of all movies."""
    indexed = numbered(ratings)
    liked = indexed.filter("rating >= 4").withColumn("rating", F.lit(1.0))
    als = fitting.implicit_als_of(fitting.Size(4, 5, 0.1, 0.1, 2), seed=3).fit(liked)
    movie_ids = np.array(sorted(row["id"] for row in als.itemFactors.collect()), dtype=np.int32)
    ranking = RankingFolding(fitting.ranking_model(als, movie_ids, 8.0))
    rows = {movie_id: row for row, movie_id in enumerate(movie_ids.tolist())}
    items = fitting.item_factors(als, movie_ids)
    given: dict[int, dict[int, float]] = {}
    for row in indexed.collect():
        given.setdefault(row["user"], {})[row["movie_id"]] = row["rating"]
    for row in als.userFactors.collect():
        ours = ranking.taste(ranking.matrix(rated_from(given[row["id"]], rows)))
        np.testing.assert_allclose(
            ranking.score(ours[None])[0], items @ np.array(row["features"]), atol=2e-3
        )


def test_turned_factors_keep_the_covariance_of_the_predictions(
    ratings: DataFrame,
) -> None:
    als = fitting.fit_explicit_als(
        numbered(ratings), "rating", fitting.Size(4, 5, 0.1, 0.1, 2), 0.1, seed=3
    )
    movie_ids = np.array(sorted(row["id"] for row in als.itemFactors.collect()), dtype=np.int32)
    part = fitting.gaussian_factors(als, movie_ids, np.zeros(len(movie_ids)))
    predictions = fitting.user_factors(als) @ fitting.item_factors(als, movie_ids).T
    np.testing.assert_allclose(part.offset, predictions.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(part.loadings @ part.loadings.T, np.cov(predictions.T), atol=1e-4)


@pytest.mark.parametrize(("ratings", "rank"), [(30_000, 32), (5_000_000, 32), (100_000_000, 64)])
def test_more_ratings_make_a_larger_model(ratings: int, rank: int) -> None:
    assert fitting.size_for(ratings).rank == rank


def test_a_hundred_million_ratings_are_spread_over_many_blocks() -> None:
    assert fitting.size_for(100_000_000).blocks == 200


@pytest.mark.parametrize(
    ("loved_per_user", "weight"), [(50.0, -0.1), (10.0, 0.3), (2.5, 1.8), (1.0, 2.0)]
)
def test_the_typical_user_weighs_more_where_users_liked_fewer_movies(
    loved_per_user: float, weight: float
) -> None:
    assert fitting.typical_weight(loved_per_user) == pytest.approx(weight)
